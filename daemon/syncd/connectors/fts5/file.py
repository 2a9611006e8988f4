"""The file: how it is opened, who uses it, and what its errors mean."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar, TypeVarTuple

from pydantic import Field

from syncd.domain.errors import TargetMismatch, TargetUnavailable
from syncd.kit.threads import OneThread
from syncd.settings.section import Duration, Section, SettingsPath

_APPLICATION = 0x73796E63
"""`sync` in ASCII: what SQLite keeps in the file's header, to tell our files from others."""
_LAYOUT = 1
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)

_Given = TypeVarTuple("_Given")
_Answer = TypeVar("_Answer")


class Settings(Section):
    path: SettingsPath
    cache_bytes: Annotated[int, Field(ge=1_000_000)] = 16_000_000
    """Pages of the file that are kept in memory."""
    busy_timeout: Duration = timedelta(seconds=30)
    """How long to wait while another process writes."""


class File:
    """One connection to the file, and the thread that alone uses it."""

    def __init__(self, path: Path, thread: OneThread, connection: sqlite3.Connection) -> None:
        self._path = path
        self._thread = thread
        self._connection = connection

    async def call(self, work: Callable[[sqlite3.Connection, *_Given], _Answer], *given: *_Given) -> _Answer:
        with our_errors(self._path):
            return await self._thread.call(work, self._connection, *given)


def stays(settings: Settings) -> str:
    """Which file stands there now; while it is the same one, it may stay open: reading the schema of a thousand indexes costs 0.1 s."""
    try:
        found = settings.path.stat()
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def connect(settings: Settings) -> sqlite3.Connection:
    settings.path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(settings.path, timeout=settings.busy_timeout.total_seconds(), isolation_level=None)
    try:
        connection.execute(f"PRAGMA cache_size = -{settings.cache_bytes // 1024}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA synchronous = FULL")
        with transaction(connection):
            _lay_out(connection, settings.path)
    except BaseException:
        connection.close()
        raise
    return connection


def _lay_out(connection: sqlite3.Connection, path: Path) -> None:
    [[application]] = connection.execute("PRAGMA application_id")
    [[layout]] = connection.execute("PRAGMA user_version")
    [[tables]] = connection.execute("SELECT count(*) FROM sqlite_schema")
    if application == 0 and tables == 0:
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        connection.execute(
            "CREATE TABLE syncd_indexes (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
            " identity TEXT NOT NULL, primary_key TEXT NOT NULL, attributes TEXT NOT NULL,"
            " documents INTEGER NOT NULL DEFAULT 0, has_words INTEGER NOT NULL DEFAULT 0)"
        )
    elif application != _APPLICATION:
        raise TargetMismatch(f"{path} is the database of another program", hint="give `path` a file of its own")
    elif layout != _LAYOUT:
        raise TargetMismatch(f"{path} has the layout {layout}, expected {_LAYOUT}", hint="remove the file and run a full sync")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # SQLite ends a transaction by itself after some errors, such as a full disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _PASSING:
            raise TargetUnavailable(f"{path} cannot be used now: {error}", hint="see to free space, and to who else uses it") from error
        raise TargetMismatch(f"{path} cannot be used: {error}", hint="see to its rights, or remove the file and run a full sync") from error
    except OSError as error:
        raise TargetUnavailable(f"{path} cannot be opened: {error}", hint="check `path`") from error
