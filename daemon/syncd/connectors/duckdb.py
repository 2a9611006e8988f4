"""DuckDB as a source: tables, views, and views over Parquet or CSV.

A file is open for one process that writes or for many that read. So the source opens it read-only, only if it has to look into it,
and holds it as short as it can; meanwhile others cannot write. Within one process all connections to a file share one instance, and
must have the same settings. Nothing here may open the file by other means: a process that closes any descriptor of a file loses its
locks on it.

A scan first sorts the order columns alone, which can spill to disk, and remembers each thousandth position. Then it reads the rows
between such positions, as many at once as fit into `page_bytes`: sorting whole rows would need memory that grows with the table.
Where rows are stored in about the order of the scan, a page skips all blocks but its own; otherwise each page goes through the order
columns of the whole table, and larger pages make the scan faster. A query, or a view, is evaluated anew for each page.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import pyarrow as pa
from pydantic import AfterValidator, Field

from syncd.domain.errors import SourceMismatch, SourceUnavailable, SyncdError
from syncd.domain.position import position
from syncd.domain.scan import GONE, Horizon, Position, Relation, Scan, Since
from syncd.domain.schema import Column, Table
from syncd.kit.files import look
from syncd.kit.sql import Clause, Term, all_of, behind, quote, quote_table, table_parts, up_to
from syncd.kit.text import counted, did_you_mean
from syncd.kit.threads import in_thread
from syncd.ports.connecting import Connector, Source
from syncd.settings.section import Section, SettingsPath

_GRAIN = 1000
"""Rows between two remembered positions; also the rows of a first page, before their size is known."""
_WIDEST = 100
"""Grains that one page spans at most."""
_MICROSECOND = timedelta(microseconds=1)
_BROKEN_FILE = ("not a valid DuckDB database file", 'Extension "sqlite', "Is a directory", "Could not read enough bytes")
_BROKEN_ROWS = ("Conversion Error", "Invalid Input Error", "Out of Range Error")

_Cursor = duckdb.DuckDBPyConnection
_Result = TypeVar("_Result")
_Bytes = Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")]


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, IsADirectoryError) as error:
        raise ValueError(f"there is no time zone '{name}'") from error


class Settings(Section):
    path: SettingsPath
    memory_limit: _Bytes = "96MB"
    """What DuckDB may use for blocks, sorting and pages, in all syncs that read this file now; the process needs more beside it."""
    threads: Annotated[int, Field(ge=1)] = 1
    page_bytes: Annotated[int, Field(ge=1_000_000)] = 32_000_000
    """Rows that are read and sorted at once; about a third of `memory_limit`."""
    spill_dir: SettingsPath = Path(tempfile.gettempdir()) / f"syncd-{os.getuid()}"
    """Where sorting spills to when memory is short. Emptied when the file is closed."""
    spill_limit: _Bytes = "10GB"
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """The zone of timestamps that name none, for comparing them with the clock."""

    @property
    def files(self) -> tuple[Path, Path]:
        """The database, and the log of what is not in it yet."""
        return self.path, self.path.with_name(f"{self.path.name}.wal")


class DuckDBSource:
    """Opens the file with the first question that needs to look into it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None

    async def describe(self, relation: Relation) -> Table:
        return await self._ask(lambda cursor: _describe(cursor, relation))

    async def horizon(self, relation: Relation, watermark: str) -> Horizon:
        return await self._ask(lambda cursor: _horizon(cursor, relation, watermark, self._settings))

    async def unchanged(self, stamp: str) -> bool:
        return stamp == await asyncio.to_thread(look, *self._settings.files)

    async def count(self, scan: Scan) -> int:
        return await self._ask(lambda cursor: _Query(_describe(cursor, scan.relation), scan).count(cursor))

    async def scan(self, scan: Scan, rows: int) -> AsyncGenerator[pa.RecordBatch, None]:
        async with self._cursor() as cursor:
            query = _Query(await in_thread(lambda: _describe(cursor, scan.relation), cursor.interrupt), scan)
            grains = await in_thread(lambda: query.grains(cursor), cursor.interrupt)
            after, width = scan.after, 1
            while grains:
                page, grains = grains[:width], grains[width:]
                read = size = 0
                bounds = _Page(after, page, last=not grains)
                with await in_thread(lambda: query.page(cursor, bounds, rows), cursor.interrupt) as reader:  # noqa: B023
                    while (batch := await in_thread(lambda: next(reader, None), cursor.interrupt)) is not None:
                        read, size = read + batch.num_rows, size + batch.nbytes
                        yield batch
                after = page[-1].end
                width = max(1, min(_WIDEST, self._settings.page_bytes * read // (size * _GRAIN + 1)))

    async def _ask(self, question: Callable[[_Cursor], _Result]) -> _Result:
        async with self._cursor() as cursor:
            return await in_thread(lambda: question(cursor), cursor.interrupt)

    @asynccontextmanager
    async def _cursor(self) -> AsyncIterator[_Cursor]:
        """A connection of its own for each question: none waits for another, and each can be interrupted alone."""
        with _our_errors(self._settings.path):
            async with self._opening:
                connection = self._connection
                if connection is None:
                    connection = await in_thread(self._connect)
            cursor = connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def _connect(self) -> _Cursor:
        """Leave the connection where `close` finds it, even if nobody waits for it any more."""
        self._connection = _connect(self._settings)
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await asyncio.to_thread(self._connection.close)


@dataclass(frozen=True, slots=True)
class _Grain:
    """Some rows next to each other in the order; `start` and `end` are the positions of the first and the last."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class _Page:
    after: Position | None
    grains: Sequence[_Grain]
    last: bool
    """Whether all rows behind `after` belong to it: some may have come since the grains were measured."""

    @property
    def unordered(self) -> bool:
        """All its rows stand at one position, and they may be very many: rows without a key."""
        return len(self.grains) == 1 and self.grains[0].start == self.grains[0].end and not self.last


class _Query:
    """A scan in DuckDB's words."""

    def __init__(self, table: Table, scan: Scan) -> None:
        self._table = table
        self._scan = scan
        self._from = _from(scan.relation)
        self._terms = [self._term(name) for name in scan.order]
        self._order = ", ".join(f"{term.column} NULLS FIRST" for term in self._terms)
        self._scope = [
            *([self._since(scan.since)] if scan.since else []),
            *([self._among(scan.keys)] if scan.keys is not None else []),
        ]

    def count(self, cursor: _Cursor) -> int:
        where = self._where(self._scan.after)
        [[rows]] = cursor.execute(f"SELECT count(*) FROM {self._from} WHERE {where.text}", where.values).fetchall()
        return int(rows)

    def grains(self, cursor: _Cursor) -> list[_Grain]:
        where = self._where(self._scan.after)
        columns = ", ".join(f"{term.column} AS {quote(name)}" for term, name in zip(self._terms, self._scan.order, strict=True))
        text = f"SELECT {columns} FROM {self._from} WHERE {where.text} ORDER BY {self._order}"
        names = self._scan.order
        with cursor.sql(text, params=where.values).to_arrow_reader(_GRAIN) as reader:
            return [_Grain(position(batch, 0, names), position(batch, batch.num_rows - 1, names)) for batch in reader]

    def page(self, cursor: _Cursor, page: _Page, rows: int) -> pa.RecordBatchReader:
        where = self._where(page.after, None if page.last else page.grains[-1].end)
        order = "" if page.unordered else f" ORDER BY {self._order}"
        text = f"SELECT {self._columns()} FROM {self._from} WHERE {where.text}{order}"
        return cursor.sql(text, params=where.values).to_arrow_reader(min(rows, _GRAIN * len(page.grains)))

    def _columns(self) -> str:
        names = [f"{quote(_column(self._table, name).name)} AS {quote(name)}" for name in self._scan.columns] or ["*"]
        gone = self._scan.gone
        return ", ".join([*names, f"coalesce(CAST((\n{gone}\n) AS BOOLEAN), FALSE) AS {quote(GONE)}"] if gone else names)

    def _where(self, after: Position | None, end: Position | None = None) -> Clause:
        terms = self._terms
        clauses = [behind(terms, after)] if after else []
        if end:
            behind_nulls = after is not None and after[0] is not None
            clauses.append(up_to([replace(terms[0], nullable=not behind_nulls), *terms[1:]], end))
        return all_of([*self._scope, *clauses])

    def _since(self, since: Since) -> Clause:
        column = _column(self._table, since.column)
        bound = f"{quote(column.name)} >= CAST(? AS {column.type})"
        if since.lookback and _temporal(column):
            return Clause(f"{bound} - to_microseconds(?)", (since.value, since.lookback // _MICROSECOND))
        return Clause(bound, (since.value,))

    def _among(self, keys: Sequence[Position]) -> Clause:
        """Text that is no value of the key's type is the key of no row."""
        if not keys:
            return Clause("1 = 0")
        columns = [_column(self._table, name) for name in self._scan.key]
        tuples = ", ".join(quote(column.name) for column in columns)
        wanted = ", ".join(f"TRY_CAST(k{n} AS {column.type})" for n, column in enumerate(columns))
        lists = ", ".join(f"unnest(CAST(? AS VARCHAR[])) AS k{n}" for n in range(len(columns)))
        return Clause(f"({tuples}) IN (SELECT {wanted} FROM (SELECT {lists}))", tuple(list(values) for values in zip(*keys, strict=True)))

    def _term(self, name: str) -> Term:
        column = _column(self._table, name)
        return Term(quote(column.name), f"CAST(? AS {column.type})", column.nullable)


def _from(relation: Relation) -> str:
    if relation.query:
        return f"(\n{relation.query.strip().rstrip(';')}\n)"
    try:
        return quote_table(relation.table)
    except ValueError as error:
        raise SourceMismatch(str(error)) from error


def _describe(cursor: _Cursor, relation: Relation) -> Table:
    rows = f"SELECT * FROM {_from(relation)}"
    try:
        described = cursor.execute(f"DESCRIBE {rows}").fetchall()
    except duckdb.CatalogException as error:
        known = [name for (name,) in cursor.execute(_TABLES).fetchall()]
        if not relation.table or relation.table in known:
            raise
        raise SourceMismatch(f"there is no table '{relation.table}'{did_you_mean(relation.table, known)}") from error
    return Table(
        name=relation.name,
        columns=tuple(Column(name, kind, nullable=null == "YES") for name, kind, null, *_ in described),
        schema=cursor.sql(f"{rows} LIMIT 0").to_arrow_reader(1).schema,
        primary_key=tuple(name for name, _, _, key, *_ in described if key == "PRI"),
    )


_TABLES = """
SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views() WHERE NOT internal
UNION SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name <> 'main'
"""


def _column(table: Table, name: str) -> Column:
    """DuckDB does not tell upper from lower case in names."""
    found = next((column for column in table.columns if column.name.casefold() == name.casefold()), None)
    if found is None:
        raise SourceMismatch(f"'{table.name}' has no column '{name}'{did_you_mean(name, table.names)}")
    return found


def _temporal(column: Column) -> bool:
    return column.type.startswith(("DATE", "TIMESTAMP"))


def _horizon(cursor: _Cursor, relation: Relation, watermark: str, settings: Settings) -> Horizon:
    column = _column(_describe(cursor, relation), watermark)
    name = quote(column.name)
    highest, now = f"max({name})", "CAST(NULL AS VARCHAR)"
    values: list[object] = []
    if _temporal(column):
        zoned = column.type == "TIMESTAMP WITH TIME ZONE"
        now = f"CAST({'now()' if zoned else 'now() AT TIME ZONE ?'} AS {column.type})"
        values = [] if zoned else [settings.timezone, settings.timezone]
        highest = f"CASE WHEN count({name}) > 0 THEN least(max({name}), {now}) END"
    text = f"SELECT CAST({highest} AS VARCHAR), CAST({now} AS VARCHAR), count(*) - count({name}) FROM {_from(relation)}"
    [[reaches, clock_now, nulls]] = cursor.execute(text, values).fetchall()
    return Horizon(reaches, exact=False, now=clock_now, nulls=nulls, stamp=look(*settings.files) if _holds(cursor, relation) else "")


def _holds(cursor: _Cursor, relation: Relation) -> bool:
    """Whether all rows are in the file itself: it is a table, and no view anywhere has its name."""
    name = table_parts(relation.table)[-1] if relation.table else ""
    [[held]] = cursor.execute(_HELD, [name, name]).fetchall()
    return bool(held)


_HELD = """
SELECT EXISTS (FROM duckdb_tables() WHERE lower(table_name) = lower(?))
AND NOT EXISTS (FROM duckdb_views() WHERE lower(view_name) = lower(?))
"""


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise SourceUnavailable(
            f"reading {path} needs more memory than it may use: {_first_line(error)}", hint="raise `memory_limit`, or lower `page_bytes`"
        ) from error
    except (duckdb.IOException, duckdb.InterruptException) as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        # What fails while rows are under way comes through Arrow, which keeps DuckDB's text alone.
        if str(error).startswith(_BROKEN_ROWS):
            raise SourceMismatch(f"{path}: {_first_line(error)}", hint="correct the rows, the query or the predicate") from error
        raise _unreadable(path, error) from error
    except duckdb.Error as error:
        raise SourceMismatch(f"{path}: {_first_line(error)}", hint="check the settings of the source against the file") from error


def _unreadable(path: Path, error: Exception) -> SyncdError:
    text = _first_line(error)
    if any(sign in str(error) for sign in _BROKEN_FILE):
        return SourceMismatch(f"{path} is not a DuckDB database, or a damaged one: {text}", hint="correct `path`, or restore the file")
    if holder := re.search(r"Conflicting lock is held in (.*) \(PID (\d+)\)", text):
        program, pid = holder.groups()
        return SourceUnavailable(f"{path} is locked by process {pid} ({program})", hint="it can be read once that process closes it")
    return SourceUnavailable(f"{path} cannot be read: {text}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    path = settings.path.resolve()
    if not path.exists():
        raise SourceUnavailable(f"there is no file {path}", hint="correct `path`, or wait until the file is made")
    if not os.access(path, os.R_OK):
        raise SourceMismatch(f"{path} may not be read by this user", hint="give the right to read it")
    config: dict[str, str | bool | int | float | list[str]] = {
        "arrow_lossless_conversion": True,
        "async_threads": 1,
        "autoinstall_known_extensions": False,
        "max_temp_directory_size": settings.spill_limit,
        "memory_limit": settings.memory_limit,
        "preserve_insertion_order": False,
        "python_enable_replacements": False,
        "temp_directory": str(_spill_dir(settings.spill_dir) / f"{os.getpid()}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"),
        "threads": settings.threads,
        "TimeZone": "UTC",
    }
    try:
        return duckdb.connect(str(path), read_only=True, config=config)
    except duckdb.ConnectionException as error:
        raise SourceMismatch(
            f"{path} is open in this process with other settings", hint="give all connections to one file the same settings"
        ) from error


def _spill_dir(folder: Path) -> Path:
    """Rows spill into it, so it is ours alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise SourceMismatch(f"the folder {folder} belongs to another user", hint="set `spill_dir` to a folder of this user")
    return folder


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Source]:
    source = DuckDBSource(settings)
    try:
        yield source
    finally:
        await source.close()


async def _check(settings: Settings) -> str:
    with _our_errors(settings.path):
        connection = await asyncio.to_thread(_connect, settings)
        try:
            [[tables]] = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE NOT internal").fetchall()
            [[views]] = connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall()
        finally:
            connection.close()
    return f"DuckDB {duckdb.__version__}, {counted(tables, 'table')}, {counted(views, 'view')}"


CONNECTOR = Connector(settings=Settings, check=_check, source=_open)
