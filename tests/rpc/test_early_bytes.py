"""What a caller says before it has been led in is kept, whether or not the loop obeys when it is told to wait."""

import asyncio
import socket

from syncd.rpc.splice import Side


async def side(begin: str) -> tuple[Side, socket.socket]:
    """One end of a splice, and the socket of whoever is there. Its loop may go on reading although it was told not to."""
    far, near = socket.socketpair()
    far.setblocking(False)
    reading = {"obeys": lambda _: None, "goes on reading": lambda side: side.transport.resume_reading()}[begin]
    _, protocol = await asyncio.get_running_loop().connect_accepted_socket(lambda: Side(reading, lambda _: None), near)
    return protocol, far


async def test_bytes_that_come_before_the_other_end_are_handed_on_in_order() -> None:
    loop = asyncio.get_running_loop()
    for begin in ("obeys", "goes on reading"):
        guest, caller = await side(begin)
        inner, server = await side("obeys")
        await loop.sock_sendall(caller, b"PRI ")
        await asyncio.sleep(0.02)
        await loop.sock_sendall(caller, b"* HTTP/2.0")

        guest.join(inner)

        told = b""
        while len(told) < 14:
            told += await loop.sock_recv(server, 100)
        assert told == b"PRI * HTTP/2.0"
        for end in (caller, server):
            end.close()
        guest.transport.abort()
        inner.transport.abort()
        await asyncio.sleep(0)


async def test_who_keeps_talking_is_not_listened_to_without_end() -> None:
    guest, caller = await side("goes on reading")

    with socket.socket.dup(caller) as flood:
        flood.setblocking(False)
        sent = 0
        for _ in range(2000):
            try:
                sent += flood.send(b"x" * 10_000)
            except BlockingIOError:
                await asyncio.sleep(0)

    assert len(guest._early) < 1_000_000
    assert sent < 2_000_000
    caller.close()
    guest.transport.abort()
    await asyncio.sleep(0)
