"""The sockets where clients knock: our own, and those that systemd opened for us."""

from __future__ import annotations

import grp
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from syncd.domain.access import Role
from syncd.domain.errors import PermanentError
from syncd.kit import systemd
from syncd.rpc.tls import Certificates
from syncd.settings.addresses import host_and_port
from syncd.settings.daemon import ListenSection

_UMASK = 0o117
BACKLOG = 4096
_NO_GROUP = -1


Place = Path | tuple[str, int]
"""The path of a UNIX socket, or address and port."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens. Members of `group` may be more than strangers, nobody more than `most`."""

    connection: socket.socket
    group: int
    most: Role
    certificates: Certificates | None = None
    """Of one that speaks TLS."""

    @property
    def local(self) -> bool:
        """Whether the kernel knows who calls."""
        return self.connection.family is socket.AF_UNIX


@contextmanager
def listening(sections: Sequence[ListenSection]) -> Iterator[list[Listener]]:
    """Listen while the block runs. Raises `PermanentError` `listen.failed`, `listen.insecure` or `listen.certificate`.

    A socket that systemd handed over takes the place of ours with the same path or address; its file is left alone.
    """
    with ExitStack() as stack:
        given = {_place_of(each): stack.enter_context(each) for each in systemd.handed_over()}
        wanted = {_place(section): section for section in sections}
        ours = {place: stack.enter_context(_own(place, section)) for place, section in wanted.items() if place not in given}
        yield [_listener(place, connection, wanted.get(place)) for place, connection in {**given, **ours}.items()]


def _listener(place: Place, connection: socket.socket, section: ListenSection | None) -> Listener:
    if isinstance(place, Path):
        return Listener(connection, place.stat().st_gid, section.role if section else Role.ADMIN)
    if section is None:
        message = f"systemd handed over the address {place[0]} port {place[1]}, and no `[[listen]]` says who may call there"
        raise PermanentError(message, hint="add a `[[listen]]` with this `address`, or remove it from syncd.socket", code="listen.insecure")
    return Listener(connection, _NO_GROUP, section.role, Certificates(section.tls) if section.tls else None)


def _place(section: ListenSection) -> Place:
    if section.socket:
        return section.socket
    host, port = host_and_port(section.place)
    return ("127.0.0.1" if host == "localhost" else str(ip_address(host))), port


def _own(place: Place, section: ListenSection) -> AbstractContextManager[socket.socket]:
    return _own_path(place, section.group) if isinstance(place, Path) else _own_address(*place)


@contextmanager
def _own_address(host: str, port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is left of old connections is no other listener
        try:
            bound.bind((host, port))
            bound.listen(BACKLOG)
        except OSError as error:
            hint = "check `address` in `[[listen]]`: is it one of this machine, and is another program there?"
            message = f"the address {host} port {port} cannot be bound: {error.strerror or error}"
            raise PermanentError(message, hint=hint, code="listen.failed") from error
        bound.settimeout(0)
        yield bound


@contextmanager
def _own_path(path: Path, group: str | None) -> Iterator[socket.socket]:
    """Listen at a path that only our user and group can open, from the first moment on; remove the file at the end if it is still ours."""
    with socket.socket(socket.AF_UNIX) as bound:
        try:
            _bind(bound, path)
            if group is not None:
                os.chown(path, -1, int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid)
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
    bound.listen(BACKLOG)
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


def _place_of(handed: socket.socket) -> Place:
    name = handed.getsockname()
    if handed.type is socket.SOCK_STREAM and handed.family in (socket.AF_INET, socket.AF_INET6):
        return str(ip_address(name[0])), name[1]
    if handed.family is not socket.AF_UNIX or not isinstance(name, str) or not name:
        raise PermanentError(
            f"systemd handed over {name!r}, which is neither a UNIX socket with a path nor a TCP address",
            hint="see syncd.socket",
            code="listen.failed",
        )
    return Path(name)
