"""The durable state of syncs."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from syncd.domain.audit import Entry
from syncd.domain.batch import Receipt
from syncd.domain.run import Run, SyncName
from syncd.ledger import documents, letters, remembered
from syncd.ledger.moments import micros
from syncd.ledger.records import intern, load, put_hold, touch_run
from syncd.ledger.state import State, Transaction
from syncd.ports.ledger import Change, SyncRecord
from syncd.ports.running import Advance, RowTurn, Scope


class StoredSyncs:
    """`ports.SyncBook`. `abandoned` is called after remembered rows were given up and wait to be swept."""

    def __init__(self, state: State, abandoned: Callable[[], None]) -> None:
        self._state = state
        self._abandoned = abandoned

    async def load(self, syncs: Sequence[SyncName]) -> Mapping[SyncName, SyncRecord]:
        return await self._state.read(partial(load, syncs=syncs))

    async def commit(self, run: Run, receipt: Receipt, scope: Scope) -> None:
        await self._state.write(partial(_commit, run=run, receipt=receipt, scope=scope))

    async def advance(self, run: Run, step: Advance, complete_to: str) -> None:
        try:
            await self._state.write(partial(_advance, run=run, step=step, complete_to=complete_to))
        finally:
            self._abandoned()

    async def change(self, sync: SyncName, change: Change, entry: Entry) -> SyncRecord:
        try:
            return await self._state.write(partial(_change, sync=sync, change=change, entry=entry))
        finally:
            self._abandoned()


def _commit(transaction: Transaction, run: Run, receipt: Receipt, scope: Scope) -> None:
    db = transaction.db
    number, sync = touch_run(db, run)
    db.execute("UPDATE syncs SET checkpoint = ? WHERE id = ?", (receipt.batch.reaches, sync))
    remembered.remember(transaction, remembered.Place(sync, scope), (number, run.id), receipt.batch)
    letters.settle(transaction, sync, run.id, receipt)
    if receipt.refused:
        codes = Counter(refusal.code for refusal in receipt.refused)
        detail = {"rows": len(receipt.refused), "codes": dict(codes)}
        transaction.record(Entry("rows.refused", sync=run.sync, run=run.id, outcome="refused", detail=detail))


def _advance(transaction: Transaction, run: Run, step: Advance, complete_to: str) -> None:
    db = transaction.db
    _, sync = touch_run(db, run)
    db.execute(
        "UPDATE syncs SET checkpoint = ?, complete_to = coalesce(nullif(?, ''), complete_to) WHERE id = ?",
        (step.checkpoint, complete_to, sync),
    )
    remembered.turn(db, sync, step.rows)
    documents.put(transaction, sync, step.documents)
    if step.letters_before is not None:
        db.execute("DELETE FROM letters WHERE sync = ? AND last_seen < ?", (sync, micros(step.letters_before)))
    transaction.record(*step.entries)


def _change(transaction: Transaction, sync: SyncName, change: Change, entry: Entry) -> SyncRecord:
    db = transaction.db
    number = intern(db, sync)
    put_hold(db, number, change.hold)
    if change.reset:
        _reset(db, number)
    transaction.record(entry)
    return load(db, [sync])[sync]


def _reset(db: sqlite3.Connection, sync: int) -> None:
    db.execute("UPDATE syncs SET checkpoint = NULL, complete_to = '' WHERE id = ?", (sync,))
    db.execute("DELETE FROM letters WHERE sync = ?", (sync,))
    documents.reset(db, sync)
    remembered.turn(db, sync, RowTurn.CLEAR_LIVE)
    remembered.turn(db, sync, RowTurn.CLEAR_SHADOW)
