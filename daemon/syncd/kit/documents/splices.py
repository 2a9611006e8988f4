"""Replacing parts of a text by position, and how lists with commas between their elements grow and shrink."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from syncd.kit.documents.document import Unparsable

_MARK = "\ufeff"
_NOTHING_MORE = re.compile(r"[ \t]*(#[^\n]*)?(\r?\n|\Z)")


class Splice(NamedTuple):
    """What stands between two positions gives way to a text."""

    start: int
    end: int
    text: str


class Slot(NamedTuple):
    """One element between brackets, and the position of the comma behind it if there is one."""

    start: int
    end: int
    comma: int | None

    @property
    def beyond(self) -> int:
        return self.end if self.comma is None else self.comma + 1


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text after all splices, which do not overlap."""
    parts: list[str] = []
    position = 0
    for start, end, new in sorted(splices):
        parts += (text[position:start], new)
        position = end
    return "".join((*parts, text[position:]))


def decoded(content: bytes) -> tuple[str, str]:
    """The byte order mark, if there is one, and the text behind it. Raises `Unparsable`."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = error.start - before.rfind(b"\n")
        raise Unparsable("this is not UTF-8", before.count(b"\n") + 1, column) from error
    return (_MARK, text[1:]) if text.startswith(_MARK) else ("", text)


def line_ending(text: str) -> str:
    """How most lines end."""
    return "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"


def line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


def line_end(text: str, position: int) -> int:
    """Behind the line's ending."""
    return text.find("\n", position) + 1 or len(text)


def indentation(text: str, position: int) -> str | None:
    """What stands before a position in its line, if that is blank."""
    before = text[line_start(text, position) : position]
    return before if not before.strip(" \t") else None


def line_of(text: str, position: int) -> tuple[int, int]:
    """Line and column, counted from 1."""
    return text.count("\n", 0, position) + 1, position - line_start(text, position) + 1


def lines_inserted(text: str, position: int, lines: Sequence[str], ending: str) -> Splice:
    """Lines of their own at the start of a line or at the end of the text; a missing final line ending stays missing."""
    new = "".join(line + ending for line in lines)
    if position == len(text) and text and not text.endswith("\n"):
        new = ending + new.removesuffix(ending)
    return Splice(position, position, new)


def lines_removed(text: str, start: int, end: int) -> Splice:
    """Whole lines away; what was the last line of a text without a final line ending stays without one."""
    if end == len(text) and start > 0 and not text.endswith("\n"):
        start -= 2 if text[:start].endswith("\r\n") else 1
    return Splice(start, end, "")


def is_rest_blank(text: str, position: int) -> bool:
    """Whether nothing but a comment follows in the line."""
    return _NOTHING_MORE.match(text, position) is not None


def slot_added(text: str, slots: Sequence[Slot], brackets: tuple[int, int], new: str) -> list[Splice]:
    """A new last element. `brackets`: behind the opening one, and before the closing one."""
    opened, closed = brackets
    if not slots:
        return [Splice(opened, opened, new)]
    last = slots[-1]
    comma = "" if last.comma is None else ","
    indent = indentation(text, last.start)
    if indent is None:
        return [Splice(last.beyond, last.beyond, f" {new}," if comma else f", {new}")]
    ending = line_ending(text)
    if "\n" not in text[last.beyond : closed]:
        return [Splice(last.beyond, last.beyond, f"{'' if comma else ','}{ending}{indent}{new}{comma}")]
    below = line_end(text, last.beyond)
    added = Splice(below, below, f"{indent}{new}{comma}{ending}")
    return [added] if comma else [Splice(last.end, last.end, ","), added]


def slot_inserted(text: str, before: Slot, new: str) -> list[Splice]:
    """A new element before another one."""
    indent = indentation(text, before.start)
    gap = " " if indent is None else line_ending(text) + indent
    return [Splice(before.start, before.start, f"{new},{gap}")]


def slot_removed(text: str, slots: Sequence[Slot], index: int) -> list[Splice]:
    """An element away, with its comma, and with its line and the comment behind it if the line is its own."""
    slot = slots[index]
    splices = []
    if slot.comma is None and index > 0 and (comma := slots[index - 1].comma) is not None:
        splices.append(Splice(comma, comma + 1, ""))
    start, end = slot.start, slot.beyond
    if indentation(text, start) is not None and is_rest_blank(text, end):
        return [*splices, Splice(line_start(text, start), line_end(text, end), "")]
    if index == len(slots) - 1:
        start = len(text[:start].rstrip(" \t"))
    else:
        end = len(text) - len(text[end:].lstrip(" \t"))
    return [*splices, Splice(start, end, "")]
