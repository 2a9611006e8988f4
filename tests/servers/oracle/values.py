"""Values on the wire: whole columns are encoded at once, since that is where the time of a fetch goes."""

from collections.abc import Callable, Sequence
from itertools import chain, repeat

from tests.servers.oracle.backend import Bind, Kind, Value
from tests.servers.oracle.documents import oson, vector_image
from tests.servers.oracle.primitives import SHORT, Reader, counted, rowid, ub, unimplemented

VARCHAR, NUMBER, INTEGER, LONG, ROWID, DATE, RAW, LONG_RAW, CHAR = 1, 2, 3, 8, 11, 12, 23, 24, 96
BINARY_FLOAT, BINARY_DOUBLE, OBJECT, CLOB, BLOB, JSON, VECTOR = 100, 101, 109, 112, 113, 119, 127
TIMESTAMP, TIMESTAMP_TZ, INTERVAL_YM, INTERVAL_DS, UROWID, TIMESTAMP_LTZ, BOOLEAN = 180, 181, 182, 183, 208, 231, 252

Encoder = Callable[[Sequence[Value]], list[bytes]]
"""Encodes the values of one column."""

_SIZED = [bytes([size]) for size in range(SHORT + 1)]
_QUIET = b"\0\0\0\0"
_NO_ERROR = b"\0\0"
"""What follows each LONG: that it is whole, and that nothing is wrong."""


def encoded_rows(rows: Sequence[Sequence[Value]], encoders: Sequence[Encoder]) -> bytes:
    """Rows as messages of row data. Columns whose encoder gives nothing are not sent at all."""
    columns = [encode(values) for encode, values in zip(encoders, zip(*rows, strict=True), strict=True)]
    return b"".join(chain.from_iterable(zip(repeat(b"\x07", len(rows)), *columns, strict=True)))


def _bytes(values: Sequence[Value]) -> list[bytes]:
    return [(_SIZED[len(value)] + value if len(value) <= SHORT else counted(value)) if value else b"\0" for value in values]  # type: ignore[operator,arg-type]


def _texts(values: Sequence[Value]) -> list[bytes]:
    return _bytes([value.encode() if value else None for value in values])  # type: ignore[union-attr]


def _national_texts(values: Sequence[Value]) -> list[bytes]:
    return _bytes([value.encode("utf-16-be") if value else None for value in values])  # type: ignore[union-attr]


def _dates(values: Sequence[Value]) -> list[bytes]:
    return [b"\x07" + value[:7] if value else b"\0" for value in values]  # type: ignore[operator]


def _timestamps(values: Sequence[Value]) -> list[bytes]:
    return [(b"\x07" + value[:7] if value[7:] == _QUIET else b"\x0b" + value) if value else b"\0" for value in values]  # type: ignore[operator]


def _booleans(values: Sequence[Value]) -> list[bytes]:
    forms: dict[Value, bytes] = {b"\x01": b"\x02\x01\x01", b"\x00": b"\x01\x00", None: b"\0"}
    return [forms[value] for value in values]


def _rowids(values: Sequence[Value]) -> list[bytes]:
    return [b"\x01" + rowid(value) if value else b"\0" for value in values]  # type: ignore[arg-type]


def _nothing(values: Sequence[Value]) -> list[bytes]:
    return [b""] * len(values)


def _prefetched(image: Callable[[str], bytes]) -> Encoder:
    """A value that looks like a LOB, but comes whole with its row."""

    def one(value: Value) -> bytes:
        if not value:
            return b"\0"
        data = image(value)  # type: ignore[arg-type]
        return ub(40) + ub(len(data)) + b"\0" + counted(data) + counted(bytes(40))

    return lambda values: [one(value) for value in values]


def _objects(values: Sequence[Value]) -> list[bytes]:
    raise unimplemented("objects; select XMLSERIALIZE(...) of an XMLTYPE")


def long_encoder(*, binary: bool, national: bool) -> Encoder:
    """For LONG columns, and for LOBs that the client wants inline."""
    encode = _bytes if binary else _national_texts if national else _texts
    return lambda values: [value + _NO_ERROR for value in encode(values)]


ENCODERS: dict[Kind, Encoder] = {
    Kind.VARCHAR2: _texts,
    Kind.NVARCHAR2: _national_texts,
    Kind.CHAR: _texts,
    Kind.NCHAR: _national_texts,
    Kind.LONG: long_encoder(binary=False, national=False),
    Kind.LONG_RAW: long_encoder(binary=True, national=False),
    Kind.NUMBER: _bytes,
    Kind.FLOAT: _bytes,
    Kind.BINARY_FLOAT: _bytes,
    Kind.BINARY_DOUBLE: _bytes,
    Kind.DATE: _dates,
    Kind.TIMESTAMP: _timestamps,
    Kind.TIMESTAMP_TZ: _bytes,
    Kind.TIMESTAMP_LTZ: _timestamps,
    Kind.INTERVAL_YM: _bytes,
    Kind.INTERVAL_DS: _bytes,
    Kind.RAW: _bytes,
    Kind.ROWID: _rowids,
    Kind.BOOLEAN: _booleans,
    Kind.JSON: _prefetched(oson),
    Kind.VECTOR: _prefetched(vector_image),
    Kind.XMLTYPE: _objects,
    Kind.NULL: _nothing,
}
"""How columns leave; those of LOBs are not here, since their values stay behind."""


# ── binds ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_BOUND: dict[int, Kind] = {
    VARCHAR: Kind.VARCHAR2,
    CHAR: Kind.CHAR,
    LONG: Kind.LONG,
    NUMBER: Kind.NUMBER,
    INTEGER: Kind.NUMBER,
    DATE: Kind.DATE,
    RAW: Kind.RAW,
    LONG_RAW: Kind.RAW,
    ROWID: Kind.VARCHAR2,
    UROWID: Kind.VARCHAR2,
    BINARY_FLOAT: Kind.BINARY_FLOAT,
    BINARY_DOUBLE: Kind.BINARY_DOUBLE,
    TIMESTAMP: Kind.TIMESTAMP,
    TIMESTAMP_TZ: Kind.TIMESTAMP_TZ,
    TIMESTAMP_LTZ: Kind.TIMESTAMP_LTZ,
    INTERVAL_YM: Kind.INTERVAL_YM,
    INTERVAL_DS: Kind.INTERVAL_DS,
    BOOLEAN: Kind.BOOLEAN,
}
_NATIONAL = {Kind.VARCHAR2: Kind.NVARCHAR2, Kind.CHAR: Kind.NCHAR}
_TEXTS = (Kind.VARCHAR2, Kind.CHAR, Kind.LONG)
_MOMENTS = (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ)


def bind_reader(reader: Reader, number: int, *, national: bool) -> Callable[[], Bind]:
    """What reads the values of a bind, of every type but LOBs."""
    kind = _BOUND.get(number)
    if kind is None:
        raise unimplemented(f"binds of type {number}")
    if kind is Kind.BOOLEAN:
        return lambda: Bind(kind, _boolean(reader))
    if kind in _MOMENTS:
        return lambda: Bind(kind, value.ljust(11, b"\0") if (value := reader.counted()) else None)
    if kind not in _TEXTS:
        return lambda: Bind(kind, reader.counted() or None)
    if not national:
        return lambda: Bind(kind, reader.counted().decode() or None)
    national_kind = _NATIONAL.get(kind, kind)
    return lambda: Bind(national_kind, reader.counted().decode("utf-16-be") or None)


def _boolean(reader: Reader) -> Value:
    size = reader.byte()
    if size == 0xFD:
        reader.byte()
        return None
    return b"\x01" if reader.raw(size)[-1] else b"\x00"
