"""An empty copy of the tables that queries name, in DuckDB: it knows names and types, and has no row.

Nothing can be read through it: it reaches no file, loads no extension, and none of its settings can be changed back. A query is planned,
never run, and so costs milliseconds; but planning computes what is constant (`GENERATE_ARRAY(1, 100000000)`), which DuckDB neither bounds
nor lets us interrupt. So it happens in a process that can be killed.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Timer
from typing import IO, Self, cast

import duckdb

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.named import named
from syncd.kit.sql import quote
from syncd.kit.threads import in_thread

_PROGRAM = Path(__file__).with_name("replica_worker.py")
_START_SECONDS = 30.0
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
        self._made: dict[tuple[str, ...], str] = {}
        self._process: Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def interrupt(self) -> None:
        if process := self._process:
            process.kill()

    def make(self, path: Sequence[str], columns: Iterable[Column]) -> bool:
        """A table by its name, with its schema if it has one before it. False if it cannot be made."""
        *above, last = (each.lower() for each in path[-2:])
        name = (*(above or ["main"]), last)
        kinds = [(column.name, duckdb_type(column, self._dialect)) for column in columns]
        shown = ", ".join(f"{quote(column)} {kind}" for column, kind in kinds if kind)
        if name in self._made:
            return True
        table = f"CREATE SCHEMA IF NOT EXISTS {quote(name[0])}; CREATE TABLE {'.'.join(map(quote, name))} ({shown})"
        if self._ask({"make": table}) is not None:  # a type that somebody has made, for example
            return False
        self._made[name] = table
        return True

    def plan(self, sql: str) -> duckdb.Error | None:
        """Look up every name, find a function for every call. What DuckDB has against the query, if anything."""
        return self._ask({"plan": sql})

    def _ask(self, question: Mapping[str, str]) -> duckdb.Error | None:
        """An interruption if the answer comes too late, or the question ends the process; the next one gets another process."""
        if self._process is None:
            self._start()
        error = self._exchange(question, _SECONDS)
        if isinstance(error, duckdb.InterruptException):
            self._end()
        return error

    def _start(self) -> None:
        """It gets no variable of our environment: there may be secrets."""
        command = [sys.executable, "-I", str(_PROGRAM)]
        self._process = Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/", text=True)  # noqa: S603 - our own
        for question in ({}, *({"make": table} for table in self._made.values())):
            self._exchange(question, _START_SECONDS)

    def _exchange(self, question: Mapping[str, str], seconds: float) -> duckdb.Error | None:
        process = cast("Popen[str]", self._process)
        late = Timer(seconds, process.kill)
        late.start()
        try:
            stdin, stdout = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
            answer = stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            late.cancel()
            late.join()
        if not answer:
            return duckdb.InterruptException(f"takes longer than {seconds:g} s, or more memory than it may")
        kind, text = json.loads(answer)
        return getattr(duckdb, kind, duckdb.Error)(text) if kind else None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(BrokenPipeError):
                process.communicate()


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
