"""Reads the log block by block, forwards behind a place and backwards from the end, beside whoever writes it."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from syncd.domain.log import LogFilter, LogRecord
from syncd.observe.logbook import lines
from syncd.observe.logbook.segments import listed, path
from syncd.ports.logs import Place, Stretch

_BLOCK = 4 * lines.LONGEST
"""Every block holds the end of some line, unless it is the end of the file."""
_SET_BACK = timedelta(days=1)
"""A clock that was set back by no more than that hides no record from a search by time."""


def forwards(folder: Path, place: Place, head: int, wanted: LogFilter) -> Stretch:
    """The next piece behind a place, up to the head, which has to be on disk already. Raises `OSError`."""
    if place.sequence >= head:
        return Stretch((), place)
    firsts = listed(folder)
    segment, offset = (place.segment, place.offset) if place.segment in firsts else (_holding(firsts, place.sequence + 1), 0)
    while segment:
        block = _whole_lines(path(folder, segment), offset)
        read = _stretch(block, Place(place.sequence, segment, offset), head, wanted)
        if read.reached.sequence > place.sequence:
            return read
        if read.reached.offset == offset:
            segment, offset = _next(firsts, segment), 0
        else:
            offset = read.reached.offset
    return Stretch((), Place(head), missing=head - place.sequence)


def backwards(folder: Path, head: int, wanted: LogFilter) -> Iterator[Sequence[LogRecord]]:
    """What is wanted, newest first, a piece for each block that was read. Raises `OSError`."""
    for segment in reversed(listed(folder)):
        for block in _blocks_backwards(path(folder, segment)):
            yield _wanted((line for line in reversed(block) if (lines.sequence(line) or head + 1) <= head), wanted)
            oldest = lines.record(block[0]) if wanted.since and block else None
            if wanted.since and oldest and oldest.at + _SET_BACK < wanted.since:
                return


def _stretch(block: bytes, place: Place, head: int, wanted: LogFilter) -> Stretch:
    """Lines behind a place without a gap between them; one may be before them. Lines that are none of ours are passed over."""
    taken: list[bytes] = []
    reached, offset, missing = place.sequence, place.offset, 0
    for line in block.split(b"\n")[:-1]:
        number = lines.sequence(line) or 0
        if number > head or (number > reached + 1 and reached > place.sequence):
            break
        offset += len(line) + 1
        if number > reached:
            missing = missing or number - reached - 1
            reached = number
            taken.append(line)
    return Stretch(_wanted(taken, wanted), Place(reached, place.segment, offset), missing)


def _wanted(some: Iterable[bytes], wanted: LogFilter) -> list[LogRecord]:
    passes = lines.sieve(wanted)
    records = (lines.record(line) for line in some if passes(line))
    return [record for record in records if record and wanted.takes(record)]


def _holding(firsts: Sequence[int], sequence: int) -> int:
    """The segment where a record stands, or the next that is kept; 0 if there is none."""
    return firsts[max(bisect_right(firsts, sequence) - 1, 0)] if firsts else 0


def _next(firsts: Sequence[int], segment: int) -> int:
    return next((first for first in firsts if first > segment), 0)


def _whole_lines(segment: Path, offset: int) -> bytes:
    try:
        with segment.open("rb") as file:
            file.seek(offset)
            block = file.read(_BLOCK)
    except FileNotFoundError:  # there was no more room for it
        return b""
    return block[: block.rfind(b"\n") + 1]


def _blocks_backwards(segment: Path) -> Iterator[list[bytes]]:
    """The lines of a segment, in blocks from the end; a line whose end is not written yet may be among them."""
    try:
        end = segment.stat().st_size
        while end > 0:
            start = max(end - _BLOCK, 0)
            with segment.open("rb") as file:
                file.seek(start)
                block = file.read(end - start)
            begin = block.find(b"\n", 0, -1) + 1 if start else 0
            yield block[begin:].split(b"\n")
            end = start + begin
    except FileNotFoundError:  # there was no more room for it
        return
