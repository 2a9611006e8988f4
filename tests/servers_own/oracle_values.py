"""Values of the stand-in's storage as plain text, and binds from plain values."""

from collections.abc import Sequence
from decimal import Decimal

from tests.servers.oracle import sql_number, sql_time
from tests.servers.oracle.backend import BackendSession, Bind, Column, Kind, OracleError, Value
from tests.servers.oracle.conversions import months_to_text, seconds_to_text, unpack_double


def bind(value: object) -> Bind:
    """A text as VARCHAR2, a number as NUMBER, bytes as RAW."""
    match value:
        case Bind():
            return value
        case int() | Decimal():
            return Bind(Kind.NUMBER, sql_number.encode(Decimal(value)))
        case bytes():
            return Bind(Kind.RAW, value)
        case None:
            return Bind(Kind.VARCHAR2, None)
        case _:
            return Bind(Kind.VARCHAR2, str(value))


def _clock(value: bytes) -> str:
    year, month, day, hour, minute, second, nano = sql_time.decode(value)
    return f"{year:04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}" + (f".{nano:09d}".rstrip("0") if nano else "")


def shown(value: Value, kind: Kind) -> str | None:
    """As people read it; a zoned value in UTC, with its offset in minutes."""
    if value is None or isinstance(value, str):
        return value
    match kind:
        case Kind.NUMBER | Kind.FLOAT:
            return sql_number.fixed(sql_number.decode(value))
        case Kind.DATE | Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            return _clock(value)
        case Kind.TIMESTAMP_TZ:
            return f"{_clock(value)} {sql_time.offset_of(value):+d}"
        case Kind.INTERVAL_YM:
            return str(months_to_text(value))
        case Kind.INTERVAL_DS:
            return str(seconds_to_text(value))
        case Kind.BINARY_DOUBLE | Kind.BINARY_FLOAT:
            return repr(unpack_double(value))
        case _:
            return value.hex()


class Client:
    """Speaks to a session in plain values."""

    def __init__(self, session: BackendSession) -> None:
        self.session = session

    def rows(self, sql: str, *binds: object) -> list[tuple[str | None, ...]]:
        result = self.session.execute(sql, [[bind(value) for value in binds]])
        return [tuple(shown(value, column.kind) for value, column in zip(row, result.columns, strict=True)) for row in result.rows]

    def value(self, sql: str, *binds: object) -> str | None:
        ((found,),) = self.rows(sql, *binds)
        return found

    def run(self, sql: str, *binds: object) -> int:
        return self.session.execute(sql, [[bind(value) for value in binds]]).rowcount

    def many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        return self.session.execute(sql, [[bind(value) for value in row] for row in rows]).rowcount

    def columns(self, sql: str) -> list[Column]:
        return list(self.session.describe(sql))

    def error(self, sql: str, *binds: object) -> OracleError:
        """The error that a statement ends with."""
        try:
            self.rows(sql, *binds)
        except OracleError as error:
            return error
        raise AssertionError(f"no error from {sql}")
