"""What a client may ask of the daemon, in the daemon's own words. One event loop."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from syncd.domain.audit import Entry
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.errors import InvalidRequest, NotFound, SyncdError
from syncd.domain.run import Failure, Run, RunId, RunState, SyncName, Trigger
from syncd.domain.status import RunView, SyncStatus
from syncd.kit.ids import ulid
from syncd.kit.text import did_you_mean
from syncd.ports.control import Checked, Reloaded, Shown, Wish
from syncd.ports.ledger import Change, LetterQuery, RunQuery, SyncRecord
from syncd.ports.running import Mode
from syncd.runtime.board import Board
from syncd.runtime.connections import Opener, SharedConnections
from syncd.runtime.supervisor import Books, Supervised, Supervisor, paused
from syncd.settings.difference import difference
from syncd.settings.dump import dump
from syncd.settings.load import Settings

log = structlog.get_logger()

_CHECK_SECONDS = 20.0


class Daemon:
    """Answers questions and carries out wishes; raises `SyncdError`s."""

    def __init__(self, books: Books, board: Board, supervisor: Supervisor, reread: Callable[[], Settings]) -> None:
        self._books = books
        self._supervisor = supervisor
        self._reread = reread
        self._settings: Settings | None = None
        self.board = board
        self.epoch = ulid()
        self.started_at = datetime.now(UTC)
        self.going_away = asyncio.Event()
        """Set when the daemon begins to stop: streams end then."""

    @property
    def settings(self) -> Settings:
        if self._settings is None:
            raise RuntimeError("the daemon has no settings before `start`")
        return self._settings

    async def start(self, settings: Settings) -> None:
        """Take all syncs on, and deal with the runs that the last process left behind."""
        self._settings = settings
        orphans = await self._orphans()
        records = await self._books.syncs.load(list(settings.syncs))
        self._take_on(settings, settings.syncs.keys(), records)
        self._supervisor.scheduler.start()
        for run in orphans:
            if run.sync in settings.syncs:
                self._supervisor.enqueue(await self._books.runs.add(run))

    async def reload(self) -> Reloaded:
        """Read the settings anew and apply what changed. Raises `SettingsInvalid`, and changes nothing then."""
        new = await asyncio.to_thread(self._reread)
        changes = difference(self.settings, new)
        for name in changes.removed | changes.changed:
            self._supervisor.remove(name)
        self._settings = new
        fresh = sorted(changes.added | changes.changed)
        self._take_on(new, fresh, await self._books.syncs.load(fresh))
        told = Reloaded(_sorted(changes.added), _sorted(changes.removed), _sorted(changes.changed), changes.restart)
        await self._books.audit.record([Entry("settings.reloaded", detail=asdict(told))])
        return told

    def statuses(self) -> list[SyncStatus]:
        """All syncs, in order of name."""
        return [status for name in self.board.names() if (status := self.board.sync(name))]

    async def show(self, name: SyncName) -> Shown:
        sync = self._sync(name)
        (record,) = (await self._books.syncs.load([name])).values()
        return Shown(self._status(name), dump(sync.settings), record.checkpoint or "", sync.engine.modes)

    async def pause(self, name: SyncName, actor: str) -> SyncStatus:
        return await self._change(name, Change(hold=paused(f"paused by {actor}")), Entry("sync.paused", name, actor=actor))

    async def resume(self, name: SyncName, actor: str) -> SyncStatus:
        return await self._change(name, Change(), Entry("sync.resumed", name, actor=actor))

    async def reset(self, name: SyncName, actor: str) -> SyncStatus:
        """Forget where the sync stands. Raises `Refused` while a run is under way."""
        self._sync(name)
        self._supervisor.refuse_if_busy(name)
        return await self._change(name, Change(reset=True), Entry("sync.reset", name, actor=actor))

    async def begin(self, wish: Wish) -> Run:
        """Write a run down and start it as soon as its turn comes. Raises `Refused` if one is under way and `queue` is not set."""
        sync = self._sync(wish.sync)
        name = wish.mode or sync.settings.mode or sync.engine.scheduled_mode
        mode = _checked_mode(sync.engine.modes, name, wish.parameters)
        if wish.request_id and (known := await self._requested(wish)):
            return known
        if (mode.writes_with(wish.parameters) or mode.alone) and not wish.queue:
            self._supervisor.refuse_if_busy(wish.sync)
        run = Run(
            RunId(ulid()),
            wish.sync,
            name,
            Trigger.REQUEST,
            RunState.QUEUED,
            datetime.now(UTC),
            parameters=dict(wish.parameters),
            writes=mode.writes_with(wish.parameters),
            request_id=wish.request_id,
            actor=wish.actor,
        )
        written = await self._books.runs.add(run)
        if written.id == run.id:
            self._supervisor.enqueue(written)
        return written

    async def cancel(self, run: RunId, actor: str) -> Run:
        """Ask a run to end; one that has ended stays as it is."""
        runner = self._supervisor.runner(run)
        if runner:
            await self._books.audit.record([Entry("run.cancel_requested", runner.run.sync, run, actor)])
            runner.stop(RunState.CANCELLED)
            return runner.run
        return await self._supervisor.withdraw(run) or (await self.run(run)).run

    @property
    def settings_file(self) -> Path:
        return self.settings.file

    async def runs(self, query: RunQuery) -> list[RunView]:
        """Runs that match, newest first; those under way as they are now."""
        return [self.board.run(run.id) or RunView(run) for run in await self._books.runs.find(query)]

    async def letters(self, query: LetterQuery) -> Sequence[DeadLetter]:
        """Dead letters in order of id."""
        return await self._books.rows.letters(query)

    async def run(self, run: RunId) -> RunView:
        """One run as it is now. Raises `NotFound`."""
        if view := self.board.run(run):
            return view
        found = await self._books.runs.find(RunQuery(ids=(run,), limit=1))
        if not found:
            raise NotFound(f"there is no run '{run}'", hint="`syncctl runs` lists them", code="run.unknown")
        return RunView(found[0])

    async def check_connections(self, names: Collection[str]) -> list[Checked]:
        """Try connections, all if none are named."""
        known = self.settings.connections
        for name in names:
            if name not in known:
                raise NotFound(f"there is no connection '{name}'{did_you_mean(name, known)}", code="connection.unknown")
        return list(await asyncio.gather(*(self._check(name) for name in names or known)))

    async def discard(self, name: SyncName, ids: Sequence[int], actor: str) -> int:
        """Forget dead letters; answers how many there were."""
        sync = self._sync(name)
        discarded = await self._books.rows.discard(name, ids, actor)
        self._supervisor.hold(sync, (await self._books.syncs.load([name]))[name])
        return discarded

    def know(self, name: SyncName) -> None:
        """Raises `NotFound` if there is no such sync."""
        self._sync(name)

    async def _check(self, name: str) -> Checked:
        connection = self.settings.connections[name]
        began = time.monotonic()
        try:
            message = await asyncio.wait_for(connection.connector.check(connection.section), _CHECK_SECONDS)
        except SyncdError as error:
            return Checked(name, connection.kind, _since(began), failure=Failure(error.code, str(error), error.hint))
        except TimeoutError:
            failure = Failure(
                "connection.timeout", f"no answer within {_CHECK_SECONDS:g} s", "is the address right, and nothing in between in the way?"
            )
            return Checked(name, connection.kind, _since(began), failure=failure)
        return Checked(name, connection.kind, _since(began), message)

    async def _orphans(self) -> list[Run]:
        """End what the last process left running, and answer what is to be gone on with: those, and what was still queued."""
        left = await self._books.runs.find(RunQuery(states=frozenset({RunState.QUEUED, RunState.RUNNING}), limit=100_000))
        again = []
        for run in reversed(left):
            if run.state is RunState.QUEUED:
                again.append(run)
                continue
            await self._books.runs.end(run.with_state(RunState.INTERRUPTED, datetime.now(UTC)))
            if run.writes:
                again.append(
                    Run(RunId(ulid()), run.sync, run.mode, Trigger.RECOVERY, RunState.QUEUED, datetime.now(UTC), parameters=run.parameters)
                )
            log.warning("run was interrupted", sync=run.sync, run=run.id, mode=run.mode)
        return again

    def _take_on(self, settings: Settings, names: Collection[SyncName], records: Mapping[SyncName, SyncRecord]) -> None:
        connections = SharedConnections(*_openers(settings))
        for name in sorted(names):
            sync = settings.syncs[name]
            self._supervisor.add(Supervised(name, sync.section.engine, sync.kind, sync.section, connections, records[name]))

    async def _change(self, name: SyncName, change: Change, entry: Entry) -> SyncStatus:
        sync = self._sync(name)
        self._supervisor.hold(sync, await self._books.syncs.change(name, change, entry))
        return self._status(name)

    async def _requested(self, wish: Wish) -> Run | None:
        found = await self._books.runs.find(RunQuery(request_id=wish.request_id, limit=1))
        return found[0] if found else None

    def _sync(self, name: SyncName) -> Supervised:
        syncs = self._supervisor.syncs
        if name not in syncs:
            raise NotFound(f"there is no sync '{name}'{did_you_mean(name, syncs)}", hint="`syncctl status` lists them", code="sync.unknown")
        return syncs[name]

    def _status(self, name: SyncName) -> SyncStatus:
        status = self.board.sync(name)
        if status is None:
            raise NotFound(f"there is no sync '{name}'", code="sync.unknown")
        return status


def _gone_on_with(run: Run) -> Run:
    now = datetime.now(UTC)
    return Run(RunId(ulid()), run.sync, run.mode, Trigger.RECOVERY, RunState.QUEUED, now, parameters=run.parameters)


def _sorted(names: Collection[SyncName]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _openers(settings: Settings) -> tuple[dict[str, Opener], dict[str, Opener]]:
    sources: dict[str, Opener] = {}
    indexes: dict[str, Opener] = {}
    for name, connection in settings.connections.items():
        connector = connection.connector
        if connector.source:
            sources[name] = partial(connector.source, connection.section)
        if connector.indexes:
            indexes[name] = partial(connector.indexes, connection.section)
    return sources, indexes


def _checked_mode(modes: Mapping[str, Mode], name: str, parameters: Mapping[str, str]) -> Mode:
    if name not in modes:
        raise InvalidRequest(
            f"there is no mode '{name}'{did_you_mean(name, modes)}", fields={"mode": f"one of {', '.join(modes)}"}, code="run.unknown_mode"
        )
    mode = modes[name]
    unknown = [key for key in parameters if key not in mode.parameters]
    if unknown:
        expected = f"one of {', '.join(mode.parameters)}" if mode.parameters else "no parameters"
        raise InvalidRequest(
            f"mode '{name}' has no parameter '{unknown[0]}'{did_you_mean(unknown[0], mode.parameters)}",
            fields={f"parameters.{key}": expected for key in unknown},
            code="run.unknown_parameter",
        )
    return mode


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)
