"""Where everything stands in a TOML text that a parser has accepted."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from syncd.kit.documents.document import Place, Uneditable
from syncd.kit.documents.splices import Slot, line_end, line_start

_TRIVIA = re.compile(r"(?:[ \t\r\n]|#[^\n]*+)*+")
_KEY = re.compile(r'[ \t]*+([A-Za-z0-9_-]++|"(?:[^"\\]++|\\.)*+"|\'[^\']*+\')[ \t]*+(\.)?')
_SCALAR = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    r'|"(?:[^"\\]++|\\.)*+"'
    r"|'[^']*+'"
    r"|\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]++"
    r"|[^\s,\]}#]++",
    re.DOTALL,
)
_ESCAPED = re.compile(r'[\\"\x00-\x1f\x7f]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


@dataclass(frozen=True, slots=True)
class Item:
    """A key with its value, or an element of an array, which has no key."""

    start: int
    keys: tuple[str, ...]
    value: "Value"
    comma: int | None = None

    @property
    def slot(self) -> Slot:
        return Slot(self.start, self.value.end, self.comma)


@dataclass(frozen=True, slots=True)
class Value:
    """A value; arrays and inline tables have items."""

    start: int
    end: int
    bracket: str = ""
    items: tuple[Item, ...] = ()

    @property
    def slots(self) -> list[Slot]:
        return [item.slot for item in self.items]


@dataclass(slots=True)
class Section:
    """A header with the pairs below it; the first section has none and holds what stands above all headers."""

    path: Place
    """Elements of arrays of tables by number."""
    start: int
    header_end: int
    pairs: list[Item] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Behind the last pair, or the header if there is none."""
        return self.pairs[-1].value.end if self.pairs else self.header_end


def sections(text: str, value: Mapping[str, Any]) -> list[Section]:
    """What the text consists of, in its order. `value` is what a parser made of it."""
    found = [Section((), 0, 0)]
    counts: dict[Place, int] = {}
    position = _past(text, 0)
    while position < len(text):
        if text[position] == "[":
            found.append(_header(text, position, value, counts))
            position = found[-1].header_end
        else:
            found[-1].pairs.append(_pair(text, position))
            position = found[-1].end
        position = _past(text, position)
    return found


def spelled_key(names: Sequence[str | int]) -> str:
    """A dotted key. The numbers of elements are not part of it."""
    return ".".join(tomlkit.key(name).as_string() for name in names if isinstance(name, str))


def spelled(value: Any, like: str = "") -> str:
    """A value in one line, texts in the quotes of the value that it replaces if they fit. Raises `Uneditable`."""
    match value:
        case dict():
            members = ", ".join(f"{spelled_key([name])} = {spelled(each)}" for name, each in value.items())
            return f"{{ {members} }}" if members else "{}"
        case list():
            return f"[{', '.join(map(spelled, value))}]"
        case str():
            return _spelled_text(value, like)
        case _:
            return _spelled_scalar(value)


def body_end(text: str, section: Section) -> int:
    """Where something new may follow a section: behind the comments directly below, unless they touch the next header."""
    below = position = line_end(text, section.end)
    while text[position : (end := line_end(text, position))].lstrip(" \t").startswith("#"):
        position = end
    return position if not text[position:end].strip() else below


def leading(text: str, start: int) -> int:
    """Where the block of comments begins that touches the line of `start` from above."""
    position = line_start(text, start)
    while position and text[(above := line_start(text, position - 1)) : position].lstrip(" \t").startswith("#"):
        position = above
    return position


def _past(text: str, position: int) -> int:
    match = _TRIVIA.match(text, position)
    return match.end() if match else position


def _keys(text: str, position: int) -> tuple[tuple[str, ...], int]:
    names: list[str] = []
    more = True
    while more and (match := _KEY.match(text, position)):
        names.append(_name(match[1]))
        position, more = match.end(), match[2] is not None
    return tuple(names), position


def _name(spelling: str) -> str:
    if spelling[0] == "'":
        return spelling[1:-1]
    if spelling[0] != '"':
        return spelling
    (name,) = tomllib.loads(f"{spelling} = 0")
    return name


def _header(text: str, position: int, value: Any, counts: dict[Place, int]) -> Section:
    brackets = 2 if text.startswith("[[", position) else 1
    names, end = _keys(text, position + brackets)
    path: Place = ()
    for name in names[:-1]:
        value, path = value[name], (*path, name)
        if isinstance(value, list):
            number = counts[path]
            value, path = value[number], (*path, number)
    path = (*path, names[-1])
    if brackets > 1:
        counts[path] = counts.get(path, -1) + 1
        path = (*path, counts[path])
    return Section(path, position, text.index("]", end) + brackets)


def _pair(text: str, position: int) -> Item:
    keys, end = _keys(text, position)
    return Item(position, keys, _value(text, _past(text, text.index("=", end) + 1)))


def _value(text: str, position: int) -> Value:
    bracket = text[position]
    if bracket not in "[{":
        match = _SCALAR.match(text, position)
        return Value(position, match.end() if match else position)
    items = tuple(_items(text, position))
    end = _past(text, items[-1].slot.beyond if items else position + 1)
    return Value(position, end + 1, bracket, items)


def _items(text: str, position: int) -> Iterator[Item]:
    one = _pair if text[position] == "{" else _element
    position = _past(text, position + 1)
    while text[position] not in "]}":
        item = one(text, position)
        position = _past(text, item.value.end)
        if text[position] == ",":
            item = Item(item.start, item.keys, item.value, position)
            position = _past(text, position + 1)
        yield item


def _element(text: str, position: int) -> Item:
    return Item(position, (), _value(text, position))


def _spelled_scalar(value: Any) -> str:
    try:
        return str(tomlkit.item(value).as_string())
    except (TOMLKitError, ValueError) as error:
        raise Uneditable(f"TOML has no {type(value).__name__}") from error


def _spelled_text(value: str, like: str) -> str:
    if like.startswith('"""') and "\n" in value and "\r" not in like + value:
        return '"""\n' + "\n".join(map(_escaped, value.split("\n"))) + '"""'
    if like.startswith("'") and "'" not in value and value.isprintable():
        return f"'{value}'"
    return f'"{_escaped(value)}"'


def _escaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}", value)
