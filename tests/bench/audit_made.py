"""An audit log of any length in the daemon's own files: a valid chain, written as text, which is what takes the least time."""

import hashlib
import json
import sqlite3
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from syncd.domain.audit import GENESIS
from syncd.domain.verdict import Manifest
from syncd.ledger import migrations
from syncd.ledger.audit import MonthFiles
from syncd.ledger.formats import Copy, Form, Sink
from syncd.ledger.moments import micros, moment
from syncd.ledger.outbox import Extent, Line, of_month
from syncd.ledger.sealing import SEALED, manifest_text

MONTHS = 6
SYNCS = 200
PEOPLE = 20
RARE = 50_000
"""One entry of so many holds the rare word."""

_TOGETHER = 50_000
_MEMORY = "96MB"
_DAYS = 30
_OF_A_RUN = (
    ("run.started", "ok", '{{"attempt":1,"mode":"incremental","trigger":"schedule"}}'),
    ("run.committed", "ok", '{{"batch":1,"deleted":0,"refused":0,"stored":{n},"watermark":"2026-06-01T00:00:00.{n:06d}"}}'),
    ("run.committed", "ok", '{{"batch":2,"deleted":3,"refused":1,"stored":{n},"watermark":"2026-06-01T00:00:01.{n:06d}"}}'),
    ("run.ended", "ok", '{{"counters":{{"read":{n},"stored":{n}}},"summary":"{n} rows stored"}}'),
)
_FAILED = ("run.ended", "target.unavailable", '{{"code":"target.unavailable","message":"the index cannot be reached: try {n}"}}')
_PAUSED = ("sync.paused", "ok", '{{"request":"r{n}"}}')
_RARE = ("sync.resumed", "ok", '{{"note":"Wartungsfenster {n}"}}')


def make(folder: Path, entries: int, now: datetime) -> str:
    """Write a state folder with the outbox and the files of months, all but the newest sealed; answers the id of a run in its middle."""
    (folder / "audit").mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(folder / "state.db", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")
    migrations.bring_up(db, folder / "state.db")
    making = _Making(db, MonthFiles(folder / "audit", _MEMORY))
    begin = micros(now - timedelta(days=MONTHS * _DAYS))
    step = max((micros(now) - begin) // max(entries, 1), 1)
    for sequence in range(1, entries + 1):
        making.add(sequence, begin + sequence * step)
    making.end()
    db.close()
    return f"01J{entries // 2 // len(_OF_A_RUN):023d}"


class _Making:
    """A log that grows; when a month is over, its file is sealed, and the next entry says so."""

    def __init__(self, db: sqlite3.Connection, files: MonthFiles) -> None:
        self._db = db
        self._files = files
        self._month, self._over = "", 0
        self._previous = GENESIS
        self._group: list[Line] = []
        self._seal: tuple[str, Manifest] | None = None
        self._stack = ExitStack()
        self._copy: Copy

    def add(self, sequence: int, at: int) -> None:
        if at >= self._over:
            self._turn(at)
        self._group.append(_line(sequence, at, self._previous, self._seal))
        self._seal = None
        self._previous = self._group[-1][9].hex()
        if len(self._group) == _TOGETHER:
            self._put()

    def end(self) -> None:
        """Leave the newest month as one that can grow."""
        self._put()
        self._copy.close()
        self._stack.close()
        self._files.sealed(self._month).unlink()
        first, last = self._db.execute("SELECT first, last FROM months WHERE month = ?", (self._month,)).fetchone()
        while lines := of_month(self._db, Extent(self._month, first, last), first - 1, _TOGETHER):
            first = self._files.append(self._month, lines) + 1
        self._files.close()
        self._db.execute("UPDATE head SET sequence = ?, hash = ?, shipped = ?", (last, bytes.fromhex(self._previous), last))

    def _turn(self, at: int) -> None:
        """Seal the month that is over, and begin the one of this time."""
        if self._month:
            self._put()
            self._copy.close()
            self._stack.close()
            self._seal = self._month, self._copy.manifest()
            self._files.manifest(self._month).write_text(manifest_text(self._seal[1].as_detail()))
        began = moment(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self._month, self._over = f"{began:%Y-%m}", micros((began + timedelta(days=32)).replace(day=1))
        file = self._stack.enter_context(self._files.sealed(self._month).open("wb"))
        self._copy = self._stack.enter_context(Copy(Form.PARQUET, Sink(file)))

    def _put(self) -> None:
        lines, self._group = self._group, []
        if not lines:
            return
        self._copy.write(lines)
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", lines)
        self._db.execute(
            "INSERT INTO months (month, first, last, entries) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (month) DO UPDATE SET last = excluded.last, entries = entries + excluded.entries",
            (self._month, lines[0][0], lines[-1][0], len(lines)),
        )
        self._db.execute("COMMIT")


def _line(sequence: int, at: int, previous: str, seal: tuple[str, Manifest] | None) -> Line:
    action, outcome, detail, sync, run, actor = _sealed(*seal) if seal else _said(sequence)
    words = f'"{action}","{sync}","{run}","{actor}","{outcome}"'
    text = f'["{previous}",{sequence},"{moment(at).isoformat(timespec="microseconds")}",{words},{detail}]'
    own = hashlib.sha256(text.encode()).digest()
    return (sequence, at, action, sync, run, actor, outcome, detail, bytes.fromhex(previous), own)


def _said(sequence: int) -> tuple[str, str, str, str, str, str]:
    run, place = divmod(sequence, len(_OF_A_RUN))
    sync = f"sync-{run % SYNCS:03d}"
    if sequence % RARE == 0:
        action, outcome, detail = _RARE
        return action, outcome, detail.format(n=sequence), sync, "", f"user-{sequence // 100 % PEOPLE}"
    if sequence % 100 == 0:
        action, outcome, detail = _PAUSED
        return action, outcome, detail.format(n=sequence), sync, "", f"user-{sequence // 100 % PEOPLE}"
    action, outcome, detail = _FAILED if place == len(_OF_A_RUN) - 1 and run % 50 == 0 else _OF_A_RUN[place]
    return action, outcome, detail.format(n=sequence % 100_000), sync, f"01J{run:023d}", "syncd"


def _sealed(month: str, manifest: Manifest) -> tuple[str, str, str, str, str, str]:
    detail = json.dumps({"month": month, **manifest.as_detail()}, separators=(",", ":"), sort_keys=True)
    return SEALED, "ok", detail, "", "", "syncd"
