"""What a run is made of: the engine, and all that it sees of the daemon."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from syncd.domain.audit import Entry
from syncd.domain.batch import Checkpoint, Receipt
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.run import Run, SyncName
from syncd.ports.connecting import Connections


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
    documents: Mapping[str, str | None] = field(default_factory=dict)
    """Name -> text of documents to keep; None removes one. The others stay."""


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


class Documents(Protocol):
    """The small named texts that one sync keeps. Those under `state/` are gone when the sync is reset."""

    async def get(self, name: str) -> str | None:
        """The text of a document, None if there is none of this name."""

    async def list(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[tuple[str, str]]:
        """Names that begin with a prefix, and their texts, in order of name, from behind one name."""


@dataclass(frozen=True, slots=True)
class Progress:
    doing: str = ""
    total: int | None = None
    unchanged: int = 0
    """Rows read since the last call that travel in no batch, because the target holds them already."""
    sent: int = 0
    """Rows handed to the target since the last call."""
    complete_to: str = ""
    warnings: tuple[str, ...] | None = None
    """What an operator should know although nothing failed; None leaves what was said before."""


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

    @property
    def documents(self) -> Documents:
        """What the sync keeps, as of the last commit."""

    @property
    def folder(self) -> Path:
        """A folder that only the sync uses and nobody else may read, for files that outlive the run."""

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
    """One way to run an engine."""

    summary: str
    writes: bool
    """It may change the target. Such runs of one sync exclude each other."""
    writes_if: str = ""
    """The parameter that makes a mode write which otherwise does not."""
    alone: bool = False
    """It does not stand writing runs beside it, even where it does not write itself."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Name -> what it does; a value of `true` switches on."""

    def writes_with(self, parameters: Mapping[str, str]) -> bool:
        return self.writes or (bool(self.writes_if) and parameters.get(self.writes_if) == "true")


class Engine(Protocol):
    """One sync's engine, made anew for each run."""

    async def run(self, context: RunContext) -> Report:
        """Do one run from `context.checkpoint`. Raises `SyncdError`s; may be cancelled at any await."""

    async def abandon(self, context: RunContext) -> None:
        """Clean up after a run that has failed for good or was cancelled, as far as nothing of it may stay. Raises `SyncdError`s."""


@dataclass(frozen=True, slots=True)
class EngineKind:
    """One kind of engine: `settings` is the section class of `[syncs.NAME]`, a `settings.sync.SyncSection`."""

    settings: type[Any]
    modes: Mapping[str, Mode]
    scheduled_mode: str
    build: Callable[[SyncName, Any, Connections], Engine]
    watches: Callable[[Any], Collection[Path]] | None = None
    """Files, and globs of files, of some settings: when one of them changes, a run begins by itself."""
