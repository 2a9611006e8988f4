"""The daemon as a service: what it hears from signals, and what it tells whoever started it."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from syncd.kit import systemd
from syncd.kit.tasks import alongside
from syncd.runtime.daemon import Daemon
from syncd.runtime.pulse import BusyFor, beat, show
from syncd.runtime.reloading import reload_when

_TO_STOP = (signal.SIGTERM, signal.SIGINT)
_READY_WITHIN_SECONDS = 5.0
"""So long a systemd that has too much to hear just now is waited for: without this word it would end us."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What signals ask for: SIGTERM and SIGINT to stop, SIGHUP to read the settings anew."""

    to_stop: asyncio.Event = field(default_factory=asyncio.Event)
    to_reload: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_to_stop(self, within: timedelta) -> None:
        """Wait until it is time. If a part of the daemon dies instead, the process ends `within` some time, whatever threads still do."""
        try:
            await self.to_stop.wait()
        except asyncio.CancelledError:
            deadline = threading.Timer(within.total_seconds(), os._exit, (1,))
            deadline.daemon = True
            deadline.start()
            raise


@contextmanager
def signals() -> Iterator[Asked]:
    """Hear signals while the block runs. The second one that asks to stop ends the process at once."""
    asked, loop = Asked(), asyncio.get_running_loop()

    def stop() -> None:
        asked.to_stop.set()
        for number in _TO_STOP:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # the kernel's business from now on: it needs no loop that moves

    for number in _TO_STOP:
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, asked.to_reload.set)
    try:
        yield asked
    finally:
        for number in (*_TO_STOP, signal.SIGHUP):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def in_service(daemon: Daemon, asked: Asked, writer: BusyFor) -> AsyncIterator[None]:
    """While the block runs, reload when asked to, and tell systemd how the daemon and its syncs are. The block is ready when it begins."""
    async with AsyncExitStack() as stack:
        systemd.notify("READY=1", within=_READY_WITHIN_SECONDS)
        if silence := systemd.watchdog():
            await stack.enter_async_context(alongside(beat(silence, writer), "the watchdog's pulse"))
        await stack.enter_async_context(alongside(show(daemon.board), "the status line"))
        await stack.enter_async_context(alongside(reload_when(asked.to_reload, daemon.reload), "reload on SIGHUP"))
        yield
