"""Every sync side by side: one writing run of each at a time, one failing never reaching another."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from syncd.domain.errors import Refused, SyncdError
from syncd.domain.run import Failure, Run, RunId, RunState, SyncName, Trigger
from syncd.domain.status import RunView
from syncd.ports.ledger import HoldKind, Ledger, SyncRecord
from syncd.runtime.board import Board
from syncd.runtime.context import Context, ContextBooks
from syncd.runtime.runner import Desk, Ended, Runner
from syncd.runtime.scheduler import Scheduler
from syncd.runtime.supervised import Supervised, no_such
from syncd.runtime.tracing import Traced
from syncd.runtime.watcher import Watcher
from syncd.settings.retry import Retry

log = structlog.get_logger()

_REMOVE_SECONDS = 30.0
_NEIGHBOUR_SOON = timedelta(seconds=15)
"""A neighbour that is due so soon counts as having work already: what is under way takes about so long to drain."""


class Supervisor:
    """Starts runs when they are due or asked for, and shows on the board what becomes of them. One event loop."""

    def __init__(self, ledger: Ledger, board: Board, tasks: asyncio.TaskGroup, concurrency: int, retry: Retry) -> None:
        self._ledger = ledger
        self._board = board
        self._tasks = tasks
        self._retry = retry
        self._writing_slots = asyncio.Semaphore(concurrency)
        self._looking_slots = asyncio.Semaphore(concurrency)
        self._syncs: dict[SyncName, Supervised] = {}
        self._stopping = False
        self._left_one = asyncio.Event()
        """Set whenever a run has left, and replaced."""
        self.traced = Traced()
        """Through what runs are watched; set it before the first one begins."""
        self.scheduler = Scheduler(self._due)
        self.watcher = Watcher(self._changed)

    @property
    def syncs(self) -> Mapping[SyncName, Supervised]:
        return self._syncs

    def find(self, name: SyncName) -> Supervised:
        """One sync. Raises `NotFound`."""
        if name not in self._syncs:
            raise no_such(name, self._syncs)
        return self._syncs[name]

    def add(self, sync: Supervised) -> None:
        """Take a sync on: show it, and schedule it unless it is held."""
        self._syncs[sync.name] = sync
        sync.complete_to = sync.record.complete_to
        sync.problem = sync.record.hold.why if sync.record.hold else (sync.record.last.failure if sync.record.last else None)
        self.schedule(sync)
        if sync.engine.watches:
            self.watcher.watch(sync.name, sync.engine.watches(sync.settings))
        self.show(sync)

    async def remove(self, name: SyncName) -> list[Run]:
        """Let a sync go, once its runs have reached a commit and ended. Answers what it had still to do, oldest first."""
        sync = self._syncs.pop(name)
        sync.retired = True
        self.scheduler.remove(name)
        self.watcher.forget(name)
        self._board.remove(name)
        unfinished = [sync.main.run] if sync.main and sync.main.run.writes else []
        await self._end_runs([sync], _REMOVE_SECONDS)
        return unfinished + list(sync.waiting)

    def schedule(self, sync: Supervised) -> None:
        """Follow the settings and the hold of a sync."""
        if sync.record.hold or self._stopping:
            self.scheduler.remove(sync.name)
        else:
            last = sync.record.last
            self.scheduler.set(sync.name, sync.settings.schedule, last.started_at if last else None)

    def enqueue(self, run: Run) -> None:
        """Start a run that stands in the ledger as queued, as soon as its turn comes."""
        sync = self._syncs[run.sync]
        if self._stopping:
            self._board.post_run(RunView(run, "waiting for the next start of the daemon"))
        elif sync.main and sync.takes_alone(run):
            sync.waiting.append(run)
            self._board.post_run(RunView(run, "waiting for the run before it"))
        else:
            self._start(sync, run)
        self.show(sync)

    def runner(self, run: RunId) -> Runner | None:
        """The runner of a run under way."""
        for sync in self._syncs.values():
            if sync.main and sync.main.run.id == run:
                return sync.main
            if run in sync.beside:
                return sync.beside[run]
        return None

    async def withdraw(self, run: RunId) -> Run | None:
        """End a run that still waits behind another one; None if there is no such run."""
        for sync in self._syncs.values():
            for waiting in sync.waiting:
                if waiting.id == run:
                    ended = waiting.with_state(RunState.CANCELLED, datetime.now(UTC))
                    sync.waiting.remove(waiting)
                    try:
                        await self._ledger.runs.end(ended)
                    except SyncdError:
                        sync.waiting.appendleft(waiting)
                        raise
                    self._board.post_run(RunView(ended))
                    return ended
        return None

    async def stop(self, within: timedelta) -> list[RunId]:
        """Start nothing more, let running batches end, and wait for that. Answers the runs that did not end in time."""
        self._stopping = True
        await self.scheduler.stop()
        await self.watcher.stop()
        syncs = list(self._syncs.values())
        await self._end_runs(syncs, within.total_seconds())
        return [runner.run.id for sync in syncs for runner in sync.runners]

    async def _end_runs(self, syncs: Sequence[Supervised], seconds: float) -> None:
        for sync in syncs:
            for runner in sync.runners:
                runner.stop(RunState.INTERRUPTED)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while any(sync.runners for sync in syncs):
                    await self._left_one.wait()

    def take_note(self, sync: Supervised, record: SyncRecord) -> None:
        """A person held, released or reset a sync."""
        sync.record = replace(record, last=record.last or sync.record.last)
        sync.problem = record.hold.why if record.hold else None
        sync.complete_to = record.complete_to
        self.schedule(sync)
        self.show(sync)

    def show(self, sync: Supervised) -> None:
        """Put a sync on the board as it is now."""
        if sync.retired:
            return
        view = self._board.run(sync.main.run.id) if sync.main else None
        self._board.post(sync.status(view, self.scheduler.next_run(sync.name)))

    def crowded(self, name: SyncName) -> bool:
        """Whether another sync of the same target has work now or very soon."""
        mine = self._syncs.get(name)
        if mine is None:
            return False
        soon = datetime.now(UTC) + _NEIGHBOUR_SOON
        for other in self._syncs.values():
            if (
                other is not mine
                and other.targets & mine.targets
                and (other.busy or _due_before(self.scheduler.next_run(other.name), soon))
            ):
                return True
        return False

    def _due(self, name: SyncName) -> None:
        sync = self._syncs.get(name)
        if sync is None or sync.main or sync.waiting or sync.record.hold or self._stopping:
            return
        if sync.engine.watches:
            self.watcher.check()
        self.enqueue(sync.run_for(Trigger.SCHEDULE))

    def _changed(self, name: SyncName) -> None:
        """Something that a sync watches has changed: look at it, after the run under way if there is one."""
        sync = self._syncs.get(name)
        if sync is None or sync.waiting or sync.record.hold or self._stopping:
            return
        self.enqueue(sync.run_for(Trigger.CHANGE))

    def _start(self, sync: Supervised, run: Run) -> None:
        slots = self._writing_slots if sync.takes_alone(run) else self._looking_slots
        desk = Desk(
            self._ledger.runs,
            slots,
            lambda run, record: self._context(sync, run, record),
            lambda *wait: self._waits(sync, *wait),
            lambda run, failure: self._blocked(sync, run, failure),
            sync.settings_in_force,
        )
        engine = self.traced.engine(sync.engine.build(sync.name, sync.settings, self.traced.connections(sync.connections)))
        runner = Runner(run, engine, sync.settings.retry or self._retry, desk)
        if sync.takes_alone(run):
            sync.main = runner
        else:
            sync.beside[run.id] = runner
        self._board.post_run(RunView(run, "waiting for its turn"))
        self._tasks.create_task(self._carry_out(sync, runner), name=f"run {run.id}")

    def _context(self, sync: Supervised, run: Run, record: SyncRecord) -> Context:
        ledger, name = self._ledger, sync.name
        kept, folder = ledger.documents.of(name), ledger.folder / "syncs" / name
        books = ContextBooks(self.traced.syncs(ledger.syncs), ledger.rows.rows(name), lambda: self.crowded(name), kept, folder)
        context = Context(run, record, books, lambda context: self._moved(sync, context))
        self._moved(sync, context)
        return context

    def _moved(self, sync: Supervised, context: Context) -> None:
        self._board.post_run(context.view)
        if sync.takes_alone(context.run):
            sync.pausing = ""
            sync.complete_to = context.complete_to
            sync.warnings = sync.warnings if context.warnings is None else context.warnings
            self.show(sync)

    def _waits(self, sync: Supervised, context: Context, failure: Failure, seconds: float) -> None:
        sync.pausing = context.doing = f"attempt {context.run.attempt + 1} in {seconds:.0f} s"
        sync.problem = failure
        self._board.post_run(context.view)
        self.show(sync)

    def _blocked(self, sync: Supervised, run: Run, failure: Failure) -> None:
        if sync.problem != failure:
            log.error("the ledger cannot be written, the run waits", sync=sync.name, run=run.id, code=failure.code, error=failure.message)
        sync.problem = failure
        if sync.takes_alone(run):
            sync.pausing = "until the ledger can be written"
        self._board.post_run(RunView(run, "waiting until the ledger can be written"))
        self.show(sync)

    async def _carry_out(self, sync: Supervised, runner: Runner) -> None:
        try:
            ended = await self.traced.carry_out(runner)
        except SyncdError as error:
            log.warning("the ledger refuses a run", sync=sync.name, run=runner.run.id, code=error.code, error=str(error))
            sync.problem = Failure(error.code, str(error), error.hint)
            self._left(sync, runner)
            return
        self._board.post_run(RunView(ended.run))
        if ended.run.writes and ended.run.started_at:
            await self._note(sync, ended)
        self._left(sync, runner)

    async def _note(self, sync: Supervised, ended: Ended) -> None:
        record = (await self._ledger.syncs.load([sync.name]))[sync.name]
        sync.record = record
        sync.problem = ended.run.failure or (record.hold.why if record.hold else None)
        sync.complete_to = record.complete_to
        if ended.hold:
            self.schedule(sync)
            if ended.hold.kind is HoldKind.HALTED:
                log.error("sync halted", sync=sync.name, code=ended.hold.why.code, error=ended.hold.why.message, hint=ended.hold.why.hint)
        elif record.hold is None and self.scheduler.next_run(sync.name) is None:
            self.schedule(sync)

    def _left(self, sync: Supervised, runner: Runner) -> None:
        self._board.post_run(RunView(runner.run if runner.run.state.ended else replace(runner.run, state=RunState.INTERRUPTED)))
        sync.pausing = ""
        sync.beside.pop(runner.run.id, None)
        if sync.main is runner:
            sync.main = None
            if sync.waiting and not self._stopping and not sync.retired:
                self._start(sync, sync.waiting.popleft())
        self.show(sync)
        self._left_one.set()
        self._left_one = asyncio.Event()

    def refuse_if_busy(self, name: SyncName) -> None:
        """Raises `Refused` with the id of the run under way, if there is one."""
        sync = self.find(name)
        if sync.main:
            run = sync.main.run.id
            raise Refused(
                f"sync '{name}' is busy with run {run}",
                hint=f"follow it with `syncctl follow {run}`, or wait for it with --queue",
                code="run.already_running",
                facts={"run": run},
            )


def _due_before(due: datetime | None, soon: datetime) -> bool:
    return due is not None and due <= soon
