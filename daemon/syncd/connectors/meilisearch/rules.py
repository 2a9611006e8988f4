"""Which documents Meilisearch is known to refuse, decided without asking it.

Every document passes a few vectorised tests; only one that looks suspicious is parsed. What no rule knows, the server still refuses.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.batch import Refusal

Fault = tuple[str, str]
"""Code and reason of a refusal."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,511}", re.ASCII)
_PLAIN_ID = r'^(?:0|[1-9][0-9]{0,18}|-[1-9][0-9]{0,17}|"[A-Za-z0-9_-]{1,40}")$'
"""Short, because a pattern is compiled for every batch, and high counts take long; a longer id is looked at alone."""
_LOWEST_ID, _HIGHEST_ID = -(2**63), 2**64 - 1
_NUMBER = r'(?:-?[0-9]+(?:\.[0-9]+)?|"-?[0-9]+(?:\.[0-9]+)?")'
_GOOD_GEO = rf'"_geo"\s*:\s*(?:null|\{{\s*"lat"\s*:\s*{_NUMBER}\s*,\s*"lng"\s*:\s*{_NUMBER}\s*\}})'
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_LONGEST_SHOWN = 80
_DEEPEST = 128
_SUSPICIOUS = "|".join(
    [
        r"^(?:[^{]|$)",
        r'"_vectors"\s*:\s*[^{\s]',
        r"\\u[dD][89a-fA-F]",
        r"[0-9][eE]\+?[0-9]{3}",
        r"[0-9]{50}",
        rf"(?:[\[{{][^\[{{]*){{{_DEEPEST + 1}}}",
    ]
)
"""In one pattern, because looking at each document once is most of what the rules cost."""
_MOST_FIELDS = 65_536
_SHORTEST_FIELD = len('"":1')
_LARGEST = 100 * 1024 * 1024
"""The server's own limit for a request, as it is delivered; it may stop reading beyond it without an answer."""


def refusals(rows: pa.RecordBatch, *, geo: bool) -> dict[int, Refusal]:
    """The rows that would be refused, by position. `geo` says whether the index filters or sorts by `_geo`."""
    found: dict[int, Refusal] = {}
    ids, documents = rows.column("id"), rows.column("document")
    for row in _positions(pc.invert(pc.match_substring_regex(ids, _PLAIN_ID))):
        _note(found, row, _id_fault(str(ids[row])))
    if documents.nbytes > _LARGEST:
        for row in _positions(pc.greater(pc.binary_length(documents), _LARGEST)):
            _note(found, row, ("payload_too_large", f"the document has more than {_LARGEST} bytes"))
    for row in _positions(_suspicious(documents, geo=geo)):
        _note(found, row, _document_fault(str(documents[row]), geo=geo))
    return dict(sorted(found.items()))


def possible_ids(ids: pa.StringArray) -> pa.StringArray:
    """Those of some ids that a document can have; the server answers an error if it is asked about any other."""
    return pa.array([text for text in ids.to_pylist() if _ID.fullmatch(text)], pa.string())


def filters_by_geo(settings: Mapping[str, object]) -> bool:
    """Whether an index with these settings looks into `_geo`."""
    attributes = [settings.get("filterableAttributes"), settings.get("sortableAttributes")]
    return any("_geo" in each for each in attributes if isinstance(each, list))


def _note(found: dict[int, Refusal], row: int, fault: Fault | None) -> None:
    if fault is not None and row not in found:
        found[row] = Refusal(row, *fault)


def _positions(mask: pa.BooleanArray) -> Iterable[int]:
    return (int(each) for each in pc.indices_nonzero(mask).to_pylist() if each is not None)


def _id_fault(text: str) -> Fault | None:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if value is None:
        return "missing_document_id", "the row has no value that could be the id of its document"
    if isinstance(value, str):
        good = _ID.fullmatch(value) is not None
    else:
        good = type(value) is int and _LOWEST_ID <= value <= _HIGHEST_ID and text != "-0"
    if good:
        return None
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return "invalid_document_id", (
        f"{shown} cannot be a document id; expected an integer of 64 bits, or a text of 1 to 511 characters, each one of a-z A-Z 0-9 - _"
    )


def _suspicious(documents: pa.StringArray, *, geo: bool) -> pa.BooleanArray:
    mask = pc.match_substring_regex(documents, _SUSPICIOUS)
    if documents.nbytes > _MOST_FIELDS * _SHORTEST_FIELD:
        mask = pc.or_(mask, pc.greater(pc.binary_length(documents), _MOST_FIELDS * _SHORTEST_FIELD))
    if geo:
        mask = pc.or_(mask, pc.and_not(pc.match_substring(documents, '"_geo"'), pc.match_substring_regex(documents, _GOOD_GEO)))
    return mask


def _document_fault(text: str, *, geo: bool) -> Fault | None:
    try:
        document = json.loads(text, parse_int=float)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        return _TOO_DEEP
    except UnicodeEncodeError:
        return "lone_surrogate", "a text holds half of a surrogate pair, which is no character"
    except json.JSONDecodeError as error:
        return "malformed_payload", f"the document is not JSON: {error}"
    except ValueError:
        return "number_out_of_range", "a number is beyond ±1.8e308, the range of a double"
    if not isinstance(document, dict):
        return "malformed_payload", f"the document is {text[:20]}, expected an object"
    faults: list[Callable[[Mapping[str, object]], Fault | None]] = [_field_fault, _vectors_fault, _depth_fault]
    if geo:
        faults.append(_geo_fault)
    return next((fault for fault in (find(document) for find in faults) if fault is not None), None)


_TOO_DEEP = "nested_too_deep", f"the document is nested deeper than {_DEEPEST} levels"


def _depth_fault(document: Mapping[str, object]) -> Fault | None:
    layer: list[object] = [document]
    for _ in range(_DEEPEST + 1):
        layer = [inner for each in layer for inner in _children(each)]
    return _TOO_DEEP if layer else None


def _children(value: object) -> Iterable[object]:
    """What stands inside a value; an empty list or object holds one level too."""
    if isinstance(value, dict):
        return value.values() or (None,)
    if isinstance(value, list):
        return value or (None,)
    return ()


def _field_fault(document: Mapping[str, object]) -> Fault | None:
    if len(document) <= _MOST_FIELDS:
        return None
    return "max_fields_limit_exceeded", f"the document has {len(document)} fields, expected at most {_MOST_FIELDS}"


def _vectors_fault(document: Mapping[str, object]) -> Fault | None:
    if isinstance(document.get("_vectors", {}), dict):
        return None
    return "invalid_vectors_type", "`_vectors` is not an object of vectors by embedder"


def _geo_fault(document: Mapping[str, object]) -> Fault | None:
    geo = document.get("_geo")
    if geo is None:
        return None
    if isinstance(geo, dict) and set(geo) == {"lat", "lng"} and all(map(_is_finite, geo.values())):
        return None
    return "invalid_document_geo_field", "`_geo` is not an object with just the numbers `lat` and `lng`"


def _is_finite(value: object) -> bool:
    if isinstance(value, str):
        return _FLOAT.fullmatch(value) is not None and abs(float(value)) != float("inf")
    return isinstance(value, float)
