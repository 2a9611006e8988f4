"""Who calls: what the kernel says of the process at the other end, and what role that gives."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import struct
from contextvars import ContextVar
from dataclasses import dataclass

from syncd.domain.access import Role
from syncd.settings.access import AccessSection

_SO_PEERGROUPS = 59
"""asm-generic/socket.h; Python does not name it."""
_GROUP_BYTES = 1024
"""The most that Python asks the kernel for: 256 groups."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The process that opened a connection, as it was then."""

    uid: int
    gid: int
    pid: int
    groups: frozenset[int] = frozenset()
    """All its groups, the primary one too."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what it may do."""

    actor: str
    role: Role
    most: Role = Role.ADMIN
    """What anybody may do on this connection."""
    origin: str = ""
    """Whose failures are counted together."""
    peer: Peer | None = None
    token: str = ""


NOBODY = Caller("unknown", Role.NONE, Role.NONE)
_caller: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


def settle(caller: Caller) -> None:
    """Say for the rest of the call who calls."""
    _caller.set(caller)


def current() -> Caller:
    """Who makes the call that is under way."""
    return _caller.get()


def peer_of(connection: socket.socket) -> Peer:
    """What the kernel kept when the connection was opened; no caller can forge it."""
    pid, uid, gid = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer(uid, gid, pid, frozenset({gid, *_groups_of(connection)}))


def _groups_of(connection: socket.socket) -> tuple[int, ...]:
    """None for a process with more groups than we can be told of: less is safe."""
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUP_BYTES)
    except OSError as error:
        if error.errno == errno.ERANGE:
            return ()
        raise
    return struct.unpack(f"{len(packed) // 4}I", packed)


def introduce(peer: Peer, access: AccessSection, socket_group: int, most: Role) -> Caller:
    """The caller behind a peer. Looks names up, which can take a while where they come over the network."""
    user = _user(peer.uid)
    actor = f"{user} (uid {peer.uid})" if user else f"uid {peer.uid}"
    names = {user, str(peer.uid)} | {f"@{name}" for gid in peer.groups for name in (_group(gid), str(gid))}
    role = Role.ADMIN if trusted(peer) else role_of(names, access, member=socket_group in peer.groups)
    return Caller(actor, min(role, most), most, f"uid {peer.uid}", peer)


def trusted(peer: Peer) -> bool:
    """Whether it is root or the daemon's own user, who could do everything anyway."""
    return peer.uid in (0, os.geteuid())


def role_of(names: set[str], access: AccessSection, *, member: bool) -> Role:
    """The highest role of the lists that have one of the names; where none does, what membership in the socket's group gives."""
    lists = ((Role.ADMIN, access.admins), (Role.OPERATOR, access.operators), (Role.VIEWER, access.viewers))
    named = next((role for role, listed in lists if not names.isdisjoint(listed)), None)
    if named is not None:
        return named
    return access.group if member else Role.NONE


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""
