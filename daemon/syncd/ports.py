"""What the rooms of the house promise each other. Nobody inherits from a port; the docstrings are the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

import pyarrow as pa

from syncd.domain.audit import Entry, Recorded
from syncd.domain.batch import Batch, Checkpoint, Finding, Receipt
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.run import Failure, Run, RunState, SyncName
from syncd.domain.scan import Horizon, Relation, Scan
from syncd.domain.schema import Table

# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Source(Protocol):
    """Tables of one system, read-only.

    Raises `SourceUnavailable` for what passes by itself, `SourceMismatch` for what an operator must mend.
    """

    async def describe(self, relation: Relation) -> Table:
        """Columns, types and primary key of a relation."""

    async def horizon(self, relation: Relation, watermark: str) -> Horizon:
        """How far the source is complete now; call it before a scan, never after."""

    def scan(self, scan: Scan, rows: int) -> AsyncIterator[pa.RecordBatch]:
        """Yield the rows of a scan in its order, at most `rows` a batch, none of them empty; memory stays bounded at any table size."""

    async def count(self, scan: Scan) -> int:
        """Rows that the scan would yield."""


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

LISTING = pa.schema([pa.field("id", pa.string()), pa.field("document", pa.string())])
"""What `Target.documents` yields: the id as plain text, the document as JSON text."""


@dataclass(frozen=True, slots=True)
class IndexShape:
    primary_key: str
    """The field of every document that holds its id."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """The system's own settings of an index, passed as they are."""


@dataclass(frozen=True, slots=True)
class IndexState:
    identity: str
    """Tells this index from an earlier or later one of the same name, and travels with the index through a swap."""
    documents: int
    findings: tuple[Finding, ...] = ()
    """What about this index an operator should know: settings that make loading slow, a primary key that is not ours."""


class Target(Protocol):
    """One index of one system.

    Raises `TargetUnavailable` for what passes by itself, `TargetMismatch` and `BadCredentials` for what an operator must mend.
    """

    async def prepare(self, shape: IndexShape) -> IndexState:
        """Create the index if it is missing, bring its settings to `shape`, and wait until nothing is under way in it any more.

        Raises `TargetMismatch` if it exists with another primary key, or a setting is refused.
        """

    def apply(self, batches: AsyncIterator[Batch], crowded: Callable[[], bool]) -> AsyncIterator[Receipt]:
        """Yield one receipt a batch, in order, each only once its batch is durable and readable.

        How many batches are under way at once is the target's business: it pulls as its window allows, which is also the only
        backpressure there is. `crowded` says whether another sync needs the same system now: then the window stays narrow. Refuses
        single rows; raises for everything else. Closing the generator early abandons what is under way without harm.
        """

    def ids(self) -> AsyncIterator[pa.StringArray]:
        """Yield the ids of all documents, as plain text."""

    def documents(self, ids: Sequence[str] | None = None) -> AsyncIterator[pa.RecordBatch]:
        """Yield all documents, or those of the given ids that exist, with the columns `LISTING`."""


class Indexes(Protocol):
    """All indexes of one connection."""

    def index(self, name: str) -> Target:
        """One index by name; it need not exist. Raises `TargetMismatch` if the name cannot be one."""

    async def inspect(self, name: str, shape: IndexShape) -> IndexState | None:
        """What stands there now, changing nothing; None if there is no such index."""

    async def swap(self, name: str, other: str) -> None:
        """Exchange two indexes at once for all readers; if one of the two is missing, the other takes its name. Durable on return."""

    async def drop(self, name: str) -> None:
        """Remove an index; a missing one is fine."""


# ── plug-ins ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Connector:
    """One outside system. A role that it cannot play is None.

    `settings` is the section class of `[connections.NAME]`; `check` connects, asks the least that proves the settings right, and
    answers a line for people such as "Meilisearch 1.21.0, 14 indexes". The openers yield something that is closed on exit; several syncs
    may use it at once.
    """

    settings: type[Any]
    check: Callable[[Any], Awaitable[str]]
    source: Callable[[Any], AbstractAsyncContextManager[Source]] | None = None
    indexes: Callable[[Any], AbstractAsyncContextManager[Indexes]] | None = None


class Connections(Protocol):
    """The connections of the settings by name, opened on first use, shared while in use, closed after the last."""

    def source(self, name: str) -> AbstractAsyncContextManager[Source]: ...

    def indexes(self, name: str) -> AbstractAsyncContextManager[Indexes]: ...


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class RowTurn(Enum):
    """What happens to the remembered rows together with a checkpoint."""

    KEEP = "keep"
    CLEAR_LIVE = "clear_live"
    CLEAR_SHADOW = "clear_shadow"
    PROMOTE = "promote"
    """The shadow's rows become the live ones, and those are forgotten."""


class Scope(Enum):
    """Which index the rows of a commit went to."""

    LIVE = "live"
    SHADOW = "shadow"


TOMBSTONE = 0
"""The fingerprint of a row that is known to be deleted. No document has it."""


@dataclass(frozen=True, slots=True)
class Advance:
    """A step of a sync that carries no rows."""

    checkpoint: Checkpoint
    rows: RowTurn = RowTurn.KEEP
    letters_before: datetime | None = None
    """Dead letters not seen since then are dropped: every row has been looked at anew."""
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class RowTrace:
    """What is remembered of one row."""

    fingerprint: int
    run: str
    at: datetime


class Rows(Protocol):
    """What the ledger remembers of the rows of one sync."""

    async def known(self, marks: pa.StringArray, scope: Scope = Scope.LIVE) -> pa.Int64Array:
        """The fingerprint for each mark, null where there is none."""

    async def trace(self, mark: str) -> RowTrace | None:
        """The last run that touched a row."""

    async def letters(self, after: int = 0, limit: int = 1000) -> Sequence[DeadLetter]:
        """Dead letters in order of id, from behind one id."""

    async def drop_letters(self, ids: Sequence[int]) -> None:
        """Forget some dead letters and what is remembered of their rows, so that they are looked at anew."""


@dataclass(frozen=True, slots=True)
class Progress:
    doing: str = ""
    total: int | None = None
    unchanged: int = 0
    """Rows read since the last call that needed no batch."""
    sent: int = 0
    """Rows handed to the target since the last call."""
    complete_to: str = ""


class RunContext(Protocol):
    """All that an engine sees of the daemon."""

    @property
    def run(self) -> Run: ...

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where the sync stands, as of the last commit."""

    @property
    def clean(self) -> bool:
        """The last run that may have written ended well: nothing of it can still be under way or half known."""

    @property
    def rows(self) -> Rows: ...

    async def commit(self, receipt: Receipt, scope: Scope = Scope.LIVE) -> None:
        """Write counters, dead letters, remembered rows and the checkpoint that the receipt reaches in one durable transaction."""

    async def advance(self, step: Advance) -> None:
        """Write a step without rows in one durable transaction."""

    def tell(self, progress: Progress) -> None:
        """Say how far the run is. Never blocks."""

    def crowded(self) -> bool:
        """Another sync that uses the same target has work now, or soon will."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found, beside what it counted. `findings` is JSON-able."""

    findings: Mapping[str, object] = field(default_factory=dict)
    drifted: bool = False
    pause: str = ""
    """If not empty, the sync pauses after this run, for this reason."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run an engine. Modes that write exclude each other and everything else of the same sync; the others run beside."""

    summary: str
    writes: bool
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Name -> what it does; a value of `true` switches on."""


class Engine(Protocol):
    """One sync's engine, made anew for each run."""

    async def run(self, context: RunContext) -> Report:
        """Do one run from `context.checkpoint`. Raises `SyncdError`s; may be cancelled at any await."""


@dataclass(frozen=True, slots=True)
class EngineKind:
    """One kind of engine: `settings` is the section class of `[syncs.NAME]`, a `settings.sync.SyncSection`."""

    settings: type[Any]
    modes: Mapping[str, Mode]
    scheduled_mode: str
    build: Callable[[SyncName, Any, Connections], Engine]


# ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────────


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

    async def begin(self, run: Run) -> SyncRecord:
        """Write a run as running, with its audit entry, and mark its sync as not clean if the run writes. Answers the state before."""

    async def end(self, run: Run, hold: Hold | None = None, entries: Sequence[Entry] = ()) -> None:
        """Write a run that has ended, its audit entry `run.ended`, and the hold it leaves behind, if any, in one transaction.

        A writing run that is done makes its sync clean, and ends a halt. A run that never began has no effect on either.
        """

    async def find(self, query: RunQuery) -> Sequence[Run]:
        """Runs that match, newest first."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a person does to a sync."""

    hold: Hold | None = None
    """The hold from now on; None ends any."""
    reset: bool = False
    """Forget checkpoint, remembered rows and dead letters."""


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


class AuditBook(Protocol):
    """The audit log."""

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write entries that go with no other change."""

    async def query(self, query: AuditQuery) -> Sequence[Recorded]:
        """Entries that match, newest first, everything recorded before the call included."""

    async def after(self, sequence: int, limit: int) -> Sequence[Recorded]:
        """The next entries behind a sequence, oldest first; empty if there is none yet."""

    async def grown(self, sequence: int) -> int:
        """Wait until there is an entry behind a sequence; answers the head's sequence at once if there is."""
