"""A log over some months, and ways to tamper with its files."""

import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from syncd.domain.audit import Entry
from syncd.domain.verdict import Fault, Manifest, Verdict
from syncd.ledger.archive import Archive
from syncd.ledger.sealing import Sealer
from syncd.ledger.shipping import AuditLog
from syncd.ledger.state import State, open_state
from syncd.ports.ledger import ExportQuery
from tests.ledger.world import Clock

ENTRIES = 10
"""In each month."""

Rows = list[dict[str, object]]


@dataclass
class Books:
    """The audit log alone, without tasks that tend it."""

    folder: Path
    clock: Clock
    state: State
    audit: AuditLog
    sealer: Sealer
    archive: Archive

    async def fill(self, *months: int) -> None:
        for month in months:
            self.clock.now = datetime(2026, month, 15, tzinfo=UTC)
            await self.audit.record([Entry("run.started", sync="shop", run=f"r-{month}-{n}", detail={"n": n}) for n in range(ENTRIES)])

    async def settle(self) -> None:
        """Ship everything, and let go of the files."""
        async with self.audit.whole():
            await self.audit.on_files(lambda files: files.close())

    async def verdict(self, noted: tuple[int, str] | None = None) -> Verdict:
        return [verdict async for verdict in self.archive.verify(noted)][-1]

    async def findings(self) -> list[tuple[str, Fault, int, int]]:
        return [(found.place, found.fault, found.first, found.last) for found in (await self.verdict()).findings]

    async def exported(self, form: str, onto: Path, **times: datetime) -> Manifest:
        with onto.open("wb") as file:
            async for part in self.archive.export(ExportQuery(form, **times)):
                if isinstance(part, Manifest):
                    return part
                file.write(part)
        raise AssertionError("no manifest came")

    def month(self, name: str) -> Path:
        return self.folder / "audit" / name


@asynccontextmanager
async def opened(folder: Path, keep_months: int | None = None) -> AsyncIterator[Books]:
    clock = Clock()
    async with open_state(folder / "state.db", clock) as state:
        audit = AuditLog(state, folder / "audit")
        sealer = Sealer(state, audit, keep_months)
        try:
            yield Books(folder, clock, state, audit, sealer, Archive(state, audit, sealer))
        finally:
            await audit.close()


def in_duckdb(file: Path, *statements: str) -> None:
    with duckdb.connect(file) as db:
        for statement in statements:
            db.execute(statement)


def in_sqlite(file: Path, *statements: str) -> None:
    db = sqlite3.connect(file)
    with db:
        for statement in statements:
            db.execute(statement)
    db.close()


def in_parquet(file: Path, change: Callable[[Rows], Rows]) -> None:
    """Write a Parquet file anew with other rows."""
    table = pq.read_table(file)
    file.unlink()
    pq.write_table(pa.Table.from_pylist(change(table.to_pylist()), schema=table.schema), file)


def swapped(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def edited(rows: Rows) -> Rows:
    return [{**row, "actor": "eve"} if row["sequence"] == 4 else row for row in rows]


def rehashed(rows: Rows) -> Rows:
    """An edit by somebody who knows how the hash of an entry is made."""
    row = edited(rows)[3]
    members = [bytes(row["previous"]).hex(), 4, f"{row['at']:%Y-%m-%dT%H:%M:%S.%f}+00:00"]  # type: ignore[call-overload]
    words = [row[name] for name in ("action", "sync", "run", "actor", "outcome")]
    text = json.dumps([*members, *words, json.loads(str(row["detail"]))], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return [*rows[:3], {**row, "hash": hashlib.sha256(text.encode()).digest()}, *rows[4:]]


def deleted(rows: Rows) -> Rows:
    return [row for row in rows if row["sequence"] not in {4, 5}]


def inserted(rows: Rows) -> Rows:
    return [*rows[:4], {**rows[3], "actor": "eve"}, *rows[4:]]


def reordered(rows: Rows) -> Rows:
    return [*rows[:3], rows[4], rows[3], *rows[5:]]


def renumbered(rows: Rows) -> Rows:
    numbers = {4: 5, 5: 4}
    return sorted(
        ({**row, "sequence": numbers.get(int(str(row["sequence"])), row["sequence"])} for row in rows),
        key=lambda row: int(str(row["sequence"])),
    )


def truncated(rows: Rows) -> Rows:
    return rows[:-2]
