"""Packets of Oracle Net on a socket: cut into them, put together from them, and the markers that break a call off."""

import socket
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from tests.servers.oracle.faults import DROP, GARBLE, SILENCE, At, Faults

CONNECT, ACCEPT, REFUSE, DATA, MARKER = 1, 2, 4, 6, 12
_BREAK, _RESET = 1, 2
_LAST = 0x2000
_HEADER = 8
_RAGGED = 8
"""Bytes by which a packet may fall short though more follow, since integers are not cut."""
_PATIENCE = 0.3


class Gone(Exception):
    """The client has left, or was thrown out."""


class Broken(Exception):
    """The client wants the call that runs now to end."""


class Wire:
    """One connection. A thread of its own listens, so that a marker is seen while a statement runs."""

    def __init__(self, link: socket.socket, faults: Faults, on_break: Callable[[], None]) -> None:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sdu = 8192
        self.large = False
        """Whether packets have a length of four bytes, as all have after ACCEPT, which has two itself."""
        self.broken = threading.Event()
        """Set from a break until it has been answered, and when the client is gone."""
        self.gone = threading.Event()
        self._unfinished = False
        self._link = link
        self._faults = faults
        self._on_break = on_break
        self._arrived: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="oracle listener", daemon=True)
        self._listener.start()

    def close(self) -> None:
        """Cut the connection; whoever waits for it meets `Gone`."""
        self.gone.set()
        try:
            self._link.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the client was faster

    def release(self) -> None:
        """Cut the connection and wait for its thread."""
        self.close()
        self._listener.join()
        self._link.close()

    # ── what arrives ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def packet(self) -> tuple[int, bytes]:
        """The next packet: its type and its body."""
        return self._next(None)

    def data(self) -> bytes:
        """What the next DATA packet carries."""
        while True:
            kind, body = self.packet()
            if kind == MARKER:
                if body[2] != _RESET:
                    raise Broken
            elif kind != DATA or len(body) <= 2:
                raise Gone  # the end, or nothing that a client sends here
            else:
                self._unfinished = _HEADER + len(body) >= self.sdu - _RAGGED
                return body[2:]

    def drain(self) -> None:
        """Drop what is still to come of a request that cannot be read: it ends with a packet that is not full."""
        while self._unfinished:
            try:
                kind, body = self._next(_PATIENCE)
            except Empty:
                return  # the last packet was full by chance
            self._unfinished = kind == DATA and _HEADER + len(body) >= self.sdu - _RAGGED

    def reset(self) -> None:
        """Agree with the client that the call is broken off: what was on its way in both directions is dropped."""
        self._send([(MARKER, bytes([1, 0, _BREAK]))])
        while True:
            kind, body = self.packet()
            if kind == MARKER and body[2] == _RESET:
                break
        self.broken.clear()
        self._send([(MARKER, bytes([1, 0, _RESET]))])

    def _next(self, seconds: float | None) -> tuple[int, bytes]:
        packet = self._arrived.get(timeout=seconds)
        if packet is None:
            self._arrived.put(None)
            raise Gone
        return packet

    def _listen(self) -> None:
        stream = self._link.makefile("rb")
        try:
            while header := stream.read(_HEADER):
                size = int.from_bytes(header[: 4 if self.large else 2], "big")
                body = stream.read(size - _HEADER)
                if header[4] == MARKER and body[2] != _RESET:
                    self._break()
                self._arrived.put((header[4], body))
        except (OSError, IndexError, ValueError):
            pass  # cut off, or in the middle of a packet: the same as the end
        finally:
            stream.close()
            self.gone.set()
            self._break()
            self._arrived.put(None)

    def _break(self) -> None:
        self.broken.set()
        self._on_break()

    # ── what leaves ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, kind: int, body: bytes) -> None:
        """One packet that is not DATA."""
        self._send([(kind, body)])

    def send_data(self, data: bytes, *, last: bool = False) -> None:
        """As many DATA packets as it takes; `last` marks the last one as the end of a response."""
        room = self.sdu - _HEADER - 2
        bodies = [(DATA, b"\0\0" + data[start : start + room]) for start in range(0, len(data), room)]
        if last:
            bodies[-1] = (DATA, _LAST.to_bytes(2, "big") + bodies[-1][1][2:])
        self._send(bodies)

    def _send(self, bodies: list[tuple[int, bytes]]) -> None:
        packets = [self._packed(kind, body) for kind, body in bodies]
        try:
            if self._faults.armed(At.PACKET):
                self._send_with_faults(packets)
            else:
                self._link.sendall(b"".join(packets))
        except OSError as error:
            raise Gone from error

    def _packed(self, kind: int, body: bytes) -> bytes:
        size = _HEADER + len(body)
        length = size.to_bytes(4, "big") if self.large and kind != ACCEPT else size.to_bytes(2, "big") + b"\0\0"
        return length + bytes([kind, 0, 0, 0]) + body

    def _send_with_faults(self, packets: list[bytes]) -> None:
        for packet in packets:
            fault = self._faults.meet(At.PACKET)
            if fault is SILENCE:
                self.hang()
            if fault is DROP:
                self._link.sendall(packet[: len(packet) // 2])
                raise Gone
            garbled = packet[:_HEADER] + bytes(byte ^ 0x55 for byte in packet[_HEADER:])
            self._link.sendall(garbled if fault is GARBLE else packet)

    def hang(self) -> None:
        """Say nothing more until the client leaves."""
        self.gone.wait()
        raise Gone
