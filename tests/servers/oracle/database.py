"""The database of the stand-in: Oracle's SQL and transactions over versioned rows."""

import sqlite3
import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakSet

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.assignment import assignment
from tests.servers.oracle.backend import Bind, Column, Kind, OracleError, Result, Value
from tests.servers.oracle.catalogue import Column as TableColumn
from tests.servers.oracle.catalogue import Table
from tests.servers.oracle.changes import Insert, Merge, Update
from tests.servers.oracle.compile_base import Build, Compiler, Scope
from tests.servers.oracle.compile_sources import stored_view
from tests.servers.oracle.conversions import rowid_to_text
from tests.servers.oracle.definitions import Definitions
from tests.servers.oracle.dictionary import VIEWS, World
from tests.servers.oracle.environment import Environment
from tests.servers.oracle.execution import Change, change, insert_many
from tests.servers.oracle.parse_statements import parse, parse_default
from tests.servers.oracle.plans import Plan, Query, compile_statement
from tests.servers.oracle.runs import Execution, Who
from tests.servers.oracle.storage import Connection, Locked, Storage, Transaction
from tests.servers.oracle.versions import Writer

_SYSTEM = 1000
_NO_TRANSACTION = -1
_SETTINGS = {
    "NLS_DATE_FORMAT": "date",
    "NLS_TIMESTAMP_FORMAT": "timestamp",
    "NLS_TIMESTAMP_TZ_FORMAT": "zoned",
    "TIME_ZONE": "zone",
}
_IGNORED = {"NLS_NUMERIC_CHARACTERS", "NLS_LANGUAGE", "NLS_TERRITORY", "NLS_SORT", "NLS_COMP", "NLS_LENGTH_SEMANTICS", "STATISTICS_LEVEL"}


class Database:
    """A `Backend`; its rows live in a file, or in a temporary one."""

    def __init__(self, file: Path | None = None) -> None:
        self.storage = Storage(file)
        self._plans: dict[Any, Plan] = {}
        self._refused: frozenset[str] = frozenset()

    def session(self, user: str, session_id: int) -> "Session":
        return Session(self, user, session_id)

    def revoke(self, right: str) -> None:
        """No session has this right from now on: the name of a dictionary view, FLASHBACK, or a package."""
        self._refused |= {right.upper()}

    def grant(self, right: str) -> None:
        self._refused -= {right.upper()}

    def forget_undo(self) -> None:
        """The past up to now cannot be read any more."""
        self.storage.floor = self.storage.tick() + 1

    def plan(self, sql: str, schema: str, kinds: Sequence[Kind] | None) -> Plan:
        """The compiled statement; all binds are texts if their kinds are not given."""
        key = (sql, schema, tuple(kinds) if kinds is not None else None, self.storage.catalogue.version, self._refused)
        found = self._plans.get(key)
        if found is None:
            found = self._compile(sql, schema, kinds)
            if len(self._plans) > _SYSTEM:
                self._plans.clear()
            self._plans[key] = found
        return found

    def _compile(self, sql: str, schema: str, kinds: Sequence[Kind] | None) -> Plan:
        node, binds = parse(sql)
        if kinds is None:
            kinds = [Kind.VARCHAR2] * binds
        if len(kinds) != binds:
            raise OracleError(
                1008 if len(kinds) < binds else 1036, "not all variables bound" if len(kinds) < binds else "illegal variable name/number"
            )
        return compile_statement(Build(self.storage.catalogue, schema, kinds, self._refused), node)

    def close(self) -> None:
        self.storage.close()


class Session:
    """A `BackendSession`."""

    def __init__(self, database: Database, user: str, session_id: int) -> None:
        self._database = database
        self._storage = database.storage
        self._who = Who(user, user, session_id)
        self._environment = Environment()
        self._transaction: Transaction | None = None
        self._snapshot: int | None = None
        """Of a read-only transaction."""
        self._cancelled = threading.Event()
        self._busy: list[Connection] = []
        self._open: WeakSet[Generator[Sequence[Value], None, None]] = WeakSet()

    @property
    def in_transaction(self) -> bool:
        return self._transaction is not None

    def describe(self, sql: str) -> Sequence[Column]:
        plan = self._database.plan(sql, self._who.schema, None)
        return plan.columns if isinstance(plan, Query) else ()

    def execute(self, sql: str, iterations: Sequence[Sequence[Bind]]) -> Result:
        self._cancelled.clear()
        plan = self._database.plan(sql, self._who.schema, [bind.kind for bind in iterations[0]])
        match plan:
            case Query():
                rows = self._rows(plan, iterations[0])
                self._open.add(rows)
                next(rows)
                return Result(plan.columns, rows)
            case Insert() | Update() | Merge():
                return self._change(plan, iterations)
            case tree.AlterSession():
                self._alter(plan)
            case tree.Transaction():
                self._end(plan)
            case _:
                self._define(plan)
        return Result()

    def commit(self) -> None:
        transaction, self._transaction, self._snapshot = self._transaction, None, None
        if transaction is not None:
            self._storage.commit(transaction)

    def rollback(self) -> None:
        transaction, self._transaction, self._snapshot = self._transaction, None, None
        if transaction is not None:
            self._storage.rollback(transaction)

    def interrupt(self) -> None:
        self._cancelled.set()
        for connection in list(self._busy):
            connection.interrupt()
        self._storage.wake()

    def close(self) -> None:
        for rows in list(self._open):
            rows.close()
        self.rollback()

    def _run(self, connection: Connection, binds: Sequence[Bind]) -> Execution:
        scn = self._storage.scn if self._snapshot is None else self._snapshot
        mark = self._transaction.mark if self._transaction else _NO_TRANSACTION
        return Execution(self._storage, connection, self._who, self._environment, binds, scn, mark, self._storage.now())

    def _rows(self, plan: Query, binds: Sequence[Bind]) -> Generator[Sequence[Value], None, None]:
        """First nothing, once the query runs; then its rows."""
        with self._storage.reading() as connection:
            self._busy.append(connection)
            cursor = connection.cursor()
            try:
                self._fill(connection, plan)
                run = self._run(connection, binds)
                cursor.execute(plan.sql, run.values(plan.parameters))
                yield ()
                if plan.rowids:
                    yield from (_with_rowids(row, plan.rowids) for row in cursor)
                else:
                    yield from cursor
            except sqlite3.Error as error:
                raise connection.explain(error) from error
            finally:
                cursor.close()
                self._busy.remove(connection)

    def _fill(self, connection: Connection, plan: Query) -> None:
        world = World(self._storage, self._who.user)
        for name in plan.views:
            view, stored = VIEWS[name], stored_view(name)
            columns = ", ".join(f"c{n}" for n in range(1, len(view.columns) + 1))
            connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {stored} ({columns})")
            connection.execute(f"DELETE FROM temp.{stored}")
            connection.executemany(f"INSERT INTO temp.{stored} VALUES ({', '.join('?' * len(view.columns))})", view.values(world))

    def _change(self, plan: Change, iterations: Sequence[Sequence[Bind]]) -> Result:
        if self._snapshot is not None:
            raise OracleError(1456, "may not perform insert, delete, update operation inside a READ ONLY transaction")
        transaction = self._transaction = self._transaction or self._storage.begin(self._who.session)
        result = Result()
        try:
            done = 0
            while done < len(iterations):
                done += self._attempt(plan, transaction, iterations[done:] if done else iterations, result)
        finally:
            if not transaction.begun and not transaction.ended:
                self._storage.discard(transaction)
                self._transaction = None
        return result

    def _attempt(self, plan: Change, transaction: Transaction, iterations: Sequence[Sequence[Bind]], result: Result) -> int:
        """Executions until a row is held by another transaction, which is waited for: how many were done."""
        writer = Writer(self._storage, transaction)
        failure: OracleError | Locked | None = None
        self._busy.append(self._storage.writer)
        try:
            done, failure = self._write(plan, writer, iterations, result)
        except Locked as locked:
            done, failure = 0, locked
        except sqlite3.Error as error:
            raise self._storage.writer.explain(error) from error
        finally:
            self._busy.remove(self._storage.writer)
        if isinstance(failure, OracleError):
            failure.done = result.rowcount
            raise failure
        if failure is not None:
            self._storage.wait(transaction, failure.holder, self._cancelled)
        return done

    def _write(
        self, plan: Change, writer: Writer, iterations: Sequence[Sequence[Bind]], result: Result
    ) -> tuple[int, OracleError | Locked | None]:
        with self._storage.lock:
            with self._storage.writing() as connection:
                run = self._run(connection, iterations[0])
                failure: OracleError | Locked | None = None
                if isinstance(plan, Insert) and plan.single:
                    many, failure = insert_many(plan, run, writer, iterations)
                    done = many
                else:
                    many, done = change(plan, run, writer), 1
            writer.keep()
            result.rowcount += many
            if many and not isinstance(plan, Merge):
                result.rowid = rowid_to_text(plan.table.number << 40 | writer.last_row)
        return done, failure

    def _define(self, node: tree.Node) -> None:
        self.commit()
        definitions = Definitions(self._storage, self._who.schema, self._default)
        if not definitions.knows(node):
            raise OracleError(900, "invalid SQL statement")
        try:
            with self._storage.lock:
                definitions.run(node)
        except sqlite3.Error as error:
            raise self._storage.writer.explain(error) from error

    def _default(self, table: Table, column: TableColumn) -> Any:
        build = Build(self._storage.catalogue, self._who.schema, ())
        value = Compiler(build, Scope()).value(parse_default(column.default))
        run = self._run(self._storage.writer, ())
        return assignment(table, column, value.type, self._environment.text)(run.scalar(f"SELECT {value.sql}", build.parameters))

    def _alter(self, node: tree.AlterSession) -> None:
        for name, value, at in node.settings:
            if name in _SETTINGS:
                self._environment = replace(self._environment, **{_SETTINGS[name]: value})
            elif name == "CURRENT_SCHEMA":
                self._who = replace(self._who, schema=value.upper())
            elif name not in _IGNORED:
                raise OracleError(2248, "invalid option for ALTER SESSION", at)

    def _end(self, node: tree.Transaction) -> None:
        if node.word == "ROLLBACK":
            self.rollback()
        else:
            self.commit()
        if node.word == "SET READ ONLY":
            self._snapshot = self._storage.scn


def _with_rowids(row: Sequence[Any], places: tuple[int, ...]) -> Sequence[Value]:
    return tuple(rowid_to_text(value) if place in places and value is not None else value for place, value in enumerate(row))
