"""The file: how it is opened, and what its errors mean."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import duckdb
from pydantic import Field

from syncd.domain.errors import SourceMismatch, SourceUnavailable, SyncdError
from syncd.settings.section import Section, SettingsPath, Zone

_BROKEN_FILE = ("not a valid DuckDB database file", 'Extension "sqlite', "Is a directory", "Could not read enough bytes")
_BROKEN_ROWS = ("Conversion Error", "Invalid Input Error", "Out of Range Error")
_Bytes = Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")]

_LEAST = 12_000_000
"""Bytes for questions beside all scans."""
_COLUMN = 1_000_000
"""Measured: DuckDB holds on to two or three blocks of 256 KiB for each column of text while it sorts a page."""
_COMPUTED = 64_000_000

Cursor = duckdb.DuckDBPyConnection


class Settings(Section):
    path: SettingsPath
    memory_limit: _Bytes | None = None
    """What DuckDB may use for blocks, sorting and pages, in all syncs that read this file now; the process needs more beside it.
    Default: what the scans under way need for their pages and columns, which is no more for a long table than for a short one."""
    threads: Annotated[int, Field(ge=1)] = 1
    page_bytes: Annotated[int, Field(ge=1_000_000)] = 16_000_000
    """Rows that are read and sorted at once; at most a third of `memory_limit`."""
    spill_dir: SettingsPath = Path(tempfile.gettempdir()) / f"syncd-{os.getuid()}"
    """Where sorting spills to when memory is short. Emptied when the file is closed."""
    spill_limit: _Bytes = "10GB"
    timezone: Zone = "UTC"
    """The zone of timestamps that name none, for comparing them with the clock."""

    @property
    def files(self) -> tuple[Path, Path]:
        """The database, and the log of what is not in it yet."""
        return self.path, self.path.with_name(f"{self.path.name}.wal")


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    path = checked_path(settings)
    try:
        return duckdb.connect(str(path), read_only=True, config=config(settings))
    except duckdb.ConnectionException as error:
        raise SourceMismatch(
            f"{path} is open in this process with other settings", hint="give all connections to one file the same settings"
        ) from error


def checked_path(settings: Settings) -> Path:
    """Where the file is. Raises if it is not, or may not be read."""
    path = settings.path.resolve()
    if not path.exists():
        raise SourceUnavailable(f"there is no file {path}", hint="correct `path`, or wait until the file is made")
    if not os.access(path, os.R_OK):
        raise SourceMismatch(f"{path} may not be read by this user", hint="give the right to read it")
    return path


def config(settings: Settings) -> dict[str, str | bool | int | float | list[str]]:
    """How DuckDB is set up for reading."""
    path = settings.path.resolve()
    return {
        "arrow_lossless_conversion": True,
        "async_threads": 1,
        "autoinstall_known_extensions": False,
        "max_temp_directory_size": settings.spill_limit,
        "memory_limit": settings.memory_limit or f"{_LEAST}B",
        "preserve_insertion_order": False,
        "python_enable_replacements": False,
        "temp_directory": str(_spill_dir(settings.spill_dir) / f"{os.getpid()}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"),
        "threads": settings.threads,
        "TimeZone": "UTC",
    }


def _spill_dir(folder: Path) -> Path:
    """Rows spill into it, so it is ours alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise SourceMismatch(f"the folder {folder} belongs to another user", hint="set `spill_dir` to a folder of this user")
    return folder


def needs(settings: Settings, columns: int, *, computed: bool) -> int:
    """Bytes that a scan needs: room to sort a page, blocks of each column, and more where rows are joined or grouped first."""
    return settings.page_bytes * 3 // 2 + columns * _COLUMN + (_COMPUTED if computed else 0)


def grant(cursor: Cursor, settings: Settings, size: int) -> None:
    """Let DuckDB use so many bytes for scans, unless the settings bound it. Never less than before: a file may have other readers."""
    if settings.memory_limit is None:
        [[granted]] = cursor.execute("SELECT parse_formatted_bytes(current_setting('memory_limit'))").fetchall()
        if granted < size + _LEAST:
            cursor.execute(f"SET memory_limit = '{size + _LEAST}B'")


@contextmanager
def our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise SourceUnavailable(
            f"reading {path} needs more memory than it may use: {first_line(error)}",
            hint="set a higher `memory_limit`, or lower `page_bytes`",
        ) from error
    except (duckdb.IOException, duckdb.InterruptException) as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        # What fails while rows are under way comes through Arrow, which keeps DuckDB's text alone.
        if str(error).startswith(_BROKEN_ROWS):
            raise SourceMismatch(f"{path}: {first_line(error)}", hint="correct the rows, the query or the predicate") from error
        raise _unreadable(path, error) from error
    except duckdb.Error as error:
        raise SourceMismatch(f"{path}: {first_line(error)}", hint="check the settings of the source against the file") from error


def _unreadable(path: Path, error: Exception) -> SyncdError:
    text = first_line(error)
    if any(sign in str(error) for sign in _BROKEN_FILE):
        return SourceMismatch(f"{path} is not a DuckDB database, or a damaged one: {text}", hint="correct `path`, or restore the file")
    if holder := re.search(r"Conflicting lock is held in (.*) \(PID (\d+)\)", text):
        program, pid = holder.groups()
        return SourceUnavailable(f"{path} is locked by process {pid} ({program})", hint="it can be read once that process closes it")
    return SourceUnavailable(f"{path} cannot be read: {text}")


def first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
