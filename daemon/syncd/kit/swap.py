"""Replacing a file only if it is still what one has read.

Between a look and a rename somebody else may write. Where the kernel can exchange two names at once (`renameat2` with `RENAME_EXCHANGE`,
Linux 3.15), the file that was replaced is looked at after the exchange, and the exchange is undone if it was not what was expected.
"""

import ctypes
import errno
import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_AT_FDCWD = -100
_EXCHANGE = 2


class Moved(Exception):
    """Somebody else has written the file meanwhile; it holds what they wrote."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was changed by somebody else meanwhile")
        self.path = path


@dataclass(frozen=True, slots=True)
class Swapped:
    """A file that was replaced. `aside` holds what it was before, until `forget`; None if there was nothing."""

    path: Path
    aside: Path | None
    digest: str

    def forget(self) -> bool:
        """Give up what the file was; answers whether nobody had written into it after all."""
        if self.aside is None:
            return True
        if digest_of(self.aside) != self.digest:
            return False
        self.aside.unlink()
        return True

    def take_back(self) -> None:
        """Put back what the file was, with what somebody has written into it since."""
        if self.aside is not None and not (self.path.exists() and _exchange(self.aside, self.path)):
            self.aside.replace(self.path)


def digest(content: bytes | None) -> str:
    """Of a file's content; empty for no file."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


def digest_of(path: Path) -> str:
    try:
        return digest(path.read_bytes())
    except FileNotFoundError:
        return ""


def prepared(path: Path, content: bytes) -> Path:
    """A file beside another one with new content, durable, with the mode and owner of the other if that is there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".syncd")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        with suppress(FileNotFoundError):
            found = path.stat()
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
            if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(PermissionError):
                    os.fchown(file.fileno(), found.st_uid, found.st_gid)
        os.fsync(file.fileno())
    return Path(name)


def swap(path: Path, new: Path, expected: str) -> Swapped:
    """Put a prepared file in the place of another whose content has the digest `expected`. Raises `Moved`, and changes nothing then."""
    if not expected:
        try:
            os.link(new, path)
        except FileExistsError:
            raise Moved(path) from None
        new.unlink()
        return Swapped(path, None, "")
    if digest_of(path) != expected:
        raise Moved(path)
    if not _exchange(new, path):
        new.replace(path)
        return Swapped(path, None, expected)
    if digest_of(new) != expected:
        _exchange(new, path)
        raise Moved(path)
    return Swapped(path, new, expected)


def removed(path: Path, expected: str) -> Swapped:
    """Take a file away whose content has the digest `expected`. Raises `Moved`, and changes nothing then."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.syncd")
    try:
        path.rename(aside)
    except FileNotFoundError:
        raise Moved(path) from None
    if digest_of(aside) != expected:
        with suppress(FileExistsError):
            os.link(aside, path)
            aside.unlink()
        raise Moved(path)
    return Swapped(path, aside, expected)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names at once; False where the kernel or the file system cannot."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    if number == errno.ENOENT:
        raise Moved(other)
    raise OSError(number, os.strerror(number), str(other))
