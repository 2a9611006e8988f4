"""DuckDB keeps the promises of a reader of schemas. The file is open only while a question lasts."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from syncd.connectors.duckdb.asking import Asker
from syncd.connectors.duckdb.examining import Bounds, examine
from syncd.connectors.duckdb.file import Settings, checked_path, our_errors
from syncd.connectors.duckdb.nesting import column
from syncd.domain.errors import SourceMismatch, SourceUnavailable
from syncd.domain.schema import Column, Table, TableKind
from syncd.kit.files import look
from syncd.kit.sql import quote
from syncd.kit.text import did_you_mean
from syncd.kit.threads import in_thread
from syncd.ports.warehouse import Examined, Listed, SchemaReader

Answer = TypeVar("Answer")

_SECONDS = 60
"""For one question to the catalogue, or for the samples of one table."""
_MEMORY = 76_000_000
_SAMPLED_ROWS = 100_000
_SAMPLE_LENGTH = 200


class DuckDBSchemas:
    def __init__(self, settings: Settings, bounds: Bounds) -> None:
        self._settings = settings
        self._bounds = bounds

    @property
    def dialect(self) -> str:
        return "duckdb"

    async def stamp(self) -> str:
        return await asyncio.to_thread(look, *self._settings.files)

    async def list(self, schemas: Sequence[str]) -> Sequence[Listed]:
        return await self._ask(lambda asker: _list(asker, schemas))

    async def describe(self, names: Sequence[str]) -> Sequence[Table]:
        return await self._ask(lambda asker: _describe(asker, names)) if names else ()

    async def examine(self, queries: Sequence[str]) -> Sequence[Examined]:
        if queries:
            await asyncio.to_thread(checked_path, self._settings)
        return await examine(self._settings.path, queries, self._bounds)

    async def samples(self, name: str, columns: Sequence[str], count: int) -> Mapping[str, Sequence[str]]:
        return await self._ask(lambda asker: _samples(asker, name, columns, count))

    async def _ask(self, question: Callable[[Asker], Answer]) -> Answer:
        path = self._settings.path
        with our_errors(path):
            asker = Asker()

        def ask() -> Answer:
            with asker, our_errors(path):
                asker.open(self._settings, _MEMORY)
                return question(asker)

        try:
            async with asyncio.timeout(_SECONDS):
                return await in_thread(ask, asker.kill)
        except TimeoutError as error:
            raise SourceUnavailable(f"{path}: no answer within {_SECONDS} s", hint="look at the load of this machine") from error


def _list(asker: Asker, schemas: Sequence[str]) -> list[Listed]:
    wanted = _schemas(asker, schemas)
    rows = asker.rows(f"SELECT name, kind FROM ({_RELATIONS}) WHERE schema IN (SELECT unnest(?)) ORDER BY name", [wanted])
    return [Listed(name, TableKind(kind)) for name, kind in rows]


def _schemas(asker: Asker, schemas: Sequence[str]) -> list[str]:
    """As the file writes them: DuckDB does not tell upper from lower case. Raises `SourceMismatch` for one that is not there."""
    rows = asker.rows("SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()")
    known = {name.casefold(): name for (name,) in rows}
    for schema in schemas:
        if schema.casefold() not in known:
            raise SourceMismatch(
                f"the database has no schema '{schema}'{did_you_mean(schema, known.values())}",
                hint=f"correct `schemas`; there are {', '.join(sorted(known.values()))}",
            )
    return [known[schema.casefold()] for schema in schemas]


_RELATIONS = """
SELECT schema_name || '.' || table_name AS name, schema_name AS schema, 'table' AS kind, comment
FROM duckdb_tables() WHERE NOT internal AND NOT temporary AND database_name = current_database()
UNION ALL
SELECT schema_name || '.' || view_name, schema_name, 'view', comment
FROM duckdb_views() WHERE NOT internal AND NOT temporary AND database_name = current_database()
"""
_COLUMNS = """
SELECT schema_name || '.' || table_name AS name, column_name, data_type, comment, is_nullable
FROM duckdb_columns() WHERE NOT internal AND database_name = current_database() AND name IN (SELECT unnest(?)) ORDER BY name, column_index
"""
_KEYS = """
SELECT schema_name || '.' || table_name AS name, constraint_column_names FROM duckdb_constraints()
WHERE constraint_type = 'PRIMARY KEY' AND database_name = current_database()
"""


def _describe(asker: Asker, names: Sequence[str]) -> list[Table]:
    asked = list(names)
    found = {name: (TableKind(kind), comment or "") for name, kind, comment in asker.rows(_FOUND, [asked])}
    columns: dict[str, list[Column]] = defaultdict(list)
    for name, column_name, kind, comment, nullable in asker.rows(_COLUMNS, [asked]):
        columns[name].append(column(column_name, kind, comment or "", nullable=nullable))
    keys = {name: tuple(key) for name, key in asker.rows(_KEYS)}
    return [
        Table(name=name, columns=tuple(columns[name]), primary_key=keys.get(name, ()), comment=found[name][1], kind=found[name][0])
        for name in names
        if name in found
    ]


_FOUND = f"SELECT name, kind, comment FROM ({_RELATIONS}) WHERE name IN (SELECT unnest(?))"


def _samples(asker: Asker, name: str, columns: Sequence[str], count: int) -> dict[str, list[str]]:
    """The most frequent values in some of the rows, each cut to a length."""
    [*found] = asker.rows(f"SELECT current_database(), schema FROM ({_RELATIONS}) WHERE name = ?", [name])
    if not found:
        raise SourceMismatch(f"there is no table '{name}' any more", hint="list the tables again")
    [[database, schema]] = found
    table = f"{quote(database)}.{quote(schema)}.{quote(name.removeprefix(f'{schema}.'))}"
    return {each: [value for (value,) in asker.rows(_sample(table, each), [count])] for each in columns}


def _sample(table: str, name: str) -> str:
    some = f"SELECT {quote(name)} AS value FROM {table} LIMIT {_SAMPLED_ROWS}"
    text = f"left(CAST(value AS VARCHAR), {_SAMPLE_LENGTH})"
    return f"SELECT {text} AS text FROM ({some}) WHERE value IS NOT NULL GROUP BY text ORDER BY count(*) DESC, text LIMIT ?"


@asynccontextmanager
async def opened_schemas(settings: Settings) -> AsyncIterator[SchemaReader]:
    """A reader of the schemas of a file."""
    yield DuckDBSchemas(settings, Bounds())
