"""The audit log in DuckDB: one file a month, which is Parquet once it is sealed.

DuckDB opens a log (WAL) that was cut without a word and without the rows it lost, refuses a damaged one with any of several unrelated
exceptions, and writes blocks whose damage only a later read discovers. So a file is never the only copy: whoever opens it compares
it with the outbox. One transaction cannot write two attached files, and an attached file is locked against all other programs: only
one is attached at a time.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from syncd.domain.errors import PermanentError, SyncdError
from syncd.ledger import questions
from syncd.ledger.border import border, busy, full, unwritable, unwritten
from syncd.ledger.formats import table
from syncd.ledger.outbox import Held, Line
from syncd.ledger.questions import Span
from syncd.ports.ledger import AuditQuery

_STORAGE_VERSION = "v1.5.0"
_ROOM_BYTES = 16 * 1024 * 1024
_CREATE = """
CREATE TABLE IF NOT EXISTS book.entries (
    sequence BIGINT NOT NULL, "at" TIMESTAMP NOT NULL, action VARCHAR NOT NULL, sync VARCHAR NOT NULL, run VARCHAR NOT NULL,
    actor VARCHAR NOT NULL, outcome VARCHAR NOT NULL, detail VARCHAR NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL
)
"""
_SELECT = 'SELECT sequence, epoch_us("at"), action, sync, run, actor, outcome, detail, previous, hash FROM book.entries'
_HELD = "SELECT count(*), coalesce(max(sequence), 0) FROM book.entries"
_HASH = "SELECT hash FROM book.entries WHERE sequence = ? LIMIT 1"
_LEAVE = "DETACH DATABASE IF EXISTS book"
_BETWEEN = "sequence > ? AND sequence <= ?"
_NEWEST = "ORDER BY sequence DESC LIMIT ?"
_READERS = 2
_OUR_MISTAKES = (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError, duckdb.OutOfMemoryException)


class DamagedFile(PermanentError):
    """A month's file that DuckDB cannot open or read."""

    code = "ledger.damaged"


class MonthFiles:
    """The monthly files. Used by one thread."""

    def __init__(self, folder: Path, memory: str) -> None:
        self._folder = folder
        self._memory = memory
        self._db: duckdb.DuckDBPyConnection | None = None
        self._month = ""
        self._held: Held | None = None

    def open(self, month: str) -> Held:
        """Turn to the file of a month, made if it is missing; answers what it holds. Raises `DamagedFile`."""
        return self._holding(self._turn_to(month), month)

    def growing(self, month: str) -> Held:
        """Open a month's file so that entries can be added. A sealed one is given up: the clock was set back into its month."""
        if not self._path(month).exists() and self.sealed(month).exists():
            self.expire(month)
        return self.open(month)

    def append(self, month: str, lines: Sequence[Line]) -> int:
        """Add those entries that the file does not hold yet, durably; answers the highest sequence it holds.

        An error here proves no damage; if there is any, the next opening finds it.
        """
        db = self._turn_to(month)
        held = self._holding(db, month)
        fresh = [line for line in lines if line[0] > held.last]
        if fresh:
            try:
                db.register("incoming", table(fresh))
                db.execute("INSERT INTO book.entries SELECT * FROM incoming")
                db.unregister("incoming")
            except duckdb.Error as error:
                raise self._judge(month, unwritten(self._path(month), str(error))) from error
            held = self._held = Held(held.entries + len(fresh), fresh[-1][0], fresh[-1][-1].hex())
        return held.last

    def search(self, month: str, query: AuditQuery, span: Span) -> list[int]:
        """The newest sequences of a month, between two others, that match, newest first. Raises `DamagedFile`.

        Only the columns that decide it are read.
        """
        place, found = self.place(month), list[int]()
        conditions, values = questions.conditions(query)
        ask = f"SELECT sequence FROM book.entries WHERE {' AND '.join([*conditions, _BETWEEN])} {_NEWEST}"
        for part in questions.parts(place, query.text, span) if place else [span]:
            if len(found) < query.limit:
                found += [int(row[0]) for row in self._asked(month, ask, [*values, *part, query.limit - len(found)])]
        return found

    def these(self, month: str, sequences: Sequence[int]) -> list[Line]:
        """Entries of a month by their sequences, as they are stored. Raises `DamagedFile`."""
        return self._asked(month, f"{_SELECT} WHERE sequence IN (SELECT unnest(?))", [list(sequences)])

    def page(self, month: str, behind: int, upto: int, limit: int) -> list[Line]:
        """Entries of a month between two sequences, in their order, as they are stored. Raises `DamagedFile`."""
        return self._asked(month, f"{_SELECT} WHERE {_BETWEEN} ORDER BY sequence LIMIT ?", [behind, upto, limit])

    def place(self, month: str) -> Path | None:
        """The file of a month, if there is one."""
        return next((path for path in (self._path(month), self.sealed(month)) if path.exists()), None)

    def sealed(self, month: str) -> Path:
        """Where the sealed file of a month is, or would be."""
        return self._folder / f"{month}.parquet"

    def manifest(self, month: str) -> Path:
        """Where the manifest of a sealed month is, or would be."""
        return self._folder / f"{month}.manifest.json"

    def unsealed(self) -> list[str]:
        """Months whose file can still grow."""
        return sorted(path.stem for path in self._folder.glob("????-??.duckdb"))

    def retire(self, month: str) -> None:
        """Remove the file that can grow; the sealed one takes its place."""
        self.close()
        with border(self._path(month)):
            for ending in ("", ".wal"):
                self._path(month).with_name(f"{month}.duckdb{ending}").unlink(missing_ok=True)

    def expire(self, month: str) -> None:
        """Remove a month's file, in whatever form it is."""
        self.retire(month)
        with border(self.sealed(month)):
            self.sealed(month).unlink(missing_ok=True)
            self.manifest(month).unlink(missing_ok=True)

    def set_aside(self, month: str, mark: str) -> str:
        """Move a month's file out of the way, and what belongs to it; answers its new name."""
        self.close()
        path = self.place(month) or self._path(month)
        note, aside = self.manifest(month), f".quarantined-{mark}"
        with border(path):
            for ending in ("", ".wal"):
                if path.with_name(path.name + ending).exists():
                    path.with_name(path.name + ending).rename(path.with_name(path.name + aside + ending))
            if note.exists():
                note.rename(note.with_name(note.name + aside))
        return path.name + aside

    def close(self) -> None:
        """Close what is open. An error here loses nothing: who opens the file next finds it out."""
        if self._db is not None:
            with contextlib.suppress(duckdb.Error):
                self._db.execute(_LEAVE)
            self._db.close()
        self._db, self._month = None, ""

    def _asked(self, month: str, question: str, values: Sequence[object]) -> list[Line]:
        db = self._turn_to(month)
        try:
            return db.execute(question, values).fetchall()
        except _OUR_MISTAKES:
            raise
        except duckdb.Error as error:
            raise self._judge(month, DamagedFile(f"{self.place(month)} is damaged: {error}")) from error

    def _turn_to(self, month: str) -> duckdb.DuckDBPyConnection:
        if self._db is not None and self._month == month:
            return self._db
        with border(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            db = self._db = self._db or duckdb.connect(config=self._config())
            self._month, self._held = "", None
            db.execute(_LEAVE)
            _attach(db, self.place(month) or self._path(month))
        except duckdb.Error as error:
            raise self._judge(month, DamagedFile(f"{self.place(month)} is damaged: {error}")) from error
        self._month = month
        return db

    def _holding(self, db: duckdb.DuckDBPyConnection, month: str) -> Held:
        """What the file holds that is attached; counted once."""
        if self._held is None:
            try:
                entries, last = db.execute(_HELD).fetchall()[0]
                hashes = db.execute(_HASH, [last]).fetchall()
            except duckdb.Error as error:
                raise self._judge(month, DamagedFile(f"{self.place(month)} is damaged: {error}")) from error
            self._held = Held(entries, last, hashes[0][0].hex() if hashes else "")
        return self._held

    def _judge(self, month: str, likely: SyncdError) -> SyncdError:
        """Why DuckDB failed. Its exceptions do not tell damage from a full disk or a lock, so look for oneself."""
        self.close()
        path = self._path(month)
        for place, rights in ((self._folder, os.W_OK | os.X_OK), (path, os.R_OK | os.W_OK)):
            if place.exists() and not os.access(place, rights):
                return unwritable(place, "no right to write")
        if shutil.disk_usage(self._folder).free < _ROOM_BYTES:
            return full(path)
        if _locked_elsewhere(path):
            return busy(path)
        return likely

    def _path(self, month: str) -> Path:
        return self._folder / f"{month}.duckdb"

    def _config(self) -> dict[str, str | bool | int | float | list[str]]:
        return {
            "threads": _READERS,
            "async_threads": 1,
            "memory_limit": self._memory,
            "temp_directory": str(self._folder / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }


def _attach(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    quoted = str(path).replace("'", "''")
    if path.suffix == ".parquet":
        db.execute("ATTACH ':memory:' AS book")
        db.execute(f"CREATE VIEW book.entries AS SELECT * FROM read_parquet('{quoted}')")
    else:
        db.execute(f"ATTACH '{quoted}' AS book (STORAGE_VERSION '{_STORAGE_VERSION}')")
        db.execute(_CREATE)


def _locked_elsewhere(path: Path) -> bool:
    try:
        with path.open("rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return False
    return False
