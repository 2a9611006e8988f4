"""What the durable book promises: runs, syncs, rows and the audit log."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Protocol

from syncd.domain.audit import Entry, Recorded
from syncd.domain.batch import Checkpoint, Receipt
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.run import Failure, Run, RunState, SyncName
from syncd.domain.verdict import Manifest, Verdict
from syncd.ports.access import TokenBook
from syncd.ports.running import Advance, Documents, Rows, Scope


class HoldKind(Enum):
    PAUSED = "paused"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a sync starts no run by itself."""

    kind: HoldKind
    why: Failure


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """What the ledger holds of one sync. A sync that never ran has the defaults."""

    checkpoint: Checkpoint | None = None
    hold: Hold | None = None
    clean: bool = True
    """No writing run of it has begun without ending as done since."""
    complete_to: str = ""
    dead_letters: int = 0
    last: Run | None = None
    """The last writing run that ended."""


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Runs, newest first; empty members select all. `before` is the id to start behind."""

    ids: tuple[str, ...] = ()
    request_id: str = ""
    sync: str = ""
    states: frozenset[RunState] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    before: str = ""
    limit: int = 50


class RunBook(Protocol):
    """The durable life of runs. A run is written before it is acted upon."""

    async def add(self, run: Run) -> Run:
        """Write a new run; if its `request_id` is known already, return that run instead and write nothing."""

    async def begin(self, run: Run, settings: Mapping[str, object] | None = None) -> SyncRecord:
        """Write a run as running, with its audit entry, and mark its sync as not clean if the run writes. Answers the state before.

        `settings` are those in force, secrets as references. Where they are not those of the run before, the entry `settings.applied`
        tells them.
        """

    async def end(self, run: Run, hold: Hold | None = None, entries: Sequence[Entry] = ()) -> None:
        """Write a run that has ended, its audit entry `run.ended`, and the hold it leaves behind, if any, in one transaction.

        A writing run that is done makes its sync clean, and ends a halt. A run that never began has no effect on either.
        """

    async def retried(self, run: Run, failure: Failure, wait: float) -> None:
        """Write the audit entry `run.retried`: the attempt that is under way has failed, and another one follows in so many seconds."""

    async def find(self, query: RunQuery) -> Sequence[Run]:
        """Runs that match, newest first."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a person does to a sync."""

    hold: Hold | None = None
    """The hold from now on; None ends any."""
    reset: bool = False
    """Forget checkpoint, remembered rows, dead letters and the documents under `state/`."""


class SyncBook(Protocol):
    """The durable state of syncs."""

    async def load(self, syncs: Sequence[SyncName]) -> Mapping[SyncName, SyncRecord]:
        """The records of some syncs, in one reading."""

    async def commit(self, run: Run, receipt: Receipt, scope: Scope) -> None:
        """Write what a receipt says in one durable transaction: see `RunContext.commit`. `run` has its counters already added up.

        Stored rows are remembered with their fingerprint and lose their dead letter; refused ones become dead letters and are
        remembered too; deleted ids are remembered as `TOMBSTONE`.
        """

    async def advance(self, run: Run, step: Advance, complete_to: str) -> None:
        """Write a step without rows in one durable transaction: see `RunContext.advance`."""

    async def change(self, sync: SyncName, change: Change, entry: Entry) -> SyncRecord:
        """Hold, release or reset a sync for a person, with the audit entry that says so."""


@dataclass(frozen=True, slots=True)
class LetterQuery:
    """Which dead letters; empty members select all. `after` is the id to start behind."""

    sync: str = ""
    ids: tuple[int, ...] = ()
    after: int = 0
    limit: int = 100


class RowBook(Protocol):
    """Remembered rows and dead letters across syncs."""

    def rows(self, sync: SyncName) -> Rows:
        """What is remembered of the rows of one sync."""

    async def letters(self, query: LetterQuery) -> Sequence[DeadLetter]:
        """Dead letters in order of id."""

    async def discard(self, sync: SyncName, ids: Sequence[int], actor: str) -> int:
        """Forget dead letters, all of the sync if no ids are given, with an audit entry; answers how many there were."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Entries, newest first; empty members select all. `action` also selects what begins with it and a dot."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    action: str = ""
    sync: str = ""
    run: str = ""
    outcome: str = ""
    text: str = ""
    limit: int = 100


class AuditSearch(Protocol):
    """Questions to the audit log."""

    async def query(self, query: AuditQuery) -> Sequence[Recorded]:
        """Entries that match, newest first, everything recorded before the call included."""

    def search(self, query: AuditQuery) -> AsyncGenerator[Sequence[Recorded], None]:
        """The same in groups, each as soon as it is found. What is recorded meanwhile is left out."""


class AuditBook(AuditSearch, Protocol):
    """The audit log."""

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write entries that go with no other change."""

    async def after(self, sequence: int, limit: int) -> Sequence[Recorded]:
        """The next entries behind a sequence, oldest first; empty if there is none yet."""

    async def grown(self, sequence: int) -> int:
        """Wait until there is an entry behind a sequence; answers the head's sequence at once if there is."""


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """Which part of the log to copy: everything from the first entry of a time to the last one, so that no link is missing."""

    format: str
    """`parquet`, `csv` or `jsonl`."""
    since: datetime | None = None
    until: datetime | None = None


class AuditArchive(Protocol):
    """The audit log as evidence."""

    def verify(self, noted: tuple[int, str] | None) -> AsyncGenerator[Verdict, None]:
        """Check everything against its hashes, and an entry against its hash as somebody noted it. The last verdict is `done`."""

    def export(self, query: ExportQuery) -> AsyncGenerator[bytes | Manifest, None]:
        """Yield a file piece by piece, then what vouches for it. Raises `InvalidRequest` for a format that nobody knows."""


class DocumentBook(Protocol):
    """The documents of all syncs."""

    def of(self, sync: SyncName) -> Documents:
        """The documents of one sync."""

    async def put(self, sync: SyncName, documents: Mapping[str, str | None], entry: Entry) -> None:
        """Write documents for a person, outside of any run, with the audit entry that says so; None removes one."""

    async def find(self, name: str) -> Sequence[tuple[SyncName, str]]:
        """The document of this name of every sync that has one, in order of the syncs' names."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """All books of one daemon."""

    runs: RunBook
    syncs: SyncBook
    rows: RowBook
    audit: AuditBook
    archive: AuditArchive
    documents: DocumentBook
    tokens: TokenBook
    folder: Path
    """Where the books are, and the private folders of syncs beside them."""
    unshipped: Callable[[], int]
    """How many audit entries are durable, and not yet in the monthly files."""
    busy_for: Callable[[], timedelta] = timedelta
    """How long whoever writes them has been at the present piece of work; nothing if there is none."""
    problems: Callable[[], tuple[str, ...]] = tuple
    """What is wrong with the books and cannot be mended, for people."""
