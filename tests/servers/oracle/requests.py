"""What the client asks for, read from the stream: statements with their binds and defines."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.servers.oracle.backend import Bind
from tests.servers.oracle.lobs import Lobs
from tests.servers.oracle.primitives import Reader, unimplemented
from tests.servers.oracle.values import BLOB, CLOB, bind_reader

PARSE, BIND, DEFINE, EXECUTE, FETCH, COMMIT, PLSQL_BIND = 0x1, 0x8, 0x10, 0x20, 0x40, 0x100, 0x400
NOT_PLSQL, DESCRIBE, BATCH_ERRORS = 0x8000, 0x20000, 0x80000
ROW_COUNTS, _SCROLLABLE = 0x4000, 0x2
_COMMIT_AGAIN = 0x1
_ARRAY = 0x40
_NATIONAL = 2
_LONGEST = 32767
_RETURNING = re.compile(r"\breturn(?:ing)?\b.+\binto\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Described:
    """Type of a bind or define."""

    number: int
    national: bool
    size: int


@dataclass(slots=True)
class Statement:
    """A request to execute, or to describe."""

    options: int
    cursor: int
    sql: str | None = None
    fetch: int = 0
    """Rows that the answer may hold at once."""
    flags: int = 0
    defines: Sequence[Described] = ()
    binds: Sequence[Described] = ()
    iterations: list[Sequence[Bind]] = field(default_factory=lambda: [()])


BindsOf = Callable[[int], Sequence[Described]]
"""The types of binds that a cursor was executed with before."""


class Requests:
    """Reads requests of one session."""

    def __init__(self, reader: Reader, lobs: Lobs, fields: int) -> None:
        self._reader = reader
        self._lobs = lobs
        self._fields = fields

    def execute(self) -> Statement:
        """A whole statement."""
        reader = self._reader
        statement = Statement(options=reader.ub(), cursor=reader.ub())
        has_sql = reader.byte()
        reader.skip("ububbu")
        statement.fetch = reader.ub()
        reader.skip("ub")
        binds = reader.ub()
        reader.skip("bbbbbb")
        defines = reader.ub()
        reader.skip("ubbbubuubub")
        reader.skip("bubub" * (self._fields >= 8) + "bu" * (self._fields >= 9))
        if has_sql:
            statement.sql = reader.text()
        numbers = [reader.ub() for _ in range(13)]
        statement.flags = numbers[9]
        if statement.flags & _SCROLLABLE:
            raise unimplemented("scrollable cursors")
        statement.defines = [self._described() for _ in range(defines)]
        if binds:
            statement.binds = [self._described() for _ in range(binds)]
            self._read_rows(statement, times=1 if numbers[7] else numbers[1])
        elif not numbers[7]:
            statement.iterations = [()] * max(numbers[1], 1)
        return statement

    def again(self, binds_of: BindsOf, *, fetch: bool) -> Statement:
        """The short form, for a cursor that the server has."""
        cursor, number = self._reader.ub(), self._reader.ub()
        self._reader.ub()
        commits = self._reader.ub() & _COMMIT_AGAIN
        statement = Statement(EXECUTE | FETCH * fetch | COMMIT * commits, cursor, fetch=number if fetch else 0, binds=binds_of(cursor))
        if statement.binds:
            self._read_rows(statement, times=1 if fetch else number)
        elif not fetch:
            statement.iterations = [()] * max(number, 1)
        return statement

    def _described(self) -> Described:
        reader = self._reader
        number, flags = reader.byte(), reader.byte()
        if flags & _ARRAY:
            raise unimplemented("arrays as binds")
        reader.raw(2)
        size = reader.ub()
        reader.skip("uu")
        reader.twice()
        reader.skip("uu")
        national = reader.byte() == _NATIONAL
        reader.skip("u" if self._fields < 8 else "uu")
        return Described(number, national, size)

    def _read_rows(self, statement: Statement, times: int) -> None:
        if statement.sql and not statement.options & PLSQL_BIND and _RETURNING.search(statement.sql):
            raise unimplemented("RETURNING")
        late = [not statement.options & PLSQL_BIND and bind.size > _LONGEST for bind in statement.binds]
        order = sorted(range(len(late)), key=late.__getitem__)
        places = sorted(range(len(order)), key=order.__getitem__)
        reads = [self._read(statement.binds[number]) for number in order]
        statement.iterations = [self._row(reads, places) for _ in range(times)]

    def _row(self, reads: Sequence[Callable[[], Bind]], places: Sequence[int]) -> Sequence[Bind]:
        self._reader.byte()
        values = [read() for read in reads]
        return [values[place] for place in places]

    def _read(self, bind: Described) -> Callable[[], Bind]:
        """What reads a value of a bind."""
        if bind.number not in (CLOB, BLOB):
            return bind_reader(self._reader, bind.number, national=bind.national)
        blob = bind.number == BLOB
        return lambda: self._lobs.bound(locator) if (locator := self._reader.twice()) else self._lobs.nothing(blob=blob)


def read_end_to_end(reader: Reader) -> dict[str, str]:
    """What the client says of itself, for those who look at sessions."""
    reader.skip("bbu")
    sizes = {}
    for name in ("client_identifier", "module", "action"):
        reader.byte()
        sizes[name] = reader.ub()
    reader.skip("bubu")
    reader.byte()
    sizes["client_info"] = reader.ub()
    reader.skip("bubu")
    reader.byte()
    sizes["dbop"] = reader.ub()
    return {name: reader.text() for name, size in sizes.items() if size}


def skip_context(reader: Reader) -> None:
    """Names and values of an application context."""
    reader.skip("bub")
    count = reader.ub()
    reader.skip("ub")
    reader.counted()
    for _ in range(count):
        reader.twice()
        reader.twice()
        reader.ub()
