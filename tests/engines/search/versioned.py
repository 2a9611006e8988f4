"""A source in memory that can look back: every commit makes a version, and tests say what happens between two pages."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from syncd.domain.errors import MomentGone, SourceMismatch
from syncd.domain.position import positions
from syncd.domain.scan import GONE, UNFIT, Horizon, Position, Relation, Scan
from syncd.domain.schema import Column, Table

VERSION = "scn"
Row = dict[str, Any]
PARSE: dict[pa.DataType, Callable[[str], Any]] = {
    pa.int64(): int,
    pa.string(): str,
    pa.timestamp("us"): datetime.fromisoformat,
}


def row(number: int, name: str = "as it was", at: int | None = 50) -> Row:
    """A product."""
    return {"id": number, "name": name, "at": at}


@dataclass
class Transaction:
    """Writes that nobody sees before they are committed."""

    began: int
    rows: list[Row] = field(default_factory=list)
    removed: list[Any] = field(default_factory=list)


@dataclass
class Versioned:
    """One table. `now` counts commits and is the clock, too; a column `at`, where there is one, is set by whoever writes a row."""

    columns: Mapping[str, pa.DataType]
    key: tuple[str, ...] = ("id",)
    now: int = 100
    log: list[tuple[int, Any, Row | None]] = field(default_factory=list)
    """Commit, key value, and the row as it was written then; None is a deletion."""
    open: list[Transaction] = field(default_factory=list)
    looks_back: bool = True
    forgotten: int = 0
    """Moments before this one are gone."""
    forgotten_removals: int = 0
    unfit: dict[Any, str] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    obstacles: dict[str, str] = field(default_factory=dict)
    """Why some columns cannot be read."""
    parts: int = 64
    scans: list[Scan] = field(default_factory=list)
    reading: int = 0
    """Scans that have begun and are neither at their end nor closed."""
    before_page: Callable[[Scan, int], None] = field(default=lambda scan, number: None)
    """Called before a page of a scan is read, with the number of the page."""

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def change(self, rows: Collection[Row] = (), removed: Collection[Any] = ()) -> None:
        with self.transaction() as writes:
            writes.rows += rows
            writes.removed += removed

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        writes = self.begin()
        yield writes
        self.commit(writes)

    def begin(self) -> Transaction:
        self.now += 1
        writes = Transaction(self.now)
        self.open.append(writes)
        return writes

    def commit(self, writes: Transaction) -> None:
        self.open.remove(writes)
        self.now += 1
        self.log += [(self.now, key, None) for key in writes.removed]
        self.log += [(self.now, row[self.key[0]], row) for row in writes.rows]

    def rows(self, moment: int | None = None) -> list[Row]:
        """The rows as they are, or were, each with its version."""
        held = {key: row and {**row, VERSION: version} for version, key, row in self.log if moment is None or version <= moment}
        return [row for row in held.values() if row]

    # ── the source ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def describe(self, relation: Relation) -> Table:
        columns = tuple(Column(name, str(kind), obstacle=self.obstacles.get(name, "")) for name, kind in self.columns.items())
        schema = pa.schema(list(self.columns.items()))
        return Table(relation.name, columns, schema, self.key, version=VERSION if self.looks_back else "", proposed_watermark="at")

    async def horizon(self, relation: Relation, watermark: str) -> Horizon:
        low = min([writes.began - 1 for writes in self.open], default=self.now)
        moment = str(self.now) if self.looks_back and not self.caveats else ""
        if watermark == VERSION:
            return Horizon(str(self.now), exact=True, moment=moment, caveats=self.caveats)
        values = [row[watermark] for row in self.rows()]
        reaches = max((value for value in values if value is not None), default=None)
        if isinstance(reaches, int) and self.looks_back:
            reaches = min(reaches, low)
        text = None if reaches is None else str(reaches)
        return Horizon(text, exact=self.looks_back, nulls=values.count(None), moment=moment, caveats=self.caveats)

    async def unchanged(self, stamp: str) -> bool:
        return False

    async def count(self, scan: Scan) -> int:
        return len(self._wanted(scan))

    async def split(self, scan: Scan, parts: int) -> Sequence[Position]:
        """Cuts a scan into parts of which none is empty."""
        places = [place for row in self._wanted(scan) if None not in (place := self._texts(row, scan.order))]
        width = max(1, -(-len(places) // min(parts, self.parts)))
        return [] if self.parts == 1 else places[width - 1 : len(places) - 1 : width]

    async def scan(self, scan: Scan, rows: int) -> AsyncGenerator[pa.RecordBatch, None]:
        self.scans.append(scan)
        self.reading += 1
        after, number = scan.after, 0
        try:
            while True:
                self.before_page(scan, number)
                batch = self._batch(scan, self._wanted(scan, after)[:rows])
                if batch.num_rows == 0:
                    return
                try:
                    yield batch
                except GeneratorExit:
                    await asyncio.sleep(0.02)  # it takes a while to stop what reads on
                    raise
                after, number = positions(batch, scan.order)[-1], number + 1
        finally:
            self.reading -= 1

    def _batch(self, scan: Scan, rows: Sequence[Row]) -> pa.RecordBatch:
        kinds = {**self.columns, VERSION: pa.int64()}
        names = scan.columns or tuple(self.columns)
        arrays = [pa.array([row.get(name) for row in rows], kinds[name]) for name in names]
        batch = pa.RecordBatch.from_arrays(arrays, names=list(names))
        if scan.gone:
            batch = batch.append_column(GONE, pa.array([row[scan.gone] == "Y" for row in rows], pa.bool_()))
        if self.unfit:
            batch = batch.append_column(UNFIT, pa.array([self.unfit.get(row[self.key[0]]) for row in rows], pa.string()))
        return batch

    def _wanted(self, scan: Scan, after: Position | None = None) -> list[Row]:
        """The rows of a scan in its order, from behind a position."""
        after = after or scan.after
        rows = [row for row in self._seen(scan) if self._in_scan(scan, row)]
        ordered = sorted(rows, key=lambda row: self._rank(self._texts(row, scan.order), scan.order))
        places = [self._rank(self._texts(row, scan.order), scan.order) for row in ordered]
        low = self._rank(after, scan.order) if after else None
        high = self._rank(scan.until, scan.order) if scan.until else None
        return [row for row, place in zip(ordered, places, strict=True) if (low is None or place > low) and (high is None or place <= high)]

    def _seen(self, scan: Scan) -> list[Row]:
        moment = int(scan.moment) if scan.moment else None
        if scan.relation.removed:
            since = int(scan.since.value) if scan.since else 0
            if since < self.forgotten_removals:
                raise MomentGone(f"what was removed since {since} is forgotten")
            gone = [(version, key) for version, key, row in self.log if row is None and since <= version <= (moment or self.now)]
            return [{VERSION: version, self.key[0]: key} for version, key in gone]
        if moment is not None and moment < self.forgotten:
            raise MomentGone(f"the moment {moment} is forgotten")
        return self.rows(moment)

    def _in_scan(self, scan: Scan, row: Row) -> bool:
        if scan.since:
            if scan.since.column not in {*self.columns, VERSION}:
                raise SourceMismatch(f"no column {scan.since.column}")
            value = row[scan.since.column]
            if value is None or value < self._parsed(scan.since.column, scan.since.value):
                return False
        return scan.keys is None or self._texts(row, scan.key) in scan.keys

    def _texts(self, row: Row, order: Sequence[str]) -> Position:
        return tuple(None if row[name] is None else str(row[name]) for name in order)

    def _rank(self, place: Position, order: Sequence[str]) -> tuple[Any, ...]:
        """Ascending, NULLs first."""
        pairs = zip(place, order, strict=True)
        return tuple((text is not None, 0 if text is None else self._parsed(name, text)) for text, name in pairs)

    def _parsed(self, name: str, text: str) -> Any:
        return PARSE[{**self.columns, VERSION: pa.int64()}[name]](text)
