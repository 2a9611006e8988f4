"""The shop in Oracle, changed through the driver."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import oracledb

from tests.servers.oracle.server import Server
from tests.system.shop import Product, Shop

oracledb.enable_thin_mode()  # type: ignore[no-untyped-call]

_TABLES = (
    """CREATE TABLE PRODUCTS (ID NUMBER(12) NOT NULL PRIMARY KEY, NAME VARCHAR2(200 CHAR), NOTE VARCHAR2(200 CHAR), PRICE NUMBER(10, 2),
    DELETED CHAR(1) DEFAULT 'N' NOT NULL, MODIFIED_DATE TIMESTAMP(6))""",
    "CREATE TABLE PRODUCTS_DELETED (ID NUMBER(12) NOT NULL, DELETED_AT TIMESTAMP(6) NOT NULL)",
)
_PASSWORD = "secret"


class OracleShop(Shop):
    """Every change is a transaction of a session of its own."""

    def __init__(self, server: Server, folder: Path, seed: int = 1) -> None:
        super().__init__(seed)
        self.server = server
        password = folder / "password"
        password.write_text(_PASSWORD)
        self.connection = {
            "kind": "oracle",
            "dsn": server.dsn,
            "user": "syncd",
            "password": {"file": password},
            "timezone": "UTC",
            "range_rows": 2000,
        }
        self.source = {
            "table": "PRODUCTS",
            "key": ["ID"],
            "watermark": "MODIFIED_DATE",
            "deletions": {"soft": "DELETED = 'Y'", "log": {"table": "PRODUCTS_DELETED", "key": ["ID"], "at": "DELETED_AT"}},
        }

    def spelt(self, name: str) -> str:
        return name.upper()

    @contextmanager
    def session(self) -> Iterator[oracledb.Cursor]:
        """A cursor of a session of its own, whose transaction is committed at the end."""
        with oracledb.connect(user="syncd", password=_PASSWORD, dsn=self.server.dsn) as connection, connection.cursor() as cursor:
            yield cursor
            connection.commit()

    @contextmanager
    def changing(self) -> Iterator["OracleStock"]:
        with self.session() as cursor:
            yield OracleStock(cursor)

    def execute(self, statement: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        with self.session() as cursor:
            cursor.execute(statement, list(values))
            return cursor.fetchall() if cursor.description else []


class OracleStock:
    """`Stock` in an open transaction."""

    def __init__(self, cursor: oracledb.Cursor) -> None:
        self._cursor = cursor

    def create(self) -> None:
        for table in _TABLES:
            self._cursor.execute(table)

    def numbers(self, *, deleted: bool) -> list[int]:
        self._cursor.execute("SELECT ID FROM PRODUCTS WHERE DELETED = :1 ORDER BY ID", ["Y" if deleted else "N"])
        return [int(number) for (number,) in self._cursor.fetchall()]

    def insert(self, products: Collection[Product]) -> None:
        self._many("INSERT INTO PRODUCTS (ID, NAME, NOTE, PRICE, MODIFIED_DATE) VALUES (:1, :2, :3, :4, :5)", list(products), at=4)

    def edit(self, ids: Collection[int], at: datetime, word: str) -> None:
        note = f"changed {at:%H:%M:%S.%f}"
        rows = [(f"{word} {number}", note, at, number) for number in ids]
        self._many("UPDATE PRODUCTS SET NAME = :1, PRICE = PRICE + 0.01, NOTE = :2, MODIFIED_DATE = :3 WHERE ID = :4", rows, at=2)

    def mark(self, ids: Collection[int], at: datetime, *, deleted: bool) -> None:
        rows = [("Y" if deleted else "N", at, number) for number in ids]
        self._many("UPDATE PRODUCTS SET DELETED = :1, MODIFIED_DATE = :2 WHERE ID = :3", rows, at=1)

    def remove(self, ids: Collection[int], at: datetime) -> None:
        self._many("INSERT INTO PRODUCTS_DELETED (ID, DELETED_AT) VALUES (:1, :2)", [(number, at) for number in ids], at=1)
        self.erase(ids)

    def erase(self, ids: Collection[int]) -> None:
        self._many("DELETE FROM PRODUCTS WHERE ID = :1", [(number,) for number in ids])

    def products(self) -> list[Product]:
        self._cursor.execute("SELECT ID, NAME, NOTE, TO_CHAR(PRICE), MODIFIED_DATE FROM PRODUCTS WHERE DELETED = 'N'")
        return [(int(number), name, note, price, when) for number, name, note, price, when in self._cursor.fetchall()]

    def _many(self, statement: str, rows: list[tuple[Any, ...]], at: int | None = None) -> None:
        """A date is bound with its fraction, which the driver would cut."""
        if rows:
            kinds = [oracledb.DB_TYPE_TIMESTAMP if n == at else None for n in range(len(rows[0]))]
            if at is not None:
                self._cursor.setinputsizes(*kinds)
            self._cursor.executemany(statement, rows)
