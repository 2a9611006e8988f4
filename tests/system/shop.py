"""A shop to sync from, changed at random by seed, and what its products should look like in an index."""

import random
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

Document = dict[str, Any]

_PATIENCE = 60.0
_LOOK = 0.02
_WORDS = ("teapot", "찻주전자", "kettle", "rice bowl", "김치 항아리", "scarf", "한복", "raincoat", "notebook", "만년필", "lamp")
_OLD = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_CREATE = """
CREATE TABLE products (id BIGINT, name VARCHAR, note VARCHAR, price DECIMAL(10, 2), deleted BOOLEAN, modified_date TIMESTAMP);
CREATE TABLE products_deleted (id BIGINT, deleted_at TIMESTAMP);
"""

DELETIONS = {"soft": "deleted", "log": {"table": "products_deleted", "key": ["id"], "at": "deleted_at"}}
MAPPING = {"id": "id", "title": "trim(name)", "note": "note", "price": "cast(price as double)", "modified": "epoch(modified_date)"}
FAST = {"proximityPrecision": "byAttribute", "facetSearch": False, "prefixSearch": "disabled", "searchableAttributes": ["title"]}
"""Index settings under which loading is quick."""


def products(target: str = "search", index: str = "products", **changes: Any) -> dict[str, Any]:
    """Settings of a sync of the shop's products that runs when it is asked; `changes` go over them, in depth."""
    sync: dict[str, Any] = {
        "engine": "search",
        "manual": True,
        "batch_rows": 200,
        "source": {
            "connection": "shop",
            "table": "products",
            "key": ["id"],
            "watermark": "modified_date",
            "lookback": "1s",
            "deletions": DELETIONS,
        },
        "target": {"connection": target, "index": index, "settings": FAST},
        "mapping": MAPPING,
    }
    changed: dict[str, Any] = _over(sync, changes)
    return changed


def synced(shop: "Shop", target: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Settings of a daemon that has this one sync, from the shop to a connection."""
    return {"connections": {"shop": shop.connection, "search": target}, "syncs": {"products": products(**changes)}}


def now() -> datetime:
    """This moment in UTC, without saying so, as the shop's columns hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Shop:
    """A DuckDB file with a table `products`. It can only be written while nobody reads it: everything here waits for that."""

    def __init__(self, path: Path, seed: int = 1) -> None:
        self.path = path
        self.random = random.Random(seed)

    @property
    def connection(self) -> dict[str, Any]:
        """Settings of a connection to it."""
        return {"kind": "duckdb", "path": self.path}

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

    def execute(self, statement: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        with self.writing() as db:
            return db.execute(statement, list(values)).fetchall()

    # ── making and changing ──────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, rows: int) -> None:
        """Make the tables, with products 1 to `rows`, changed for the last time long ago, ten at a time."""
        with self.writing() as db:
            db.execute(_CREATE)
            _insert(db, ((number, _OLD + timedelta(minutes=number // 10)) for number in range(1, rows + 1)), self.random)

    def stir(self, rows: int) -> None:
        """Change so many products at random: half of them edited, the others deleted in either way, made anew, or brought back."""
        with self.writing() as db:
            living = [number for (number,) in db.execute("SELECT id FROM products WHERE NOT deleted ORDER BY id").fetchall()]
            chosen = self.random.sample(living, min(rows, len(living)))
            share = len(chosen) // 6
            at = now()
            _edit(db, chosen[: 3 * share], at, self.random)
            _mark(db, chosen[3 * share : 4 * share], at, deleted=True)
            _remove(db, chosen[4 * share : 5 * share], at)
            buried = [number for (number,) in db.execute("SELECT id FROM products WHERE deleted ORDER BY id").fetchall()]
            _mark(db, self.random.sample(buried, min(share // 4, len(buried))), at, deleted=False)
            [[highest]] = db.execute("SELECT max(id) FROM products").fetchall()
            again = self.random.sample(chosen[4 * share : 5 * share], share // 4)
            _insert(db, [*((number, at) for number in again), *((highest + 1 + n, at) for n in range(share))], self.random)

    def edit(self, ids: Collection[int], at: datetime | None = None) -> None:
        with self.writing() as db:
            _edit(db, ids, at or now(), self.random)

    def add(self, ids: Collection[int], at: datetime | None = None) -> None:
        with self.writing() as db:
            _insert(db, ((number, at or now()) for number in ids), self.random)

    def bury(self, ids: Collection[int]) -> None:
        """Mark products as deleted."""
        with self.writing() as db:
            _mark(db, ids, now(), deleted=True)

    def remove(self, ids: Collection[int]) -> None:
        """Remove rows, and say so in the log."""
        with self.writing() as db:
            _remove(db, ids, now())

    def erase(self, ids: Collection[int]) -> None:
        """Remove rows without a trace."""
        self.execute("DELETE FROM products WHERE id IN (SELECT unnest(?::BIGINT[]))", [list(ids)])

    # ── what should be in the index ──────────────────────────────────────────────────────────────────────────────────────

    def documents(self) -> dict[str, Document]:
        """What `MAPPING` says of the rows that live, worked out in plain Python."""
        rows = self.execute("SELECT id, name, note, price, modified_date FROM products WHERE NOT coalesce(deleted, false)")
        return {str(row[0]): _document(*row) for row in rows}

    def _open(self) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return duckdb.connect(str(self.path))
            except (duckdb.IOException, duckdb.ConnectionException):
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK)


def _document(number: int, name: str, note: str | None, price: Decimal, modified: datetime | None) -> Document:
    seconds = None if modified is None else (modified - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001 - neither has a zone
    return {"id": number, "title": name.strip(" "), "note": note, "price": float(price), "modified": seconds}


def _insert(db: duckdb.DuckDBPyConnection, rows: Iterable[tuple[int, datetime]], draw: random.Random) -> None:
    made = [(number, f" {draw.choice(_WORDS)} {number}", draw.choice((None, "", "n")), draw.randint(1, 99_999), at) for number, at in rows]
    columns = [list(column) for column in zip(*made, strict=True)] or [[], [], [], [], []]
    lists = ", ".join(f"unnest(?::{kind}[])" for kind in ("BIGINT", "VARCHAR", "VARCHAR", "BIGINT", "TIMESTAMP"))
    db.execute(f"INSERT INTO products SELECT a, b, c, d / 100, false, e FROM (SELECT {lists}) AS made(a, b, c, d, e)", columns)


def _edit(db: duckdb.DuckDBPyConnection, ids: Collection[int], at: datetime, draw: random.Random) -> None:
    changed = f"name = ? || ' ' || id, price = price + 0.01, note = ?, modified_date = ? {_AMONG}"
    db.execute(f"UPDATE products SET {changed}", [draw.choice(_WORDS), f"changed {at:%H:%M:%S.%f}", at, list(ids)])


def _mark(db: duckdb.DuckDBPyConnection, ids: Collection[int], at: datetime, *, deleted: bool) -> None:
    db.execute(f"UPDATE products SET deleted = ?, modified_date = ? {_AMONG}", [deleted, at, list(ids)])


def _remove(db: duckdb.DuckDBPyConnection, ids: Collection[int], at: datetime) -> None:
    db.execute(f"INSERT INTO products_deleted SELECT id, ? FROM products {_AMONG}", [at, list(ids)])
    db.execute(f"DELETE FROM products {_AMONG}", [list(ids)])


_AMONG = "WHERE id IN (SELECT unnest(?::BIGINT[]))"


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{name: _over(below.get(name), member) for name, member in above.items()}}
    return above
