"""The state folder: for this process alone, and for nobody else to write."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from syncd.domain.errors import PermanentError, SyncdError, TransientError
from syncd.kit.files import Lock, LockHeld

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_RIGHTS = frozenset({errno.EACCES, errno.EPERM})


@contextmanager
def alone(state_dir: Path) -> Iterator[None]:
    """Hold the folder, made if it is missing, before anything in it is opened. Raises a `SyncdError` that says what is wrong with it."""
    with ExitStack() as stack:
        try:
            state_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
            _check(state_dir)
            stack.enter_context(Lock(state_dir / "syncd.lock"))
        except LockHeld as error:
            hint = "stop it first, or give this one its own `daemon.state_dir`"
            raise PermanentError(f"another syncd (process {error.pid}) uses {state_dir}", hint=hint, code="daemon.second") from error
        except OSError as error:
            raise _unusable(state_dir, error) from error
        yield


def _check(folder: Path) -> None:
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH:
        message = f"everybody may write to {folder} (its mode is {stat.S_IMODE(mode):o}), and so replace the ledger"
        raise PermanentError(message, hint=f"chmod o-w {folder}", code="ledger.insecure")


def _unusable(folder: Path, error: OSError) -> SyncdError:
    found = f"{folder} cannot be used: {error.strerror}"
    if error.errno in _FULL:
        return TransientError(found, hint="free some space on its disk, then start syncd again", code="ledger.full")
    if error.errno == errno.EROFS:
        hint = "its disk is read-only: the kernel's log may say why (`dmesg`); `mount -o remount,rw` undoes it"
        return PermanentError(found, hint=hint, code="ledger.unwritable")
    if error.errno in _RIGHTS and (rights := _rights(folder)):
        hint = f"`chown` it to the user of syncd (uid {os.geteuid()}) and `chmod 700` it, or set another `daemon.state_dir`"
        return PermanentError(f"{found}; {rights}, and syncd runs as uid {os.geteuid()}", hint=hint, code="ledger.unwritable")
    return PermanentError(found, hint="see `daemon.state_dir`", code="ledger.unwritable")


def _rights(folder: Path) -> str:
    try:
        seen = folder.stat()
    except OSError:
        return ""
    return f"it belongs to uid {seen.st_uid} with mode {stat.S_IMODE(seen.st_mode):o}"
