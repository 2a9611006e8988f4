"""Where things stand in a JSON text that may hold comments and trailing commas.

The standard library reads the values, and tells where each ends. For that, what it does not know gives way to blanks first, so that
all positions stay.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from syncd.kit.documents.document import Unparsable
from syncd.kit.documents.plain import is_deep
from syncd.kit.documents.splices import line_of

DEEPEST = 200

_STRING = r'"(?:[^"\\]++|\\.)*+"'
_COMMENT = r"//[^\n]*+|/\*.*?\*/"
_BLANKS = rf"(?:[ \t\r\n]++|{_COMMENT})*+"
_GAP = re.compile(_BLANKS, re.DOTALL)
_TOKEN = re.compile(rf'(?P<kept>(?:[^"/,]++|{_STRING}|,(?!{_BLANKS}[\]}}])|/(?![/*]))++)|(?P<comment>{_COMMENT})|(?P<comma>,)|.', re.DOTALL)
_VISIBLE = re.compile(r"[^\n]")
_NAME_OR_BRACKET = re.compile(rf"(?P<text>{_STRING})(?P<colon>[ \t\r\n]*+:)?|[\[{{]|[\]}}]", re.DOTALL)
_WORDS = re.compile(rf'(?P<kept>(?:[^"/,]++|{_STRING})++)|{_COMMENT}|,(?={_BLANKS}[}}\]])', re.DOTALL)
_UNFINISHED = frozenset("[{,")
_DECODER = json.JSONDecoder()


class Child(NamedTuple):
    """A member or an element: where it begins, where its value does, where that ends, and the comma behind it if there is one."""

    start: int
    value: int
    end: int
    comma: int | None
    name: str | None

    @property
    def beyond(self) -> int:
        """Behind the comma, or the value if there is none."""
        return self.end if self.comma is None else self.comma + 1


def parsed(text: str, *, comments: bool, trailing_commas: bool) -> tuple[dict[str, Any], str]:
    """The value, and the text with blanks for what is not strict JSON. Raises `Unparsable`."""
    if not text.strip():
        return {}, text
    strict = text
    try:
        value = _loaded(text)
    except json.JSONDecodeError:
        strict = _strict(text, comments=comments, trailing_commas=trailing_commas)
        try:
            value = _loaded(strict)
        except json.JSONDecodeError as error:
            raise unparsable(text, error.pos, error.msg) from error
    if not isinstance(value, dict):
        raise unparsable(text, gap_end(text, 0), "expected an object")
    if is_deep(value, DEEPEST):
        raise _too_deep(strict)
    return value, strict


def independently(text: str) -> Any:
    """The value again, found without any of the positions: comments and trailing commas are cut out."""
    bare = _WORDS.sub(lambda match: match["kept"] or " ", text)
    return json.loads(bare, object_pairs_hook=_members) if bare.strip() else {}


def unparsable(text: str, position: int, reason: str) -> Unparsable:
    line, column = line_of(text, position)
    return Unparsable(reason, line, column)


def gap_end(text: str, position: int) -> int:
    """Behind blanks and comments."""
    match = _GAP.match(text, position)
    return match.end() if match else position


def children(text: str, strict: str, start: int) -> Iterator[Child]:
    """What stands between the brackets that open at a position, in a text that has been parsed before."""
    is_mapping = text[start] == "{"
    position = gap_end(text, start + 1)
    while text[position] not in "]}":
        name, value = None, position
        if is_mapping:
            name, colon = _DECODER.raw_decode(strict, position)
            value = gap_end(text, gap_end(text, colon) + 1)
        end = _DECODER.raw_decode(strict, value)[1]
        behind = gap_end(text, end)
        comma = behind if text[behind] == "," else None
        yield Child(position, value, end, comma, name)
        position = behind if comma is None else gap_end(text, comma + 1)


def closing(text: str, start: int, found: Sequence[Child]) -> int:
    """Where the brackets close that open at a position."""
    return gap_end(text, found[-1].beyond if found else start + 1)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_refused)
    except RecursionError:
        raise _too_deep(text) from None
    except _TwiceError as error:
        raise _named_twice(text) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise Unparsable("a number is none that could be held") from error


class _TwiceError(ValueError):
    """A mapping has two members of one name."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _TwiceError("a member is there twice")
    return members


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _strict(text: str, *, comments: bool, trailing_commas: bool) -> str:
    parts: list[str] = []
    before = ""
    for match in _TOKEN.finditer(text):
        part = match.group()
        if match["comment"]:
            if not comments:
                raise unparsable(text, match.start(), "comments have no place here")
            part = _VISIBLE.sub(" ", part)
        elif match["comma"]:
            if before in _UNFINISHED:
                raise unparsable(text, match.start(), "nothing is before the comma")
            if not trailing_commas:
                raise unparsable(text, match.start(), "nothing follows the comma")
            part = " "
        before = part.rstrip()[-1:] or before
        parts.append(part)
    return "".join(parts)


def _levels(strict: str) -> Iterator[tuple[int, int, str | None]]:
    """Each opening bracket and each name: how deep it stands, where, and the name."""
    depth = 0
    for match in _NAME_OR_BRACKET.finditer(strict):
        if match["text"]:
            if match["colon"]:
                yield depth, match.start(), json.loads(match["text"])
        elif match.group() in "[{":
            depth += 1
            yield depth, match.start(), None
        else:
            depth -= 1


def _too_deep(strict: str) -> Unparsable:
    place = next((start for depth, start, name in _levels(strict) if depth > DEEPEST and name is None), 0)
    return unparsable(strict, place, f"nested deeper than {DEEPEST} levels")


def _named_twice(strict: str) -> Unparsable:
    names: dict[int, set[str]] = {}
    for depth, start, name in _levels(strict):
        if name is None:
            names[depth] = set()
        elif name in names[depth]:
            return unparsable(strict, start, f"the member {name!r} is there twice")
        else:
            names[depth].add(name)
    return Unparsable("a member is there twice")
