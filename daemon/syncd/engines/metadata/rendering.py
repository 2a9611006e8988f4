"""`metadata_cache.json` as bytes: the same bytes for the same content, and content from what others have written too.

One line for each table, example and insight, and no blanks inside a line that JSON does not need: cheap in a prompt, and still something
that two versions can be compared by.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from syncd.domain.errors import TargetMismatch
from syncd.engines.metadata.cache import Cache, Example

GENERAL = "general"
"""What an insight goes by that is of no table."""

_NAMES = ("name", "table", "table_name", "full_name", "table_id", "id")
_QUESTIONS = ("question", "natural_language", "nl", "prompt", "input", "description", "title")
_QUERIES = ("sql", "query", "sql_query", "answer", "output")
_INSIGHTS = ("insight", "insights", "text", "description", "summary")


def parts(cache: Cache) -> dict[str, str]:
    """Key -> its text. Together, in this order, they are the file; each ends with a line feed."""
    texts = {
        "generated_at": _line(cache.generated_at),
        "generation_method": _line(cache.generation_method),
        "schema": _lines("{}", _members(cache.schema)),
        "examples": _lines("[]", (_line({"question": each.question, "sql": each.sql}) for each in cache.examples)),
        "events_tables": _line(list(cache.events_tables)),
        "schema_insights": _lines("{}", _members(cache.schema_insights)),
    }
    members = {key: f"{_line(key)}:{text},\n" for key, text in texts.items()}
    members["generated_at"] = "{\n" + members["generated_at"]
    members["schema_insights"] = members["schema_insights"].removesuffix(",\n") + "\n}\n"
    return members


def written(cache: Cache) -> bytes:
    """UTF-8 without a BOM, six keys in their order, tables and insights in order of name, a line feed at the end.

    What UTF-8 cannot hold, half of a surrogate pair, stands as its JSON escape.
    """
    return "".join(parts(cache).values()).encode("utf-8", "backslashreplace")


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _members(mapping: Mapping[str, object]) -> Iterator[str]:
    return (f"{_line(name)}:{_line(mapping[name])}" for name in sorted(mapping))


def _lines(brackets: str, lines: Iterable[str]) -> str:
    text = ",\n".join(lines)
    return f"{brackets[0]}\n{text}\n{brackets[1]}" if text else brackets


def read(content: bytes) -> Cache:
    """The content of a file, whoever wrote it: with a BOM or in UTF-16, with keys missing or unknown, with lists where names are expected.

    What makes no sense is left out. Raises `TargetMismatch` only for what is no JSON object at all.
    """
    told = _object(content)
    return Cache(
        generated_at=_text(told.get("generated_at")),
        generation_method=_text(told.get("generation_method")),
        schema=dict(_records(_tables(told.get("schema")))),
        examples=tuple(_examples(told.get("examples"))),
        events_tables=tuple(_names(told.get("events_tables"))),
        schema_insights=dict(_insights(told.get("schema_insights"))),
    )


def _object(content: bytes) -> Mapping[str, Any]:
    hint = "the object is not a metadata cache: name another one in `target.object`, or restore a snapshot"
    try:
        text = content.decode(json.detect_encoding(content), "replace").removeprefix("\ufeff")
        told = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise TargetMismatch(f"the published object of {len(content):,} bytes is no JSON; expected an object", hint=hint) from error
    if not isinstance(told, dict):
        raise TargetMismatch(f"the published object holds a JSON {type(told).__name__}; expected an object", hint=hint)
    return told


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _text(value: Any) -> str:
    """A text as it is; of anything else that says something, its JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None or value in ([], {}) else _line(value)


def _first(told: Mapping[str, Any], keys: Iterable[str]) -> str:
    return next((key for key in keys if told.get(key)), "")


def _tables(schema: Any) -> Any:
    """Some files have everything below `tables`."""
    inner = schema.get("tables") if isinstance(schema, dict) and len(schema) == 1 else None
    named = isinstance(inner, dict) and "columns" not in inner and all(isinstance(each, dict) for each in inner.values())
    return inner if named or isinstance(inner, list) else schema


def _records(schema: Any) -> Iterator[tuple[str, Mapping[str, object]]]:
    if isinstance(schema, dict):
        yield from ((name, _record(told)) for name, told in schema.items())
    for told in schema if isinstance(schema, list) else ():
        if isinstance(told, str):
            yield told, {}
        elif isinstance(told, dict) and (key := _first(told, _NAMES)):
            yield _text(told[key]), {other: value for other, value in told.items() if other != key}


def _record(told: Any) -> Mapping[str, object]:
    if isinstance(told, dict):
        return told
    if isinstance(told, list):
        return {"columns": told}
    return {"description": _text(told)} if told else {}


def _examples(told: Any, question: str = "") -> Iterator[Example]:
    """A list of pairs, of queries, or of objects with either under some name; or questions and queries as names and values."""
    if isinstance(told, str) and told.strip():
        yield Example(question, told)
    elif isinstance(told, dict):
        yield from _example(told, question)
    elif isinstance(told, list):
        if _is_pair(told):
            yield Example(told[0], told[1])
        else:
            for each in told:
                yield from _examples(each)


def _example(told: Mapping[str, Any], question: str) -> Iterator[Example]:
    query = _first(told, _QUERIES)
    if query:
        asked = _first(told, (key for key in _QUESTIONS if key != query))
        yield Example(_text(told.get(asked)) or question, _text(told[query]))
        return
    for name, each in told.items():
        yield from _examples(each, name if isinstance(each, str) else "")


def _is_pair(told: list[Any]) -> bool:
    return len(told) == 2 and all(isinstance(each, str) for each in told) and not _reads(told[0])  # noqa: PLR2004 - question, query


def _reads(text: str) -> bool:
    return text.lstrip(" \t\r\n(").upper().startswith(("SELECT", "WITH", "FROM", "--", "/*"))


def _names(told: Any) -> Iterator[str]:
    for each in [told] if isinstance(told, str) else told if isinstance(told, list | dict) else ():
        if isinstance(each, str) and each:
            yield each
        elif isinstance(each, dict) and (key := _first(each, _NAMES)):
            yield _text(each[key])


def _insights(told: Any) -> Iterator[tuple[str, str]]:
    if isinstance(told, dict):
        yield from ((name, text) for name, each in told.items() if (text := _text(each)))
    elif isinstance(told, list) and all(isinstance(each, dict) for each in told):
        for each in told:
            name, text = _first(each, _NAMES), _first(each, _INSIGHTS)
            if text:
                yield _text(each.get(name)) or GENERAL, _text(each[text])
    elif text := "\n".join(filter(None, map(_text, told))) if isinstance(told, list) else _text(told):
        yield GENERAL, text
