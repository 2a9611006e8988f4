"""The first half of a graceful shutdown of HTTP/2 (RFC 9113, 6.8): a caller is asked to make its next call over another connection.

gRPC says it only when its server stops, and cancels calls that were sent before they could have heard it. Said earlier, and by us, it costs
no call: those under way are answered, and the next ones wait for whoever listens then.
"""

GOAWAY = bytes.fromhex("000008 07 00 00000000 7fffffff 00000000")
"""Calls of any number will be answered; there is no error."""

_HEADER = 9
_HEADERS, _CONTINUATION = 1, 9
_END_HEADERS = 4


class Frames:
    """Follows the frames in what a server sends, so that one can be put between two of them."""

    def __init__(self) -> None:
        self._rest = 0
        """Bytes of the present frame that are still to come."""
        self._head = b""
        """The beginning of a frame's header, while the rest of it is missing."""
        self._begun = self._in_headers = False

    @property
    def between(self) -> bool:
        """Whether another frame may come here: not before the server's first one, and not inside of headers that fill several."""
        return self._begun and not self._rest and not self._head and not self._in_headers

    def follow(self, data: bytes) -> None:
        """Take note of the next bytes."""
        at, data = self._rest, self._head + data
        while at + _HEADER <= len(data):
            kind, flags = data[at + 3], data[at + 4]
            self._begun, self._in_headers = True, kind in (_HEADERS, _CONTINUATION) and not flags & _END_HEADERS
            at += _HEADER + int.from_bytes(data[at : at + 3])
        self._head = data[at:]
        self._rest = max(0, at - len(data))
