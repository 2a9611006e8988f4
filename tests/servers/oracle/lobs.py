"""LOBs that stay at the server: the client gets a locator with each row and comes back for the contents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import count

from tests.servers.oracle.backend import Bind, Kind, OracleError, Value
from tests.servers.oracle.primitives import Reader, counted, sb, ub, unimplemented

_SIZE = 40
_CHUNK = 8060
_BLOB, _NATIONAL = 113, 2
_DATA = b"\x0e"
_ANSWER = b"\x08"


class Operation(IntEnum):
    """What can be done with a LOB."""

    LENGTH = 0x1
    READ = 0x2
    TRIM = 0x20
    WRITE = 0x40
    CREATE = 0x110
    CHUNK_SIZE = 0x4000
    OPEN = 0x8000
    CLOSE = 0x10000
    IS_OPEN = 0x11000


@dataclass(slots=True)
class Lob:
    """Contents as they travel: texts in UTF-16."""

    kind: Kind
    contents: bytes
    is_open: bool = False

    @property
    def unit(self) -> int:
        """Bytes of what the client counts as one."""
        return 1 if self.kind is Kind.BLOB else 2

    @property
    def length(self) -> int:
        return len(self.contents) // self.unit

    def value(self) -> Value:
        if not self.contents:
            return None
        return self.contents if self.kind is Kind.BLOB else self.contents.decode("utf-16-be")


@dataclass(frozen=True, slots=True)
class Request:
    """What the client wants of a LOB."""

    operation: int
    locator: bytes
    offset: int
    amount: int | None
    data: bytes
    kind: Kind


class Lobs:
    """The LOBs of a session. They live until the client has forgotten their locators."""

    def __init__(self) -> None:
        self._lobs: dict[int, Lob] = {}
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._lobs)

    def locators(self, kind: Kind) -> Callable[[Sequence[Value]], list[bytes]]:
        """An encoder of a column that keeps its values here."""
        return lambda values: [self._located(kind, value) if value else b"\0" for value in values]

    def _located(self, kind: Kind, value: Value) -> bytes:
        lob = Lob(kind, value.encode("utf-16-be") if isinstance(value, str) else value or b"")
        return ub(_SIZE) + ub(lob.length) + ub(_CHUNK) + counted(self._keep(lob))

    def _keep(self, lob: Lob) -> bytes:
        number = next(self._numbers)
        self._lobs[number] = lob
        flags = b"\x41\x08\0\0" if lob.kind is Kind.BLOB else b"\x40\x08\x80\0"
        return b"\0\x26\0\x04" + flags + number.to_bytes(8, "big") + bytes(_SIZE - 16)

    def free(self, locators: bytes) -> None:
        """Forget LOBs whose locators the client has dropped."""
        for start in range(0, len(locators), _SIZE):
            self._lobs.pop(int.from_bytes(locators[start + 8 : start + 16], "big"), None)

    def bound(self, locator: bytes) -> Bind:
        """The value of a bind that is a locator."""
        lob = self._lob(locator)
        return Bind(lob.kind, lob.value())

    @staticmethod
    def nothing(*, blob: bool) -> Bind:
        """The value of a bind of such a type that is NULL."""
        return Bind(Kind.BLOB if blob else Kind.CLOB, None)

    def _lob(self, locator: bytes) -> Lob:
        lob = self._lobs.get(int.from_bytes(locator[8:16], "big"))
        if lob is None:
            raise OracleError(22922, "nonexistent LOB value")
        return lob

    def answer(self, request: Request) -> bytes:
        """Do what the client wants."""
        if request.operation == Operation.CREATE:
            return _ANSWER + self._keep(Lob(request.kind, b"")) + ub(873) + b"\0"
        lob = self._lob(request.locator)
        data, amount = _done(lob, request)
        trailer = bytes([lob.is_open]) if request.operation == Operation.IS_OPEN else b""
        return data + _ANSWER + request.locator + (b"" if request.amount is None else sb(amount)) + trailer


def _done(lob: Lob, request: Request) -> tuple[bytes, int]:
    """The data that are read, and the amount that is told."""
    start, amount = (request.offset - 1) * lob.unit, request.amount or 0
    match request.operation:
        case Operation.LENGTH:
            return b"", lob.length
        case Operation.CHUNK_SIZE:
            return b"", _CHUNK
        case Operation.READ:
            read = lob.contents[start : start + amount * lob.unit]
            return (_DATA + counted(read) if read else b""), len(read) // lob.unit
        case Operation.WRITE:
            padded = lob.contents[:start].ljust(start, b"\0")
            lob.contents = padded + request.data + lob.contents[start + len(request.data) :]
        case Operation.TRIM:
            lob.contents = lob.contents[: amount * lob.unit]
        case Operation.OPEN | Operation.CLOSE:
            lob.is_open = request.operation == Operation.OPEN
        case Operation.IS_OPEN:
            pass
        case operation:
            raise unimplemented(f"operation {operation:#x} on LOBs")
    return b"", amount


def read_request(reader: Reader) -> Request:
    """The body of a LOB operation."""
    located = reader.byte()
    size = reader.ub()
    reader.skip("buuubbb")
    operation = reader.ub()
    reader.raw(2)
    offset, destination = reader.ub(), reader.ub()
    amounted = reader.byte()
    reader.raw(6)
    locator = reader.raw(size) if located else b""
    if operation == Operation.CREATE:
        reader.ub()
    data = b""
    if operation == Operation.WRITE:
        reader.byte()
        data = reader.counted()
    amount = reader.ub() if amounted else None
    text = Kind.NCLOB if offset == _NATIONAL else Kind.CLOB
    return Request(operation, locator, offset, amount, data, Kind.BLOB if destination == _BLOB else text)


def read_freed(reader: Reader) -> bytes:
    """The locators in the piggyback that frees LOBs."""
    reader.byte()
    size = reader.ub()
    reader.skip("buuubbbubuuub" + "bububu")
    return reader.raw(size)
