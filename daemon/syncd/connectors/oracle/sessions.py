"""Sessions of one database: logged in, lent out, taken back, and let go when they are lost.

The driver bounds neither a log-in nor the wait for a session that somebody else is logging in; its own pool makes all sessions in one
thread, which a server that falls silent stops for ever. So each call has a thread that can be left to itself.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import oracledb
import pyarrow as pa

from syncd.connectors.oracle.driver import connect
from syncd.connectors.oracle.failures import answered, our_errors
from syncd.connectors.oracle.settings import Settings
from syncd.domain.errors import SourceUnavailable, SyncdError
from syncd.kit.text import format_duration
from syncd.kit.threads import in_own_thread

Answer = TypeVar("Answer")
Finish = Callable[[pa.RecordBatch], pa.RecordBatch]

_FRESH_SECONDS = 5.0
"""A session that was used so shortly ago is taken to live still."""
_GRACE = timedelta(seconds=2)
"""How much longer than `call_timeout` a call may take to come back: the driver tells the server to break it off first."""
_PREFETCH = 100


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `:1`, `:2` … and their values in this order. No value is a datetime: the driver would send it without its fraction."""

    text: str
    values: tuple[object, ...] = ()


class Session:
    """One session, used by one task at a time. It is `whole` as long as every call has come back and the server has answered it."""

    def __init__(self, connection: oracledb.Connection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._used = time.monotonic()
        self._calling = threading.Lock()
        self.whole = True

    @property
    def version(self) -> str:
        """Of the server."""
        return self._connection.version

    @property
    def fresh(self) -> bool:
        return time.monotonic() - self._used < _FRESH_SECONDS

    async def alive(self) -> bool:
        """Whether the server still knows the session; costs a round trip. Where something in between forgot it, no answer ever comes."""
        with suppress(SourceUnavailable):
            await self._call(self._connection.ping, within=self._settings.login_timeout)
        return self.whole

    async def rows(self, statement: Statement, *, moment: bool = False) -> list[tuple[Any, ...]]:
        """All rows of a small answer; numbers come as `Decimal`. `moment`: the statement names an SCN."""

        def work() -> list[tuple[Any, ...]]:
            with self._connection.cursor() as cursor:
                cursor.prefetchrows = _PREFETCH + 1
                cursor.arraysize = _PREFETCH
                cursor.execute(statement.text, list(statement.values), fetch_decimals=True, fetch_lobs=False)
                found: list[tuple[Any, ...]] = cursor.fetchall()
                return found

        return await self._call(work, moment=moment)

    async def columns(self, text: str) -> Sequence[oracledb.FetchInfo]:
        """What a query would yield, without running it."""

        def work() -> Sequence[oracledb.FetchInfo]:
            with self._connection.cursor() as cursor:
                cursor.parse(text)
                return cursor.description or ()

        return await self._call(work)

    async def binds(self, text: str) -> Sequence[str]:
        """The names of what a statement wants to have bound."""

        def work() -> Sequence[str]:
            with self._connection.cursor() as cursor:
                cursor.prepare(text)
                names: list[str] = cursor.bindnames()
                return names

        return await self._call(work)

    async def batches(
        self, statement: Statement, rows: int, schema: pa.Schema, finish: Finish, *, moment: bool = False
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the rows of a query, at most `rows` a batch, none of them empty: what `finish` makes of the columns of `schema`."""
        # The driver keeps the generator's frame, and a cursor on the server, until the generator is closed.
        frames = self._connection.fetch_df_batches(
            statement.text, list(statement.values), rows, fetch_decimals=True, requested_schema=schema
        )

        def following() -> pa.RecordBatch | None:
            for frame in frames:
                found: pa.RecordBatch = pa.RecordBatchReader.from_stream(frame).read_next_batch()
                if found.num_rows:
                    return finish(found)
            return None

        while (batch := await self._call(following, moment=moment)) is not None:
            yield batch

    async def _call(self, work: Callable[[], Answer], *, moment: bool = False, within: timedelta | None = None) -> Answer:
        """Do something with the connection. Whatever keeps it from coming back, or is no answer of the server, ends the session."""
        self.whole, settings = False, self._settings
        within = within or settings.call_timeout + _GRACE
        task = asyncio.create_task(in_own_thread(partial(self._alone, work)), name="a call to Oracle")
        try:
            async with asyncio.timeout(within.total_seconds()):
                with our_errors(settings.dsn, moment=moment):
                    answer = await asyncio.shield(task)
        except TimeoutError as error:
            raise SourceUnavailable(
                f"{settings.dsn}: no answer within {format_duration(within)}",
                hint="raise `call_timeout` if the statement may take longer",
            ) from error
        except SyncdError as error:
            self.whole = answered(error) and self._connection.is_healthy()
            raise
        finally:
            if not task.done():
                _in_background(self._break_off)
                task.cancel()
        self.whole = True
        self._used = time.monotonic()
        return answer

    def close(self) -> None:
        """Let go of it without waiting for the server."""
        self.whole = False
        _in_background(partial(self._alone, self._connection.close))

    def _alone(self, work: Callable[[], Answer]) -> Answer:
        """In a thread: the driver crashes the process if a connection is closed under a call that hangs and is lost then."""
        with self._calling:
            return work()

    def _break_off(self) -> None:
        """In a thread: the driver crashes the process if there is no connection any more."""
        if self._connection.is_healthy():
            self._connection.cancel()


class Sessions:
    """At most `pool_size` sessions at once. Idle ones are kept, and looked at before they are used again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free = asyncio.Semaphore(settings.pool_size)
        self._idle: list[Session] = []
        self._open = True

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a session. Raises `SourceUnavailable` if none becomes free in time, and what logging in raises."""
        await self._place()
        try:
            session = await self._living() or await log_in(self._settings)
            try:
                yield session
            finally:
                if session.whole and self._open:
                    self._idle.append(session)
                else:
                    session.close()
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close all that are idle, and each that is still lent as soon as it is given back."""
        self._open = False
        while self._idle:
            self._idle.pop().close()

    async def _place(self) -> None:
        settings = self._settings
        try:
            async with asyncio.timeout(settings.login_timeout.total_seconds()):
                await self._free.acquire()
        except TimeoutError as error:
            raise SourceUnavailable(
                f"{settings.dsn}: all {settings.pool_size} sessions were in use for {format_duration(settings.login_timeout)}",
                hint="raise `pool_size` of the connection, or lower `readers` of the syncs that use it",
            ) from error

    async def _living(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            try:
                if session.fresh or await session.alive():
                    return session
            finally:
                if not session.whole:
                    session.close()
        return None


async def log_in(settings: Settings) -> Session:
    """Log in within `login_timeout`. Raises `BadCredentials` and what else `our_errors` does."""
    try:
        async with asyncio.timeout(settings.login_timeout.total_seconds()):
            with our_errors(settings.dsn):
                connection = await in_own_thread(lambda: connect(settings), late=lambda found: _quietly(found.close))
    except TimeoutError as error:
        raise SourceUnavailable(
            f"{settings.dsn}: the log-in took longer than {format_duration(settings.login_timeout)}",
            hint="something answers at that address, but no database does: look at the listener and the database, or raise `login_timeout`",
        ) from error
    except LookupError as error:
        # What the driver expects in an answer to a log-in, it takes for granted.
        raise SourceUnavailable(
            f"{settings.dsn}: the answer to the log-in lacks {error}", hint="look at what is between here and the server"
        ) from error
    return Session(connection, settings)


def _in_background(work: Callable[[], object]) -> None:
    """What nobody waits for, and may fail."""
    threading.Thread(target=_quietly, args=(work,), name="left to itself", daemon=True).start()


def _quietly(work: Callable[[], object]) -> None:
    with suppress(oracledb.Error, OSError):
        work()
