"""The shop in a DuckDB file."""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.system.shop import Product, Shop

_PATIENCE = 60.0
_LOOK = 0.02
_CREATE = """
CREATE TABLE products (id BIGINT, name VARCHAR, note VARCHAR, price DECIMAL(10, 2), deleted BOOLEAN, modified_date TIMESTAMP);
CREATE TABLE products_deleted (id BIGINT, deleted_at TIMESTAMP);
"""
_AMONG = "WHERE id IN (SELECT unnest(?::BIGINT[]))"


class DuckDBShop(Shop):
    """A file can only be written while nobody reads it: everything here waits for that."""

    def __init__(self, path: Path, seed: int = 1) -> None:
        super().__init__(seed)
        self.path = path
        self.connection = {"kind": "duckdb", "path": path}

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file, open for this process alone, in one transaction."""
        db = self._open()
        try:
            db.execute("BEGIN")
            yield db
            db.execute("COMMIT")
        finally:
            db.close()

    @contextmanager
    def changing(self) -> Iterator["DuckDBStock"]:
        with self.writing() as db:
            yield DuckDBStock(db)

    def execute(self, statement: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        with self.writing() as db:
            return db.execute(statement, list(values)).fetchall()

    def _open(self) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return duckdb.connect(str(self.path))
            except (duckdb.IOException, duckdb.ConnectionException):
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK)


class DuckDBStock:
    """`Stock` in an open file."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db

    def create(self) -> None:
        self._db.execute(_CREATE)

    def numbers(self, *, deleted: bool) -> list[int]:
        wanted = "deleted" if deleted else "NOT deleted"
        return [number for (number,) in self._db.execute(f"SELECT id FROM products WHERE {wanted} ORDER BY id").fetchall()]

    def insert(self, products: Collection[Product]) -> None:
        columns = [list(column) for column in zip(*products, strict=True)] or [[], [], [], [], []]
        lists = ", ".join(f"unnest(?::{kind}[])" for kind in ("BIGINT", "VARCHAR", "VARCHAR", "DECIMAL(10, 2)", "TIMESTAMP"))
        self._db.execute(f"INSERT INTO products SELECT a, b, c, d, false, e FROM (SELECT {lists}) AS made(a, b, c, d, e)", columns)

    def edit(self, ids: Collection[int], at: datetime, word: str) -> None:
        changed = f"name = ? || ' ' || id, price = price + 0.01, note = ?, modified_date = ? {_AMONG}"
        self._db.execute(f"UPDATE products SET {changed}", [word, f"changed {at:%H:%M:%S.%f}", at, list(ids)])

    def mark(self, ids: Collection[int], at: datetime, *, deleted: bool) -> None:
        self._db.execute(f"UPDATE products SET deleted = ?, modified_date = ? {_AMONG}", [deleted, at, list(ids)])

    def remove(self, ids: Collection[int], at: datetime) -> None:
        self._db.execute(f"INSERT INTO products_deleted SELECT id, ? FROM products {_AMONG}", [at, list(ids)])
        self.erase(ids)

    def erase(self, ids: Collection[int]) -> None:
        self._db.execute(f"DELETE FROM products {_AMONG}", [list(ids)])

    def products(self) -> list[Product]:
        rows = self._db.execute("SELECT id, name, note, price, modified_date FROM products WHERE NOT coalesce(deleted, false)")
        return rows.fetchall()
