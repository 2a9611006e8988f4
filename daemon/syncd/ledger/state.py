"""The SQLite file that holds the operational truth: one writer and one reader, each with a thread of its own."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from syncd.domain.audit import Entry
from syncd.kit.threads import OneThread
from syncd.ledger import migrations, outbox
from syncd.ledger.border import border
from syncd.ledger.last_words import last_words
from syncd.ledger.outbox import Growth

Clock = Callable[[], datetime]
"""The time now, aware."""

Answer = TypeVar("Answer")

_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA busy_timeout = 10000;
PRAGMA cache_size = -8192;
PRAGMA wal_autocheckpoint = 16000;
PRAGMA journal_size_limit = 67108864;
"""


@dataclass(slots=True)
class Transaction:
    """What is written in it becomes durable together or not at all. `at` is the one time of all of it."""

    db: sqlite3.Connection
    at: datetime
    shipped: int
    head: int = 0
    """The newest audit entry, if this transaction writes any."""

    def record(self, *entries: Entry) -> None:
        """Write audit entries together with what they tell of."""
        if entries:
            self.head = outbox.append(self.db, self.at, entries, self.shipped)


class State:
    """Transactions on the file. Cancelling the wait for one that has begun lets it complete."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._writer, self._reader = OneThread("ledger-writer"), OneThread("ledger-reader")
        self._writing: sqlite3.Connection
        self._reading: sqlite3.Connection
        self.growth = Growth()
        self.shipped = 0
        """How far the monthly audit files hold the log by now; kept along with the next entries."""

    @property
    def busy_for(self) -> Callable[[], timedelta]:
        """How long the writer has been at its present transaction."""
        return self._writer.busy_for

    async def write(self, work: Callable[[Transaction], Answer]) -> Answer:
        """Do some work in one durable transaction."""
        return await self._writer.call(self._write, work)

    async def read(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Do some reading that sees one moment of the file; it does not wait for writers."""
        return await self._reader.call(self._read, work)

    def _write(self, work: Callable[[Transaction], Answer]) -> Answer:
        with border(self._path, underway=True), self._writing as db:
            db.execute("BEGIN IMMEDIATE")
            transaction = Transaction(db, self._clock().astimezone(UTC), self.shipped)
            answer = work(transaction)
        if transaction.head:
            self._loop.call_soon_threadsafe(self.growth.announce, transaction.head)
        return answer

    def _read(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        with border(self._path), self._reading as db:
            db.execute("BEGIN")
            return work(db)

    async def _open(self, stack: AsyncExitStack) -> None:
        stack.push_async_callback(self._writer.close)
        self._writing = await self._writer.call(_opened, self._path)
        stack.push_async_callback(self._writer.call, self._writing.close)
        stack.push_async_callback(self._reader.close)
        self._reading = await self._reader.call(_connected, self._path)
        stack.push_async_callback(self._reader.call, self._reading.close)
        self.growth.announce(await self.read(outbox.head))


@asynccontextmanager
async def open_state(path: Path, clock: Clock) -> AsyncIterator[State]:
    """Open or create the file and bring its schema up to date; on exit, finish what was asked for and close it."""
    async with AsyncExitStack() as stack:
        state = State(path, clock)
        await state._open(stack)  # noqa: SLF001 - the two are one
        async with last_words(lambda entry: state.write(lambda transaction: transaction.record(entry))):
            yield state


def _opened(path: Path) -> sqlite3.Connection:
    with border(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The file holds refused documents: nobody else may read it. SQLite gives its log the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = _connected(path)
    with border(path):
        migrations.bring_up(db, path)
    return db


def _connected(path: Path) -> sqlite3.Connection:
    with border(path):
        db = sqlite3.connect(path, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.executescript(_PRAGMAS)
        return db
