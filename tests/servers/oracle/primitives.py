"""The smallest pieces of the wire: integers of variable length, bytes with their length, and how they are read back."""

from collections.abc import Callable

from tests.servers.oracle.backend import OracleError

SHORT = 252
"""The longest value that is sent in one piece."""
_CHUNK = 32767
_IN_CHUNKS = 254
_BYTE = [bytes([number]) for number in range(256)]
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGIT = {letter: number for number, letter in enumerate(_ALPHABET)}


def ub(value: int) -> bytes:
    """An unsigned integer: the number of its bytes, then these."""
    if value == 0:
        return b"\0"
    size = (value.bit_length() + 7) // 8
    return _BYTE[size] + value.to_bytes(size, "big")


def sb(value: int) -> bytes:
    """A signed integer: the sign is the top bit of the length."""
    if value >= 0:
        return ub(value)
    magnitude = ub(-value)
    return _BYTE[magnitude[0] | 0x80] + magnitude[1:]


def counted(value: bytes) -> bytes:
    """Bytes with their length; in chunks if they are many; nothing and NULL are the same."""
    size = len(value)
    if size <= SHORT:
        return _BYTE[size] + value
    chunks = [b"\xfe"]
    for start in range(0, size, _CHUNK):
        chunk = value[start : start + _CHUNK]
        chunks += (ub(len(chunk)), chunk)
    chunks.append(b"\0")
    return b"".join(chunks)


def twice(value: bytes) -> bytes:
    """Bytes that have their length before their length."""
    return ub(len(value)) + counted(value) if value else b"\0"


def rowid(text: str) -> bytes:
    """The fields of a rowid of 18 letters: object, file, block, slot."""
    parts = (text[:6], text[6:9], text[9:15], text[15:18]) if len(text) == 18 else ("", "", "", "")
    numbers = [_number(part) for part in parts]
    return ub(numbers[0]) + ub(numbers[1]) + b"\0" + ub(numbers[2]) + ub(numbers[3])


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 64 + _DIGIT[letter]
    return number


class Reader:
    """Reads from a stream whose bytes come in pieces; `more` waits for the next piece."""

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._more = more
        self._bytes = b""
        self._at = 0

    def forget(self) -> None:
        """Drop what has arrived and was not read."""
        self._bytes, self._at = b"", 0

    def raw(self, size: int) -> bytes:
        end = self._at + size
        while end > len(self._bytes):
            self._bytes = self._bytes[self._at :] + self._more()
            self._at, end = 0, size
        value = self._bytes[self._at : end]
        self._at = end
        return value

    def byte(self) -> int:
        return self.raw(1)[0]

    def skip(self, pattern: str) -> None:
        """Read over fields that do not matter: `b` a byte, `u` an integer of variable length."""
        for letter in pattern:
            self.raw(1) if letter == "b" else self.ub()

    def ub(self) -> int:
        size = self.byte()
        return int.from_bytes(self.raw(size & 0x7F), "big") if size else 0

    def counted(self) -> bytes:
        start, arrived = self._at + 1, self._bytes
        if start < len(arrived) and (end := start + arrived[start - 1]) <= len(arrived) and end - start <= SHORT:
            self._at = end
            return arrived[start:end]  # as nearly always, and there are many
        size = self.byte()
        if size in (0, 255):
            return b""
        if size != _IN_CHUNKS:
            return self.raw(size)
        chunks = []
        while chunk := self.ub():
            chunks.append(self.raw(chunk))
        return b"".join(chunks)

    def twice(self) -> bytes:
        return self.counted() if self.ub() else b""

    def text(self) -> str:
        return self.counted().decode()

    def until_nul(self) -> bytes:
        value = bytearray()
        while byte := self.byte():
            value.append(byte)
        return bytes(value)


class Unimplemented(OracleError):
    """What Oracle can do and this server cannot; the rest of the request is unreadable."""


def unimplemented(what: str) -> Unimplemented:
    """The error of one such thing."""
    return Unimplemented(3001, f"unimplemented feature: the stand-in server does not know {what}")
