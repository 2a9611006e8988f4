"""Where the errors of SQLite and of the file system become ours."""

import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd.domain.errors import PermanentError, SyncdError, TransientError

_PAGE_BYTES = 32 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def full(path: Path) -> SyncdError:
    return TransientError(
        f"the disk that holds {path} is full", hint="free some space on it; a daemon that runs goes on by itself", code="ledger.full"
    )


def unwritable(path: Path, found: str) -> SyncdError:
    hint = (
        "syncd needs a folder of its own that it may write to: see `state_dir` in the settings, the folder's owner and mode, and its disk"
    )
    return PermanentError(f"{path} cannot be opened for writing: {found}", hint=hint, code="ledger.unwritable")


def unwritten(path: Path, found: str) -> SyncdError:
    hint = "nothing is lost, and syncd goes on by itself as soon as it may write; see `mount` and the kernel's log if it stays so"
    return TransientError(f"{path} could not be written: {found}", hint=hint, code="ledger.unwritten")


def busy(path: Path) -> SyncdError:
    hint = "close the program that has it open"
    return TransientError(f"{path} is locked by another program", hint=hint, code="ledger.busy")


def damaged(path: Path, found: str) -> SyncdError:
    hint = "stop syncd and restore the file from a backup, or move it aside to begin with an empty one: every sync then starts from nothing"
    return PermanentError(f"{path} is damaged: {found}", hint=hint, code="ledger.damaged")


@contextmanager
def border(path: Path, *, underway: bool = False) -> Iterator[None]:
    """Raise errors that an operator can act on; a mistake in our own SQL stays what it is.

    A file that was written before (`underway`) and cannot be now is waited for: a disk that was set to read-only is set back one day.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        ours = _of_sqlite(path, error, unwritten if underway else unwritable)
        if ours is None:
            raise
        raise ours from error
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise (full(path) if error.errno in _FULL else unwritable(path, found)) from error


def _no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _PAGE_BYTES
    except OSError:
        return False


def _of_sqlite(path: Path, error: sqlite3.DatabaseError, otherwise: Callable[[Path, str], SyncdError]) -> SyncdError | None:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_IOERR:
            # Where it cannot enlarge a file that it maps, SQLite calls a full disk an error of input and output.
            return full(path) if _no_room(path) else otherwise(path, str(error))
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(path, str(error))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return busy(path)
        case _:
            return None
