"""Dead letters: at most one for each row of a sync."""

import json
import sqlite3
from collections.abc import Sequence

from syncd.domain.audit import Entry
from syncd.domain.batch import Receipt
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.run import RunId, SyncName
from syncd.ledger.marks import escaped, packed, unescaped
from syncd.ledger.moments import micros, moment
from syncd.ledger.records import intern
from syncd.ledger.state import Transaction
from syncd.ports.ledger import LetterQuery
from syncd.ports.running import Scope

_DOCUMENT_BYTES = 64 * 1024
_REFUSE = """
INSERT INTO letters (sync, mark, run, first_seen, last_seen, attempts, code, reason, key, document)
VALUES (:sync, :mark, :run, :at, :at, 1, :code, :reason, :key, :document)
ON CONFLICT (sync, mark) DO UPDATE SET run = excluded.run, last_seen = excluded.last_seen, attempts = attempts + 1,
    code = excluded.code, reason = excluded.reason, key = excluded.key, document = excluded.document
"""
_FORGET_ROWS = """
DELETE FROM remembered WHERE generation = (SELECT {scope} FROM syncs WHERE id = :sync)
AND mark IN (SELECT mark FROM letters WHERE +sync = :sync AND id IN (SELECT value FROM json_each(:ids)))
"""
_DROP = "DELETE FROM letters WHERE sync = :sync AND id IN (SELECT value FROM json_each(:ids))"


def settle(transaction: Transaction, sync: int, run: str, receipt: Receipt) -> None:
    """Drop the letters of rows that are stored or gone, and write one for each row that was refused."""
    db = transaction.db
    if db.execute("SELECT 1 FROM letters WHERE sync = ? LIMIT 1", (sync,)).fetchone():
        _drop_settled(db, sync, receipt)
    rows, at = receipt.batch.rows, micros(transaction.at)
    refused = [
        {
            "sync": sync,
            "mark": escaped(rows.column("mark")[refusal.row].as_py()),
            "run": run,
            "at": at,
            "code": refusal.code,
            "reason": refusal.reason,
            "key": rows.column("key")[refusal.row].as_py(),
            "document": _cut(rows.column("document")[refusal.row].as_py()),
        }
        for refusal in receipt.refused
    ]
    db.executemany(_REFUSE, refused)


def find(db: sqlite3.Connection, query: LetterQuery) -> list[DeadLetter]:
    """Dead letters in order of id."""
    conditions = ["letters.id > ?"]
    values: list[object] = [query.after]
    if query.sync:
        conditions.append("letters.sync = (SELECT id FROM syncs WHERE name = ?)")
        values.append(query.sync)
    if query.ids:
        conditions.append("letters.id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(query.ids))
    rows = db.execute(
        "SELECT letters.*, syncs.name FROM letters JOIN syncs ON syncs.id = letters.sync"
        f" WHERE {' AND '.join(conditions)} ORDER BY letters.id LIMIT ?",
        (*values, query.limit),
    )
    return [_letter(row) for row in rows.fetchall()]


def drop(transaction: Transaction, sync: SyncName, ids: Sequence[int]) -> None:
    """Forget some letters and what is remembered of their rows."""
    given = {"sync": intern(transaction.db, sync), "ids": json.dumps(list(ids))}
    for scope in Scope:
        transaction.db.execute(_FORGET_ROWS.format(scope=scope.value), given)
    transaction.db.execute(_DROP, given)


def discard(transaction: Transaction, sync: SyncName, ids: Sequence[int], actor: str) -> int:
    """Forget some letters of a sync, or all, but not what is remembered of their rows, with an audit entry; answers how many."""
    db = transaction.db
    number = intern(db, sync)
    if ids:
        count = db.execute(_DROP, {"sync": number, "ids": json.dumps(list(ids))}).rowcount
    else:
        count = db.execute("DELETE FROM letters WHERE sync = ?", (number,)).rowcount
    transaction.record(Entry("dead_letters.discarded", sync=sync, actor=actor, detail={"dead_letters": count}))
    return count


def _drop_settled(db: sqlite3.Connection, sync: int, receipt: Receipt) -> None:
    refused = {refusal.row for refusal in receipt.refused}
    marks = [mark for row, mark in enumerate(receipt.batch.rows.column("mark").to_pylist()) if row not in refused]
    marks += receipt.batch.gone.to_pylist()
    db.execute("DELETE FROM letters WHERE sync = ? AND mark IN (SELECT value FROM json_each(?))", (sync, packed(marks)))


def _cut(document: str) -> str:
    encoded = document.encode()
    return document if len(encoded) <= _DOCUMENT_BYTES else encoded[:_DOCUMENT_BYTES].decode(errors="ignore")


def _letter(row: sqlite3.Row) -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        sync=SyncName(row["name"]),
        run=RunId(row["run"]),
        mark=unescaped(row["mark"]),
        key=row["key"],
        document=row["document"],
        code=row["code"],
        reason=row["reason"],
        first_seen=moment(row["first_seen"]),
        last_seen=moment(row["last_seen"]),
        attempts=row["attempts"],
    )
