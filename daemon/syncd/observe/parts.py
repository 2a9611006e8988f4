"""The parts that the daemon can do without: those that watch it and tell of it. A bug in one of them must not end the runs.

A part that dies is begun anew, later and later, and a warning says so until it has held for a while. The parts that the daemon cannot do
without run `alongside` as they are: the death of one ends the process.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from syncd.kit.tasks import alongside

log = structlog.get_logger()

_FIRST_SECONDS = 1.0
_MOST_SECONDS = 300.0
_HOLDS_SECONDS = 60.0

Work = Callable[[], Awaitable[None]]
"""Begins endless work, each time anew."""


class Parts:
    """What ails the parts that the daemon can do without. `first` is the wait before a part is begun anew, which doubles each time."""

    def __init__(self, first: float = _FIRST_SECONDS, holds: float = _HOLDS_SECONDS) -> None:
        self._first = first
        self._holds = holds
        self._ailing: dict[str, str] = {}

    def warnings(self) -> tuple[str, ...]:
        """For people: which parts are off, and why."""
        return tuple(f"{name}: {why}" for name, why in sorted(self._ailing.items()))

    def fails(self, name: str, error: Exception | None) -> None:
        """A part has met a bug, or has ended by itself, and does not do its work now."""
        log.error("a part of the daemon failed, runs go on without it", part=name, exc_info=error)
        self._ailing[name] = f"failed with {type(error).__name__ if error else 'no error'}; the log has more"

    def ails(self, name: str, why: str) -> None:
        """A part does not do its work now, for a reason that is no bug. Told once, however often it is said."""
        if self._ailing.get(name) != why:
            log.warning("a part of the daemon does not work, runs go on without it", part=name, error=why)
        self._ailing[name] = why

    def holds(self, name: str) -> None:
        """A part does its work again."""
        if self._ailing.pop(name, None) is not None:
            log.info("a part of the daemon works again", part=name)

    @asynccontextmanager
    async def kept_up(self, name: str, work: Work) -> AsyncIterator[None]:
        """Do some endless work while the block runs, and begin it anew whenever it dies."""
        async with alongside(self._again_and_again(name, work), name):
            yield

    async def _again_and_again(self, name: str, work: Work) -> None:
        wait, loop = self._first, asyncio.get_running_loop()
        while True:
            began, error = loop.time(), None
            holding = loop.call_later(self._holds, self.holds, name)
            try:
                await work()
            except Exception as found:  # noqa: BLE001 - the border: nothing of an optional part may reach the daemon
                error = found
            finally:
                holding.cancel()
            wait = self._first if loop.time() - began >= self._holds else wait
            self.fails(name, error)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _MOST_SECONDS)
