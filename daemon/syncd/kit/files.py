"""Files that are whole or not there, and one process at a time."""

import fcntl
import os
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_TICK_SECONDS = 1.0
"""More than any file system takes for granted between two times that differ."""


class LockHeld(Exception):
    """Another process holds the lock; `pid` is its number, or 0 if it has not written it yet."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(f"{path} is locked by {f'the process {pid}' if pid else 'another process'}")
        self.path = path
        self.pid = pid


class Lock:
    """A file that one process at a time can hold, with its process id inside. The kernel lets go when the process ends, however it does.

    The file stays: removing it would let two processes hold two files of the same name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def __enter__(self) -> Self:
        """Take the lock. Raises `LockHeld` at once if another process has it."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).strip()
            os.close(file)
            raise LockHeld(self._path, int(holder) if holder.isdigit() else 0) from None
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            os.close(file)
            raise
        self._file = file
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file at once: readers and crashes see the old content or the new one, never a part. Durable on return."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def look(*paths: Path) -> str:
    """What files look like from outside: as long as they look the same, nothing has been written to them.

    Empty if one of them was changed a moment ago: the clock of a file system need not tick between two changes.
    """
    seen = []
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            seen.append("-")
            continue
        if abs(time.time() - found.st_ctime) < _TICK_SECONDS:
            return ""
        seen.append(f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_ctime_ns}")
    return " ".join(seen)
