"""Versioned rows in SQLite: who sees which version of a row, who waits for whom, and when a change became visible.

Every row of a table is kept in versions: `_r` is its number, `_b` the SCN that began the version, `_e` the SCN that ended it. A change that
is not committed stands there as `UNCOMMITTED` plus the number of its transaction; a version that nobody ended has `_e = OPEN`. So at SCN s
a transaction with the mark m sees the versions with `(_b <= s OR _b = m) AND _e > s AND _e <> m`, which is told without looking anywhere
else. A transaction that changes its own uncommitted version replaces it.
"""

import sqlite3
import tempfile
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.oracle import sql_number, sql_time
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.catalogue import Catalogue, Table
from tests.servers.oracle.functions import register

UNCOMMITTED = 1 << 61
OPEN = 1 << 62
UPDATED, DELETED = 1, 2
"""Bits of `_o`: begun by an update, ended by a deletion."""
BLOCK = 64
"""Rows of one block, which share their SCN unless the table has ROWDEPENDENCIES."""
_FIRST_SCN = 2_000_000
_SETTINGS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16000"
_BOOKS = """
CREATE TABLE IF NOT EXISTS commits (scn INTEGER PRIMARY KEY, xid BLOB, at INTEGER);
CREATE TABLE IF NOT EXISTS book (name TEXT PRIMARY KEY, value TEXT);
"""


class Connection(sqlite3.Connection):
    """A connection to the storage that remembers what a function of ours has raised."""

    failure: OracleError | None = None

    def explain(self, error: sqlite3.Error) -> OracleError:
        failure, self.failure = self.failure, None
        if failure is not None:
            return failure
        if isinstance(error, sqlite3.OperationalError) and "interrupt" in str(error):
            return OracleError(1013, "user requested cancel of current operation")
        return OracleError(20999, f"the stand-in cannot do this: {error}")


class Locked(Exception):
    """A row is held by another transaction."""

    def __init__(self, mark: int) -> None:
        super().__init__(mark)
        self.holder = mark - UNCOMMITTED


@dataclass(slots=True)
class Transaction:
    number: int
    session: int
    started_scn: int
    started: int
    """In nanoseconds since 1970."""
    begun: list[tuple[Table, int, int]] = field(default_factory=list)
    """Versions that it wrote, from first to last."""
    ended: list[tuple[Table, list[int]]] = field(default_factory=list)
    waits_for: int = 0

    @property
    def mark(self) -> int:
        return UNCOMMITTED + self.number

    @property
    def xid(self) -> bytes:
        return (self.number % 10 + 1).to_bytes(2, "big") + (self.number % 34).to_bytes(2, "big") + self.number.to_bytes(4, "big")


class Storage:
    """One SQLite file; one writer at a time, any number of readers."""

    def __init__(self, file: Path | None, clock: Callable[[], int] = time.time_ns) -> None:
        self._folder = None if file else tempfile.TemporaryDirectory(prefix="oracle-")
        self._file = file or Path(self._folder.name if self._folder else "") / "database"
        self._idle: list[Connection] = []
        self._open: list[Connection] = []
        self._clock = clock
        self.lock = threading.Condition(threading.RLock())
        self.active: dict[int, Transaction] = {}
        self._versions: dict[int, int] = {}
        self._rows: dict[int, int] = {}
        self.writer = self._connect()
        self.writer.executescript(_BOOKS)
        self._recover()

    def now(self) -> int:
        return self._clock()

    def _connect(self) -> Connection:
        connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False, factory=Connection, cached_statements=300)
        connection.executescript(_SETTINGS)
        register(connection, {"scn_time": self._scn_time, "time_scn": self._time_scn})
        with self.lock:
            self._open.append(connection)
        return connection

    def _recover(self) -> None:
        """Read the books, and forget what was not committed when the file was left."""
        book = dict(self.writer.execute("SELECT name, value FROM book"))
        self.catalogue = Catalogue.load(book["catalogue"]) if "catalogue" in book else Catalogue()
        history = self.writer.execute("SELECT scn, at FROM commits ORDER BY scn").fetchall()
        self._history: list[tuple[int, int]] = [(scn, at) for scn, at in history] or [(_FIRST_SCN, self.now())]
        self.scn: int = self._history[-1][0]
        self.floor: int = self._history[0][0]
        self._transactions = int(book.get("transactions", 0))
        for table in self.catalogue.tables.values():
            self.writer.execute(f"DELETE FROM {table.stored} WHERE _b >= {UNCOMMITTED}")
            self.writer.execute(f"UPDATE {table.stored} SET _e = {OPEN}, _o = _o & 1 WHERE _e BETWEEN {UNCOMMITTED} AND {OPEN - 1}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for one query."""
        with self.lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        try:
            yield connection
        finally:
            with self.lock:
                self._idle.append(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing, alone."""
        with self.lock:
            self.writer.execute("BEGIN")
            try:
                yield self.writer
            except BaseException:
                if self.writer.in_transaction:
                    self.writer.execute("ROLLBACK")
                raise
            self.writer.execute("COMMIT")

    def tick(self) -> int:
        """The current SCN, which nothing that comes later will have."""
        with self.lock:
            self.scn += 1
            self._history.append((self.scn, self.now()))
            return self.scn

    def time_of(self, scn: int) -> int:
        """When an SCN was current, in nanoseconds since 1970. Raises `OracleError` for one that never was."""
        if not self._history[0][0] <= scn <= self.scn:
            raise OracleError(8181, "specified number is not a valid system change number")
        return self._history[bisect_right(self._history, (scn, OPEN)) - 1][1]

    def scn_at(self, nanos: int) -> int:
        """The SCN that was current then."""
        if nanos > self.now() + 10**9:
            raise OracleError(8186, "invalid timestamp specified")
        place = bisect_right(self._history, nanos, key=lambda entry: entry[1])
        if not place:
            raise OracleError(8180, "no snapshot found based on specified time")
        return self._history[place - 1][0]

    def _scn_time(self, scn: bytes) -> bytes:
        return sql_time.of_epoch(self.time_of(sql_number.to_int(scn)))

    def _time_scn(self, moment: bytes) -> bytes:
        return sql_number.from_int(self.scn_at(sql_time.to_epoch(moment)))

    def begin(self, session: int) -> Transaction:
        with self.lock:
            self._transactions += 1
            transaction = Transaction(self._transactions, session, self.scn, self.now())
            self.active[transaction.number] = transaction
            return transaction

    def discard(self, transaction: Transaction) -> None:
        """Of a transaction that has changed nothing."""
        with self.lock:
            del self.active[transaction.number]
            self.lock.notify_all()

    def commit(self, transaction: Transaction) -> None:
        with self.lock:
            scn = self.scn + 1
            self._stamp(transaction, scn)
            self._history.append((scn, self.now()))
            self.scn = scn
            self.discard(transaction)

    def _stamp(self, transaction: Transaction, scn: int) -> None:
        mark = transaction.mark
        with self.writing() as connection:
            for table, first, last in transaction.begun:
                self._touch_blocks(connection, table, scn, f"_v BETWEEN {first} AND {last} AND _b = {mark}")
                connection.execute(f"UPDATE {table.stored} SET _b = ? WHERE _v BETWEEN ? AND ? AND _b = ?", (scn, first, last, mark))
            for table, versions in transaction.ended:
                self._touch_blocks(connection, table, scn, f"_v BETWEEN {min(versions)} AND {max(versions)} AND _e = {mark}")
                connection.executemany(f"UPDATE {table.stored} SET _e = {scn} WHERE _v = ?", ((version,) for version in versions))
            connection.execute("INSERT INTO commits VALUES (?, ?, ?)", (scn, transaction.xid, self.now()))
            connection.execute("INSERT OR REPLACE INTO book VALUES ('transactions', ?)", (self._transactions,))

    @staticmethod
    def _touch_blocks(connection: Connection, table: Table, scn: int, which: str) -> None:
        if not table.row_dependencies:
            connection.execute(
                f"INSERT OR IGNORE INTO {table.stored}_blocks SELECT DISTINCT _r / {BLOCK}, {scn} FROM {table.stored} WHERE {which}"
            )

    def rollback(self, transaction: Transaction) -> None:
        mark = transaction.mark
        with self.lock, self.writing() as connection:
            for table, first, last in transaction.begun:
                connection.execute(f"DELETE FROM {table.stored} WHERE _v BETWEEN ? AND ? AND _b = ?", (first, last, mark))
            for table, versions in transaction.ended:
                undo = f"UPDATE {table.stored} SET _e = {OPEN}, _o = _o & 1 WHERE _v = ?"
                connection.executemany(undo, ((version,) for version in versions))
            self.discard(transaction)

    def others_in(self, table: Table, transaction: Transaction) -> bool:
        """Whether another transaction has ended versions of this table; holding the lock."""
        return any(
            number == table.number
            for other in self.active.values()
            if other is not transaction
            for number in {ended.number for ended, _ in other.ended}
        )

    def users_of(self, table: Table) -> bool:
        """Whether any transaction has changed the table; holding the lock."""
        return any(
            used.number == table.number
            for transaction in self.active.values()
            for used in [*(table for table, *_ in transaction.begun), *(table for table, _ in transaction.ended)]
        )

    def wait(self, transaction: Transaction, holder: int, cancelled: threading.Event) -> None:
        """Until another transaction is over. Raises `OracleError` where it waits for this one, or where the session is cancelled."""
        with self.lock:
            other = self.active.get(holder)
            while other is not None:
                if other is transaction:
                    raise OracleError(60, "deadlock detected while waiting for resource")
                other = self.active.get(other.waits_for)
            transaction.waits_for = holder
            try:
                while holder in self.active:
                    if cancelled.is_set():
                        raise OracleError(1013, "user requested cancel of current operation")
                    self.lock.wait(1)
            finally:
                transaction.waits_for = 0

    def wake(self) -> None:
        """Let those who wait look whether they are cancelled."""
        with self.lock:
            self.lock.notify_all()

    def versions(self, table: Table, many: int) -> int:
        """The first of so many new numbers of versions; holding the lock."""
        return self._next(self._versions, table, "_v", many)

    def rows(self, table: Table, many: int) -> int:
        return self._next(self._rows, table, "_r", many)

    def _next(self, numbers: dict[int, int], table: Table, column: str, many: int) -> int:
        if table.number not in numbers:
            numbers[table.number] = self.writer.execute(f"SELECT ifnull(max({column}), 0) + 1 FROM {table.stored}").fetchone()[0]
        first = numbers[table.number]
        numbers[table.number] += many
        return first

    def keep_catalogue(self) -> None:
        self.writer.execute("INSERT OR REPLACE INTO book VALUES ('catalogue', ?)", (self.catalogue.dump(),))

    def close(self) -> None:
        with self.lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._idle.clear()
        if self._folder is not None:
            self._folder.cleanup()
