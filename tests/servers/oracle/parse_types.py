"""Data types as DDL and CAST write them."""

from collections.abc import Callable

from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.sql_cursor import Cursor
from tests.servers.oracle.sql_type import Type

_INTEGER = Type(Kind.NUMBER, scale=0)
"""Rounds, and holds as many digits as a NUMBER."""


def parse_type(cursor: Cursor) -> Type:
    start = cursor.token.start
    cursor.accept("SYS", ".")
    word = cursor.name()
    reader = _READERS.get(word)
    if reader is None:
        raise OracleError(902, "invalid datatype", start)
    return reader(cursor)


def _sized(kind: Kind, default: int = 0) -> Callable[[Cursor], Type]:
    def read(cursor: Cursor) -> Type:
        size, chars = default, kind in (Kind.NVARCHAR2, Kind.NCHAR)
        if cursor.accept("("):
            size = cursor.integer()
            chars = cursor.accept_any("CHAR", "BYTE") == "CHAR" or chars
            cursor.expect(")")
        if not size:
            raise cursor.unexpected("(")
        return Type(kind, size, chars=chars)

    return read


def _plain(kind: Kind) -> Callable[[Cursor], Type]:
    def read(cursor: Cursor) -> Type:
        _skip_options(cursor)
        return Type(kind)

    return read


def _skip_options(cursor: Cursor) -> None:
    if cursor.accept("("):
        while not cursor.accept(")"):
            if cursor.next().kind == "end":
                raise cursor.unexpected(")")


def _number(cursor: Cursor) -> Type:
    if not cursor.accept("("):
        return Type(Kind.NUMBER)
    precision = None if cursor.accept("*") else cursor.integer()
    if precision is not None and not 1 <= precision <= 38:
        raise OracleError(1727, "numeric precision specifier is out of range (1 to 38)", cursor.before.start)
    if precision is None and cursor.accept(")"):
        return Type(Kind.NUMBER)
    scale = cursor.integer() if cursor.accept(",") else 0
    if not -84 <= scale <= 127:
        raise OracleError(1728, "numeric scale specifier is out of range (-84 to 127)", cursor.before.start)
    cursor.expect(")")
    return Type(Kind.NUMBER, 0, precision, scale)


def _decimal(cursor: Cursor) -> Type:
    return _number(cursor) if cursor.sees("(") else _INTEGER


def _float(cursor: Cursor) -> Type:
    return Type(Kind.FLOAT, 0, _within(cursor, 126))


def _double(cursor: Cursor) -> Type:
    cursor.expect("PRECISION")
    return Type(Kind.FLOAT, 0, 126)


def _within(cursor: Cursor, default: int) -> int:
    if not cursor.accept("("):
        return default
    found = cursor.integer()
    cursor.expect(")")
    return found


def _timestamp(cursor: Cursor) -> Type:
    scale = _within(cursor, 6)
    if cursor.accept("WITH", "LOCAL", "TIME", "ZONE"):
        return Type(Kind.TIMESTAMP_LTZ, scale=scale)
    if cursor.accept("WITH", "TIME", "ZONE"):
        return Type(Kind.TIMESTAMP_TZ, scale=scale)
    return Type(Kind.TIMESTAMP, scale=scale)


def _interval(cursor: Cursor) -> Type:
    if cursor.accept("YEAR"):
        digits = _within(cursor, 2)
        cursor.expect("TO", "MONTH")
        return Type(Kind.INTERVAL_YM, 0, digits)
    cursor.expect("DAY")
    digits = _within(cursor, 2)
    cursor.expect("TO", "SECOND")
    return Type(Kind.INTERVAL_DS, 0, digits, _within(cursor, 6))


def _long(cursor: Cursor) -> Type:
    return Type(Kind.LONG_RAW if cursor.accept("RAW") else Kind.LONG)


def _rowid(cursor: Cursor) -> Type:
    _skip_options(cursor)
    return Type(Kind.ROWID, 18)


_READERS: dict[str, Callable[[Cursor], Type]] = {
    "VARCHAR2": _sized(Kind.VARCHAR2),
    "VARCHAR": _sized(Kind.VARCHAR2),
    "NVARCHAR2": _sized(Kind.NVARCHAR2),
    "CHAR": _sized(Kind.CHAR, 1),
    "CHARACTER": _sized(Kind.CHAR, 1),
    "NCHAR": _sized(Kind.NCHAR, 1),
    "RAW": _sized(Kind.RAW),
    "LONG": _long,
    "NUMBER": _number,
    "NUMERIC": _decimal,
    "DECIMAL": _decimal,
    "INTEGER": lambda _: _INTEGER,
    "INT": lambda _: _INTEGER,
    "SMALLINT": lambda _: _INTEGER,
    "FLOAT": _float,
    "REAL": lambda _: Type(Kind.FLOAT, 0, 63),
    "DOUBLE": _double,
    "BINARY_FLOAT": _plain(Kind.BINARY_FLOAT),
    "BINARY_DOUBLE": _plain(Kind.BINARY_DOUBLE),
    "DATE": _plain(Kind.DATE),
    "TIMESTAMP": _timestamp,
    "INTERVAL": _interval,
    "ROWID": _rowid,
    "UROWID": _rowid,
    "CLOB": _plain(Kind.CLOB),
    "NCLOB": _plain(Kind.NCLOB),
    "BLOB": _plain(Kind.BLOB),
    "BOOLEAN": _plain(Kind.BOOLEAN),
    "BOOL": _plain(Kind.BOOLEAN),
    "JSON": _plain(Kind.JSON),
    "XMLTYPE": _plain(Kind.XMLTYPE),
    "VECTOR": _plain(Kind.VECTOR),
}
