"""An empty copy of the tables that queries name, in DuckDB: it knows names and types, and has no row.

Nothing can be read through it: it reaches no file, loads no extension, and none of its settings can be changed back. A query is planned,
never run, and so costs milliseconds.
"""

import re
from collections.abc import Iterable, Sequence
from threading import Timer
from typing import Self

import duckdb

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.named import named
from syncd.kit.sql import quote
from syncd.kit.threads import in_thread

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "max_temp_directory_size": "0KB",
    "memory_limit": "128MB",
    "python_enable_replacements": False,
    "temp_directory": "",
    "threads": 1,
}
_BUILT_IN = ("icu", "json")
_GROWS = re.compile(r"\b(repeat|lpad|rpad|printf|format|bitstring)\b", re.IGNORECASE)
"""Functions that make a large value of small ones. Planning computes what is constant, and that can be neither interrupted nor bounded."""
_SECONDS = 2.0
"""For planning one query."""
_LONGEST = 1000

TYPES = {
    "bigquery": {
        "BIGNUMERIC": "DECIMAL(38, 18)",
        "BOOL": "BOOLEAN",
        "BOOLEAN": "BOOLEAN",
        "BYTES": "BLOB",
        "DATE": "DATE",
        "DATETIME": "TIMESTAMP",
        "FLOAT": "DOUBLE",
        "FLOAT64": "DOUBLE",
        "INT64": "BIGINT",
        "INTEGER": "BIGINT",
        "INTERVAL": "INTERVAL",
        "JSON": "JSON",
        "NUMERIC": "DECIMAL(38, 9)",
        "STRING": "VARCHAR",
        "TIME": "TIME",
        "TIMESTAMP": "TIMESTAMPTZ",
    },
    "oracle": {
        "BINARY_DOUBLE": "DOUBLE",
        "BINARY_FLOAT": "FLOAT",
        "BLOB": "BLOB",
        "BOOLEAN": "BOOLEAN",
        "CHAR": "VARCHAR",
        "CLOB": "VARCHAR",
        "DATE": "TIMESTAMP",
        "FLOAT": "DOUBLE",
        "JSON": "JSON",
        "LONG": "VARCHAR",
        "NCHAR": "VARCHAR",
        "NCLOB": "VARCHAR",
        "NUMBER": "DECIMAL(38, 10)",
        "NVARCHAR2": "VARCHAR",
        "RAW": "BLOB",
        "TIMESTAMP": "TIMESTAMP",
        "VARCHAR": "VARCHAR",
        "VARCHAR2": "VARCHAR",
    },
}
"""What a type of a warehouse is in DuckDB, without its length or precision."""


def duckdb_type(column: Column, dialect: str) -> str:
    """As DuckDB writes it; empty for a type that it has not."""
    if column.fields:
        members = [(field.name, duckdb_type(field, dialect)) for field in column.fields]
        kind = f"STRUCT({', '.join(f'{quote(name)} {kind}' for name, kind in members if kind)})" if any(kind for _, kind in members) else ""
    elif dialect == "duckdb":
        kind = column.type
    else:
        kind = TYPES[dialect].get(column.type.partition("(")[0].strip().upper(), "")
    return f"{kind}[]" if column.repeated and kind else kind


class Replica:
    """Blocking; one thread at a time, but `interrupt` may come from any."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._made: set[tuple[str, ...]] = set()
        self._connection = duckdb.connect(":memory:", config=_CONFIG)
        for extension in _BUILT_IN:
            self._connection.execute(f"LOAD {extension}")
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET lock_configuration = true")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        self._connection.interrupt()

    def make(self, path: Sequence[str], columns: Iterable[Column]) -> bool:
        """A table by its name, with its schema if it has one before it. False if it cannot be made."""
        *above, last = (each.lower() for each in path[-2:])
        name = (*(above or ["main"]), last)
        kinds = [(column.name, duckdb_type(column, self._dialect)) for column in columns]
        shown = ", ".join(f"{quote(column)} {kind}" for column, kind in kinds if kind)
        if name in self._made:
            return True
        try:
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(name[0])}")
            self._connection.execute(f"CREATE TABLE {'.'.join(map(quote, name))} ({shown})")
        except duckdb.Error:  # a type that somebody has made, for example
            return False
        self._made.add(name)
        return True

    def plan(self, sql: str) -> duckdb.Error | None:
        """Look up every name, find a function for every call. What DuckDB has against the query, if anything."""
        if _GROWS.search(sql):
            return duckdb.NotSupportedError("may need more than planning is worth")
        timer = Timer(_SECONDS, self._connection.interrupt)
        timer.start()
        try:
            kinds = [statement.type for statement in self._connection.extract_statements(sql)]
            if kinds != [duckdb.StatementType.SELECT]:
                return duckdb.NotSupportedError("expected one query")
            self._connection.execute(f"EXPLAIN {sql}")
        except duckdb.Error as error:
            return error
        finally:
            timer.cancel()
            timer.join()
        return None


def words(error: duckdb.Error) -> str:
    """Its message on one line, without the place in a text that nobody has seen."""
    return " ".join(str(error).partition("\n\nLINE ")[0].split())[:_LONGEST]


class ReplicaAnalyser:
    """For queries in the dialect of DuckDB itself."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @property
    def name(self) -> str:
        return f"duckdb {duckdb.__version__}"

    async def analyse(self, queries: Sequence[str]) -> Sequence[str | None]:
        if not queries:
            return ()
        with await in_thread(lambda: Replica("duckdb")) as replica:
            return await in_thread(lambda: self._opinions(replica, queries), replica.interrupt)

    def _opinions(self, replica: Replica, queries: Sequence[str]) -> list[str | None]:
        return [self._opinion(replica, query) for query in queries]

    def _opinion(self, replica: Replica, query: str) -> str | None:
        tables = named(query, self._catalog)
        if not all(replica.make(".".join(each.path).split("."), each.columns) for each in tables):
            return None
        error = replica.plan(query)
        if error is None:
            return ""
        # It may use a function of the warehouse's own, which is missing here, or be fine and merely large.
        return words(error) if isinstance(error, (duckdb.BinderException, duckdb.ParserException)) else None
