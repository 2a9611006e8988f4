"""The files of the log: each is named by the first sequence in it, and together they are not larger than they may be."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from syncd.observe.logbook import lines

_SUFFIX = ".jsonl"
_STEM = re.compile(r"[0-9]{18}")
_CLOSED = -1
_PARTS = 16
_LEAST, _MOST = 64 << 10, 4 << 20


def path(folder: Path, first: int) -> Path:
    return folder / f"{first:018}{_SUFFIX}"


def listed(folder: Path) -> list[int]:
    """The first sequences of all segments, oldest first; none if there is no folder. Raises `OSError`."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are enough
    except FileNotFoundError:
        return []
    return sorted(int(stem) for stem, suffix in map(os.path.splitext, names) if suffix == _SUFFIX and _STEM.fullmatch(stem))


class Segments:
    """Appends lines. For one thread; every method but `close` raises `OSError`, and then `open` has to come first again."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.head = 0
        """The sequence of the newest line that is whole on disk."""
        self._folder = folder
        self._keep = keep
        self._largest = min(max(keep // _PARTS, _LEAST), _MOST)
        self._known = False
        self._sizes: dict[int, int] = {}
        self._file = _CLOSED

    @property
    def is_open(self) -> bool:
        return self._file != _CLOSED

    def open(self) -> int:
        """Go on behind the last whole line, and cut off what a crash or a full disk left of the next.

        Answers how many lines of an `append` that broke off are there.
        """
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        firsts = listed(self._folder)
        before = self.head
        if firsts:
            self.head = max(self.head, _mended(path(self._folder, firsts[-1]), firsts[-1]))
        self._sizes = {first: path(self._folder, first).stat().st_size for first in firsts}
        self._append_to(firsts[-1] if firsts else self.head + 1)
        beyond, self._known = (self.head - before if self._known else 0), True
        return beyond

    def append(self, bodies: Sequence[bytes]) -> None:
        """Write one line for each body, and remove the oldest segments where there is no room for them."""
        written = b"".join(lines.line(number, body) for number, body in enumerate(bodies, self.head + 1))
        newest = max(self._sizes)
        if self._sizes[newest] and self._sizes[newest] + len(written) > self._largest:
            self.close()
            newest = self.head + 1
            self._append_to(newest)
        self._make_room(len(written))
        self._write(written)
        self._sizes[newest] += len(written)
        self.head += len(bodies)

    def close(self) -> None:
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def _append_to(self, first: int) -> None:
        self._file = os.open(path(self._folder, first), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._sizes.setdefault(first, 0)

    def _make_room(self, size: int) -> None:
        while len(self._sizes) > 1 and sum(self._sizes.values()) + size > self._keep:
            oldest = min(self._sizes)
            path(self._folder, oldest).unlink(missing_ok=True)
            del self._sizes[oldest]

    def _write(self, written: bytes) -> None:
        rest = memoryview(written)
        while rest:
            rest = rest[os.write(self._file, rest) :]


def _mended(segment: Path, first: int) -> int:
    """Cut a segment behind its last whole line; the sequence of that line."""
    held = segment.read_bytes()
    end, last = len(held), None
    while end and last is None:
        begin = held.rfind(b"\n", 0, end - 1) + 1
        last = lines.sequence(held[begin : end - 1]) if held[end - 1] == ord("\n") else None
        end = begin if last is None else end
    if end < len(held):
        os.truncate(segment, end)
    return first - 1 if last is None else last
