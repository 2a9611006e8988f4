"""Messages from the server, but for rows and descriptions."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.primitives import counted, rowid, sb, twice, ub

ROW_HEADER = b"\x06" + bytes(7)
END = b"\x1d"
"""The mark at the end of a response, where there are such marks."""
NO_MORE_ROWS = OracleError(1403, "no data found")
BROKEN_OFF = OracleError(1013, "user requested cancel of current operation")
_SOME_FAILED = OracleError(24381, "error(s) in array DML")
_IN_TRANSACTION = 2


@dataclass(frozen=True, slots=True)
class End:
    """How a call has ended."""

    error: OracleError | None = None
    rowcount: int = 0
    cursor: int = 0
    rowid: str = ""
    failed: Sequence[tuple[int, OracleError]] = ()
    """Iterations of an array DML that failed, where the client wants the others done."""

    def message(self, fields: int, *, in_transaction: bool) -> bytes:
        error = _SOME_FAILED if self.failed and self.error is None else self.error
        code = error.code if error else 0
        return b"".join((
            b"\x04",
            ub(_IN_TRANSACTION * in_transaction),
            b"\0\0",
            ub(code & 0xFFFF),
            b"\0\0",
            ub(self.cursor),
            sb(error.position if error else 0),
            bytes(6),
            rowid(self.rowid),
            bytes(6),
            self._failures(),
            ub(code),
            ub(self.rowcount),
            b"\0\0" if fields >= 14 else b"",
            counted(f"{error}\n".encode()) if error else b"",
        ))  # fmt: skip

    def _failures(self) -> bytes:
        if not self.failed:
            return b"\0\0\0"
        number = ub(len(self.failed))
        codes = b"".join(ub(error.code) for _, error in self.failed)
        offsets = b"".join(ub(iteration) for iteration, _ in self.failed)
        texts = b"".join(ub(len(str(error).encode())) + counted(str(error).encode()) + b"\0\0" for _, error in self.failed)
        return number + b"\0" + codes + number + b"\0" + offsets + number + b"\0" + texts


def status(*, in_transaction: bool) -> bytes:
    """The end of a call that has nothing to tell."""
    return b"\x09" + ub(_IN_TRANSACTION * in_transaction) + b"\0"


def parameters(rowcounts: Sequence[int] | None = None) -> bytes:
    """What follows the rows or the doing of a statement; with the rows that each iteration changed, where the client asked."""
    counts = b"" if rowcounts is None else ub(len(rowcounts)) + b"".join(map(ub, rowcounts))
    return b"\x08\0\0\0\0" + counts


def all_in(binds: int) -> bytes:
    """Says of a PL/SQL block that it only reads its binds."""
    return b"\x0b\0" + ub(binds) + bytes(5) + b"\x20" * binds


def schema(name: str) -> bytes:
    """Tells the client, which learns it no other way, that the current schema is another one."""
    text = name.encode()
    return b"\x17\x05\0\0\x01\x01\0" + ub(len(text)) + counted(text) + b"\0" + ub(168) + b"\0"


def pairs(named: dict[str, str], flags: dict[str, int]) -> bytes:
    """Names and their values, as the authentication sends them."""
    parts = [b"\x08", ub(len(named))]
    for name, value in named.items():
        parts += (twice(name.encode()), twice(value.encode()), ub(flags.get(name, 0)))
    return b"".join(parts)
