"""YAML.

Edits are splices at the places that the parser's marks name. Values keep their quotes, collections their shape: what stands between
brackets stays between brackets, everything else gets lines of its own, indented as the document does it. Where an anchor, an alias, a
tag or a merge is on the way to a place, nothing is edited, for its effects are elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from syncd.kit.documents import splices
from syncd.kit.documents.document import Place, Uneditable, Unparsable
from syncd.kit.documents.plain import at, common, has, plain, same, with_appended, with_set, without
from syncd.kit.documents.splices import Splice
from syncd.kit.documents.yaml_text import Entry, Loader, Node, Outline, outlined, spelled

LARGEST = 256_000
"""Bytes. What is larger is refused: each edit parses the whole text, at about three seconds for that much."""
_Trail = list[tuple[Node, int]]


class Yaml:
    """A YAML document; see `Document` for the promises. Of several documents in one text the first is read, and none edited."""

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
        intended = with_appended(self._value, place, plain(value))
        self._edit(place, intended, lambda: self._put(place, at(intended, place)))

    def remove(self, place: Place) -> None:
        self._edit(place, without(self._value, place), lambda: self._cut(place))

    def _edit(self, place: Place, intended: Any, step: Callable[[], None]) -> None:
        before = self._text
        if self._documents > 1:
            raise Uneditable(f"{_named(place)} cannot be edited: there are several documents in one text")
        try:
            step()
            self.content()
        except (Unparsable, Uneditable, UnicodeEncodeError) as error:
            self._load(before)
            why = "this text has no UTF-8 form" if isinstance(error, UnicodeEncodeError) else str(error)
            raise Uneditable(f"{_named(place)} cannot be edited: {why}") from error
        if not same(self._value, intended):
            self._load(before)
            raise Uneditable(f"editing {_named(place)} would change the meaning of something else")

    def _load(self, text: str) -> None:
        outline, value = _parsed(text)
        if not isinstance(value, dict):
            raise Unparsable("the top is no mapping", 1, 1)
        self._text, self._value, self._root, self._documents = text, value, outline.root, outline.documents
        self._ending = splices.line_ending(text)

    def _apply(self, *changes: Splice) -> None:
        self._load(splices.spliced(self._text, changes))

    def _put(self, place: Place, new: Any) -> None:
        if not has(self._value, place):
            self._add(place, new)
            return
        old = at(self._value, place)
        match old, new:
            case _ if same(old, new):
                pass
            case dict(), dict() if old:
                for name, each in new.items():
                    self._put((*place, name), each)
                for name in old.keys() - new.keys():
                    self._cut((*place, name))
            case list(), list() if old:
                self._put_list(place, old, new)
            case _:
                self._replace(place, new)

    def _put_list(self, place: Place, old: list[Any], new: list[Any]) -> None:
        first = common(old, new)
        last = common(old[first:][::-1], new[first:][::-1])
        both = min(len(old), len(new)) - first - last
        for number in range(first, first + both):
            self._put((*place, number), new[number])
        for number in range(first + both, len(new) - last):
            self._insert(place, number, new[number])
        for _ in range(len(old) - len(new)):
            self._cut((*place, first + both))

    def _insert(self, place: Place, number: int, new: Any) -> None:
        node = self._node(place)
        if node.flow and number < len(node.entries):
            self._apply(*splices.slot_inserted(self._text, node.slots[number], spelled(new)))
        elif node.flow:
            self._apply(*self._slot_added(node, spelled(new)))
        else:
            start = node.entries[0].start
            if number:
                position = splices.line_end(self._text, node.entries[number - 1].end)
            elif splices.indentation(self._text, start) is not None:
                position = splices.line_start(self._text, start)
            else:
                raise Uneditable("the first element shares its line with something else")
            self._apply(self._lines(position, self._element(new, self._column(start))))

    def _add(self, place: Place, new: Any) -> None:
        parent, name = place[:-1], place[-1]
        if isinstance(name, int):
            raise Uneditable("there is no such element")
        if not has(self._value, parent) or (parent and not at(self._value, parent)):
            self._put(parent, {name: new})
            return
        node = self._node(parent)
        if not node.entries:
            self._replace((), {name: new})
        elif node.flow:
            self._apply(*self._slot_added(node, f"{spelled(name)}: {spelled(new)}"))
        else:
            below = splices.line_end(self._text, node.entries[-1].end)
            self._apply(self._lines(below, self._member(name, new, self._column(node.entries[0].start))))

    def _replace(self, place: Place, new: Any) -> None:
        if not place:
            self._fill(new)
            return
        outer, number = self._trail(place)[-1]
        entry = outer.entries[number]
        start, end = entry.value.start, entry.value.end
        if entry.head_end < 0:
            raise Uneditable("it has no colon of its own")
        if outer.flow or not new or not isinstance(new, dict | list):
            is_line = start < end and (entry.value.flow or entry.value.kind == "scalar")
            text = spelled(new, self._text[start:end])
            self._apply(Splice(start, end, text) if is_line else Splice(entry.head_end, entry.end, f" {text}"))
        elif entry.key is None:
            lines = self._element(new, self._column(entry.start))
            self._apply(Splice(entry.start, entry.end, self._ending.join(lines).lstrip(" ")))
        else:
            column = self._column(entry.start) + self._offset("list" if isinstance(new, list) else "mapping")
            below = splices.line_end(self._text, entry.end)
            self._apply(Splice(entry.head_end, entry.end, ""), self._lines(below, self._block(new, column)))

    def _fill(self, new: Any) -> None:
        """Members for a document that has none."""
        if not isinstance(new, dict):
            raise Uneditable("the top is a mapping")
        lines = self._block(new, 0)
        if self._root.start == self._root.end:
            self._apply(self._lines(len(self._text), lines))
        else:
            self._node(())
            self._apply(Splice(self._root.start, self._root.end, self._ending.join(lines)))

    def _cut(self, place: Place) -> None:
        trail = self._trail(place)
        outer, number = trail[-1]
        entry, text = outer.entries[number], self._text
        is_own_line = splices.indentation(text, entry.start) is not None
        lines = splices.lines_removed(text, splices.line_start(text, entry.start), splices.line_end(text, entry.end))
        if outer.flow:
            self._apply(*splices.slot_removed(text, outer.slots, number))
        elif len(outer.entries) == 1 and len(trail) > 1:
            empty = "{}" if outer.kind == "mapping" else "[]"
            head_end = trail[-2][0].entries[trail[-2][1]].head_end
            self._apply(*([Splice(head_end, head_end, f" {empty}"), lines] if is_own_line else [Splice(entry.start, entry.end, empty)]))
        elif is_own_line:
            self._apply(lines)
        elif number + 1 < len(outer.entries) and not text[splices.line_end(text, entry.end) : outer.entries[number + 1].start].strip():
            self._apply(Splice(entry.start, outer.entries[number + 1].start, ""))
        else:
            raise Uneditable("it shares its line with something else")

    def _trail(self, place: Place) -> _Trail:
        """The way to a place. Raises `Uneditable` if something on it has effects elsewhere."""
        node, value, trail = self._root, self._value, _Trail()
        for step in place:
            index = _index(node, value, step)
            trail.append((node, index))
            node, value = node.entries[index].value, value[step]
        _require_unmarked(node)
        return trail

    def _node(self, place: Place) -> Node:
        trail = self._trail(place)
        return trail[-1][0].entries[trail[-1][1]].value if trail else self._root

    def _slot_added(self, node: Node, new: str) -> list[Splice]:
        return splices.slot_added(self._text, node.slots, (node.start + 1, node.end - 1), new)

    def _lines(self, position: int, lines: list[str]) -> Splice:
        return splices.lines_inserted(self._text, position, lines, self._ending)

    def _block(self, new: Any, column: int) -> list[str]:
        if isinstance(new, dict):
            return [line for name, each in new.items() for line in self._member(name, each, column)]
        return [line for each in new for line in self._element(each, column)]

    def _member(self, name: str, new: Any, column: int) -> list[str]:
        head = f"{' ' * column}{spelled(name)}:"
        if new and isinstance(new, dict | list):
            return [head, *self._block(new, column + self._offset("list" if isinstance(new, list) else "mapping"))]
        return [f"{head} {spelled(new)}"]

    def _element(self, new: Any, column: int) -> list[str]:
        dash = f"{' ' * column}- "
        if not new or not isinstance(new, dict):
            return [dash + spelled(new)]
        first, *rest = self._block(new, len(dash))
        return [dash + first.lstrip(" "), *rest]

    def _column(self, position: int) -> int:
        return position - splices.line_start(self._text, position)

    def _offset(self, kind: str) -> int:
        """How far this document indents what is inside a member."""
        for entry in _members(self._root):
            if entry.value.kind == kind and entry.value.entries and not entry.value.flow:
                return self._column(entry.value.entries[0].start) - self._column(entry.start)
        return 2


def _parsed(text: str) -> tuple[Outline, Any]:
    try:
        outline = outlined(text)
        loader = Loader(text)
        value = loader.construct_document(loader.get_node()) if loader.check_node() else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or "this is not YAML"
        raise Unparsable(reason, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0) from error
    except yaml.reader.ReaderError as error:
        raise Unparsable("this character is not allowed", *splices.line_of(text, error.position)) from error
    except Unparsable:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise Unparsable("a value does not fit its tag") from error
    return outline, {} if value is None else value


def _index(node: Node, value: Any, step: str | int) -> int:
    _require_unmarked(node)
    if isinstance(step, int):
        return step
    names = list(value)
    if len(names) != len(node.entries):
        raise Uneditable("one name is there in two spellings")
    return names.index(step)


def _require_unmarked(node: Node) -> None:
    if node.marked:
        raise Uneditable("there is an anchor, an alias, a tag or a merge on the way")


def _members(node: Node) -> Iterator[Entry]:
    for entry in node.entries:
        if entry.key is not None:
            yield entry
        yield from _members(entry.value)


def _named(place: Place) -> str:
    return ".".join(map(str, place)) or "the document"
