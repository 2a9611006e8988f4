"""What people and text-to-SQL applications ask of metadata syncs, and what they are answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from syncd.domain.run import Run, SyncName


@dataclass(frozen=True, slots=True)
class CacheView:
    """The published bytes, as they are stored, or only what is known of them."""

    content: bytes | None
    """None if the reader has them already."""
    sha256: str
    generation: int
    size: int
    published_at: datetime
    checked_at: datetime
    """When this copy was last known to be what is published."""
    stale: str = ""
    """Why the copy could not be compared with what is published since then; empty if it is as fresh as the settings want it."""


@dataclass(frozen=True, slots=True)
class CostView:
    requests: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    kept_tokens: int = 0
    """Written to what the service keeps of prompts."""
    reused_tokens: int = 0
    dollars: float = 0.0
    unpriced: int = 0
    """Requests whose price nobody knows; not part of `dollars`."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one table of one run has cost with one model."""

    run: str
    table: str
    model: str
    cost: CostView


@dataclass(frozen=True, slots=True)
class Wanting:
    """A table or family that has less than it should have."""

    unit: str
    reason: str
    examples_from: datetime | None
    """Of when its oldest example is; None if it has none."""


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """How `GetCache` was answered since the daemon began."""

    hits: int = 0
    """From memory, fresh."""
    stale: int = 0
    """From memory, older than the settings want it."""
    misses: int = 0
    """The store had to be asked first."""
    unmodified: int = 0
    """The reader had it already."""


@dataclass(frozen=True, slots=True)
class CacheStatus:
    sync: SyncName
    object: str
    generation: int = 0
    """0 if nothing is published."""
    sha256: str = ""
    size: int = 0
    method: str = ""
    published_at: datetime | None = None
    checked_at: datetime | None = None
    """When the warehouse was last compared with what is published."""
    changed_at: datetime | None = None
    """When the warehouse was last found changed."""
    refreshed_at: datetime | None = None
    """When a daily, full or wished-for refresh ended."""
    full_at: datetime | None = None
    detect_to_publish: timedelta | None = None
    """From the beginning of the check that found the last change until it was published."""
    pinned: str = ""
    """The snapshot that was restored and holds until somebody refreshes."""
    tables: int = 0
    families: int = 0
    shards: int = 0
    examples_by_level: Mapping[str, int] = field(default_factory=dict)
    """`names`, `analysed`, `ran`, `linted` -> how many examples reached just that."""
    examples_by_source: Mapping[str, int] = field(default_factory=dict)
    """`model`, `template`, `adopted`."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Code -> how many examples were found no good for that reason."""
    wanting: tuple[Wanting, ...] = ()
    tokens: Mapping[str, int] = field(default_factory=dict)
    """Key of the published object -> tokens."""
    token_budget: int = 0
    counter: str = ""
    trimmed: tuple[str, ...] = ()
    cost_today: CostView = CostView()
    cost_last: CostView = CostView()
    """Of the last run that asked a model."""
    costs: tuple[CostLine, ...] = ()
    """Of today, by run, table and model."""
    reads: ReadCounts = ReadCounts()
    copy_age: timedelta | None = None
    """How old the copy in memory is; None if there is none."""


@dataclass(frozen=True, slots=True)
class Refreshing:
    """What somebody wants refreshed."""

    tables: tuple[str, ...] = ()
    """Empty: whatever has changed or is missing."""
    full: bool = False
    """Make everything anew."""
    allow_shrink: bool = False
    """Publish also what has lost most tables, or all examples."""
    request_id: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotView:
    id: str
    published_at: datetime
    size: int
    sha256: str
    current: bool = False
    """It holds what is published now."""


@dataclass(frozen=True, slots=True)
class DifferenceView:
    what: str
    """`table`, `column`, `example` or `insight`."""
    name: str
    change: str
    """`added`, `removed` or `changed`."""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class PromptContext:
    """A slice of what is published, for one question."""

    text: str
    """JSON of the same form as the whole."""
    tokens: int
    counter: str
    left_out: tuple[str, ...]
    """What did not fit."""
    generation: int
    sha256: str


class MetadataDesk(Protocol):
    """Every call raises `NotFound` `sync.unknown` for a sync that there is not, `Refused` `sync.not_metadata` for one of another engine."""

    async def cache(self, sync: SyncName, unless: str) -> CacheView:
        """What is published, without content if its SHA-256 is `unless`. Raises `NotFound` `cache.missing` if nothing is published yet.

        While there is any copy, no trouble of the store is an error.
        """

    async def status(self, sync: SyncName) -> CacheStatus: ...

    async def refresh(self, sync: SyncName, wish: Refreshing) -> Run:
        """Start a run; while one is under way, the new one waits."""

    async def snapshots(self, sync: SyncName) -> Sequence[SnapshotView]:
        """Newest first."""

    async def diff(self, sync: SyncName, before: str, after: str) -> Sequence[DifferenceView]:
        """Between two snapshots; empty means: the newest snapshot, and what is published now. Raises `NotFound` `snapshot.unknown`."""

    async def restore(self, sync: SyncName, snapshot: str, actor: str) -> Run:
        """Start a run that publishes a snapshot again. Raises `NotFound` `snapshot.unknown`."""

    async def context(self, sync: SyncName, tables: Sequence[str], budget: int) -> PromptContext:
        """What a question about some tables needs, within a budget of tokens (0: the settings'). Raises `NotFound` `table.unknown`."""
