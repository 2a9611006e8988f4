"""DuckDB keeps the promises of a source."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

import duckdb
import pyarrow as pa

from syncd.connectors.duckdb.file import Cursor, Settings, connect, grant, needs, our_errors
from syncd.connectors.duckdb.query import GRAIN, Page, Query
from syncd.connectors.duckdb.tables import describe, horizon, is_computed
from syncd.domain.scan import Horizon, Position, Relation, Scan
from syncd.domain.schema import Table
from syncd.kit.files import look
from syncd.kit.text import counted
from syncd.kit.threads import in_thread
from syncd.ports.connecting import Source

_WIDEST = 100
"""Grains that one page spans at most."""


class DuckDBSource:
    """Opens the file with the first question that needs to look into it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._needed = 0
        """Bytes that what is being read now needs."""

    async def describe(self, relation: Relation) -> Table:
        async with self._cursor() as cursor:
            return await in_thread(lambda: describe(cursor, relation), cursor.interrupt)

    async def horizon(self, relation: Relation, watermark: str) -> Horizon:
        table = await self.describe(relation)
        async with self._reading(relation, 1) as cursor:
            return await in_thread(lambda: horizon(cursor, relation, table, watermark, self._settings), cursor.interrupt)

    async def unchanged(self, stamp: str) -> bool:
        return stamp == await asyncio.to_thread(look, *self._settings.files)

    async def count(self, scan: Scan) -> int:
        table = await self.describe(scan.relation)
        async with self._reading(scan.relation, len(scan.order)) as cursor:
            return await in_thread(lambda: Query(table, scan).count(cursor), cursor.interrupt)

    async def split(self, scan: Scan, parts: int) -> Sequence[Position]:  # noqa: ARG002 - the answer is always the same
        """One cursor reads as fast as several, which would sort the same rows again and again."""
        return ()

    async def scan(self, scan: Scan, rows: int) -> AsyncGenerator[pa.RecordBatch, None]:
        table = await self.describe(scan.relation)
        query = Query(table, scan)
        async with self._reading(scan.relation, len(scan.columns or table.columns)) as cursor:
            grains = await in_thread(lambda: query.grains(cursor), cursor.interrupt)
            after, width = scan.after, 1
            while grains:
                page, grains = grains[:width], grains[width:]
                read = size = 0
                bounds = Page(after, page, last=not grains)
                with await in_thread(lambda: query.page(cursor, bounds, rows), cursor.interrupt) as reader:  # noqa: B023
                    while (batch := await in_thread(lambda: next(reader, None), cursor.interrupt)) is not None:
                        read, size = read + batch.num_rows, size + batch.nbytes
                        yield batch
                after = page[-1].end
                width = max(1, min(_WIDEST, self._settings.page_bytes * read // (size * GRAIN + 1)))

    @asynccontextmanager
    async def _reading(self, relation: Relation, columns: int) -> AsyncIterator[Cursor]:
        """A cursor, and the memory that it takes to read so many columns of a relation."""
        async with self._cursor() as cursor:
            size = needs(self._settings, columns, computed=await in_thread(lambda: is_computed(cursor, relation), cursor.interrupt))
            self._needed += size
            try:
                await in_thread(lambda: grant(cursor, self._settings, self._needed), cursor.interrupt)
                yield cursor
            finally:
                self._needed -= size

    @asynccontextmanager
    async def _cursor(self) -> AsyncIterator[Cursor]:
        """A connection of its own for each question: none waits for another, and each can be interrupted alone."""
        with our_errors(self._settings.path):
            async with self._opening:
                connection = self._connection
                if connection is None:
                    connection = await in_thread(self._connect)
            cursor = connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def _connect(self) -> Cursor:
        """Leave the connection where `close` finds it, even if nobody waits for it any more."""
        self._connection = connect(self._settings)
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await asyncio.to_thread(self._connection.close)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Source]:
    source = DuckDBSource(settings)
    try:
        yield source
    finally:
        await source.close()


async def check(settings: Settings) -> str:
    with our_errors(settings.path):
        connection = await asyncio.to_thread(connect, settings)
        try:
            [[tables]] = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE NOT internal").fetchall()
            [[views]] = connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall()
        finally:
            connection.close()
    return f"DuckDB {duckdb.__version__}, {counted(tables, 'table')}, {counted(views, 'view')}"
