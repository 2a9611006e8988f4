"""What a check of the audit log found, and what vouches for a copy of it."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import Enum

from syncd.domain.audit import Recorded


class Fault(Enum):
    """How a place differs from the log that was written."""

    EDITED = "edited"
    """Their contents are not those that were hashed."""
    UNLINKED = "unlinked"
    """They do not continue what stands before them: one of both was changed and hashed anew."""
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    """The newest ones are gone."""
    MISPLACED = "misplaced"
    """They belong into another month's file."""
    MISSING = "missing"
    """The whole file is gone."""
    UNREADABLE = "unreadable"
    RESEALED = "resealed"
    """The bytes of a sealed file or of its manifest are not those that were sealed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault and the sequences that it concerns."""

    place: str
    """The name of the file."""
    fault: Fault
    first: int
    last: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What vouches for a copy of the log: entries without a gap, and the bytes that hold them. Hashes are hexadecimal."""

    format: str
    rows: int
    first: int
    last: int
    previous: str
    """Hash of the entry before the first."""
    first_hash: str
    last_hash: str
    sha256: str

    def as_detail(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a check has come and what it found so far; the last one of a check is `done`."""

    checked: int
    total: int
    first: int = 0
    """The oldest entry that is kept."""
    head: int = 0
    hash: str = ""
    """That of the head. Who notes both down elsewhere can ask later whether the log still holds it."""
    findings: tuple[Finding, ...] = ()
    more: int = 0
    """Findings that are not listed."""
    rebuilt: tuple[Recorded, ...] = ()
    """Entries that tell of files which did not hold the log and were made anew from it."""
    done: bool = False


def merged(findings: Iterable[Finding]) -> Iterator[Finding]:
    """One finding for neighbours with the same fault."""
    held: Finding | None = None
    for finding in findings:
        if held and replace(held, first=0, last=0) == replace(finding, first=0, last=0) and finding.first <= held.last + 1:
            held = replace(held, last=max(held.last, finding.last))
            continue
        if held:
            yield held
        held = finding
    if held:
        yield held
