"""What a client that has logged in can call, by the numbers of the functions."""

import re
from collections.abc import Callable, Mapping, Sequence

from tests.servers.oracle import answers, lobs, requests
from tests.servers.oracle.answers import NO_MORE_ROWS, End
from tests.servers.oracle.backend import BackendSession, Bind, OracleError, Result
from tests.servers.oracle.cursors import Cursor, Cursors
from tests.servers.oracle.describe import description
from tests.servers.oracle.faults import At
from tests.servers.oracle.link import Link
from tests.servers.oracle.lobs import Lobs
from tests.servers.oracle.primitives import Reader, unimplemented
from tests.servers.oracle.requests import Requests, Statement

Call = Callable[[], End | None]
"""Reads the body of a call and does it; None where there is nothing to tell but that it is done."""

_SET_SCHEMA = re.compile(r'\s*alter\s+session\s+set\s+current_schema\s*=\s*"?([\w$#]+)', re.IGNORECASE)
_LOGOFF = 9


class Calls:
    """The calls of one session, and the state that lives from one to the next."""

    def __init__(self, link: Link, reader: Reader, backend: BackendSession, fields: int) -> None:
        self.attributes: dict[str, str] = {}
        """What the client says of itself."""
        self.left = False
        """Whether the client has logged off."""
        self._link = link
        self._reader = reader
        self._backend = backend
        self._fields = fields
        self.lobs = Lobs()
        self._cursors = Cursors(self.lobs)
        self._requests = Requests(reader, self.lobs, fields)
        self._owed: OracleError | None = None
        self._functions: Mapping[int, Call] = {
            4: lambda: self._execute(self._requests.again(self._cursors.binds_of, fetch=False)),
            5: self._fetch,
            _LOGOFF: self._log_off,
            14: self._commit,
            15: self._roll_back,
            78: lambda: self._execute(self._requests.again(self._cursors.binds_of, fetch=True)),
            94: lambda: self._execute(self._requests.execute()),
            96: self._lob,
            147: self._ping,
            200: self._end_of_pipeline,
        }
        self._piggybacks: Mapping[int, Callable[[], None]] = {
            96: lambda: self.lobs.free(lobs.read_freed(reader)),
            105: self._close_cursors,
            135: lambda: self.attributes.update(requests.read_end_to_end(reader)),
            152: self._set_schema,
            154: lambda: requests.skip_context(reader),
            176: lambda: reader.skip("u"),
            199: lambda: reader.skip("ubb"),
        }

    def call(self, number: int) -> End | None:
        """Do what the client calls."""
        function = self._functions.get(number)
        if function is None:
            raise unimplemented(f"function {number}")
        end = function()
        if self._owed:
            owed, self._owed = self._owed, None
            raise owed
        return end

    def along(self, number: int) -> None:
        """Do what comes along with the next call; what fails there is told with that call."""
        piggyback = self._piggybacks.get(number)
        if piggyback is None:
            raise unimplemented(f"piggyback {number}")
        try:
            piggyback()
        except OracleError as error:
            self._owed = error

    # ── statements ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _execute(self, statement: Statement) -> End:
        cursor = self._cursors.get(statement.cursor) if statement.cursor else self._cursors.new()
        if statement.sql is not None:
            cursor.prepare(statement.sql)
        if statement.binds:
            cursor.binds = statement.binds
        try:
            return self._run(statement, cursor)
        except BaseException:
            if not statement.cursor:
                self._cursors.close(cursor.number)
            raise

    def _run(self, statement: Statement, cursor: Cursor) -> End:
        if statement.defines:
            cursor.define(statement.defines)
            return End(cursor=cursor.number)
        self._link.meet(At.EXECUTE, cursor.sql)
        if not statement.options & requests.EXECUTE:
            with self._link.working():
                columns = self._backend.describe(cursor.sql)
            if columns and cursor.described(columns):
                self._link.say(description(columns, self._fields))
            return End(cursor=cursor.number)
        if statement.options & requests.BATCH_ERRORS or statement.flags & requests.ROW_COUNTS:
            return self._one_by_one(statement, cursor)
        with self._link.working():
            result = self._backend.execute(cursor.sql, statement.iterations)
            if statement.options & requests.COMMIT:
                self._backend.commit()
        return self._rows_of(statement, cursor, result) if result.columns else self._done(statement, cursor, result)

    def _rows_of(self, statement: Statement, cursor: Cursor, result: Result) -> End:
        cursor.open(result)
        if cursor.described(result.columns):
            self._link.say(description(result.columns, self._fields))
        if cursor.ready and statement.options & requests.FETCH and statement.fetch:
            return self._send_rows(cursor, statement.fetch)
        return End(cursor=cursor.number)

    def _done(self, statement: Statement, cursor: Cursor, result: Result) -> End:
        if statement.options & requests.PLSQL_BIND and statement.binds:
            self._link.say(answers.all_in(len(statement.binds)))
        if schema := _SET_SCHEMA.match(cursor.sql):
            self._link.say(answers.schema(schema[1].upper()))
        self._link.say(answers.parameters())
        return End(rowcount=result.rowcount, cursor=cursor.number, rowid=result.rowid)

    def _one_by_one(self, statement: Statement, cursor: Cursor) -> End:
        """An array DML whose client wants to know of each iteration."""
        counts: list[int] = []
        failed: list[tuple[int, OracleError]] = []
        rowid = ""
        for number, iteration in enumerate(statement.iterations):
            try:
                result = self._iterate(cursor, iteration)
            except OracleError as error:
                if not statement.options & requests.BATCH_ERRORS:
                    raise OracleError(error.code, error.text, error.position, sum(counts)) from error
                failed.append((number, error))
                counts.append(0)
            else:
                counts.append(result.rowcount)
                rowid = result.rowid
        if statement.options & requests.COMMIT and not failed:
            self._backend.commit()
        self._link.say(answers.parameters(counts if statement.flags & requests.ROW_COUNTS else None))
        return End(rowcount=sum(counts), cursor=cursor.number, rowid=rowid, failed=failed)

    def _iterate(self, cursor: Cursor, iteration: Sequence[Bind]) -> Result:
        with self._link.working():
            return self._backend.execute(cursor.sql, [iteration])

    def _fetch(self) -> End:
        number, rows = self._reader.ub(), self._reader.ub()
        cursor = self._cursors.get(number)
        self._link.meet(At.FETCH, cursor.sql)
        return self._send_rows(cursor, rows)

    def _send_rows(self, cursor: Cursor, number: int) -> End:
        with self._link.working():
            rows = cursor.fetch(number)
        self._link.say(answers.ROW_HEADER)
        if self._link.watches_rows:
            for bunch in cursor.encoded(rows, bunch=1):
                self._link.say(bunch)
                self._link.meet(At.ROW, cursor.sql)
        else:
            for bunch in cursor.encoded(rows):
                self._link.say(bunch)
        self._link.say(answers.parameters())
        return End(NO_MORE_ROWS if cursor.exhausted else None, rowcount=cursor.sent, cursor=cursor.number)

    # ── the rest ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _commit(self) -> None:
        self._link.meet(At.COMMIT, "commit")
        with self._link.working():
            self._backend.commit()

    def _roll_back(self) -> None:
        self._link.meet(At.ROLLBACK, "rollback")
        with self._link.working():
            self._backend.rollback()

    def _ping(self) -> None:
        self._link.meet(At.PING, "ping")

    def _log_off(self) -> None:
        self.left = True

    def _end_of_pipeline(self) -> None:
        self._reader.ub()

    def _lob(self) -> End:
        request = lobs.read_request(self._reader)
        self._link.meet(At.LOB, "lob")
        self._link.say(self.lobs.answer(request))
        return End()

    def _close_cursors(self) -> None:
        self._reader.byte()
        for _ in range(self._reader.ub()):
            self._cursors.close(self._reader.ub())

    def _set_schema(self) -> None:
        self._reader.byte()
        name = self._reader.twice().decode()
        self._backend.execute(f"ALTER SESSION SET CURRENT_SCHEMA = {name}", [()])
