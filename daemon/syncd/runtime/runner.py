"""One run, from its turn to its outcome. What escapes an engine becomes an outcome here and nowhere else."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from syncd.domain.audit import Entry
from syncd.domain.errors import PermanentError, SyncdError, TransientError
from syncd.domain.run import Failure, Run, RunState
from syncd.kit.ids import ulid
from syncd.kit.tasks import happens
from syncd.ports.ledger import Hold, HoldKind, RunBook, SyncRecord
from syncd.ports.running import Engine, Report
from syncd.runtime.context import Context, Stopped
from syncd.runtime.patience import until_written
from syncd.runtime.retry import delay
from syncd.settings.retry import Retry

Written = TypeVar("Written")

log = structlog.get_logger()

_GRACE_SECONDS = 8.0
"""So long a run that was asked to end may take to reach its next commit."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, and what it leaves behind."""

    run: Run
    complete_to: str
    warnings: tuple[str, ...] | None
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What a runner works with, the same for every run of a daemon."""

    runs: RunBook
    slots: asyncio.Semaphore
    context: Callable[[Run, SyncRecord], Context]
    waiting: Callable[[Context, Failure, float], None]
    """Called before each wait between two attempts, with what went wrong and the seconds until the next."""
    blocked: Callable[[Run, Failure], None]
    """Called whenever the ledger takes nothing; the run waits for it."""
    settings: Mapping[str, object]
    """Those in force, as the audit log tells them."""


class Runner:
    """One run. `stop` may be called at any time; the run then ends after its next commit."""

    def __init__(self, run: Run, engine: Engine, retry: Retry, desk: Desk) -> None:
        self._run = run
        self._engine = engine
        self._retry = retry
        self._desk = desk
        self._wish: RunState | None = None
        self._wished, self._leaving = asyncio.Event(), asyncio.Event()
        self._context: Context | None = None
        self._attempt: asyncio.Task[Report] | None = None
        self._failures = 0

    @property
    def run(self) -> Run:
        return self._context.run if self._context else self._run

    def stop(self, wish: RunState) -> None:
        """End the run as `wish`: CANCELLED because a person asked, INTERRUPTED because the daemon stops."""
        if wish is RunState.INTERRUPTED:
            self._leaving.set()
        if self._wish is not None:
            return
        self._wish = wish
        self._wished.set()
        if self._context:
            self._context.stop()
        if self._attempt:
            asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._attempt.cancel)

    async def carry_out(self) -> Ended:
        """Do the run. Raises only what the ledger raises."""
        with bound_contextvars(sync=self._run.sync, run=self._run.id):
            if not await self._turn():
                return await self._ended_before_it_began()
            try:
                self._run = self._run.with_state(RunState.RUNNING, datetime.now(UTC))
                record = await self._write(lambda: self._desk.runs.begin(self._run, self._desk.settings))
                context = self._context = self._desk.context(self._run, record)
                log.info("run started", mode=context.run.mode, trigger=context.run.trigger.value)
                outcome = await self._try(context)
            finally:
                self._desk.slots.release()
            while isinstance(outcome, TransientError):
                outcome = await self._again(context, outcome)
            return await self._end(context, outcome)

    async def _turn(self) -> bool:
        """Wait for a place among the runs at work, unless the run is asked to end before there is one."""
        waits = {asyncio.create_task(self._desk.slots.acquire(), name="turn"), asyncio.create_task(self._wished.wait(), name="wish")}
        turn = next(task for task in waits if task.get_name() == "turn")
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.wait(waits)
        has_turn = not turn.cancelled()
        if has_turn and self._wish is not None:
            self._desk.slots.release()
            return False
        return has_turn

    async def _try(self, context: Context) -> Report | SyncdError:
        if self._wish is not None:
            return Stopped("the run was asked to end")
        attempt = asyncio.create_task(self._engine.run(context), name=f"attempt {context.run.id}")
        self._attempt = attempt
        try:
            await asyncio.wait({attempt})
        finally:
            self._attempt = None
            if not attempt.done():
                attempt.cancel()
                await asyncio.wait({attempt})
        return self._outcome_of(attempt)

    def _outcome_of(self, attempt: asyncio.Task[Report]) -> Report | SyncdError:
        if attempt.cancelled():
            return Stopped("the run was asked to end")
        error = attempt.exception()
        if error is None:
            return attempt.result()
        if isinstance(error, SyncdError):
            return error
        number = ulid()
        log.error("run met a bug", error_id=number, exc_info=error)
        return PermanentError(
            f"a bug in syncd: {type(error).__name__}; the log has more under error id {number}", hint="report it with the log", code="bug"
        )

    async def _again(self, context: Context, error: TransientError) -> Report | SyncdError:
        """Wait and try once more, or give up. Progress between two failures counts as a fresh start."""
        self._failures = self._failures + 1 if not context.moved else 1
        if self._failures >= self._retry.attempts:
            return GivenUp.of(error, self._failures)
        wait = delay(self._failures, self._retry, random.random(), error.after).total_seconds()  # noqa: S311 - spreads load, guards nothing
        log.warning("attempt failed", code=error.code, error=str(error), attempt=context.run.attempt, seconds=round(wait, 1))
        await self._write(lambda: self._desk.runs.retried(context.run, _failure(error), wait))
        self._desk.waiting(context, _failure(error), wait)
        if await happens(self._wished, wait):
            return Stopped("the run was asked to end")
        async with self._desk.slots:
            context.begin_attempt(context.run.attempt + 1)
            return await self._try(context)

    async def _end(self, context: Context, outcome: Report | SyncdError) -> Ended:
        now = datetime.now(UTC)
        if isinstance(outcome, Report):
            run = replace(context.run.with_state(RunState.DONE, now), report=_report_text(outcome), drifted=outcome.drifted)
            hold = Hold(HoldKind.PAUSED, Failure("sync.paused", outcome.pause)) if outcome.pause else None
            return await self._written(context, run, hold)
        if isinstance(outcome, Stopped):
            run = context.run.with_state(self._wish or RunState.INTERRUPTED, now)
        else:
            run = replace(context.run.with_state(RunState.FAILED, now), failure=_failure(outcome))
        if run.state is not RunState.INTERRUPTED and run.writes:
            await self._abandon(context)
        halts = run.writes and isinstance(outcome, PermanentError)
        return await self._written(context, run, Hold(HoldKind.HALTED, _failure(outcome)) if halts else None)

    async def _abandon(self, context: Context) -> None:
        context.resume()
        cleaning = asyncio.create_task(self._engine.abandon(context), name=f"abandon {context.run.id}")
        await asyncio.wait({cleaning}, timeout=_GRACE_SECONDS)
        if not cleaning.done():
            cleaning.cancel()
            await asyncio.wait({cleaning})
        if cleaning.cancelled():
            log.warning("cleaning up takes too long, the next run does it")
        elif isinstance(error := cleaning.exception(), SyncdError):
            log.warning("cleaning up was not possible, the next run does it", error=str(error))
        elif error is not None:
            log.error("cleaning up met a bug, the next run does it", exc_info=error)

    async def _written(self, context: Context, run: Run, hold: Hold | None, entries: Sequence[Entry] = ()) -> Ended:
        await self._write(lambda: self._desk.runs.end(run, hold, entries))
        say = log.error if hold and hold.kind is HoldKind.HALTED else log.info
        say(
            "run ended",
            outcome=run.summary,
            **_counted(run),
            **({"error": run.failure.message, "code": run.failure.code} if run.failure else {}),
        )
        return Ended(run, context.complete_to, context.warnings, hold)

    async def _ended_before_it_began(self) -> Ended:
        run = self._run.with_state(self._wish or RunState.CANCELLED, datetime.now(UTC))
        if run.state is not RunState.INTERRUPTED:
            await self._write(lambda: self._desk.runs.end(run))
        return Ended(run, "", None)

    async def _write(self, write: Callable[[], Awaitable[Written]]) -> Written:
        return await until_written(write, self._leaving, lambda error: self._desk.blocked(self.run, _failure(error)))


class GivenUp(SyncdError):
    """What should pass by itself did not pass in time: the run fails, and the schedule tries again later."""

    @classmethod
    def of(cls, error: TransientError, attempts: int) -> "GivenUp":
        hint = error.hint or "the schedule will try again; nothing is lost"
        return cls(f"{error} (given up after {attempts} attempts)", hint=hint, code=error.code)


def _report_text(report: Report) -> str:
    return json.dumps(report.findings, ensure_ascii=False, default=str) if report.findings else ""


def _failure(error: SyncdError) -> Failure:
    return Failure(error.code, str(error), error.hint)


def _counted(run: Run) -> dict[str, int]:
    counters = run.counters
    return {"read": counters.read, "stored": counters.stored, "refused": counters.refused, "deleted": counters.deleted}
