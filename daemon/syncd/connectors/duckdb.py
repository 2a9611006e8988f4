"""DuckDB as a source: tables, views, and views over Parquet or CSV.

A file is open for one process that writes or for many that read. So the source opens it read-only and holds it as short as it
can; meanwhile others cannot write. Within one process all connections to a file share one instance, and must have the same settings.
Nothing here may open the file by other means: when a process closes any descriptor of a file, it loses its locks on it.

A scan first sorts the order columns alone, which can spill to disk, and remembers each thousandth position. Then it reads the rows
between such positions, as many at once as fit into `page_bytes`. A full sort would need memory that grows with the table. Where the
file holds rows in about the order of the scan, a page skips all blocks but its own; otherwise each page goes through the order columns
of the whole table, so larger pages make such scans faster. A query or a view is evaluated anew for each page.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import duckdb
import pyarrow as pa
from pydantic import Field

from syncd.domain.errors import SourceMismatch, SourceUnavailable, SyncdError
from syncd.domain.position import position
from syncd.domain.scan import GONE, Horizon, Position, Relation, Scan, Since
from syncd.domain.schema import Column, Table
from syncd.kit.sql import Clause, Term, all_of, behind, quote, quote_table, table_parts, up_to
from syncd.kit.text import did_you_mean
from syncd.ports import Connector, Source
from syncd.settings.section import Section, SettingsPath

_GRAIN = 1000
"""Rows from one remembered position to the next, and the rows of a scan's first page."""
_LARGEST_PAGE = 100
"""Remembered positions that one page spans at most."""

_Result = TypeVar("_Result")


class Settings(Section):
    path: SettingsPath
    memory_limit: Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")] = "96MB"
    """What DuckDB may use for blocks, sorting and pages; the process needs more beside it."""
    threads: Annotated[int, Field(ge=1)] = 1
    page_bytes: Annotated[int, Field(ge=1_000_000)] = 32_000_000
    """Rows that are read and sorted at once; at most a third of `memory_limit`."""
    spill_dir: SettingsPath = Path(tempfile.gettempdir()) / f"syncd-{os.getuid()}"
    """Where sorting spills to when memory is short. Emptied when the file is closed."""
    spill_limit: Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")] = "10GB"
    timezone: str = "UTC"
    """The zone of timestamps without one, for comparing them with the clock."""


class DuckDBSource:
    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings

    async def describe(self, relation: Relation) -> Table:
        with self._cursor() as cursor:
            return await _in_thread(cursor, lambda: _describe(cursor, relation))

    async def horizon(self, relation: Relation, watermark: str) -> Horizon:
        with self._cursor() as cursor:
            return await _in_thread(cursor, lambda: _horizon(cursor, relation, watermark, self._settings.timezone))

    async def count(self, scan: Scan) -> int:
        with self._cursor() as cursor:
            return await _in_thread(cursor, lambda: _count(cursor, scan))

    async def scan(self, scan: Scan, rows: int) -> AsyncIterator[pa.RecordBatch]:
        with self._cursor() as cursor:
            query = await _in_thread(cursor, lambda: _Query(_describe(cursor, scan.relation), scan))
            borders = await _in_thread(cursor, lambda: query.borders(cursor))
            pages = _Pages(borders, scan.after, self._settings.page_bytes)
            while pages.left:
                reader = await _in_thread(cursor, lambda: query.page(cursor, pages.after, pages.last, min(rows, pages.rows)))
                while batch := await _in_thread(cursor, lambda: _next(reader)):
                    pages.measure(batch)
                    yield batch
                pages.turn()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own for each question: one never waits for another, and each can be interrupted alone."""
        with _our_errors(self._settings.path):
            cursor = self._connection.cursor()
            try:
                cursor.execute("SET TimeZone = 'UTC'")
                yield cursor
            finally:
                cursor.close()
