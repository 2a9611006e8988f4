"""The beginning of TLS, and what is passed on behind it."""

import asyncio
import contextlib
import socket as sockets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncd.rpc import handshake
from syncd.rpc.handshake import Handshake
from syncd.rpc.splice import Side
from syncd.rpc.tls import secured
from syncd.settings.daemon import TlsSection
from tests.rpc.authority import Authority

AUTHORITY = Authority()


@dataclass
class Door:
    """A listener whose callers are passed on to one end of a pair of sockets."""

    port: int
    behind: sockets.socket
    arrived: asyncio.Event
    shakes: asyncio.Queue[asyncio.Task[None]]

    async def call(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=ssl.create_default_context(cadata=AUTHORITY.cert.decode()), limit=1000
        )


@asynccontextmanager
async def door(folder: Path) -> AsyncIterator[Door]:
    loop, shakes = asyncio.get_running_loop(), asyncio.Queue[asyncio.Task[None]]()
    cert, key = AUTHORITY.for_this_machine().keep(folder, "syncd")
    context = secured(TlsSection(cert=cert, key=key))
    inner, behind = sockets.socketpair()
    behind.settimeout(0)
    arrived, left = asyncio.Event(), asyncio.Event()
    guest = Side(lambda _: arrived.set(), lambda _: left.set())

    def begin(shaking: Handshake, raw: asyncio.Transport) -> None:
        shakes.put_nowait(loop.create_task(shaking.shake(raw, context, guest)))

    server = await loop.create_server(lambda: Handshake(begin), "127.0.0.1", 0)
    joining = loop.create_task(_join(guest, arrived, inner))
    try:
        yield Door(server.sockets[0].getsockname()[1], behind, arrived, shakes)
    finally:
        server.close()
        joining.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await joining
        if arrived.is_set():
            guest.transport.abort()
            await left.wait()
        inner.close()
        behind.close()


async def _join(guest: Side, arrived: asyncio.Event, inner: sockets.socket) -> None:
    await arrived.wait()
    await asyncio.get_running_loop().create_connection(lambda: Side(guest.join, lambda _: None), sock=inner)


async def test_what_is_said_at_once_arrives_whole(tmp_path: Path) -> None:
    async with door(tmp_path) as there:
        _, writer = await there.call()

        writer.write(b"x" * 100_000)

        heard = b""
        while len(heard) < 100_000:
            heard += await asyncio.get_running_loop().sock_recv(there.behind, 100_000)
        writer.close()

    assert heard == b"x" * 100_000


async def test_who_reads_nothing_holds_the_other_end_back_and_loses_nothing(tmp_path: Path) -> None:
    size = 30_000_000
    async with door(tmp_path) as there:
        reader, writer = await there.call()
        sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(there.behind, bytes(size)))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(sending), 0.5)
        held_back = not sending.done()

        read = 0
        while read < size:
            read += len(await reader.read(1 << 20))
        await sending
        writer.close()

    assert (held_back, read) == (True, size)


async def test_who_never_ends_the_handshake_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "_SECONDS", 0.1)
    async with door(tmp_path) as there:
        reader, writer = await asyncio.open_connection("127.0.0.1", there.port)

        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""

        writer.close()
        (ended,) = await asyncio.gather(await there.shakes.get(), return_exceptions=True)
        assert isinstance(ended, TimeoutError)


async def test_who_leaves_during_the_handshake_is_known_to_have_gone(tmp_path: Path) -> None:
    async with door(tmp_path) as there:
        _, writer = await asyncio.open_connection("127.0.0.1", there.port)
        writer.write(b"\x16\x03\x01")
        await writer.drain()

        writer.close()
        await writer.wait_closed()

        (ended,) = await asyncio.gather(await there.shakes.get(), return_exceptions=True)
        assert isinstance(ended, OSError)
        assert not there.arrived.is_set()
