"""Where everything stands in a YAML text, and how values are spelled in it."""

import datetime as dt
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from syncd.kit.documents.document import Uneditable, Unparsable
from syncd.kit.documents.splices import Slot, line_of

DEEPEST = 100
ALIASES = 100
LARGEST_EXPANDED = 100_000
"""Nodes, each counted as often as aliases repeat it."""
_TRIVIA = re.compile(r"(?:[ \t\r\n]|#[^\n]*+)*+")
_COLON = re.compile(r"[ \t]*:")
_DOUBTFUL = re.compile(r"[-+.]*[0-9]|[-+]?\.(inf|nan)$|(y|n|yes|no|on|off|true|false|null|~|=|<<)$", re.IGNORECASE)
"""What one version or another of YAML takes for something else than text."""


@dataclass(slots=True)
class Entry:
    """A member of a mapping or an element of a list."""

    key: "Node | None"
    """None for an element."""
    value: "Node"
    start: int
    """Where the key begins, or the dash."""
    head_end: int
    """Behind the colon or the dash; -1 if there is none."""
    comma: int | None = None

    @property
    def end(self) -> int:
        return max(self.value.end, self.head_end, self.key.end if self.key else 0)

    @property
    def slot(self) -> Slot:
        return Slot(self.start, self.end, self.comma)


@dataclass(slots=True)
class Node:
    """A value. `end` is where its own text ends, without the empty lines and comments behind it."""

    kind: str
    """`scalar`, `list`, `mapping` or `alias`."""
    start: int
    end: int
    flow: bool = False
    """Whether it stands between brackets."""
    marked: bool = False
    """Whether there is an anchor, an alias, a tag or a merge."""
    nodes: list["Node"] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    size: int = 1

    @property
    def slots(self) -> list[Slot]:
        return [entry.slot for entry in self.entries]


_Fastest: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times faster where PyYAML was built with libyaml, as its wheels are."""


class Loader(_Fastest):  # type: ignore[misc]
    """Refuses members with the same name; takes values with unknown tags as if they had none."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - the library's own
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                raise Unparsable(f"'{key.value}' is there twice", key.start_mark.line + 1, key.start_mark.column + 1)
            seen.add((key.tag, str(key.value)))
        return super().construct_mapping(node, deep=deep)

    def by_shape(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return node.value


Loader.add_constructor(None, Loader.by_shape)  # None stands for all other tags


@dataclass(slots=True)
class Outline:
    """The first document of a text."""

    root: Node
    """Empty, at the end, if there is nothing."""
    documents: int


def outlined(text: str) -> Outline:
    """Where everything stands. Raises `yaml.YAMLError`, and `Unparsable` for nesting and aliases that no person writes."""
    return _Builder(text).build(yaml.parse(text, Loader=_Fastest))


class _Builder:
    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[Node] = []
        self._anchors: dict[str, Node | None] = {}
        self._anchored: list[str | None] = []
        self._aliases = 0
        self._roots: list[Node] = []

    def build(self, events: Iterable[yaml.Event]) -> Outline:
        for event in events:
            match event:
                case yaml.DocumentStartEvent():
                    self._anchors.clear()
                case yaml.AliasEvent():
                    self._close(self._alias(event))
                case yaml.ScalarEvent():
                    self._close(self._scalar(event))
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._begin(event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._finish(event)
                case _:
                    pass
        size = len(self._text)
        return Outline(self._roots[0] if self._roots else Node("scalar", size, size), len(self._roots))

    def _refuse(self, reason: str, position: int) -> Unparsable:
        return Unparsable(reason, *line_of(self._text, position))

    def _begin(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        kind = "list" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
        start, end = _span(event)
        if len(self._open) >= DEEPEST:
            raise self._refuse(f"this is nested more than {DEEPEST} levels deep", start)
        node = Node(kind, start, end, bool(event.flow_style), marked=bool(event.anchor or event.tag))
        if event.anchor:
            self._anchors[event.anchor] = None
        self._anchored.append(event.anchor)
        self._open.append(node)

    def _finish(self, event: yaml.Event) -> None:
        node = self._open.pop()
        if anchor := self._anchored.pop():
            self._anchors[anchor] = node
        node.entries = self._members(node) if node.kind == "mapping" else self._elements(node)
        node.end = _span(event)[1] if node.flow else node.entries[-1].end
        self._close(node)

    def _close(self, node: Node) -> None:
        if not self._open:
            self._roots.append(node)
            return
        outer = self._open[-1]
        outer.nodes.append(node)
        outer.size += node.size
        if self._aliases and outer.size > LARGEST_EXPANDED:
            raise self._refuse("its aliases multiply it beyond measure", node.start)

    def _alias(self, event: yaml.AliasEvent) -> Node:
        start, end = _span(event)
        self._aliases += 1
        if self._aliases > ALIASES:
            raise self._refuse(f"there are more than {ALIASES} aliases", start)
        if event.anchor not in self._anchors:
            raise self._refuse("an alias names no anchor above it", start)
        target = self._anchors[event.anchor]
        if target is None:
            raise self._refuse("a value contains itself", start)
        return Node("alias", start, end, marked=True, size=target.size)

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        start, end = _span(event)
        if event.style in ("|", ">"):
            end = start + len(self._text[start:end].rstrip())
        node = Node("scalar", start, end, marked=bool(event.anchor or event.tag))
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _members(self, node: Node) -> list[Entry]:
        entries = []
        for key, value in zip(node.nodes[::2], node.nodes[1::2], strict=True):
            node.marked |= self._text[key.start : key.end] == "<<"
            colon = _COLON.match(self._text, key.end)
            entry = Entry(key, value, key.start, colon.end() if colon else -1)
            entry.comma = self._comma(node, entry.end)
            entries.append(entry)
        return entries

    def _elements(self, node: Node) -> list[Entry]:
        entries: list[Entry] = []
        dash = node.start
        for value in node.nodes:
            if node.flow:
                entries.append(Entry(None, value, value.start, value.start, self._comma(node, value.end)))
                continue
            dash = self._text.index("-", self._past(entries[-1].end) if entries else dash)
            entries.append(Entry(None, value, dash, dash + 1))
        return entries

    def _comma(self, node: Node, position: int) -> int | None:
        position = self._past(position)
        return position if node.flow and self._text.startswith(",", position) else None

    def _past(self, position: int) -> int:
        match = _TRIVIA.match(self._text, position)
        return match.end() if match else position


def _span(event: yaml.Event) -> tuple[int, int]:
    start, end = event.start_mark, event.end_mark
    return (start.index if start else 0, end.index if end else 0)


def spelled(value: Any, like: str = "") -> str:
    """A value in one line, texts in the quotes of the value that it replaces. Raises `Uneditable`."""
    match value:
        case dict():
            return "{" + ", ".join(f"{spelled(name)}: {spelled(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(spelled, value)) + "]"
        case str():
            return _spelled_text(value, like[:1])
        case None | bool() | int() | float() | dt.date():
            return yaml.safe_dump(value, width=10**9).removesuffix("...\n").strip()
        case _:
            raise Uneditable(f"YAML has no {type(value).__name__} of its own")


def _spelled_text(value: str, quote: str) -> str:
    if quote not in ("'", '"') and _is_safe(value):
        return value
    if quote != '"' and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return "".join(each if each.isprintable() else _escape(each) for each in json.dumps(value, ensure_ascii=False))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"  # noqa: PLR2004 - what four digits can say


def _is_safe(value: str) -> bool:
    """Whether the plain spelling is read back as the same text everywhere."""
    if not value.isprintable() or _DOUBTFUL.match(value) or value.startswith(tuple("[]{},&*!|>%@`'\"#?:-")):
        return False
    try:
        return bool(yaml.safe_load(f"- {value}\n- [{value}]\n- {value}: {value}\n") == [value, [value], {value: value}])
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return False
