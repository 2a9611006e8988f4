"""Two connections as one: what a caller says goes to gRPC, and back, no faster than whoever is there takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncd.rpc.goodbye import GOAWAY, Frames

_LINGER_SECONDS = 5.0


class Side(asyncio.Protocol):
    """One end of a splice: what comes in here goes out at the other end, no faster than that end takes it."""

    transport: asyncio.Transport

    def __init__(self, begin: Callable[[Side], None], end: Callable[[Side], object]) -> None:
        self._begin = begin
        self._end = end
        self._other: Side | None = None
        self._early = b""

    def join(self, other: Side) -> None:
        """Splice two ends."""
        self._other, other._other = other, self
        if self.transport.is_closing():
            other.transport.close()
            return
        other.transport.write(self._early)
        self._early = b""
        self.transport.resume_reading()
        other.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what asyncio promises for streams
        self.transport = transport
        transport.pause_reading()
        self._begin(self)

    def data_received(self, data: bytes) -> None:
        if self._other:
            self._other.transport.write(data)
        else:
            # Early releases of Python 3.11 go on reading when paused as soon as the connection is made; the second time they obey.
            self._early += data
            self.transport.resume_reading()
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        if self._other:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other:
            self._other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._end(self)
        if self._other:
            self._other.transport.close()
            # Closing waits for what is still to be written, and who reads nothing would keep it for ever.
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._other.transport.abort)


class ServerSide(Side):
    """The end at gRPC. What comes in here is HTTP/2 of a server."""

    def __init__(self, begin: Callable[[Side], None], end: Callable[[Side], object]) -> None:
        super().__init__(begin, end)
        self._frames = Frames()
        self._parting = False

    def say_goodbye(self) -> None:
        """Ask the guest to make no more calls here, as soon as a frame has ended."""
        self._parting = True
        self._part()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._frames.follow(data)
        if self._parting:
            self._part()

    def _part(self) -> None:
        if self._frames.between and self._other:
            self._other.transport.write(GOAWAY)
            self._parting = False
