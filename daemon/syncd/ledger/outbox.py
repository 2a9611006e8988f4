"""Audit entries where they are born: in the same transaction as the change that they tell of, numbered without gaps and chained."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from syncd.domain.audit import Entry, Recorded, digest
from syncd.ledger.moments import micros, moment

Line = tuple[Any, ...]
"""The columns of an entry as outbox and monthly files both store them: whole microseconds, hashes as bytes, the detail as JSON."""

_FIELDS = "sequence, at, action, sync, run, actor, outcome, detail, previous, hash"
_FOREVER = 2**62
_MONTH = "strftime('%Y-%m', at / 1000000, 'unixepoch')"


class Growth:
    """How far the log reaches, and a way to wait for more."""

    def __init__(self) -> None:
        self.head = 0
        self._changed = asyncio.Event()

    def announce(self, head: int) -> None:
        """Say that entries up to `head` are durable."""
        self.head = max(self.head, head)
        self._changed.set()
        self._changed = asyncio.Event()

    async def beyond(self, sequence: int) -> int:
        """Wait until the log reaches beyond a sequence; answers how far."""
        while self.head <= sequence:
            await self._changed.wait()
        return self.head


@dataclass(frozen=True, slots=True)
class Extent:
    """What the file of one month is to hold."""

    month: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Held:
    """What the file of one month does hold."""

    entries: int = 0
    last: int = 0
    hash: str = ""


class Doubt(Enum):
    """How a month's file can differ from the outbox."""

    NONE = "none"
    BEHIND = "behind"
    """It lacks its newest entries though they had been shipped."""
    DIFFERS = "differs"
    """It holds something else."""
    LEDGER = "ledger"
    """It differs, and the outbox is not what it was: of the two, the file may be the better copy."""


def append(db: sqlite3.Connection, at: datetime, entries: Iterable[Entry], shipped: int) -> int:
    """Chain some entries to the log; answers the new head. `shipped` is how far the monthly files hold the log by now."""
    sequence, head = db.execute("SELECT sequence, hash FROM head").fetchone()
    previous = bytes(head).hex()
    rows = []
    for entry in entries:
        sequence += 1
        settled, detail = _settled(entry)
        own = digest(sequence, at, settled, previous)
        words = (settled.action, settled.sync, settled.run, settled.actor, settled.outcome)
        rows.append((sequence, micros(at), *words, detail, bytes.fromhex(previous), bytes.fromhex(own)))
        previous = own
    if rows:
        db.executemany(f"INSERT INTO outbox ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.execute("UPDATE head SET sequence = ?, hash = ?, shipped = max(shipped, ?)", (sequence, bytes.fromhex(previous), shipped))
        db.execute(
            "INSERT INTO months (month, first, last, entries) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (month) DO UPDATE SET last = excluded.last, entries = entries + excluded.entries",
            (at.strftime("%Y-%m"), rows[0][0], sequence, len(rows)),
        )
    return int(sequence)


def mark_shipped(db: sqlite3.Connection, shipped: int) -> None:
    """Keep how far the monthly files hold the log."""
    db.execute("UPDATE head SET shipped = max(shipped, ?)", (shipped,))


def head(db: sqlite3.Connection) -> int:
    """The sequence of the newest entry."""
    return int(db.execute("SELECT sequence FROM head").fetchone()[0])


def after(db: sqlite3.Connection, sequence: int, limit: int) -> list[Recorded]:
    """The next entries behind a sequence, oldest first."""
    rows = db.execute(f"SELECT {_FIELDS} FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?", (sequence, limit))
    return [recorded(row) for row in rows.fetchall()]


def end(db: sqlite3.Connection) -> tuple[int, bytes]:
    """Sequence and hash of the newest entry, as they were kept beside the entries."""
    sequence, own = db.execute("SELECT sequence, hash FROM head").fetchone()
    return int(sequence), bytes(own)


def lines(db: sqlite3.Connection, behind: int, upto: int, limit: int) -> list[Line]:
    """The next entries between two sequences, oldest first, as they are stored."""
    rows = db.execute(f"SELECT {_FIELDS} FROM outbox WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?", (behind, upto, limit))
    return [tuple(row) for row in rows.fetchall()]


def these(db: sqlite3.Connection, sequences: Sequence[int]) -> dict[int, Line]:
    """Entries by their sequences, as they are stored; those that are not there are left out."""
    rows = db.execute(f"SELECT {_FIELDS} FROM outbox WHERE sequence IN (SELECT value FROM json_each(?))", (json.dumps(list(sequences)),))
    return {row[0]: tuple(row) for row in rows.fetchall()}


def beyond_head(db: sqlite3.Connection, limit: int) -> list[int]:
    """Sequences that stand behind the newest entry: nobody wrote them."""
    rows = db.execute("SELECT sequence FROM outbox WHERE sequence > (SELECT sequence FROM head) ORDER BY sequence LIMIT ?", (limit,))
    return [int(row[0]) for row in rows.fetchall()]


def span(db: sqlite3.Connection, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The first and the last entry of a time, and so a range without gaps; the last is before the first if there is none."""
    first, last = db.execute(
        "SELECT coalesce(min(sequence), 1), coalesce(max(sequence), 0) FROM outbox WHERE at >= ? AND at < ?"
        " AND sequence >= (SELECT coalesce(min(first), 1) FROM months)",
        (micros(since) if since else -_FOREVER, micros(until) if until else _FOREVER),
    ).fetchone()
    return int(first), int(last)


def due(db: sqlite3.Connection, month: str) -> int:
    """How many entries a month is to have."""
    return int(db.execute("SELECT coalesce(max(entries), 0) FROM months WHERE month = ?", (month,)).fetchone()[0])


def forget(db: sqlite3.Connection, month: str) -> None:
    """A month is no longer kept. Its entries can be swept from then on."""
    db.execute("DELETE FROM months WHERE month = ?", (month,))


def sweep(db: sqlite3.Connection, limit: int) -> int:
    """Remove some entries that stand before the oldest month that is kept; answers how many."""
    return db.execute(
        "DELETE FROM outbox WHERE sequence IN (SELECT sequence FROM outbox WHERE sequence < (SELECT min(first) FROM months)"
        " ORDER BY sequence LIMIT ?)",
        (limit,),
    ).rowcount


def extents(db: sqlite3.Connection, behind: int) -> list[Extent]:
    """The months with entries behind a sequence, the one with the newest first."""
    rows = db.execute("SELECT month, first, last FROM months WHERE last > ? ORDER BY last DESC", (behind,))
    return [Extent(*row) for row in rows.fetchall()]


def of_month(db: sqlite3.Connection, extent: Extent, behind: int, limit: int) -> list[Line]:
    """The next entries of one month behind a sequence, oldest first, as they are stored."""
    rows = db.execute(
        f"SELECT {_FIELDS} FROM outbox WHERE sequence BETWEEN ? AND ? AND {_MONTH} = ? ORDER BY sequence LIMIT ?",
        (max(behind + 1, extent.first), extent.last, extent.month, limit),
    )
    return [tuple(row) for row in rows.fetchall()]


def compare(db: sqlite3.Connection, month: str, held: Held) -> Doubt:
    """Whether a month's file is the beginning of what it is to hold, and no shorter than it was."""
    due, first, last = db.execute("SELECT entries, first, last FROM months WHERE month = ?", (month,)).fetchone()
    missing, lost = db.execute(
        f"SELECT count(*), coalesce(min(sequence) <= (SELECT shipped FROM head), 0) FROM outbox WHERE sequence BETWEEN ? AND ?"
        f" AND {_MONTH} = ?",
        (max(held.last + 1, first), last, month),
    ).fetchone()
    newest = db.execute(f"SELECT hash FROM outbox WHERE sequence = ? AND {_MONTH} = ?", (held.last, month)).fetchone()
    if held.entries + missing != due or (held.entries and (newest is None or bytes(newest[0]).hex() != held.hash)):
        return Doubt.DIFFERS if _complete(db, Extent(month, first, last), due) else Doubt.LEDGER
    return Doubt.BEHIND if lost else Doubt.NONE


def stands(db: sqlite3.Connection, entry: Entry) -> bool:
    """Whether there is an entry with the same action, outcome and detail. Reads everything: for rare questions."""
    settled, detail = _settled(entry)
    words = (settled.action, settled.outcome, detail)
    return db.execute("SELECT 1 FROM outbox WHERE action = ? AND outcome = ? AND detail = ? LIMIT 1", words).fetchone() is not None


def _complete(db: sqlite3.Connection, extent: Extent, entries: int) -> bool:
    """Whether the outbox has every entry of a month, the newest as it was hashed."""
    lines = of_month(db, extent, extent.last - 1, 1)
    counted = db.execute(
        f"SELECT count(*) FROM outbox WHERE sequence BETWEEN ? AND ? AND {_MONTH} = ?", (extent.first, extent.last, extent.month)
    ).fetchone()[0]
    return counted == entries and bool(lines) and intact(lines[0])


def intact(line: Line) -> bool:
    """Whether the hash of a line is that of its contents."""
    try:
        entry = recorded(line)
        return digest(entry.sequence, entry.at, entry.entry, entry.previous) == entry.hash
    except (ValueError, TypeError, OverflowError):
        return False


def recorded(line: Sequence[Any]) -> Recorded:
    """An entry from its columns."""
    sequence, at, action, sync, run, actor, outcome, detail, previous, own = line
    entry = Entry(action, sync, run, actor, outcome, json.loads(detail))
    return Recorded(sequence, moment(at), entry, bytes(previous).hex(), bytes(own).hex())


def _settled(entry: Entry) -> tuple[Entry, str]:
    """The entry as it will be read back, so that its hash can be computed again, and its detail as text."""
    detail = _utf8(json.dumps(entry.detail, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str))
    words = {name: _utf8(getattr(entry, name)) for name in ("action", "sync", "run", "actor", "outcome")}
    return replace(entry, **words, detail=json.loads(detail)), detail


def _utf8(text: str) -> str:
    """The text without lone surrogates: file names that are not UTF-8 have them."""
    return text.encode(errors="replace").decode()
