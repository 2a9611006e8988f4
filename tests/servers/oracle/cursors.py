"""Open cursors of a session: what they were told to run, and how their rows leave."""

from collections.abc import Iterator, Sequence
from itertools import islice

from tests.servers.oracle import values
from tests.servers.oracle.backend import Column, Kind, OracleError, Result, Value
from tests.servers.oracle.lobs import Lobs
from tests.servers.oracle.requests import Described
from tests.servers.oracle.values import ENCODERS, Encoder, encoded_rows, long_encoder

_MOST = 300
_LOBS = (Kind.CLOB, Kind.NCLOB, Kind.BLOB)
_TO_DEFINE = (*_LOBS, Kind.JSON, Kind.VECTOR)
"""Types that the client defines before it takes rows."""
_TEXTS = (Kind.VARCHAR2, Kind.NVARCHAR2, Kind.CHAR, Kind.NCHAR, Kind.LONG)
_NATIONAL = (Kind.NVARCHAR2, Kind.NCHAR)
_BUNCH = 500

Row = Sequence[Value]


class Cursor:
    """One statement that the client may run again."""

    def __init__(self, number: int, lobs: Lobs) -> None:
        self.number = number
        self.sql = ""
        self.binds: Sequence[Described] = ()
        self.columns: Sequence[Column] = ()
        self.sent = 0
        """Rows of the present execution that have left."""
        self._lobs = lobs
        self._encoders: Sequence[Encoder] = ()
        self._defined = False
        self._rows: Iterator[Row] = iter(())
        self._ahead: list[Row] = []

    @property
    def ready(self) -> bool:
        """Whether rows can be sent: not while LOBs among the columns wait for the client to say how it wants them."""
        return self._defined

    def prepare(self, sql: str) -> None:
        """Take a new text."""
        self.sql, self.columns, self._defined = sql, (), False

    def described(self, columns: Sequence[Column]) -> bool:
        """Take the columns of the next rows; whether the client has to be told of them."""
        before = self.columns
        if columns == before:
            return False
        self.columns = columns
        old = [*before, *[None] * len(columns)]
        inline = [_inline_instead(column, was) for column, was in zip(columns, old, strict=False)]
        self._encoders = [other or self._plain(column) for column, other in zip(columns, inline, strict=True)]
        self._defined = not any(column.kind in _TO_DEFINE and not other for column, other in zip(columns, inline, strict=True))
        return True

    def define(self, defines: Sequence[Described]) -> None:
        """Send columns as the client wants them."""
        self._encoders = [_wanted(column, define) or self._plain(column) for column, define in zip(self.columns, defines, strict=True)]
        self._defined = True

    def _plain(self, column: Column) -> Encoder:
        return self._lobs.locators(column.kind) if column.kind in _LOBS else ENCODERS[column.kind]

    def open(self, result: Result) -> None:
        """Start with the rows of a new execution."""
        self._rows, self._ahead, self.sent = result.rows, [], 0

    def fetch(self, number: int) -> Sequence[Row]:
        """The next rows. One more is read, so that the end is known with the last of them."""
        rows = [*self._ahead, *islice(self._rows, number + 1 - len(self._ahead))]
        self._ahead = rows[number:]
        self.sent += min(len(rows), number)
        return rows[:number]

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left after the last fetch."""
        return not self._ahead

    def encoded(self, rows: Sequence[Row], bunch: int = _BUNCH) -> Iterator[bytes]:
        """Rows as messages, some at a time."""
        for start in range(0, len(rows), bunch):
            yield encoded_rows(rows[start : start + bunch], self._encoders)


def _wanted(column: Column, define: Described) -> Encoder | None:
    """How a column leaves that the client defines as something else than it is."""
    if column.kind in _TO_DEFINE and define.number in (values.LONG, values.VARCHAR, values.CHAR):
        return long_encoder(binary=False, national=define.national)
    if column.kind is Kind.BLOB and define.number in (values.LONG_RAW, values.RAW):
        return long_encoder(binary=True, national=False)
    return None


def _inline_instead(column: Column, was: Column | None) -> Encoder | None:
    """A column that has become a LOB under a cursor comes inline."""
    if was is None:
        return None
    if column.kind in (Kind.CLOB, Kind.NCLOB) and was.kind in _TEXTS:
        return long_encoder(binary=False, national=was.kind in _NATIONAL)
    if column.kind is Kind.BLOB and was.kind is Kind.RAW:
        return long_encoder(binary=True, national=False)
    return None


class Cursors:
    """The cursors of a session by number."""

    def __init__(self, lobs: Lobs) -> None:
        self._lobs = lobs
        self._open: dict[int, Cursor] = {}

    def new(self) -> Cursor:
        """A cursor with the lowest number that is free."""
        if len(self._open) >= _MOST:
            raise OracleError(1000, "maximum open cursors exceeded")
        number = next(number for number in range(1, _MOST + 1) if number not in self._open)
        self._open[number] = Cursor(number, self._lobs)
        return self._open[number]

    def get(self, number: int) -> Cursor:
        cursor = self._open.get(number)
        if cursor is None:
            raise OracleError(1001, "invalid cursor")
        return cursor

    def binds_of(self, number: int) -> Sequence[Described]:
        """Types of the binds of the last full execution."""
        return self._open[number].binds if number in self._open else ()

    def close(self, number: int) -> None:
        self._open.pop(number, None)
