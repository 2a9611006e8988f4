"""Markdown as sections and blocks, edited line by line.

What a section and a block are, `markdown_text` tells. Here they are changed: a line that stays the same is not touched, and a block that
stands inside a section stays where it is.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from syncd.kit.documents.document import Uneditable
from syncd.kit.documents.markdown_text import TOP, Part, Reader, Sort, Told, extent, heading_of, joined, told, trimmed, unended
from syncd.kit.documents.plain import common
from syncd.kit.documents.splices import decoded, line_ending

_NUMBER = re.compile(r" \(\d+\)\Z")


class Sections:
    """A Markdown file. Raises `Unparsable` for what is not UTF-8.

    Byte order mark, line endings, blank lines around sections, front matter and a missing final newline stay. A second section of a name
    is `Name (2)`; names do not change as long as this object lives, so that several edits may follow each other. After each edit the
    new text is read again: if anything but the one section or block says something else, `Uneditable` is raised and all is as before.
    """

    def __init__(self, content: bytes) -> None:
        self._mark, text = decoded(content)
        self._ending = line_ending(text)
        self._is_ended = not text or text.endswith("\n")
        self._parts = Reader(text).parts()

    @property
    def sections(self) -> Mapping[str, str]:
        """Text by name, heading line included; lines end with a line feed, and there are no blank lines around."""
        return told(self._parts).sections

    @property
    def blocks(self) -> Mapping[str, str]:
        """What stands in the blocks of ours, by id."""
        return told(self._parts).blocks

    def content(self) -> bytes:
        """The text as it is now."""
        return (self._mark + joined(self._parts)).encode()

    def set(self, name: str, text: str) -> None:
        """Give a section its whole text; a new one comes last, `(top)` first. Lines that stay the same are not touched.

        Raises `Uneditable`, also if the text alone does not read as exactly one section of that name.
        """
        lines = trimmed(text.split("\n"))
        old = told(self._parts)
        self._check(name, lines, old)
        meant = {**old.sections, name: "\n".join(lines)}
        if name in old.sections:
            self._accept(replace(old, sections=meant), self._spliced(name, lines), self._gathered(name, lines))
            return
        if name == TOP:
            self._accept(replace(old, sections={TOP: meant.pop(TOP), **meant}), self._with_top(lines))
            return
        self._accept(replace(old, sections=meant), self._appended(Part(Sort.TEXT, name, self._ended(lines))), new=name)

    def remove(self, name: str) -> None:
        """Take a section and the blank lines behind it away. Raises `KeyError`, `Uneditable`."""
        old = told(self._parts)
        left = {each: text for each, text in old.sections.items() if each != name}
        if len(left) == len(old.sections):
            raise KeyError(name)
        self._accept(replace(old, sections=left), self._without(lambda part: part.sort is Sort.TEXT and part.name == name))

    def set_block(self, name: str, text: str) -> None:
        """Give a block of ours its text; a new one comes last. Raises `Uneditable`."""
        lines = trimmed(text.split("\n"))
        old = told(self._parts)
        begin = f"<!-- syncd:begin id={_encoded(name)} -->"
        new = Part(Sort.OURS, name, self._ended([begin, *lines, "<!-- syncd:end -->"]))
        if name in old.blocks:
            parts = [new if part.sort is Sort.OURS and part.name == name else part for part in self._parts]
        else:
            parts = self._appended(new)
        self._accept(replace(old, blocks={**old.blocks, name: "\n".join(lines)}), parts)

    def remove_block(self, name: str) -> None:
        """Take a block of ours away. Raises `KeyError`, `Uneditable`."""
        old = told(self._parts)
        left = {each: text for each, text in old.blocks.items() if each != name}
        if len(left) == len(old.blocks):
            raise KeyError(name)
        self._accept(replace(old, blocks=left), self._without(lambda part: part.sort is Sort.OURS and part.name == name))

    def _check(self, name: str, lines: Sequence[str], old: Told) -> None:
        alone = told(Reader("\n".join(lines)).parts())
        if not alone.same(Told({name: "\n".join(lines)}, {}, ())):
            raise Uneditable(f"the text of {name!r} does not read as one section")
        heading = heading_of(lines[0])
        fitting = {heading_of(old.sections[name])} if name in old.sections else {name, _NUMBER.sub("", name)}
        if heading not in (fitting if name != TOP else {""}):
            raise Uneditable(f"the text of {name!r} reads as a section {heading!r}")

    def _accept(self, meant: Told, *candidates: Sequence[Part], new: str = TOP) -> None:
        """Take the first candidate that reads as it is meant to, and in which a new section gets the name that it should."""
        for parts in candidates:
            sealed = _sealed(parts, self._ending, is_ended=self._is_ended)
            found = _read_back(joined(sealed))
            if found is not None and found.same(meant) and new in (TOP, *found.sections):
                self._parts = sealed
                return
        raise Uneditable("the edit would change how the rest of the file reads")

    def _ended(self, lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(line + self._ending for line in lines)

    def _spliced(self, name: str, new: Sequence[str]) -> list[Part]:
        """With only those lines of a section touched that change, whichever part they are in."""
        places = [(number, each) for number, part in self._texts(name) for each in range(len(part.lines))]
        old = [unended(self._parts[number].lines[each]) for number, each in places]
        first, last = extent(old)
        places, old = places[first:last], old[first:last]
        start = common(old, new)
        end = common(old[start:][::-1], new[start:][::-1])
        fates = {place: [self._parts[place[0]].lines[place[1]]] for place in places}
        gone, come = places[start : len(places) - end], list(self._ended(new[start : len(new) - end]))
        for place in gone:
            fates[place] = []
        if gone:
            fates[gone[0]] = come
        elif start:
            fates[places[start - 1]] += come
        else:
            fates[places[0]] = come + fates[places[0]]
        parts = list(self._parts)
        for number, part in self._texts(name):
            lines = (fates.get((number, each), [line]) for each, line in enumerate(part.lines))
            parts[number] = replace(part, lines=tuple(line for some in lines for line in some))
        return parts

    def _gathered(self, name: str, new: Sequence[str]) -> list[Part]:
        """With the whole section before its first block."""
        parts = list(self._parts)
        come = self._ended(new)
        for number, part in self._texts(name):
            first, last = extent([unended(line) for line in part.lines])
            parts[number] = replace(part, lines=part.lines[:first] + come + part.lines[last:])
            come = ()
        return parts

    def _texts(self, name: str) -> list[tuple[int, Part]]:
        return [(number, part) for number, part in enumerate(self._parts) if part.sort is Sort.TEXT and part.name == name]

    def _with_top(self, lines: Sequence[str]) -> list[Part]:
        """Behind the front matter and the blank lines that are there, before everything else."""
        number = next((number for number, part in enumerate(self._parts) if not _is_head(part)), len(self._parts))
        rest = joined(self._parts[number:])
        gap = "" if not rest or not rest.partition("\n")[0].strip() else self._ending
        new = Part(Sort.TEXT, TOP, (*self._ended(lines), *filter(None, [gap])))
        return [*self._parts[:number], new, *self._parts[number:]]

    def _appended(self, new: Part) -> list[Part]:
        parts = _without_blank_end(self._parts)
        gap = [Part(Sort.TEXT, parts[-1].name if parts[-1].sort is Sort.TEXT else "", (self._ending,))] if parts else []
        return [*parts, *gap, new]

    def _without(self, goes: Callable[[Part], bool]) -> list[Part]:
        left = [part for part in self._parts if not goes(part)]
        return _without_blank_end(left) if self._parts and goes(self._parts[-1]) else left


def _sealed(parts: Sequence[Part], ending: str, *, is_ended: bool) -> list[Part]:
    """Each line with an ending, the last one as in the file."""
    full = [part for part in parts if part.lines]
    sealed = [replace(part, lines=tuple(line if line.endswith("\n") else line + ending for line in part.lines)) for part in full]
    if sealed and not is_ended:
        last = sealed[-1]
        sealed[-1] = replace(last, lines=(*last.lines[:-1], unended(last.lines[-1])))
    return sealed


def _without_blank_end(parts: Sequence[Part]) -> list[Part]:
    left = list(parts)
    while left and left[-1].sort is Sort.TEXT:
        last = left.pop()
        lines = last.lines[: extent([unended(line) for line in last.lines])[1]]
        if lines:
            return [*left, replace(last, lines=lines)]
    return left


def _is_head(part: Part) -> bool:
    return part.sort is Sort.FRONT or (part.sort is Sort.TEXT and part.name == TOP and not "".join(part.lines).strip())


def _encoded(name: str) -> str:
    try:
        return quote(name, safe="/").replace("--", "-%2D")
    except UnicodeEncodeError as error:
        raise Uneditable("the name of a block is no text that could be written") from error


def _read_back(text: str) -> Told | None:
    """None for a text that cannot be written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return told(Reader(text).parts())
