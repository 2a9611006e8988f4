"""What a client may ask of the daemon, in the daemon's own words. One event loop."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from syncd.domain.audit import Entry
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.errors import NotFound
from syncd.domain.run import Failure, Run, RunId, RunState, SyncName
from syncd.domain.status import RunView, SyncStatus
from syncd.ports.control import Checked, Reloaded, Shown, Wish
from syncd.ports.ledger import Change, Hold, HoldKind, Ledger, LetterQuery, RunQuery
from syncd.runtime.board import Board
from syncd.runtime.checking import check
from syncd.runtime.roster import Roster
from syncd.runtime.supervisor import Supervisor
from syncd.runtime.wishes import asked_for


class Daemon:
    """Answers questions and carries out wishes; raises `SyncdError`s."""

    def __init__(
        self, ledger: Ledger, board: Board, supervisor: Supervisor, roster: Roster, ailing: Callable[[], Sequence[str]] = tuple
    ) -> None:
        self._ledger = ledger
        self._supervisor = supervisor
        self._roster = roster
        self.board = board
        self.ailing = ailing
        """What ails the books and the parts of the daemon that it can do without, for people."""
        self.started_at = datetime.now(UTC)
        self.going_away = asyncio.Event()
        """Set when the daemon begins to stop: streams end then."""

    @property
    def settings_file(self) -> Path:
        return self._roster.settings.file

    async def reload(self, actor: str) -> Reloaded:
        """Read the settings anew and apply what changed. Raises `SettingsInvalid`, and changes nothing then."""
        return await self._roster.reload(actor)

    def know(self, name: SyncName) -> None:
        """Raises `NotFound` if there is no such sync."""
        self._supervisor.find(name)

    def sections(self, engine: str) -> Mapping[SyncName, Any]:
        """The settings of all syncs of one engine."""
        return {name: sync.settings for name, sync in self._supervisor.syncs.items() if sync.settings.engine == engine}

    def watched(self, name: SyncName) -> tuple[int, int]:
        """How many folders are watched for a sync, and how many should be and cannot."""
        health = self._supervisor.watcher.health(name)
        return health.armed, len(health.blind)

    def statuses(self) -> list[SyncStatus]:
        """All syncs, in order of name."""
        return [self._status(name) for name in self.board.names()]

    def warnings(self, name: str) -> tuple[str, ...]:
        """What is warned of in a sync, nothing if there is no such sync."""
        status = self.board.sync(SyncName(name))
        return status.warnings if status else ()

    async def show(self, name: SyncName) -> Shown:
        sync = self._supervisor.find(name)
        record = (await self._ledger.syncs.load([name]))[name]
        return Shown(self._status(name), sync.shown_settings, record.checkpoint or "", sync.engine.modes)

    async def pause(self, name: SyncName, actor: str) -> SyncStatus:
        hold = Hold(HoldKind.PAUSED, Failure("sync.paused", f"paused by {actor}", f"`syncctl resume {name}` goes on"))
        return await self._change(name, Change(hold=hold), Entry("sync.paused", name, actor=actor))

    async def resume(self, name: SyncName, actor: str) -> SyncStatus:
        return await self._change(name, Change(), Entry("sync.resumed", name, actor=actor))

    async def reset(self, name: SyncName, actor: str) -> SyncStatus:
        """Forget where the sync stands. Raises `Refused` while a run is under way."""
        self._supervisor.refuse_if_busy(name)
        return await self._change(name, Change(reset=True), Entry("sync.reset", name, actor=actor))

    async def begin(self, wish: Wish) -> Run:
        """Write a run down and start it as soon as its turn comes. Raises `Refused` if one is under way and `queue` is not set."""
        sync = self._supervisor.find(wish.sync)
        run = asked_for(wish, sync.scheduled_mode, sync.engine.modes)
        if wish.request_id and (known := await self._ledger.runs.find(RunQuery(request_id=wish.request_id, limit=1))):
            return known[0]
        if sync.takes_alone(run) and not wish.queue:
            self._supervisor.refuse_if_busy(wish.sync)
        written = await self._ledger.runs.add(run)
        if written.id == run.id:
            self._supervisor.enqueue(written)
        return written

    async def cancel(self, run: RunId, actor: str) -> Run:
        """Ask a run to end; one that has ended stays as it is."""
        runner = self._supervisor.runner(run)
        if runner:
            await self._ledger.audit.record([Entry("run.cancel_requested", runner.run.sync, run, actor)])
            runner.stop(RunState.CANCELLED)
            return runner.run
        return await self._supervisor.withdraw(run) or (await self.run(run)).run

    async def run(self, run: RunId) -> RunView:
        """One run as it is now. Raises `NotFound`."""
        if view := self.board.run(run):
            return view
        found = await self._ledger.runs.find(RunQuery(ids=(run,), limit=1))
        if not found:
            raise NotFound(f"there is no run '{run}'", hint="`syncctl runs` lists them", code="run.unknown")
        return RunView(found[0])

    async def ended(self, run: RunId) -> Run:
        """Wait for the end of a run. Raises `NotFound`."""
        while True:
            changed = self.board.changed()
            now = (await self.run(run)).run
            if now.state.ended:
                return now
            await changed.wait()

    async def runs(self, query: RunQuery) -> list[RunView]:
        """Runs that match, newest first; those under way as they are now."""
        return [self.board.run(run.id) or RunView(run) for run in await self._ledger.runs.find(query)]

    async def letters(self, query: LetterQuery) -> Sequence[DeadLetter]:
        """Dead letters in order of id."""
        return await self._ledger.rows.letters(query)

    async def discard(self, name: SyncName, ids: Sequence[int], actor: str) -> int:
        """Forget dead letters; answers how many there were."""
        sync = self._supervisor.find(name)
        discarded = await self._ledger.rows.discard(name, ids, actor)
        self._supervisor.take_note(sync, (await self._ledger.syncs.load([name]))[name])
        return discarded

    async def check_connections(self, names: Collection[str]) -> list[Checked]:
        """Try connections, all if none are named."""
        return await check(self._roster.settings.connections, names)

    async def _change(self, name: SyncName, change: Change, entry: Entry) -> SyncStatus:
        sync = self._supervisor.find(name)
        self._supervisor.take_note(sync, await self._ledger.syncs.change(name, change, entry))
        return self._status(name)

    def _status(self, name: SyncName) -> SyncStatus:
        status = self.board.sync(name)
        if status is None:
            raise NotFound(f"there is no sync '{name}'", code="sync.unknown")
        return status
