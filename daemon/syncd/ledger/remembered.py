"""What is remembered of rows: a fingerprint for each mark, by sync and scope.

The rows of one sync and scope are a generation. Giving millions of them up, or making the shadow's rows the live ones, writes a handful
of numbers; the rows given up are swept later, a chunk at a time.
"""

import asyncio
import sqlite3
from dataclasses import dataclass

import orjson
import pyarrow as pa
import structlog

from syncd.domain.batch import Batch
from syncd.domain.errors import SyncdError
from syncd.ledger.marks import escaped, packed, packed_pairs
from syncd.ledger.moments import micros, moment
from syncd.ledger.state import State, Transaction
from syncd.ports.running import TOMBSTONE, RowTrace, RowTurn, Scope

_REMEMBER = """
INSERT INTO remembered (generation, mark, fingerprint, run, at)
SELECT ?, key, value, ?, ? FROM json_each(?) WHERE true
ON CONFLICT (generation, mark) DO UPDATE SET fingerprint = excluded.fingerprint, run = excluded.run, at = excluded.at
"""
_KNOWN = """
SELECT json_group_array(fingerprint) FROM (
    SELECT remembered.fingerprint FROM json_each(?) AS asked
    LEFT JOIN remembered ON remembered.generation = ? AND remembered.mark = asked.value
    ORDER BY asked.key
)
"""
_TRACE = """
SELECT fingerprint, at, run_names.id FROM remembered JOIN run_names ON run_names.number = remembered.run
WHERE generation = (SELECT live FROM syncs WHERE id = ?) AND mark = ?
"""
_CHUNK = 2_000
_BREATH_SECONDS = 0.02
_SWEEP = f"""
DELETE FROM remembered WHERE generation = :generation
AND mark IN (SELECT mark FROM remembered WHERE generation = :generation ORDER BY mark LIMIT {_CHUNK})
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows of a sync are remembered; the sync by its number."""

    sync: int
    scope: Scope


def remember(transaction: Transaction, place: Place, run: tuple[int, str], batch: Batch) -> None:
    """Remember all rows of a batch, refused ones too, and its deletions. `run` is number and id."""
    marks = [*batch.rows.column("mark").to_pylist(), *batch.gone.to_pylist()]
    if not marks:
        return
    fingerprints = [*batch.rows.column("fingerprint").to_pylist(), *[TOMBSTONE] * len(batch.gone)]
    db = transaction.db
    db.execute("INSERT OR IGNORE INTO run_names (number, id) VALUES (?, ?)", run)
    generation = _generation(db, place) or _new_generation(db, place)
    db.execute(_REMEMBER, (generation, run[0], micros(transaction.at), packed_pairs(marks, fingerprints)))


def known(db: sqlite3.Connection, place: Place, marks: pa.StringArray) -> pa.Int64Array:
    """The fingerprint for each mark, null where there is none."""
    generation = _generation(db, place)
    if generation is None or len(marks) == 0:
        return pa.nulls(len(marks), pa.int64())
    answer = db.execute(_KNOWN, (packed(marks.to_pylist()), generation)).fetchone()[0]
    return pa.array(orjson.loads(answer), pa.int64())


def trace(db: sqlite3.Connection, sync: int, mark: str) -> RowTrace | None:
    """What is remembered of one live row."""
    row = db.execute(_TRACE, (sync, escaped(mark))).fetchone()
    return RowTrace(row["fingerprint"], row["id"], moment(row["at"])) if row else None


def turn(db: sqlite3.Connection, sync: int, turned: RowTurn) -> None:
    """Give up the rows of a scope, or make the shadow's the live ones."""
    match turned:
        case RowTurn.KEEP:
            return
        case RowTurn.CLEAR_LIVE:
            given_up, kept = "live", "live = NULL"
        case RowTurn.CLEAR_SHADOW:
            given_up, kept = "shadow", "shadow = NULL"
        case RowTurn.PROMOTE:
            given_up, kept = "live", "live = shadow, shadow = NULL"
    db.execute(f"UPDATE generations SET abandoned = 1 WHERE id = (SELECT {given_up} FROM syncs WHERE id = ?)", (sync,))
    db.execute(f"UPDATE syncs SET {kept} WHERE id = ?", (sync,))


class Sweeper:
    """Deletes rows that were given up, in chunks small enough for nobody to wait."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        self._wanted.set()

    async def serve(self) -> None:
        """Sweep what an earlier process left, then whenever woken, for ever."""
        while True:
            if await self._swept_some():
                await asyncio.sleep(_BREATH_SECONDS)
            else:
                await self._wanted.wait()
                self._wanted.clear()

    async def _swept_some(self) -> bool:
        try:
            return await self._state.write(_sweep)
        except SyncdError as error:
            log.warning("remembered rows not swept", code=error.code, problem=str(error))
            return False


def _sweep(transaction: Transaction) -> bool:
    """Delete one chunk; answers whether there may be another."""
    db = transaction.db
    row = db.execute("SELECT id FROM generations WHERE abandoned = 1 LIMIT 1").fetchone()
    if row is None:
        return False
    if db.execute(_SWEEP, {"generation": row["id"]}).rowcount == 0:
        db.execute("DELETE FROM generations WHERE id = ?", (row["id"],))
    return True


def _generation(db: sqlite3.Connection, place: Place) -> int | None:
    row = db.execute(f"SELECT {place.scope.value} FROM syncs WHERE id = ?", (place.sync,)).fetchone()
    return row[0] if row else None


def _new_generation(db: sqlite3.Connection, place: Place) -> int:
    generation = db.execute("INSERT INTO generations DEFAULT VALUES").lastrowid or 0
    db.execute(f"UPDATE syncs SET {place.scope.value} = ? WHERE id = ?", (generation, place.sync))
    return generation
