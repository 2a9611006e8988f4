"""A shop to sync from, changed at random by seed, and what its products should look like in an index."""

import random
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

Document = dict[str, Any]
Product = tuple[int, str, str | None, Decimal, datetime | None]
"""Number, name, note, price, time of the last change."""

_WORDS = ("teapot", "찻주전자", "kettle", "rice bowl", "김치 항아리", "scarf", "한복", "raincoat", "notebook", "만년필", "lamp")
_OLD = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)

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
    return {
        "connections": {"shop": shop.connection, "search": target},
        "syncs": {"products": products(**_over({"source": shop.source}, changes))},
    }


def now() -> datetime:
    """This moment in UTC, without saying so, as the shop's columns hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Stock(Protocol):
    """The products while they are changed, in one transaction."""

    def create(self) -> None:
        """Make the tables, empty."""

    def numbers(self, *, deleted: bool) -> list[int]:
        """The products that are marked as deleted, or those that are not, in order."""

    def insert(self, products: Collection[Product]) -> None: ...

    def edit(self, ids: Collection[int], at: datetime, word: str) -> None:
        """Give some products a new name and note, and make them dearer."""

    def mark(self, ids: Collection[int], at: datetime, *, deleted: bool) -> None: ...

    def remove(self, ids: Collection[int], at: datetime) -> None:
        """Remove rows, and say so in the log."""

    def erase(self, ids: Collection[int]) -> None:
        """Remove rows without a trace."""

    def products(self) -> list[Product]:
        """Those that are not marked as deleted."""


class Shop(ABC):
    """A database with a table `products`, and `products_deleted` as its log."""

    connection: dict[str, Any]
    """Settings of a connection to it."""
    source: Mapping[str, Any] = {}
    """What is different in the settings of a source where names are not what they are in `products`."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)

    def spelt(self, name: str) -> str:
        """A column's name as the database tells it."""
        return name

    @abstractmethod
    def changing(self) -> AbstractContextManager[Stock]:
        """One transaction."""

    @abstractmethod
    def execute(self, statement: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """A statement in the database's own words, as a transaction of its own."""

    # ── making and changing ──────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, rows: int) -> None:
        """Make the tables, with products 1 to `rows`, changed for the last time long ago, ten at a time."""
        with self.changing() as stock:
            stock.create()
            stock.insert([self._made(number, _OLD + timedelta(minutes=number // 10)) for number in range(1, rows + 1)])

    def stir(self, rows: int) -> None:
        """Change so many products at random: half of them edited, the others deleted in either way, made anew, or brought back."""
        with self.changing() as stock:
            living = stock.numbers(deleted=False)
            chosen = self.random.sample(living, min(rows, len(living)))
            share = len(chosen) // 6
            at = now()
            stock.edit(chosen[: 3 * share], at, self.random.choice(_WORDS))
            stock.mark(chosen[3 * share : 4 * share], at, deleted=True)
            stock.remove(chosen[4 * share : 5 * share], at)
            buried = stock.numbers(deleted=True)
            stock.mark(self.random.sample(buried, min(share // 4, len(buried))), at, deleted=False)
            highest = max([*living, *buried])
            again = self.random.sample(chosen[4 * share : 5 * share], share // 4)
            stock.insert([self._made(number, at) for number in (*again, *range(highest + 1, highest + 1 + share))])

    def edit(self, ids: Collection[int], at: datetime | None = None) -> None:
        with self.changing() as stock:
            stock.edit(ids, at or now(), self.random.choice(_WORDS))

    def add(self, ids: Collection[int], at: datetime | None = None) -> None:
        with self.changing() as stock:
            stock.insert([self._made(number, at or now()) for number in ids])

    def bury(self, ids: Collection[int]) -> None:
        """Mark products as deleted."""
        with self.changing() as stock:
            stock.mark(ids, now(), deleted=True)

    def remove(self, ids: Collection[int]) -> None:
        """Remove rows, and say so in the log."""
        with self.changing() as stock:
            stock.remove(ids, now())

    def bring_back(self, ids: Collection[int]) -> None:
        """Mark products as not deleted any more."""
        with self.changing() as stock:
            stock.mark(ids, now(), deleted=False)

    def erase(self, ids: Collection[int]) -> None:
        """Remove rows without a trace."""
        with self.changing() as stock:
            stock.erase(ids)

    def _made(self, number: int, at: datetime) -> Product:
        draw = self.random
        return number, f" {draw.choice(_WORDS)} {number}", draw.choice((None, "", "n")), Decimal(draw.randint(1, 99_999)) / 100, at

    # ── what should be in the index ──────────────────────────────────────────────────────────────────────────────────────

    def documents(self) -> dict[str, Document]:
        """What `MAPPING` says of the rows that live, worked out in plain Python."""
        with self.changing() as stock:
            return {str(product[0]): _document(*product) for product in stock.products()}


def _document(number: int, name: str, note: str | None, price: Decimal, modified: datetime | None) -> Document:
    seconds = None if modified is None else (modified - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001 - neither has a zone
    return {"id": number, "title": name.strip(" "), "note": note, "price": float(price), "modified": seconds}


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{name: _over(below.get(name), member) for name, member in above.items()}}
    return above
