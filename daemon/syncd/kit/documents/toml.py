"""TOML.

Edits are splices at the places that a scanner found, so whatever lies outside of them is not even looked at: byte order mark, line
endings, comments and order stay. A library that holds the document as a tree and prints it again moves pairs into other tables and
takes away comments of neighbours; here the library only spells new keys and values.

A new table gets a header of its own down to the second level (`[mcp_servers.github]`) and stands inline below that
(`env = { A = "b" }`), unless its siblings do it differently. Tables that exist by their members alone vanish with the last of them.
Comments outlive the lines that they stand above or below: some are the fences of another program's block.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from syncd.kit.documents import splices, toml_text
from syncd.kit.documents.document import Place, Uneditable, Unparsable
from syncd.kit.documents.plain import at, common, emptied, has, is_deep, plain, same, with_appended, with_set, without
from syncd.kit.documents.splices import Splice
from syncd.kit.documents.toml_text import Item, Section, Value, spelled, spelled_key

LARGEST = 1_000_000
"""Bytes. What is larger is refused: each edit parses the whole text, at about a second for a million bytes."""
DEEPEST = 100
_LEVELS = 2
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class Toml:
    """A TOML document; see `Document` for the promises."""

    def __init__(self, content: bytes) -> None:
        if len(content) > LARGEST:
            raise Unparsable(f"{len(content)} bytes are too many, {LARGEST} is the limit")
        self._mark, text = splices.decoded(content)
        self._load(text)

    @property
    def value(self) -> Mapping[str, Any]:
        return self._value

    def content(self) -> bytes:
        return (self._mark + self._text).encode()

    def set(self, place: Place, value: Any) -> None:
        new = plain(value)
        self._edit(place, with_set(self._value, place, new), lambda: self._put(place, new))

    def append(self, place: Place, value: Any) -> None:
        new = plain(value)
        intended = with_appended(self._value, place, new)
        self._edit(place, intended, lambda: self._put(place, at(intended, place)))

    def remove(self, place: Place) -> None:
        self._edit(place, without(self._value, place), lambda: self._cut(place))

    def _edit(self, place: Place, intended: Any, step: Callable[[], None]) -> None:
        before = self._text
        try:
            step()
            self.content()
        except (Unparsable, Uneditable, UnicodeEncodeError) as error:
            self._load(before)
            raise Uneditable(f"{spelled_key(place) or 'the document'} cannot be edited: {_why(error)}") from error
        if not any(same(self._value, each) for each in emptied(intended, place)):
            self._load(before)
            raise Uneditable(f"editing {spelled_key(place)} would change the meaning of something else")

    def _load(self, text: str) -> None:
        try:
            value = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _unparsable(str(error), text) from error
        except RecursionError as error:
            raise Unparsable("this is nested too deeply") from error
        if is_deep(value, DEEPEST):
            raise Unparsable(f"this is nested more than {DEEPEST} levels deep")
        self._text, self._value = text, value
        self._sections = toml_text.sections(text, value)
        self._ending = splices.line_ending(text)

    def _apply(self, changes: list[Splice]) -> None:
        self._load(splices.spliced(self._text, changes))

    def _put(self, place: Place, new: Any) -> None:
        if not has(self._value, place):
            self._add(place, new)
            return
        old = at(self._value, place)
        if same(old, new):
            return
        node = self._node(place)
        match old, new:
            case dict(), dict():
                for name, each in new.items():
                    self._put((*place, name), each)
                for name in old.keys() - new.keys():
                    self._cut((*place, name))
            case list(), list() if node is not None or _is_tables(new):
                self._put_list(place, old, new)
            case _ if node is not None:
                self._apply([Splice(node.start, node.end, spelled(new, self._text[node.start : node.end]))])
            case _:
                self._cut(place)
                self._add(place, new)

    def _put_list(self, place: Place, old: list[Any], new: list[Any]) -> None:
        first = common(old, new)
        last = common(old[first:][::-1], new[first:][::-1])
        if self._node(place) is None and len(new) > len(old):
            last = 0
        both = min(len(old), len(new)) - first - last
        for number in range(first, first + both):
            self._put((*place, number), new[number])
        for _ in range(len(old) - len(new)):
            self._cut((*place, first + both))
        for number in range(first + both, len(new) - last):
            self._insert(place, number, new[number])

    def _insert(self, place: Place, number: int, new: Any) -> None:
        node = self._node(place)
        if node is None:
            self._apply([self._sections_added(place, [new])])
        elif number < len(node.items):
            self._apply(splices.slot_inserted(self._text, node.slots[number], spelled(new)))
        else:
            self._apply(splices.slot_added(self._text, node.slots, (node.start + 1, node.end - 1), spelled(new)))

    def _add(self, place: Place, new: Any) -> None:
        parent, name = place[:-1], place[-1]
        if isinstance(name, int):
            raise Uneditable("a table of a list cannot become something else")
        if not has(self._value, parent):
            self._add(parent, {name: new})
            return
        node = self._node(parent)
        if node is not None:
            pair = f"{spelled_key([name])} = {spelled(new)}"
            pair = pair if node.items else f" {pair} "
            self._apply(splices.slot_added(self._text, node.slots, (node.start + 1, node.end - 1), pair))
        elif self._gets_header(place, new):
            self._apply([self._sections_added(place, new)])
        else:
            self._apply([self._pair_added(place, new)])

    def _pair_added(self, place: Place, new: Any) -> Splice:
        parent = place[:-1]
        for section in self._sections:
            if section.path == parent:
                return self._pair_added_to(section, f"{spelled_key(place[-1:])} = {spelled(new)}")
        for section, pair in reversed(list(self._pairs())):
            if _starts(parent, section.path) and _starts((*section.path, *pair.keys), parent):
                line = f"{spelled_key(place[len(section.path) :])} = {spelled(new)}"
                return self._line_below(pair.start, pair.value.end, line)
        return self._sections_added(parent, {str(place[-1]): new})

    def _pair_added_to(self, section: Section, line: str) -> Splice:
        if section.pairs:
            return self._line_below(section.pairs[-1].start, section.end, line)
        if section.path:
            return self._line_below(section.start, section.header_end, line)
        if len(self._sections) == 1:
            return self._lines(len(self._text), [line])
        return self._lines(toml_text.leading(self._text, self._sections[1].start), [line, ""])

    def _line_below(self, start: int, end: int, line: str) -> Splice:
        indent = splices.indentation(self._text, start) or ""
        return self._lines(splices.line_end(self._text, end), [indent + line])

    def _sections_added(self, place: Place, new: Any) -> Splice:
        """Behind the last section of the innermost table around it that has one."""
        last = next(each for size in range(len(place), -1, -1) for each in reversed(self._sections) if _starts(each.path, place[:size]))
        position = len(self._text) if last is self._sections[-1] else toml_text.body_end(self._text, last)
        indent = splices.indentation(self._text, last.start) or ""
        lines = [indent + line if line else "" for line in self._rendered(place, new)]
        if self._text[splices.line_start(self._text, max(position - 1, 0)) : position].strip():
            lines.insert(0, "")
        if self._text[position : splices.line_end(self._text, position)].strip():
            lines.append("")
        return self._lines(position, lines)

    def _rendered(self, place: Place, new: Any) -> Iterator[str]:
        if isinstance(new, list):
            for number, each in enumerate(new):
                yield from [""] if number else []
                yield f"[[{spelled_key(place)}]]"
                yield from self._rendered_members((*place, number), each)
        else:
            if not new or not all(self._gets_header((*place, name), each) for name, each in new.items()):
                yield f"[{spelled_key(place)}]"
            yield from self._rendered_members(place, new)

    def _rendered_members(self, place: Place, members: Mapping[str, Any]) -> Iterator[str]:
        inner = {name: each for name, each in members.items() if self._gets_header((*place, name), each)}
        own = [f"{spelled_key([name])} = {spelled(each)}" for name, each in members.items() if name not in inner]
        yield from own
        for number, (name, each) in enumerate(inner.items()):
            yield from [""] if own or number else []
            yield from self._rendered((*place, name), each)

    def _gets_header(self, place: Place, new: Any) -> bool:
        if not isinstance(new, dict) and not (isinstance(new, list) and _is_tables(new)):
            return False
        if any(_is_like(place, section.path) for section in self._sections):
            return True
        if any(_is_like(place, (*section.path, *pair.keys)) for section, pair in self._pairs()):
            return False
        is_flat = isinstance(new, dict) and not any(isinstance(each, dict) for each in new.values())
        return len(place) <= _LEVELS or not (is_flat or isinstance(new, list))

    def _cut(self, place: Place) -> None:
        found = self._pair_of(place)
        if found is not None and found[1]:
            outer, number = _descended(found[0].value, found[1])[-1]
            self._apply(splices.slot_removed(self._text, outer.slots, number))
            return
        gone = [section for section in self._sections if place and _starts(section.path, place)]
        pairs = [pair for section, pair in self._pairs() if section not in gone and _starts((*section.path, *pair.keys), place)]
        lines = [(splices.line_start(self._text, pair.start), splices.line_end(self._text, pair.value.end)) for pair in pairs]
        self._apply([splices.lines_removed(self._text, *each) for each in (*lines, *self._runs(gone))])

    def _runs(self, gone: list[Section]) -> Iterator[tuple[int, int]]:
        """Neighbouring sections as one stretch of lines, with what stands between them."""
        for index, section in enumerate(self._sections):
            before, after = self._sections[index - 1], self._sections[(index + 1) % len(self._sections)]
            if section in gone and before not in gone:
                start = splices.line_start(self._text, section.start)
            if section in gone and after not in gone:
                yield self._with_gap(start, splices.line_end(self._text, section.end))

    def _with_gap(self, start: int, end: int) -> tuple[int, int]:
        """Takes the empty lines below along if there are some above, and those above at the end of the text."""
        text = self._text
        if not text[splices.line_start(text, start - 1) : start].strip():
            while end < len(text) and not text[end : splices.line_end(text, end)].strip():
                end = splices.line_end(text, end)
        while end == len(text) and start > 0 and not text[splices.line_start(text, start - 1) : start].strip():
            start = splices.line_start(text, start - 1)
        return start, end

    def _pairs(self) -> Iterator[tuple[Section, Item]]:
        return ((section, pair) for section in self._sections for pair in section.pairs)

    def _pair_of(self, place: Place) -> tuple[Item, Place] | None:
        """The pair that holds a place, and the rest of the way inside its value."""
        for section, pair in self._pairs():
            path = (*section.path, *pair.keys)
            if _starts(place, path):
                return pair, place[len(path) :]
        return None

    def _node(self, place: Place) -> Value | None:
        """None for what headers or dotted keys make."""
        found = self._pair_of(place)
        if found is None:
            return None
        pair, rest = found
        trail = _descended(pair.value, rest)
        return trail[-1][0].items[trail[-1][1]].value if trail else pair.value

    def _lines(self, position: int, lines: list[str]) -> Splice:
        return splices.lines_inserted(self._text, position, lines, self._ending)


def _descended(value: Value, place: Place) -> list[tuple[Value, int]]:
    trail: list[tuple[Value, int]] = []
    while place:
        for number, item in enumerate(value.items):
            path = item.keys or (number,)
            if _starts(place, path):
                trail.append((value, number))
                value, place = item.value, place[len(path) :]
                break
        else:
            raise Uneditable("it is part of a dotted key")
    return trail


def _starts(place: Place, beginning: Place) -> bool:
    return place[: len(beginning)] == beginning


def _is_like(place: Place, other: Place) -> bool:
    """Whether two tables are siblings, or the same member of siblings."""
    return len(place) == len(other) and place[0] == other[0] and (len(place) <= _LEVELS or place[-1] == other[-1])


def _is_tables(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(each, dict) for each in value)


def _unparsable(message: str, text: str) -> Unparsable:
    where = _WHERE.search(message)
    if where is None:
        return Unparsable(message)
    line, column = map(int, where.groups()) if where[1] else splices.line_of(text, len(text))
    return Unparsable(message[: where.start()], line, column)


def _why(error: Exception) -> str:
    return "this text has no UTF-8 form" if isinstance(error, UnicodeEncodeError) else str(error)
