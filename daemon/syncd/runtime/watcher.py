"""Tells when files that syncs watch have changed, once they have come to rest."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from syncd.domain.run import SyncName
from syncd.runtime.lookout import Lookout, Report, look

log = structlog.get_logger()

_QUIET_SECONDS = 0.1
_MOST_SECONDS = 0.4
_POLL_SECONDS = 1.0
_KERNEL = logging.getLogger("watchdog.observers.inotify_c")
"""The only place where watchdog tells that the kernel has dropped events."""


@dataclass(frozen=True, slots=True)
class WatchHealth:
    """How well the files of one sync are watched, and what was seen of them."""

    armed: int = 0
    """Folders whose changes are told at once."""
    blind: tuple[str, ...] = ()
    """Folders that cannot be watched, and why: the files in them are looked at every second instead."""
    events: int = 0
    overflows: int = 0
    """How often events were lost and everything was looked at anew."""


@dataclass(slots=True)
class _Burst:
    """Events of one sync that are told together."""

    first: float
    last: float

    @property
    def over(self) -> float:
        return min(self.last + _QUIET_SECONDS, self.first + _MOST_SECONDS)


class Watcher:
    """Calls `fire` on the event loop when something has happened to files of a sync: they have been quiet for 0.1 s, or not for 0.4 s.

    It may be called although nothing has changed in the end, and is called for what the sync itself writes.
    """

    def __init__(self, fire: Callable[[SyncName], None]) -> None:
        self._fire = fire
        self._worker: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop
        self._lookout = Lookout(self._seen_in_thread)
        self._overflow = _Overflow(self._overflowed_in_thread)
        self._bursts: dict[SyncName, _Burst] = {}
        self._events: dict[SyncName, int] = {}
        self._overflows = 0
        self._reports: Mapping[SyncName, Report] = {}
        self._polling: asyncio.TimerHandle | None = None

    def watch(self, sync: SyncName, paths: Collection[Path]) -> None:
        """Watch these files instead of those before: they need not exist, and their last part may be a pattern as in `rules/*.md`."""
        if self._worker is None:
            self._loop = asyncio.get_running_loop()
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="watcher")
            _KERNEL.addHandler(self._overflow)
        self._events.setdefault(sync, 0)
        absolute = [path.absolute() for path in paths]
        self._do(partial(self._lookout.watch, sync, absolute, look(absolute)))

    def forget(self, sync: SyncName) -> None:
        """Watch nothing for a sync any more."""
        self._bursts.pop(sync, None)
        self._events.pop(sync, None)
        self._do(partial(self._lookout.forget, sync))

    def check(self) -> None:
        """Watch anew what is watched no more, such as a folder that was replaced, and find what changed unseen. Call it now and then."""
        self._do(self._lookout.check)

    def health(self, sync: SyncName) -> WatchHealth:
        report = self._reports.get(sync, Report())
        return WatchHealth(report.armed, report.blind, self._events.get(sync, 0), self._overflows)

    async def stop(self) -> None:
        """Watch nothing any more. Nothing is fired from now on."""
        self._events.clear()
        if self._polling:
            self._polling.cancel()
        if worker := self._worker:
            self._worker = None
            _KERNEL.removeHandler(self._overflow)
            await self._loop.run_in_executor(worker, self._lookout.close)
            worker.shutdown(wait=False)

    def _do(self, work: Callable[[], None], then: Callable[[], None] = lambda: None) -> None:
        """Let the lookout do something in its thread, after all that it was asked for before."""

        def done() -> dict[SyncName, Report]:
            work()
            return self._lookout.reports()

        if self._worker:
            future = self._worker.submit(done)
            future.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._done, future, then))

    def _done(self, future: Future[dict[SyncName, Report]], then: Callable[[], None]) -> None:
        if error := future.exception():
            log.error("watching fails", exc_info=error)
        else:
            self._reports = future.result()
        self._poll()
        then()

    def _poll(self) -> None:
        """What cannot be watched is looked at every second."""
        blind = any(report.blind for report in self._reports.values())
        if self._worker and blind and (self._polling is None or self._polling.when() <= self._loop.time()):
            self._polling = self._loop.call_later(_POLL_SECONDS, self.check)

    def _seen_in_thread(self, sync: SyncName) -> None:
        self._loop.call_soon_threadsafe(self._seen, sync)

    def _seen(self, sync: SyncName) -> None:
        if sync not in self._events:
            return
        self._events[sync] += 1
        now = self._loop.time()
        if sync in self._bursts:
            self._bursts[sync].last = now
        else:
            self._bursts[sync] = burst = _Burst(now, now)
            self._loop.call_at(burst.over, self._rested, sync, burst)

    def _rested(self, sync: SyncName, burst: _Burst) -> None:
        if self._bursts.get(sync) is not burst:
            return
        if self._loop.time() < burst.over:
            self._loop.call_at(burst.over, self._rested, sync, burst)
            return
        del self._bursts[sync]
        # First to watch what has appeared, then to fire: otherwise what is written in between would be seen by nobody.
        self._do(partial(self._lookout.settle, sync), partial(self._fire_if_watched, sync))

    def _fire_if_watched(self, sync: SyncName) -> None:
        if sync in self._events:
            self._fire(sync)

    def _overflowed_in_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._overflowed)

    def _overflowed(self) -> None:
        self._overflows += 1
        for sync in list(self._events):
            self._seen(sync)


class _Overflow(logging.Handler):
    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - whatever it tells, events may be missing
        self._tell()
