"""Writes of versions for one statement of one transaction."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.catalogue import Key, Table
from tests.servers.oracle.storage import DELETED, OPEN, UNCOMMITTED, UPDATED, Locked, Storage, Transaction

Version = Sequence[int]
"""Its number, its row, where it begins and ends, its flags."""


@dataclass(slots=True)
class Writer:
    """Used under the lock of the storage; `keep` what it has done once that is durable."""

    storage: Storage
    transaction: Transaction
    last_row: int = 0
    _begun: list[tuple[Table, int, int]] = field(default_factory=list)
    _ended: list[tuple[Table, list[int]]] = field(default_factory=list)

    def keep(self) -> None:
        self.transaction.begun += self._begun
        self.transaction.ended += self._ended
        self._begun, self._ended = [], []

    def insert(self, table: Table, rows: Iterable[Sequence[Any]]) -> tuple[int, OracleError | Locked | None]:
        """New rows until one fails: how many, and why not more. Those before stay."""
        first = self.storage.versions(table, 0)
        start = self.storage.rows(table, 0)
        given: list[Sequence[Any]] = []
        contended = bool(unique_keys(table)) and self.storage.others_in(table, self.transaction)
        count = 0

        def versions() -> Iterator[tuple[Any, ...]]:
            nonlocal count
            mark = self.transaction.mark
            for values in rows:
                given[:] = [values]
                if contended:
                    self._conflict(table, values)
                count += 1
                yield (first + count - 1, start + count - 1, mark, OPEN, 0, *values)

        failure: OracleError | Locked | None = None
        try:
            self.storage.writer.executemany(_insertion(table), versions())
        except sqlite3.IntegrityError:
            count -= 1
            failure = self._explained(table, given[0])
        except (OracleError, Locked) as error:
            failure = error
        self._count(table, first, count)
        self.storage.rows(table, count)
        self.last_row = start + count - 1
        return count, failure

    def _count(self, table: Table, first: int, many: int) -> None:
        if many:
            self.storage.versions(table, many)
            self._begun.append((table, first, first + many - 1))

    def insert_all(self, table: Table, rows: Sequence[Sequence[Any]]) -> int:
        """New rows, all or none. Raises `OracleError` or `Locked`."""
        many, failure = self.insert(table, rows)
        if failure is not None:
            raise failure
        return many

    def end(self, table: Table, versions: Sequence[Version], flag: int = 0) -> None:
        """Let versions end here. Raises `Locked` where another transaction has ended one of them."""
        mark, stored = self.transaction.mark, table.stored
        held = next((version[3] for version in versions if version[3] != OPEN), None)
        if held is not None:
            raise Locked(held)
        own = [(version[0],) for version in versions if version[2] == mark]
        others = [version[0] for version in versions if version[2] != mark]
        self.storage.writer.executemany(f"DELETE FROM {stored} WHERE _v = ?", own)
        ending = f"UPDATE {stored} SET _e = {mark}, _o = _o | {flag} WHERE _v = ?"
        self.storage.writer.executemany(ending, ((version,) for version in others))
        if others:
            self._ended.append((table, others))
        if versions:
            self.last_row = versions[-1][1]

    def delete(self, table: Table, versions: Sequence[Version]) -> None:
        self.end(table, versions, DELETED)

    def replace(self, table: Table, versions: Sequence[Version], values: Sequence[Sequence[Any]]) -> None:
        """New versions of rows. Raises `OracleError` or `Locked`."""
        self.end(table, versions)
        mark, first = self.transaction.mark, self.storage.versions(table, 0)
        try:
            self.storage.writer.executemany(
                _insertion(table),
                (
                    (number, old[1], mark, OPEN, old[4] & UPDATED if old[2] == mark else UPDATED, *new)
                    for number, (old, new) in enumerate(zip(versions, values, strict=True), first)
                ),
            )
        except sqlite3.IntegrityError:
            raise next(filter(None, (self._found(table, new) for new in values)), _unknown_conflict()) from None
        if unique_keys(table) and self.storage.others_in(table, self.transaction):
            for new in values:
                self._held(table, new)
        self._count(table, first, len(versions))

    def _explained(self, table: Table, values: Sequence[Any]) -> OracleError | Locked:
        return self._found(table, values) or _unknown_conflict()

    def _found(self, table: Table, values: Sequence[Any]) -> OracleError | Locked | None:
        try:
            self._conflict(table, values)
        except (OracleError, Locked) as error:
            return error
        return None

    def _conflict(self, table: Table, values: Sequence[Any]) -> None:
        """Raises `Locked` where another transaction has the same key under way, `OracleError` where a row has it."""
        for key in unique_keys(table):
            for begin, end in self._holders(table, key, values):
                if end != OPEN or UNCOMMITTED <= begin != self.transaction.mark:
                    raise Locked(end if end != OPEN else begin)
                raise OracleError(1, f"unique constraint ({table.owner}.{key.name}) violated")

    def _held(self, table: Table, values: Sequence[Any]) -> None:
        for key in unique_keys(table):
            for _, end in self._holders(table, key, values):
                if end != OPEN:
                    raise Locked(end)

    def _holders(self, table: Table, key: Key, values: Sequence[Any]) -> list[tuple[int, int]]:
        """Begin and end of the versions with this key that are not over for all."""
        places = [(place, column.stored) for name in key.columns for place, column in enumerate(table.columns) if column.name == name]
        wanted = [values[place] for place, _ in places]
        if None in wanted:
            return []
        tests = " AND ".join(f"{stored} = ?" for _, stored in places)
        sql = f"SELECT _b, _e FROM {table.stored} WHERE {tests} AND _e >= {UNCOMMITTED} AND _e <> {self.transaction.mark}"
        return self.storage.writer.execute(sql, wanted).fetchall()


def _unknown_conflict() -> OracleError:
    return OracleError(1, "unique constraint violated")


def unique_keys(table: Table) -> list[Key]:
    """Primary and unique keys, and unique indexes."""
    return [*table.keys, *(Key(index.name, index.columns) for index in table.indexes if index.unique)]


def _insertion(table: Table) -> str:
    names = ", ".join(["_v", "_r", "_b", "_e", "_o", *(column.stored for column in table.columns)])
    return f"INSERT INTO {table.stored} ({names}) VALUES ({', '.join('?' * (5 + len(table.columns)))})"
