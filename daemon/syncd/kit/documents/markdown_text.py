"""Which parts a Markdown text has.

A heading of level 1 or 2 begins a section, unless it stands in fenced code, an HTML comment or a block. A block is what a program keeps
between two marks of its own. Blocks belong to no section: a section that has one inside says what stands around it. Marks are comments
that stand alone in their line and come in pairs (`X:START` and `X:END`, `begin X` and `end X`, `X` and `/X`), and a few known tags;
a mark whose counterpart is missing is text.

Our own blocks are `<!-- syncd:begin id=NAME -->` to `<!-- syncd:end -->`. If somebody took the end away, the block ends before whatever
comes first: another block, a heading of level 1 that does not begin the block, the end of the file.
"""

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import unquote

TOP = "(top)"
"""The name of the text before the first heading."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING = re.compile(r" {0,3}(##?)[ \t](.*)")
_SPECIAL = re.compile(r" {0,3}[#`~<]")
"""How every line begins that is more than a line of text."""
_FENCE = re.compile(r" {0,3}(?:(`{3,})[^`]*|(~{3,}).*)\Z")
_COMMENT = re.compile(r" {0,3}<!--(.*?)-->[ \t]*\Z")
_TAG = re.compile(r" {0,3}<(/?)([a-z_-]+)(?: [^<>]*)?>[ \t]*\Z")
_BEGIN = re.compile(r" {0,3}<!-- *syncd:begin id=(\S+) *-->[ \t]*\Z")
_END = re.compile(r" {0,3}<!-- *syncd:end *-->[ \t]*\Z")
_WORD = re.compile(r"(?<![a-z])(?:(begin|start)|end|stop)(?![a-z])")
_TAGS = frozenset({"laravel-boost-guidelines", "claude-mem-context", "skills_system"})
_TWINS = frozenset({"context7"})
"""Marks that are the same at both ends."""


class Sort(Enum):
    FRONT = auto()
    TEXT = auto()
    OURS = auto()
    FOREIGN = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """Lines with their endings. `name` is that of the section or of our block; a section with blocks inside has several parts."""

    sort: Sort
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What parts say: sections and blocks of ours by name, and what is not ours, in order."""

    sections: Mapping[str, str]
    blocks: Mapping[str, str]
    foreign: tuple[str, ...]

    def same(self, other: "Told") -> bool:
        """Whether they say the same in the same order; the number behind a name that is there twice is of no account."""
        return (
            list(self.sections.values()) == list(other.sections.values())
            and list(self.blocks.values()) == list(other.blocks.values())
            and self.foreign == other.foreign
        )


class Reader:
    """Finds the parts of a text, line by line; what headings cannot be in is passed over in one step."""

    def __init__(self, text: str) -> None:
        self._lines: list[str] = _LINE.findall(text)
        self._bare = [unended(line) for line in self._lines]
        self._begins, self._ends = _marks(self._bare)
        self._names = {TOP}
        self._ids: set[str] = set()
        self._section = TOP
        self._found: list[Part] = []

    def parts(self) -> list[Part]:
        position = self._front()
        while position < len(self._lines):
            position = self._step(position)
        return self._found

    def _front(self) -> int:
        if self._bare[:1] and self._bare[0].rstrip(" \t") == "---":
            for end in range(1, len(self._bare)):
                if self._bare[end].rstrip(" \t") == "---":
                    return self._take(Sort.FRONT, "", 0, end + 1)
        return 0

    def _step(self, start: int) -> int:
        """Take what begins at a line; where the next begins."""
        line = self._bare[start]
        if begin := _BEGIN.match(line):
            return self._take(Sort.OURS, _unique(unquote(begin.group(1)), self._ids), start, self._end_of_ours(start))
        if end := self._end_of_foreign(start):
            return self._take(Sort.FOREIGN, "", start, end)
        if heading := heading_of(line):
            self._section = _unique(heading, self._names)
            return self._take(Sort.TEXT, self._section, start, self._plain_from(start + 1))
        return self._take(Sort.TEXT, self._section, start, self._plain_from(self._end_of_opaque(start)))

    def _plain_from(self, position: int) -> int:
        """Behind the lines that are nothing but text."""
        while position < len(self._bare) and not _SPECIAL.match(self._bare[position]):
            position += 1
        return position

    def _take(self, sort: Sort, name: str, start: int, end: int) -> int:
        self._found.append(Part(sort, name, tuple(self._lines[start:end])))
        return end

    def _end_of_opaque(self, start: int) -> int:
        """Behind the fenced code or the comment that begins at a line; behind the line if none does."""
        line = self._bare[start]
        if fence := _FENCE.match(line):
            mark = fence.group(1) or fence.group(2)
            closing = re.compile(rf" {{0,3}}{mark[0]}{{{len(mark)},}}[ \t]*\Z")
            return self._behind(start, lambda later: closing.match(later) is not None)
        before, opened, rest = line.partition("<!--")
        if opened and before in ("", " ", "  ", "   ") and "-->" not in rest:
            return self._behind(start, lambda later: "-->" in later)
        return start + 1

    def _behind(self, start: int, is_last: Callable[[str], bool]) -> int:
        return next((number + 1 for number in range(start + 1, len(self._bare)) if is_last(self._bare[number])), len(self._bare))

    def _end_of_foreign(self, start: int) -> int | None:
        """None if no foreign block begins at a line. A mark that comes again before its counterpart begins nothing."""
        for mark in _opening(self._bare[start]):
            end = _next(self._ends.get(mark, ()), start)
            again = _next(self._begins.get(mark, ()), start)
            if end is not None and (again is None or again >= end):
                return end + 1
        return None

    def _end_of_ours(self, start: int) -> int:
        for number in range(start + 1, len(self._bare)):
            if _END.match(self._bare[number]):
                return number + 1
            if _BEGIN.match(self._bare[number]):
                break
        position = start + 1
        while position < len(self._bare) and not self._bare[position].strip():
            position += 1
        first = position
        while position < len(self._bare) and not self._ends_ours(position, first):
            position = self._end_of_opaque(position)
        return start + 1 + extent(self._bare[start + 1 : position])[1]

    def _ends_ours(self, position: int, first: int) -> bool:
        line = self._bare[position]
        is_top_heading = position > first and heading_of(line) != "" and not line.lstrip(" ").startswith("##")
        return is_top_heading or _BEGIN.match(line) is not None or self._end_of_foreign(position) is not None


def told(parts: Iterable[Part]) -> Told:
    """What parts say. Lines end with a line feed, and there are no blank lines around."""
    texts: dict[str, list[str]] = {}
    blocks: dict[str, str] = {}
    foreign: list[str] = []
    for part in parts:
        if part.sort is Sort.TEXT:
            texts.setdefault(part.name, []).extend(part.lines)
        elif part.sort is Sort.OURS:
            is_closed = len(part.lines) > 1 and _END.match(unended(part.lines[-1]))
            blocks[part.name] = "\n".join(trimmed(part.lines[1:-1] if is_closed else part.lines[1:]))
        else:
            foreign.append("".join(part.lines).rstrip("\r\n"))
    said = {name: "\n".join(trimmed(lines)) for name, lines in texts.items()}
    return Told({name: text for name, text in said.items() if text}, blocks, tuple(foreign))


def joined(parts: Iterable[Part]) -> str:
    return "".join(line for part in parts for line in part.lines)


def unended(line: str) -> str:
    return line.rstrip("\r\n")


def extent(lines: Sequence[str]) -> tuple[int, int]:
    """Where the first line that is not blank stands, and the line behind the last one."""
    full = [number for number, line in enumerate(lines) if line.strip()]
    return (full[0], full[-1] + 1) if full else (0, 0)


def trimmed(lines: Iterable[str]) -> list[str]:
    """Lines without their endings, and without blank ones around."""
    left = [unended(line) for line in lines]
    first, last = extent(left)
    return left[first:last]


def heading_of(line: str) -> str:
    """The name that a heading of level 1 or 2 gives; empty if a line is none."""
    match = _HEADING.match(line)
    if match is None:
        return ""
    text = match.group(2).strip()
    bare = text.rstrip("#")
    return " ".join((text if bare and not bare[-1].isspace() else bare).split())


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    taken.add(unique)
    return unique


def _marks(lines: Sequence[str]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Where the marks of other programs stand: the opening and the closing ones."""
    begins: dict[str, list[int]] = defaultdict(list)
    ends: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        for mark in _opening(line):
            begins[mark].append(number)
        for mark in _closing(line):
            ends[mark].append(number)
    return begins, ends


def _opening(line: str) -> Iterator[str]:
    if "<" not in line[:4]:
        return
    if (tag := _TAG.match(line)) and not tag.group(1) and tag.group(2) in _TAGS:
        yield f"<{tag.group(2)}"
    inner = _comment(line)
    word = _WORD.search(inner)
    if word and word.group(1):
        yield _around(inner, word)
    elif inner and not word:
        yield f"/{inner}"


def _closing(line: str) -> Iterator[str]:
    if "<" not in line[:4]:
        return
    if (tag := _TAG.match(line)) and tag.group(1) and tag.group(2) in _TAGS:
        yield f"<{tag.group(2)}"
    inner = _comment(line)
    word = _WORD.search(inner)
    if inner.startswith("/"):
        yield f"/{inner[1:].strip()}"
    elif inner in _TWINS:
        yield f"/{inner}"
    elif word and not word.group(1):
        yield _around(inner, word)


def _comment(line: str) -> str:
    """What a comment that stands alone in its line says, in small letters; empty if there is none, and for our own marks."""
    match = _COMMENT.match(line)
    inner = match.group(1).strip().lower() if match else ""
    return "" if inner.startswith("syncd:") or "-->" in inner else inner


def _around(inner: str, word: re.Match[str]) -> str:
    """What two marks have in common: the text before the word or, if there is none, the first word behind it."""
    before = inner[: word.start()].strip(" :_-")
    return before or next(iter(inner[word.end() :].strip(" :_-").split()), "")


def _next(numbers: Sequence[int], after: int) -> int | None:
    place = bisect(numbers, after)
    return numbers[place] if place < len(numbers) else None
