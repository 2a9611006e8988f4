"""What the client is told about the columns of a query."""

from collections.abc import Sequence

from tests.servers.oracle import values
from tests.servers.oracle.backend import Column, Kind
from tests.servers.oracle.caps import CHARSET, NATIONAL
from tests.servers.oracle.primitives import twice, ub

_IMPLICIT, _NATIONAL = 1, 2
_UNSCALED = -127
_LONGEST = 32767

_TYPES: dict[Kind, tuple[int, int, int]] = {
    Kind.VARCHAR2: (values.VARCHAR, _IMPLICIT, 4),
    Kind.NVARCHAR2: (values.VARCHAR, _NATIONAL, 2),
    Kind.CHAR: (values.CHAR, _IMPLICIT, 4),
    Kind.NCHAR: (values.CHAR, _NATIONAL, 2),
    Kind.RAW: (values.RAW, 0, 1),
    Kind.LONG: (values.LONG, _IMPLICIT, 0),
    Kind.LONG_RAW: (values.LONG_RAW, 0, 0),
    Kind.NUMBER: (values.NUMBER, 0, 22),
    Kind.FLOAT: (values.NUMBER, 0, 22),
    Kind.BINARY_FLOAT: (values.BINARY_FLOAT, 0, 4),
    Kind.BINARY_DOUBLE: (values.BINARY_DOUBLE, 0, 8),
    Kind.DATE: (values.DATE, 0, 7),
    Kind.TIMESTAMP: (values.TIMESTAMP, 0, 11),
    Kind.TIMESTAMP_TZ: (values.TIMESTAMP_TZ, 0, 13),
    Kind.TIMESTAMP_LTZ: (values.TIMESTAMP_LTZ, 0, 11),
    Kind.INTERVAL_YM: (values.INTERVAL_YM, 0, 5),
    Kind.INTERVAL_DS: (values.INTERVAL_DS, 0, 11),
    Kind.ROWID: (values.ROWID, 0, 18),
    Kind.CLOB: (values.CLOB, _IMPLICIT, 4000),
    Kind.NCLOB: (values.CLOB, _NATIONAL, 4000),
    Kind.BLOB: (values.BLOB, 0, 4000),
    Kind.BOOLEAN: (values.BOOLEAN, 0, 4),
    Kind.JSON: (values.JSON, 0, 8200),
    Kind.XMLTYPE: (values.OBJECT, 0, 2000),
    Kind.VECTOR: (values.VECTOR, 0, 8200),
    Kind.NULL: (values.VARCHAR, _IMPLICIT, 0),
}
"""Number of the type, form of its character set, and bytes: of one character where the column has a size, else of the value."""

_SIZED = (Kind.VARCHAR2, Kind.NVARCHAR2, Kind.CHAR, Kind.NCHAR, Kind.RAW)
_SECONDS = (Kind.TIMESTAMP, Kind.TIMESTAMP_TZ, Kind.TIMESTAMP_LTZ, Kind.INTERVAL_DS)
_FLEXIBLE_FLOAT32 = b"\x00\x02\x01"
_NOW = bytes([120, 126, 1, 1, 1, 1, 1])


def description(columns: Sequence[Column], fields: int) -> bytes:
    """The message that describes columns, with the fields of a version of the protocol."""
    parts = [b"\x10\0", ub(sum(_bytes(column) for column in columns)), ub(len(columns)), b"\x01"]
    parts += [_column(column, position, fields) for position, column in enumerate(columns, start=1)]
    return b"".join(parts) + twice(_NOW) + bytes(5)


def _column(column: Column, position: int, fields: int) -> bytes:
    number, form, _ = _TYPES[column.kind]
    charset = {0: 0, _IMPLICIT: CHARSET, _NATIONAL: NATIONAL}[form]
    precision, scale = _digits(column)
    xml = column.kind is Kind.XMLTYPE
    name = column.name.encode()
    return b"".join((
        bytes([number, 0, precision, scale & 0xFF]),
        ub(_bytes(column)),
        b"\0\0\0\0",
        ub(charset),
        bytes([form]),
        ub(column.size),
        b"\0" if fields >= 8 else b"",
        bytes([column.nullable, min(len(name), 255)]),
        twice(name),
        twice(b"SYS" if xml else b""),
        twice(b"XMLTYPE" if xml else b""),
        ub(position),
        b"\0",
        b"\0\0" if fields >= 17 else b"",
        b"\0" if fields >= 20 else b"",
        _vector(column) if fields >= 24 else b"",
    ))  # fmt: skip


def _bytes(column: Column) -> int:
    unit = _TYPES[column.kind][2]
    if column.kind not in _SIZED:
        return unit
    return min(unit * column.size or _LONGEST, _LONGEST)


def _digits(column: Column) -> tuple[int, int]:
    """Precision and scale, in the ways that the types use these two."""
    if column.kind is Kind.FLOAT:
        return column.precision or 126, _UNSCALED
    if column.kind in _SECONDS:
        lead = 2 if column.precision is None else column.precision
        return lead if column.kind is Kind.INTERVAL_DS else 0, 6 if column.scale is None else column.scale
    if column.kind is Kind.INTERVAL_YM:
        return 2 if column.precision is None else column.precision, 0
    if column.kind is not Kind.NUMBER:
        return 0, 0
    if column.precision is None and column.scale is None:
        return 0, _UNSCALED
    return 38 if column.precision is None else column.precision, column.scale or 0


def _vector(column: Column) -> bytes:
    return _FLEXIBLE_FLOAT32 if column.kind is Kind.VECTOR else b"\0\0\0"
