"""Says when syncs are due, and nothing else: what is due only calls `fire`."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from syncd.domain.run import SyncName
from syncd.domain.schedule import Schedule
from syncd.runtime.schedule import after_setting_back, first_fire, next_fire

_TICK_SECONDS = 20.0
_JUMP = timedelta(seconds=2)
"""More than what a clock that is slowly set right moves between two ticks."""

log = structlog.get_logger()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Trigger(BaseTrigger):  # type: ignore[misc]
    """Our own times instead of the library's, which lose and double times when clocks are changed for summer."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        return next_fire(self.schedule, now, previous_fire_time)


class Scheduler:
    """Calls `fire(sync)` on the event loop whenever a sync is due; missed times count once.

    Timers run on the monotonic clock while schedules mean the clock on the wall. When that one is set, forward or back, all schedules
    are counted anew within a tick.
    """

    def __init__(
        self,
        fire: Callable[[SyncName], None],
        now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        tick: float = _TICK_SECONDS,
    ) -> None:
        self._fire = fire
        self._now = now
        self._monotonic = monotonic
        self._tick_seconds = tick
        self._started_at = now() - timedelta(seconds=monotonic())
        """What the wall clock showed when the monotonic one began; moves only if the wall clock is set."""
        self._fired: dict[SyncName, datetime] = {}
        """When each was due last, by the clock of then."""
        self._tick: asyncio.TimerHandle | None = None
        self._jobs = AsyncIOScheduler(timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1})

    def start(self) -> None:
        """Begin to fire; call it on the running event loop."""
        self._jobs.start()
        self._wait_for_tick()

    async def stop(self) -> None:
        """Fire no more."""
        if self._tick is not None:
            self._tick.cancel()
            self._jobs.shutdown(wait=False)
            self._tick = None
            await asyncio.sleep(0)  # the library does its shutdown in a callback

    def set(self, sync: SyncName, schedule: Schedule, last_start: datetime | None) -> None:
        """Fire for a sync by this schedule from now on, in place of any other. See `first_fire` for the first time."""
        first = first_fire(schedule, self._now(), last_start)
        if first is None:
            self.remove(sync)
            return
        self._jobs.add_job(self._due, _Trigger(schedule), (sync,), id=sync, next_run_time=first, replace_existing=True)

    def remove(self, sync: SyncName) -> None:
        """Fire no more for a sync; one that has no schedule is fine."""
        self._fired.pop(sync, None)
        if self._jobs.get_job(sync) is not None:
            self._jobs.remove_job(sync)

    def next_run(self, sync: SyncName) -> datetime | None:
        """When the sync is due next; None if never."""
        job = self._jobs.get_job(sync)
        due: datetime | None = job.next_run_time if job is not None else None
        return due

    async def _due(self, sync: SyncName) -> None:
        """A coroutine, because the library would run a plain function in a thread."""
        self._fired[sync] = self._now()
        self._fire(sync)

    def _wait_for_tick(self) -> None:
        self._tick = asyncio.get_running_loop().call_later(self._tick_seconds, self._on_tick)

    def _on_tick(self) -> None:
        started_at = self._now() - timedelta(seconds=self._monotonic())
        jump = started_at - self._started_at
        self._started_at = started_at
        if abs(jump) > _JUMP:
            log.warning("wall clock was set", seconds=round(jump.total_seconds(), 3))
            self._count_anew()
        self._jobs.wakeup()
        self._wait_for_tick()

    def _count_anew(self) -> None:
        """What is due stays due; nothing waits longer than its schedule would have it wait from now."""
        now = self._now()
        for job in self._jobs.get_jobs():
            following = next_fire(job.trigger.schedule, after_setting_back(job.trigger.schedule, now, self._fired.get(job.id)), None)
            if following is not None and following < job.next_run_time:
                job.modify(next_run_time=following)
