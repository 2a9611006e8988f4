"""An index and a ledger in memory, between which and a source the engine does real runs."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from syncd.domain.audit import Entry
from syncd.domain.batch import Batch, Checkpoint, Receipt, Refusal
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.errors import SourceUnavailable
from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.engines.search.checkpoint import Standing, read
from syncd.engines.search.engine import SearchEngine
from syncd.engines.search.settings import SearchSync
from syncd.ports.connecting import IndexShape, IndexState
from syncd.ports.running import TOMBSTONE, Advance, Progress, Report, RowTurn, Scope
from tests.engines.search.versioned import Versioned

AT_WORK = 3
"""Batches that the index takes before the first of them is durable."""


class Crash(SourceUnavailable):
    """Stands for whatever ends an attempt in the middle."""


@dataclass
class Index:
    """Documents by id. A batch is durable only after some more have been taken."""

    identity: str
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def prepare(self, shape: IndexShape) -> IndexState:
        return IndexState(self.identity, len(self.documents))

    async def apply(self, batches: AsyncIterator[Batch], crowded: Callable[[], bool]) -> AsyncGenerator[Receipt, None]:
        waiting: list[Batch] = []
        async for batch in batches:
            waiting.append(batch)
            if len(waiting) > AT_WORK:
                yield await self._applied(waiting.pop(0))
        for batch in waiting:
            yield await self._applied(batch)

    async def _applied(self, batch: Batch) -> Receipt:
        """Takes its time, so that each batch is committed alone."""
        for _ in range(5):
            await asyncio.sleep(0)
        for mark in batch.gone.to_pylist():
            self.documents.pop(mark, None)
        refused = self.unfit(batch.rows)
        bad = {refusal.row for refusal in refused}
        for row, each in enumerate(batch.rows.to_pylist()):
            if row not in bad:
                self.documents[each["mark"]] = json.loads(each["document"])
        return Receipt(batch, tuple(refused))

    def unfit(self, rows: pa.RecordBatch) -> Sequence[Refusal]:
        return [Refusal(row, "invalid_document_id", "null") for row, each in enumerate(rows.column("id").to_pylist()) if each == "null"]

    async def ids(self) -> AsyncGenerator[pa.StringArray, None]:
        yield pa.array(list(self.documents), pa.string())


@dataclass
class World:
    """A source, its index, and what the ledger holds."""

    source: Versioned
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the source."""
    mapping: dict[str, str] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    made: int = 0
    checkpoint: Checkpoint | None = None
    clean: bool = True
    known: dict[Scope, dict[str, int]] = field(default_factory=lambda: {Scope.LIVE: {}, Scope.SHADOW: {}})
    entries: list[Entry] = field(default_factory=list)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Mark -> code and reason."""
    warnings: tuple[str, ...] = ()
    sent: int = 0
    runs: int = 0

    @property
    def sync(self) -> SearchSync:
        source = {"connection": "s", "table": "products", "key": ["id"], "watermark": "at", **self.settings}
        return SearchSync.model_validate(
            {
                "engine": "search",
                "batch_rows": 1,
                "source": {name: value for name, value in source.items() if value is not None},
                "target": {"connection": "t", "index": "products"},
                "mapping": self.mapping,
            }
        )

    async def run(self, mode: str = "incremental", crash_after: int | None = None, parameters: Mapping[str, str] | None = None) -> Report:
        """One attempt of a run as a person asks for it; `crash_after` so many commits it ends."""
        self.runs += 1
        trigger = Trigger.REQUEST if self.clean else Trigger.RECOVERY
        run = Run(RunId(f"R{self.runs}"), SyncName("p"), mode, trigger, RunState.RUNNING, datetime.now(UTC), parameters or {})
        run = replace(run, writes=mode not in ("plan", "doctor"))
        context: Any = Context(self, run, self.checkpoint, self.clean, crash_after)
        connections: Any = Connections(self)
        engine = SearchEngine(run.sync, self.sync, connections)
        self.clean = self.clean and not run.writes
        report = await engine.run(context)
        self.clean = True
        return report

    @property
    def standing(self) -> Standing:
        return read(self.checkpoint, "")

    @property
    def documents(self) -> dict[str, dict[str, Any]]:
        return self.indexes["products"].documents

    def expected(self) -> dict[str, dict[str, Any]]:
        """What the index holds once it is in step."""
        names = list(self.source.columns)
        return {str(row["id"]): {name: row[name] for name in names} for row in self.source.rows()}

    def actions(self) -> list[str]:
        return [entry.action for entry in self.entries]


@dataclass
class Connections:
    """Opens the world, and is all of its indexes."""

    world: World

    @asynccontextmanager
    async def source(self, name: str) -> AsyncIterator[Any]:
        yield self.world.source

    @asynccontextmanager
    async def indexes(self, name: str) -> AsyncIterator[Any]:
        yield self

    def index(self, name: str) -> Index:
        held = self.world.indexes
        if name not in held:
            self.world.made += 1
            held[name] = Index(f"index {self.world.made}")
        return held[name]

    async def inspect(self, name: str, shape: IndexShape) -> IndexState | None:
        index = self.world.indexes.get(name)
        return await index.prepare(shape) if index else None

    async def swap(self, name: str, other: str) -> None:
        held = self.world.indexes
        swapped = {name: held.pop(other, None), other: held.pop(name, None)}
        held.update({place: index for place, index in swapped.items() if index})

    async def drop(self, name: str) -> None:
        self.world.indexes.pop(name, None)


@dataclass
class Context:
    """The ledger of the world, and what one attempt sees of it."""

    world: World
    run: Run
    checkpoint: Checkpoint | None
    clean: bool
    crash_after: int | None

    @property
    def rows(self) -> "Context":
        return self

    async def commit(self, receipt: Receipt, scope: Scope = Scope.LIVE) -> None:
        if self.crash_after == 0:
            raise Crash("no more commits")
        batch, refused = receipt.batch, {refusal.row: refusal for refusal in receipt.refused}
        for row, each in enumerate(batch.rows.to_pylist()):
            if refusal := refused.get(row):
                self.world.refused[each["mark"]] = refusal.code, refusal.reason
            else:
                self.world.known[scope][each["mark"]] = each["fingerprint"]
        self.world.known[scope].update(dict.fromkeys(batch.gone.to_pylist(), TOMBSTONE))
        self._stand(batch.reaches)
        self.crash_after = None if self.crash_after is None else self.crash_after - 1

    async def advance(self, step: Advance) -> None:
        known = self.world.known
        match step.rows:
            case RowTurn.CLEAR_LIVE:
                known[Scope.LIVE] = {}
            case RowTurn.CLEAR_SHADOW:
                known[Scope.SHADOW] = {}
            case RowTurn.PROMOTE:
                known[Scope.LIVE], known[Scope.SHADOW] = known[Scope.SHADOW], {}
            case RowTurn.KEEP:
                pass
        self.world.entries += step.entries
        self._stand(step.checkpoint)

    def _stand(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = self.world.checkpoint = checkpoint

    def tell(self, progress: Progress) -> None:
        self.world.sent += progress.sent
        self.world.warnings = self.world.warnings if progress.warnings is None else progress.warnings

    def crowded(self) -> bool:
        return False

    async def known(self, marks: pa.StringArray, scope: Scope = Scope.LIVE) -> pa.Int64Array:
        return pa.array([self.world.known[scope].get(mark) for mark in marks.to_pylist()], pa.int64())

    async def letters(self, after: int = 0, limit: int = 1000) -> Sequence[DeadLetter]:
        return []
