"""A daemon with a real ledger and an engine that does what the test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from syncd.domain.batch import DOCUMENTS, Batch, Checkpoint, Receipt, Refusal
from syncd.domain.run import Run, RunId, RunState, SyncName
from syncd.domain.status import Phase, SyncStatus
from syncd.ledger.book import open_ledger
from syncd.ports.connecting import Connections, Connector
from syncd.ports.control import Wish
from syncd.ports.ledger import Ledger
from syncd.ports.running import EngineKind, Mode, Report, RunContext
from syncd.runtime.board import Board
from syncd.runtime.daemon import Daemon
from syncd.runtime.roster import Roster
from syncd.runtime.supervisor import Supervisor
from syncd.settings.load import Settings, load
from syncd.settings.section import Section
from syncd.settings.sync import Offer, Role, SyncSection, Use

Script = Callable[[RunContext], Awaitable[Report]]

MODES = {
    "incremental": Mode("what changed", writes=True, parameters={"fast": "true: hurry"}),
    "verify": Mode("compare", writes=False, writes_if="repair", alone=True, parameters={"repair": "true: mend"}),
    "plan": Mode("tell", writes=False),
}


async def nothing(_: RunContext) -> Report:
    return Report()


@dataclass
class Play:
    """What the engine of each sync does, and what it was asked to clean up."""

    scripts: dict[str, Script] = field(default_factory=dict)
    abandoned: list[str] = field(default_factory=list)


class PlayedSync(SyncSection):
    target: str = "store"

    def uses(self) -> tuple[Use, ...]:
        return (Use(Role.TARGET, Offer.INDEXES, self.target, "target"),)


class StoreSection(Section):
    pass


class PlayedEngine:
    def __init__(self, play: Play, sync: SyncName) -> None:
        self._play = play
        self._sync = sync

    async def run(self, context: RunContext) -> Report:
        return await self._play.scripts.get(self._sync, nothing)(context)

    async def abandon(self, context: RunContext) -> None:
        self._play.abandoned.append(context.run.id)


async def _fine(_: Any) -> str:
    return "fine"


@asynccontextmanager
async def _opened(_: Any) -> AsyncIterator[Any]:
    yield None


class PlayedKinds:
    """One engine and one connector, as the catalogue would give them."""

    def __init__(self, play: Play) -> None:
        self._play = play

    def engine_kinds(self) -> Collection[str]:
        return ["played"]

    def connector_kinds(self) -> Collection[str]:
        return ["store"]

    def engine(self, kind: str) -> EngineKind:
        return {"played": EngineKind(PlayedSync, MODES, "incremental", self._build)}[kind]

    def connector(self, kind: str) -> Connector:
        return {"store": Connector(StoreSection, _fine, indexes=_opened)}[kind]

    def _build(self, sync: SyncName, _section: Any, _connections: Connections) -> PlayedEngine:
        return PlayedEngine(self._play, sync)


@dataclass
class World:
    folder: Path
    ledger: Ledger
    daemon: Daemon
    supervisor: Supervisor

    def status(self, sync: str) -> SyncStatus:
        status = self.daemon.board.sync(SyncName(sync))
        assert status is not None
        return status

    async def begin(self, sync: str, mode: str = "incremental", **more: Any) -> Run:
        return await self.daemon.begin(Wish(SyncName(sync), mode, **more))

    async def ended(self, run: Run) -> Run:
        """The run once it has ended, and the board knows of it."""
        while True:
            changed = self.daemon.board.changed()
            view = await self.daemon.run(RunId(run.id))
            if view.run.state.ended and self.daemon.board.run(run.id) is None:
                return view.run
            await asyncio.wait_for(changed.wait(), 10)

    async def has_run(self, sync: str) -> SyncStatus:
        """The sync's status once a run of it is done and no other is under way."""
        while True:
            changed = self.daemon.board.changed()
            status = self.status(sync)
            if status.last and status.last.state is RunState.DONE and status.active is None:
                return status
            await asyncio.wait_for(changed.wait(), 10)

    async def phase(self, sync: str, phase: Phase) -> SyncStatus:
        """The sync's status once it is in a phase."""
        while True:
            changed = self.daemon.board.changed()
            if self.status(sync).phase is phase:
                return self.status(sync)
            await asyncio.wait_for(changed.wait(), 10)


def written(folder: Path, syncs: str) -> Path:
    """A settings file with some `[syncs.…]` tables."""
    file = folder / "syncd.toml"
    head = '[daemon]\nstate_dir = "state"\nretry = { attempts = 3, first = "1ms", most = "5ms" }\n[connections.store]\nkind = "store"\n'
    file.write_text(head + syncs)
    return file


def sync(name: str, more: str = "manual = true") -> str:
    return f'[syncs.{name}]\nengine = "played"\n{more}\n'


def read(folder: Path, play: Play) -> Settings:
    return load(folder / "syncd.toml", PlayedKinds(play))


@asynccontextmanager
async def opened(folder: Path, play: Play, syncs: str) -> AsyncIterator[World]:
    """A daemon at work, without sockets; it stops in order when the block ends."""
    written(folder, syncs)
    settings = read(folder, play)
    async with open_ledger(settings.daemon.state_dir, lambda: datetime.now(UTC)) as ledger, asyncio.TaskGroup() as tasks:
        board = Board()
        supervisor = Supervisor(ledger, board, tasks, settings.daemon.concurrency, settings.daemon.retry)
        roster = Roster(settings, ledger, supervisor, lambda: read(folder, play))
        daemon = Daemon(ledger, board, supervisor, roster)
        await roster.start()
        try:
            yield World(folder, ledger, daemon, supervisor)
        finally:
            daemon.going_away.set()
            await supervisor.stop(settings.daemon.stop_timeout)


def receipt(*marks: str, refused: int = 0, reaches: str = "{}") -> Receipt:
    """What a target says of a batch with these rows, the first `refused` of which it will never take."""
    rows = [{"mark": mark, "key": f'["{mark}"]', "id": mark, "document": f'{{"id":{mark}}}', "fingerprint": 7} for mark in marks]
    batch = Batch(pa.RecordBatch.from_pylist(rows, schema=DOCUMENTS), pa.array([], pa.string()), Checkpoint(reaches), read=len(marks))
    return Receipt(batch, tuple(Refusal(row, "bad", "it is bad") for row in range(refused)))
