"""The front door: gRPC cannot tell who is at the other end of a UNIX socket, so we accept, ask the kernel, and pass the bytes on.

Those that come over TCP take the same way; their certificates are looked at before.

gRPC listens on a private socket. For each caller one connection to it is opened from an abstract address that nobody can guess, and that
address is what a servicer sees as its peer: it leads back to the caller.
"""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import structlog

from syncd.rpc.handshake import Handshake
from syncd.rpc.identity import Caller, Peer, Remote, introduce, peer_of, trusted
from syncd.rpc.remote import remote_of
from syncd.rpc.sockets import BACKLOG, Listener
from syncd.rpc.splice import ServerSide, Side
from syncd.settings.access import AccessSection

log = structlog.get_logger()

_DESCRIPTORS = 3
"""What one connection takes: the caller's, ours to gRPC, and gRPC's."""
_SPARE_DESCRIPTORS = 1024
_PARTING_SECONDS = 1.0
"""What is on its way to a guest when gRPC has stopped arrives within this time, if the guest reads at all."""


class FrontDoor:
    """Callers that are inside, by the address from which gRPC sees them."""

    def __init__(self, access: AccessSection, inner: str, refused: Callable[[Remote, str], Awaitable[None]]) -> None:
        self._access = access
        self._inner = inner
        self._refused = refused
        self._knocking: set[asyncio.Transport] = set()
        """Of whom nothing is known yet."""
        self._callers: dict[str, Caller] = {}
        self._guests: set[Side] = set()
        self._tasks = asyncio.TaskGroup()
        self._servers: list[asyncio.Server] = []
        self._inside: dict[str, ServerSide] = {}
        self._shut = False
        self._left_one = asyncio.Event()
        """Set whenever a guest has left, and replaced."""

    def caller(self, peer: str) -> Caller | None:
        """Who is behind a peer, as gRPC names it."""
        return self._callers.get(peer.removeprefix("unix-abstract:"))

    async def open(self, listeners: Sequence[Listener]) -> None:
        """Let callers in."""
        for listener in listeners:
            # `create_unix_server` would remove the file at the end, which may be systemd's; and the loop closes the socket it is given.
            # asyncio listens anew, and its own backlog of 100 would turn most of a thousand away who come back at once after a restart.
            server = await asyncio.get_running_loop().create_server(
                self._entrance(listener), sock=listener.connection.dup(), backlog=BACKLOG
            )
            self._servers.append(server)

    def shut(self) -> None:
        """Let nobody in any more. Who is inside is answered, and asked to make its next call over another connection."""
        if self._shut:
            return
        self._shut = True
        for server in self._servers:
            server.close()
        for side in self._inside.values():
            side.say_goodbye()

    async def emptied(self, within: float) -> None:
        """Wait until all guests have left, but not for longer than some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._guests:
                    await self._left_one.wait()

    def _entrance(self, listener: Listener) -> Callable[[], asyncio.Protocol]:
        if listener.certificates:
            return lambda: Handshake(lambda shaking, raw: self._knock(shaking, raw, listener))
        return lambda: self._guest(listener)

    def _guest(self, listener: Listener) -> Side:
        return Side(lambda side: self._receive(side, listener), self._leave)

    def _knock(self, handshake: Handshake, raw: asyncio.Transport, listener: Listener) -> None:
        """Agree on keys, if there is room: who never ends that takes a place too."""
        if len(self._guests) + len(self._knocking) >= self._access.connections:
            log.warning("connection refused, there are too many", connections=len(self._guests), unknown=len(self._knocking))
            raw.abort()
            return
        self._knocking.add(raw)
        self._tasks.create_task(self._shake_hands(handshake, raw, listener), name="front door: agree on keys")

    async def _shake_hands(self, handshake: Handshake, raw: asyncio.Transport, listener: Listener) -> None:
        assert listener.certificates  # noqa: S101 - nobody knocks elsewhere
        address = raw.get_extra_info("peername")
        try:
            await handshake.shake(raw, listener.certificates.context, self._guest(listener))
        except OSError as error:
            log.info("keys could not be agreed on", address=address and address[0], error=str(error) or type(error).__name__)
            if isinstance(error, ssl.SSLCertVerificationError):
                await self._refused(remote_of(raw), error.verify_message)
        finally:
            self._knocking.discard(raw)

    def _leave(self, guest: Side) -> None:
        self._guests.discard(guest)
        self._left_one.set()
        self._left_one = asyncio.Event()

    def _receive(self, guest: Side, listener: Listener) -> None:
        """Ask the kernel, or the certificate, who came, and let it in if there is room."""
        try:
            peer = peer_of(guest.transport.get_extra_info("socket")) if listener.local else remote_of(guest.transport)
        except OSError:  # gone already
            guest.transport.abort()
            return
        if len(self._guests) >= self._access.connections and not trusted(peer):
            log.warning("connection refused, there are too many", connections=len(self._guests), peer=str(peer))
            guest.transport.abort()
            return
        self._guests.add(guest)
        self._tasks.create_task(self._lead_in(guest, peer, listener), name="front door: lead a caller in")

    async def _lead_in(self, guest: Side, peer: Peer | Remote, listener: Listener) -> None:
        caller = await asyncio.to_thread(introduce, peer, self._access, listener.group, listener.most)
        address = f"syncd-{secrets.token_hex(16)}"
        ours = socket.socket(socket.AF_UNIX)
        try:
            ours.bind(f"\0{address}")
            ours.settimeout(0)
            await asyncio.get_running_loop().sock_connect(ours, self._inner)
            self._callers[address] = caller

            side = self._inside[address] = ServerSide(guest.join, lambda _: self._forget(address))
            await asyncio.get_running_loop().create_connection(lambda: side, sock=ours)
            if self._shut:
                side.say_goodbye()
        except OSError as error:
            log.warning("caller cannot be led in", actor=caller.actor, error=error.strerror)
            self._forget(address)
            ours.close()
            guest.transport.abort()

    def _forget(self, address: str) -> None:
        self._callers.pop(address, None)
        self._inside.pop(address, None)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.shut()
        await self.emptied(_PARTING_SECONDS)
        for transport in (*self._knocking, *(guest.transport for guest in self._guests)):
            transport.abort()
        await self._tasks.__aexit__(None, None, None)


@contextmanager
def private_socket(folder: Path) -> Iterator[str]:
    """The address of a socket in a folder that only our user can open. It is short, however long the folder's path is."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    address = f"/proc/self/fd/{descriptor}/grpc.sock"
    try:
        yield address
    finally:
        Path(address).unlink(missing_ok=True)
        os.close(descriptor)


def make_room(connections: int) -> None:
    """Let this process open as many descriptors as so many connections take, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections * _DESCRIPTORS + _SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
