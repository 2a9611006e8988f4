"""The UNIX sockets where clients knock: our own, and those that systemd opened for us."""

from __future__ import annotations

import grp
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from syncd.domain.access import Role
from syncd.domain.errors import PermanentError
from syncd.kit import systemd
from syncd.settings.daemon import ListenSection

_UMASK = 0o117
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens. Members of `group` may be more than strangers, nobody more than `most`."""

    connection: socket.socket
    group: int
    most: Role


@contextmanager
def listening(sections: Sequence[ListenSection]) -> Iterator[list[Listener]]:
    """Listen while the block runs. Raises `PermanentError` `listen.failed`.

    A socket that systemd handed over takes the place of ours with the same path; its file is left alone.
    """
    with ExitStack() as stack:
        given = {_path_of(each): stack.enter_context(each) for each in systemd.handed_over()}
        roles = {section.socket: section.role for section in sections}
        ours = {section.socket: stack.enter_context(_own(section)) for section in sections if section.socket not in given}
        sockets = {**given, **ours}
        yield [Listener(each, path.stat().st_gid, roles.get(path, Role.ADMIN)) for path, each in sockets.items()]


@contextmanager
def _own(section: ListenSection) -> Iterator[socket.socket]:
    """Listen at a path that only our user and group can open, from the first moment on; remove the file at the end if it is still ours."""
    path = section.socket
    with socket.socket(socket.AF_UNIX) as bound:
        try:
            _bind(bound, path)
            if section.group is not None:
                os.chown(path, -1, int(section.group) if section.group.isdecimal() else grp.getgrnam(section.group).gr_gid)
        except OSError as error:
            hint = "check `[[listen]]` and the folder's owner and mode"
            found = error.strerror or str(error)
            raise PermanentError(f"the socket {path} cannot be bound: {found}", hint=hint, code="listen.failed") from error
        mine = path.stat().st_ino
        try:
            yield bound
        finally:
            if path.exists() and path.stat().st_ino == mine:
                path.unlink()


def _bind(bound: socket.socket, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    _check_folder(path.parent)
    if path.is_socket():
        _check_deserted(path)
        path.unlink()
    umask = os.umask(_UMASK)
    try:
        bound.bind(str(path))
    finally:
        os.umask(umask)
    bound.listen(_BACKLOG)
    bound.settimeout(0)


def _check_folder(folder: Path) -> None:
    """Raises if anybody could put a socket of their own in the place of ours."""
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        message = f"everybody may replace files in {folder}, and so a socket there"
        raise PermanentError(message, hint=f"chmod o-w {folder}", code="listen.insecure")


def _check_deserted(path: Path) -> None:
    """Raises `OSError` if somebody listens there: binding would take the place away from under a daemon that runs."""
    with socket.socket(socket.AF_UNIX) as knock:
        try:
            knock.connect(str(path))
        except ConnectionRefusedError:
            return
    raise FileExistsError(None, "another process listens there")


def _path_of(handed: socket.socket) -> Path:
    name = handed.getsockname()
    if handed.family is not socket.AF_UNIX or not isinstance(name, str) or not name:
        raise PermanentError(
            f"systemd handed over {name!r}, which is no UNIX socket with a path", hint="see syncd.socket", code="listen.failed"
        )
    return Path(name)
