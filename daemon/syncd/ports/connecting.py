"""What outside systems offer: rows to read, indexes to write and read, and how all of what they offer is opened."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from syncd.domain.batch import Batch, Finding, Receipt, Refusal
from syncd.domain.scan import Horizon, Position, Relation, Scan
from syncd.domain.schema import Table
from syncd.ports.models import TextModel
from syncd.ports.objects import ObjectStore
from syncd.ports.warehouse import SchemaReader


class Source(Protocol):
    """Tables of one system, read-only.

    Raises `SourceUnavailable` for what passes by itself, `SourceMismatch` for what an operator must mend, and `MomentGone` where a scan
    names a moment, or removed rows, that the source cannot tell any more.
    """

    async def describe(self, relation: Relation) -> Table:
        """Columns, types and primary key of a relation."""

    async def horizon(self, relation: Relation, watermark: str) -> Horizon:
        """How far the source is complete now; call it before a scan, never after."""

    async def unchanged(self, stamp: str) -> bool:
        """Whether no row can have changed since the horizon with this stamp was taken, told without looking at rows; False if in doubt."""

    def scan(self, scan: Scan, rows: int) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the rows of a scan in its order, at most `rows` a batch, none of them empty; memory stays bounded at any table size."""

    async def count(self, scan: Scan) -> int:
        """Rows that the scan would yield."""

    async def split(self, scan: Scan, parts: int) -> Sequence[Position]:
        """Positions that cut a scan into at most `parts` of about the same size; none where one reader is as fast as several."""


LISTING = pa.schema([pa.field("id", pa.string()), pa.field("document", pa.string())])
"""What `Readable.documents` yields: the id as plain text, the document as JSON text."""


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
    hidden: frozenset[str] = frozenset()
    """Fields that documents are stored with, but `Readable.documents` does not tell."""
    kept: Callable[[str], float] = float
    """What is kept of a number of a document that has a point or an exponent, or is beyond 64 bits."""


class Target(Protocol):
    """Where rows are written: one index of one system.

    Raises `TargetUnavailable` for what passes by itself, `TargetMismatch` and `BadCredentials` for what an operator must mend.
    """

    async def prepare(self, shape: IndexShape) -> IndexState:
        """Create the index if it is missing, bring its settings to `shape`, and wait until nothing is under way in it any more.

        Raises `TargetMismatch` if it exists with another primary key, or a setting is refused.
        """

    def apply(self, batches: AsyncIterator[Batch], crowded: Callable[[], bool]) -> AsyncGenerator[Receipt, None]:
        """Yield one receipt a batch, in order, each only once its batch is durable and readable.

        How many batches are under way at once is the target's business: it pulls as its window allows, which is also the only
        backpressure there is. `crowded` says whether another sync needs the same system now: then the window stays narrow. Refuses
        single rows; raises for everything else. Closing the generator early abandons what is under way without harm.
        """

    def unfit(self, rows: pa.RecordBatch) -> Sequence[Refusal]:
        """Those of some rows (schema `DOCUMENTS`) that the target is known to refuse, told without asking it."""


class Readable(Protocol):
    """What an index can tell of its content. Raises as `Target` does."""

    def ids(self) -> AsyncGenerator[pa.StringArray, None]:
        """Yield the ids of all documents, as plain text."""

    def documents(self, ids: Sequence[str] | None = None) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield all documents, or those of the given ids that exist, with the columns `LISTING`."""


class Index(Target, Readable, Protocol):
    """One index, to write and to read."""


class Indexes(Protocol):
    """All indexes of one connection."""

    def index(self, name: str) -> Index:
        """One index by name; it need not exist. Raises `TargetMismatch` if the name cannot be one."""

    async def inspect(self, name: str, shape: IndexShape) -> IndexState | None:
        """What stands there once no swap of it is under way any more, changing nothing; None if there is no such index."""

    async def swap(self, name: str, other: str) -> None:
        """Exchange two indexes at once for all readers; if one of the two is missing, the other takes its name. Durable on return."""

    async def drop(self, name: str) -> None:
        """Remove an index; a missing one is fine."""


@dataclass(frozen=True, slots=True)
class Connector:
    """One outside system. A role that it cannot play is None.

    `settings` is the section class of `[connections.NAME]`; `check` connects, asks the least that proves the settings right, and
    answers a line for people such as "Meilisearch 1.21.0, 14 indexes". The openers yield something that is closed on exit; several syncs
    may use it at once. Where it costs much to open, `stays` answers what is the same as long as what was opened may be
    kept for a while.
    """

    settings: type[Any]
    check: Callable[[Any], Awaitable[str]]
    source: Callable[[Any], AbstractAsyncContextManager[Source]] | None = None
    indexes: Callable[[Any], AbstractAsyncContextManager[Indexes]] | None = None
    schemas: Callable[[Any], AbstractAsyncContextManager[SchemaReader]] | None = None
    objects: Callable[[Any], AbstractAsyncContextManager[ObjectStore]] | None = None
    model: Callable[[Any], AbstractAsyncContextManager[TextModel]] | None = None
    stays: Callable[[Any], str] | None = None


class Connections(Protocol):
    """The connections of the settings by name, opened on first use, shared while in use, closed after the last or a while later."""

    def source(self, name: str) -> AbstractAsyncContextManager[Source]: ...

    def indexes(self, name: str) -> AbstractAsyncContextManager[Indexes]: ...

    def schemas(self, name: str) -> AbstractAsyncContextManager[SchemaReader]: ...

    def objects(self, name: str) -> AbstractAsyncContextManager[ObjectStore]: ...

    def model(self, name: str) -> AbstractAsyncContextManager[TextModel]: ...
