"""The daemon's log as it is kept and read while the daemon runs."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from syncd.domain.errors import TransientError
from syncd.domain.log import LogFilter, LogRecord
from syncd.kit.threads import OneThread
from syncd.observe.logbook import lines, reading
from syncd.observe.logbook.inbox import Inbox
from syncd.observe.logbook.keeper import Keeper
from syncd.observe.logging import json_formatter
from syncd.ports.logs import Logs, Place, Stretch
from syncd.settings.logs import LogsSection

_ON_THE_WAY_BYTES = 4 << 20
_LAST_SECONDS = 2.0

Read = TypeVar("Read")


class LogsUnreadable(TransientError):
    code = "logs.unreadable"


class Logbook:
    """Implements `Logs`. One thread reads for all readers, a block at a time, each in its turn."""

    def __init__(self, folder: Path, reader: OneThread) -> None:
        self._folder = folder
        self._reader = reader
        self._head = 0
        self._changed = asyncio.Event()

    def head(self) -> int:
        return self._head

    async def behind(self, place: Place, wanted: LogFilter) -> Stretch:
        if place.sequence >= self._head:
            return Stretch((), place)
        return await self._read(partial(reading.forwards, self._folder, place, self._head, wanted))

    async def newest(self, wanted: LogFilter) -> AsyncGenerator[Sequence[LogRecord]]:
        pieces = reading.backwards(self._folder, self._head, wanted)
        while (piece := await self._read(partial(_next, pieces))) is not None:
            yield piece

    async def grown(self, sequence: int) -> None:
        while self._head <= sequence:
            await self._changed.wait()

    def grew(self, head: int) -> None:
        """There are records up to this one now; those who wait hear of it."""
        self._head = head
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _read(self, work: Callable[[], Read]) -> Read:
        try:
            return await self._reader.call(work)
        except OSError as error:
            raise LogsUnreadable(f"the log in {self._folder} cannot be read: {error.strerror}") from error


class _Into(logging.Handler):
    """Hands what its formatter makes, one JSON object a record, to the inbox."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    def emit(self, record: logging.LogRecord) -> None:
        try:
            body = self.format(record).encode()
        except (TypeError, ValueError):  # what is no text, or no JSON, is told by who writes to standard error
            self._inbox.drop()
        else:
            self._inbox.offer(lines.fitting(body))

    def flush(self) -> None:
        self._inbox.settle(_LAST_SECONDS)


@asynccontextmanager
async def keeping(folder: Path, settings: LogsSection) -> AsyncIterator[Logs | None]:
    """Keep everything that is logged while the block runs. Where the settings keep nothing, yield nothing.

    Whatever the disk does, logging neither waits nor fails: what finds no room is dropped, counted, and told in a record.
    """
    if not settings.keep_mib:
        yield None
        return
    loop, reader, inbox = asyncio.get_running_loop(), OneThread("log reader"), Inbox(_ON_THE_WAY_BYTES)
    logbook, handler = Logbook(folder, reader), _Into(inbox)

    def grew(head: int) -> None:
        with suppress(RuntimeError):  # the loop has ended, nobody waits any more
            loop.call_soon_threadsafe(logbook.grew, head)

    keeper = Keeper(inbox, folder, settings.keep_mib << 20, grew)
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)
    try:
        await asyncio.to_thread(keeper.start)
        yield logbook
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
        await asyncio.to_thread(keeper.close, _LAST_SECONDS)
        await reader.close()


def _next(pieces: Iterator[Sequence[LogRecord]]) -> Sequence[LogRecord] | None:
    return next(pieces, None)
