"""Who calls: what the kernel says of the process at the other end, or what stands in its certificate, and what role that gives."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import struct
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from syncd.domain.access import Role
from syncd.settings.access import CERTIFICATE, AccessSection

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
class Remote:
    """The other end of a TCP connection: where it is, and the names in the certificate that it has shown, the most telling one first."""

    host: str
    names: tuple[str, ...] = ()


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
    anonymous: bool = False
    """It has shown nothing yet that says who it is."""


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


def introduce(peer: Peer | Remote, access: AccessSection, socket_group: int, most: Role) -> Caller:
    """The caller behind a peer. Looks names up, which can take a while where they come over the network."""
    return _from_afar(peer, access, most) if isinstance(peer, Remote) else _local(peer, access, socket_group, most)


def _from_afar(remote: Remote, access: AccessSection, most: Role) -> Caller:
    if not remote.names:
        return introduced_by_address(remote, most)
    roles = {name: role_of({f"{CERTIFICATE}{name}"}, access, member=False) for name in remote.names}
    name = max(roles, key=lambda each: roles[each])  # the first of equals
    return Caller(f"{name} (certificate) from {remote.host}", min(roles[name], most), most, _counted_as(remote.host))


def introduced_by_address(remote: Remote, most: Role = Role.NONE) -> Caller:
    """The caller of whom no more is known than from where it comes."""
    return Caller(remote.host, Role.NONE, most, _counted_as(remote.host), anonymous=True)


def _counted_as(host: str) -> str:
    """An address; of IPv6 the network, of which whoever has one address has all."""
    address = ip_address(host)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64" if isinstance(address, IPv6Address) and not address.is_loopback else host


def _local(peer: Peer, access: AccessSection, socket_group: int, most: Role) -> Caller:
    user = _user(peer.uid)
    actor = f"{user} (uid {peer.uid})" if user else f"uid {peer.uid}"
    names = {user, str(peer.uid)} | {f"@{name}" for gid in peer.groups for name in (_group(gid), str(gid))}
    role = Role.ADMIN if trusted(peer) else role_of(names, access, member=socket_group in peer.groups)
    return Caller(actor, min(role, most), most, f"uid {peer.uid}", peer)


def trusted(peer: Peer | Remote) -> bool:
    """Whether it is root or the daemon's own user on this machine, who could do everything anyway."""
    return isinstance(peer, Peer) and peer.uid in (0, os.geteuid())


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
