"""Whether entries are what was written: each by its hash, its links, and its place. Pure: lines in, findings out."""

from collections.abc import Iterable, Iterator, Sequence

from syncd.domain.verdict import Fault, Finding
from syncd.ledger.moments import moment
from syncd.ledger.outbox import Line, intact

_CONTENT = slice(1, 8)
_PREVIOUS, _HASH = 8, 9


class Chain:
    """Follows lines in the order of a place, from behind an entry that is known."""

    def __init__(self, place: str, sequence: int, own: bytes) -> None:
        self._place = place
        self.sequence = sequence
        self.hash = own

    def follow(self, line: Line) -> list[Finding]:
        """What is wrong with the next line."""
        sequence, gap = line[0], line[0] - self.sequence - 1
        found = [self._finding(Fault.REMOVED, self.sequence + 1, sequence - 1)] if gap else []
        if not intact(line):
            found.append(self._finding(Fault.EDITED, sequence, sequence))
        if not gap and line[_PREVIOUS] != self.hash:
            found.append(self._finding(Fault.UNLINKED, sequence, sequence))
        self.sequence, self.hash = sequence, line[_HASH]
        return found

    def end(self, sequence: int, own: bytes) -> list[Finding]:
        """What is wrong with where it ends, given where it is to end."""
        if self.sequence < sequence:
            return [self._finding(Fault.TRUNCATED, self.sequence + 1, sequence)]
        return [self._finding(Fault.UNLINKED, sequence, sequence, "not the head that was kept")] if self.hash != own else []

    def _finding(self, fault: Fault, first: int, last: int, note: str = "") -> Finding:
        return Finding(self._place, fault, first, last, note)


def differences(place: str, expected: Sequence[Line], found: Iterable[Line]) -> Iterator[Finding]:
    """Where the lines of a month's file are not those that it is to hold. Both are of the same range of sequences."""
    wanted = {line[0]: line for line in expected}
    placed = {line[_CONTENT]: line[0] for line in expected}
    seen: set[int] = set()
    for line in found:
        sequence = line[0]
        if sequence in seen or sequence not in wanted:
            yield Finding(place, _stray(place, line), sequence, sequence)
        elif line != wanted[sequence] and (intact(wanted[sequence]) or not intact(line)):
            moved = placed.get(line[_CONTENT], sequence) != sequence
            yield Finding(place, Fault.REORDERED if moved else Fault.EDITED, sequence, sequence)
        seen.add(sequence)
    for sequence in sorted(wanted.keys() - seen):
        yield Finding(place, Fault.REMOVED, sequence, sequence)


def _stray(place: str, line: Line) -> Fault:
    """What a line is that a month's file is not to hold."""
    try:
        month = moment(line[1]).strftime("%Y-%m")
    except OverflowError:
        return Fault.INSERTED
    return Fault.INSERTED if place.startswith(month) or not intact(line) else Fault.MISPLACED
