"""JSON, with comments and trailing commas where a file may hold them, edited by the spans of its members."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.kit.documents.document import Place, Uneditable, Unparsable
from syncd.kit.documents.plain import at, common, has, plain, same, with_appended, with_set, without
from syncd.kit.documents.splices import (
    Slot,
    Splice,
    decoded,
    indentation,
    line_end,
    line_ending,
    line_of,
    line_start,
    slot_added,
    spliced,
)

_DEEPEST = 200
_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_ATOM = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_REST = re.compile(r"[ \t]*(?://[^\n]*|/\*[^\n]*?\*/[ \t]*)?(?:\r?\n|\Z)")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])', re.DOTALL)


@dataclass(slots=True)
class _Node:
    """A value and its span. `names` and `starts` belong to the members of a mapping; `commas` stands behind each child that has one."""

    start: int
    end: int = 0
    value: Any = None
    names: list[str] | None = None
    starts: list[int] = field(default_factory=list)
    children: "list[_Node]" = field(default_factory=list)
    commas: list[int | None] = field(default_factory=list)

    @property
    def slots(self) -> list[Slot]:
        return [Slot(start, child.end, comma) for start, child, comma in zip(self.starts, self.children, self.commas, strict=True)]

    def child(self, step: str | int) -> int | None:
        """The number of a member or element."""
        if isinstance(step, str):
            return self.names.index(step) if self.names is not None and step in self.names else None
        return step if self.names is None and 0 <= step < len(self.children) else None


class Jsonc:
    """A JSON file. Raises `Unparsable`."""

    def __init__(self, content: bytes, *, comments: bool = True, trailing_commas: bool = True) -> None:
        self._mark, self._text = decoded(content)
        self._comments = comments
        self._trailing = trailing_commas
        self._load()

    @property
    def value(self) -> Mapping[str, Any]:
        """The whole as plain Python values."""
        value: Mapping[str, Any] = self._root.value
        return value

    def content(self) -> bytes:
        """The text as it is now."""
        return (self._mark + self._text).encode()

    def set(self, place: Place, value: Any) -> None:
        """Give a member a value. Raises `Uneditable`."""
        value = plain(value)
        meant = with_set(self.value, place, value)
        self._edit(meant, lambda: self._put(place, value))

    def append(self, place: Place, value: Any) -> None:
        """Add an element to a list. Raises `Uneditable`."""
        value = plain(value)
        meant = with_appended(self.value, place, value)
        if has(self.value, place):
            self._edit(meant, lambda: self._add(self._node(place), None, value))
        else:
            self._edit(meant, lambda: self._put(place, [value]))

    def remove(self, place: Place) -> None:
        """Remove a member or an element. Raises `KeyError`, `Uneditable`."""
        meant = without(self.value, place)
        self._edit(meant, lambda: self._take(place))

    def _edit(self, meant: Any, work: Callable[[], None]) -> None:
        before = self._text
        if same(self.value, meant):
            return
        try:
            work()
            if not same(_independently(self._text), meant):
                raise Uneditable("the edit would change something else")  # noqa: TRY301 - all failures end alike
        except (Unparsable, Uneditable, ValueError) as error:
            self._text = before
            self._load()
            raise Uneditable(str(error)) from error

    def _load(self) -> None:
        scanner = _Scanner(self._text, comments=self._comments, trailing=self._trailing)
        self._root = scanner.root()

    def _replace(self, *splices: Splice) -> None:
        self._text = spliced(self._text, splices)
        self._load()

    def _node(self, place: Place) -> _Node:
        node = self._root
        for step in place:
            number = node.child(step)
            if number is None:
                raise KeyError(place)
            node = node.children[number]
        return node

    def _put(self, place: Place, value: Any) -> None:
        if not self._text.strip():
            self._text = "{}\n"
            self._load()
        depth = next((depth for depth in range(len(place), -1, -1) if has(self.value, place[:depth])), 0)
        node = self._node(place[:depth])
        if depth == len(place):
            self._change(place, node, value)
            return
        if node.names is None:
            if node.value is not None:
                raise Uneditable(f"there is nothing that could hold {place[depth]!r}")
            self._replace(Splice(node.start, node.end, "{}"))
            node = self._node(place[:depth])
        inner = value
        for step in reversed(place[depth + 1 :]):
            inner = {step: inner}
        self._add(node, str(place[depth]), inner)

    def _change(self, place: Place, node: _Node, value: Any) -> None:
        if same(node.value, value):
            return
        if isinstance(node.value, dict) and isinstance(value, dict) and node.value:
            for name in [name for name in node.value if name not in value]:
                self._take((*place, name))
            for name, each in value.items():
                self._put((*place, name), each)
            return
        if isinstance(node.value, list) and isinstance(value, list) and node.value and value:
            self._change_list(place, value)
            return
        self._replace(Splice(node.start, node.end, self._written(value, self._indent_at(node.start), flat=self._is_flat(node))))

    def _change_list(self, place: Place, value: list[Any]) -> None:
        """Keep what is the same at the beginning; change, remove or add the rest."""
        old = at(self.value, place)
        start = common(old, value)
        for number in range(start, min(len(old), len(value))):
            self._change((*place, number), self._node((*place, number)), value[number])
        for number in reversed(range(len(value), len(old))):
            self._take((*place, number))
        for each in value[len(old) :]:
            self._add(self._node(place), None, each)

    def _add(self, node: _Node, name: str | None, value: Any) -> None:
        """A new last member or element."""
        flat = self._is_flat(node)
        outer = self._indent_at(node.start)
        indent = self._indent_of_children(node, outer)
        text = self._written(value, indent, flat=flat)
        new = text if name is None else f"{json.dumps(name, ensure_ascii=False)}: {text}"
        if node.children:
            self._replace(*slot_added(self._text, node.slots, (node.start + 1, node.end - 1), new))
            return
        inner = self._text[node.start + 1 : node.end - 1]
        if flat:
            self._replace(Splice(node.start + 1, node.end - 1, f"{inner.rstrip()}{new}"))
            return
        ending = line_ending(self._text) if "\n" in self._text else "\n"
        kept = inner.rstrip() if inner.strip() else ""
        self._replace(Splice(node.start + 1, node.end - 1, f"{kept}{ending}{indent}{new}{ending}{outer}"))

    def _take(self, place: Place) -> None:
        outer = self._node(place[:-1])
        number = outer.child(place[-1])
        if number is None:
            raise KeyError(place)
        self._replace(*_removed(self._text, outer, number))

    def _is_flat(self, node: _Node) -> bool:
        """Whether new children stand in one line with the rest."""
        if node.children:
            return indentation(self._text, node.starts[-1]) is None
        return "\n" not in self._text.strip() and self._text.strip() != "{}"

    def _indent_at(self, position: int) -> str:
        line = self._text[line_start(self._text, position) : position]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _indent_of_children(self, node: _Node, outer: str) -> str:
        if node.children:
            return indentation(self._text, node.starts[-1]) or self._indent_at(node.starts[-1])
        return outer + self._unit()

    def _unit(self) -> str:
        """What one level is indented by."""
        for start in self._root.starts:
            indent = indentation(self._text, start)
            if indent:
                return indent
        return "  "

    def _written(self, value: Any, indent: str, *, flat: bool) -> str:
        if flat:
            return json.dumps(value, ensure_ascii=False)
        unit = self._unit()
        text = json.dumps(value, ensure_ascii=False, indent=unit)
        ending = line_ending(self._text) if "\n" in self._text else "\n"
        return text.replace("\n", ending + indent)


def _removed(text: str, node: _Node, number: int) -> list[Splice]:
    """A child away with its comma, and with its own line and the comment behind it."""
    slots = node.slots
    slot = slots[number]
    splices = []
    if slot.comma is None and number > 0 and (comma := slots[number - 1].comma) is not None:
        splices.append(Splice(comma, comma + 1, ""))
    if indentation(text, slot.start) is not None and _REST.match(text, slot.beyond):
        return [*splices, Splice(line_start(text, slot.start), line_end(text, slot.beyond), "")]
    if number == len(slots) - 1:
        start = slots[number - 1].beyond if number else slot.start
        return [*splices, Splice(max(start, slot.start - _blanks_before(text, slot.start)), slot.beyond, "")]
    return [
        *splices,
        Splice(slot.start, slots[number + 1].start if "\n" not in text[slot.beyond : slots[number + 1].start] else slot.beyond, ""),
    ]


def _blanks_before(text: str, position: int) -> int:
    before = text[:position]
    return len(before) - len(before.rstrip(" \t"))


class _Scanner:
    """One pass over a text."""

    def __init__(self, text: str, *, comments: bool, trailing: bool) -> None:
        self._text = text
        self._space = _SPACE if comments else _BLANK
        self._trailing = trailing

    def root(self) -> _Node:
        position = self._skip(0)
        if position == len(self._text):
            if self._text.strip():
                raise self._bad(position, "expected an object")
            return self._empty()
        if self._text[position] != "{":
            raise self._bad(position, "expected an object")
        node = self._value(position, 0)
        end = self._skip(node.end)
        if end < len(self._text):
            raise self._bad(end, "expected the end of the file")
        return node

    def _empty(self) -> _Node:
        return _Node(0, 0, {}, [])

    def _skip(self, position: int) -> int:
        match = self._space.match(self._text, position)
        return match.end() if match else position

    def _bad(self, position: int, reason: str) -> Unparsable:
        line, column = line_of(self._text, min(position, len(self._text)))
        return Unparsable(reason, line, column)

    def _value(self, position: int, depth: int) -> _Node:
        first = self._text[position : position + 1]
        if depth > _DEEPEST:
            raise self._bad(position, f"nested deeper than {_DEEPEST} levels")
        if first == "{":
            return self._mapping(position, depth)
        if first == "[":
            return self._list(position, depth)
        match = _STRING.match(self._text, position) if first == '"' else _ATOM.match(self._text, position)
        if match is None:
            raise self._bad(position, "expected a value" if position < len(self._text) else "the file ends in the middle")
        return _Node(position, match.end(), self._scalar(match))

    def _scalar(self, match: re.Match[str]) -> Any:
        try:
            return json.loads(match.group())
        except ValueError as error:
            raise self._bad(match.start(), "this is no value") from error

    def _mapping(self, position: int, depth: int) -> _Node:
        node = _Node(position, names=[])
        value: dict[str, Any] = {}
        for start in self._children(node, "}"):
            match = _STRING.match(self._text, start)
            if match is None:
                raise self._bad(start, "expected the name of a member")
            name = self._scalar(match)
            if name in value:
                raise self._bad(start, f"the member {name!r} is there twice")
            colon = self._skip(match.end())
            if self._text[colon : colon + 1] != ":":
                raise self._bad(colon, "expected a colon")
            child = self._value(self._skip(colon + 1), depth + 1)
            value[name] = child.value
            node.names.append(name)  # type: ignore[union-attr] - it was made with names
            node.starts.append(start)
            node.children.append(child)
        node.value = value
        return node

    def _list(self, position: int, depth: int) -> _Node:
        node = _Node(position)
        for start in self._children(node, "]"):
            node.starts.append(start)
            node.children.append(self._value(start, depth + 1))
        node.value = [child.value for child in node.children]
        return node

    def _children(self, node: _Node, closing: str) -> Iterator[int]:
        """Where each child begins; who asks adds it to the node before he asks for the next one."""
        position = self._skip(node.start + 1)
        while self._text[position : position + 1] != closing:
            yield position
            position = self._skip(node.children[-1].end)
            if self._text[position : position + 1] != ",":
                node.commas.append(None)
                if self._text[position : position + 1] != closing:
                    raise self._bad(
                        position, f"expected a comma or {closing}" if position < len(self._text) else "the file ends in the middle"
                    )
                break
            node.commas.append(position)
            comma, position = position, self._skip(position + 1)
            if self._text[position : position + 1] == closing and not self._trailing:
                raise self._bad(comma, "a comma behind the last one")
        node.end = position + 1


def _independently(text: str) -> Any:
    """What a parser of another make says: comments and trailing commas blanked out, the rest left to the standard library."""
    bare = _TOKENS.sub(lambda match: match.group() if match.group().startswith('"') else " ", text)
    return json.loads(bare) if bare.strip() else {}
