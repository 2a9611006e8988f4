"""Types of expressions, and the groups within which values compare as they are."""

from dataclasses import dataclass
from enum import Enum

from tests.servers.oracle.backend import Kind


class Group(Enum):
    """Kinds whose values have the same format in storage. The values name conversions: `TEXT_to_NUMBER`."""

    TEXT = "text"
    LOB = "lob"
    NUMBER = "number"
    FLOAT = "float"
    DOUBLE = "double"
    TIME = "time"
    ZONED = "zoned"
    LOCAL = "local"
    MONTHS = "months"
    SECONDS = "seconds"
    RAW = "raw"
    ROWID = "rowid"
    BLOB = "blob"
    BOOLEAN = "boolean"
    NULL = "null"


_GROUPS = {
    Kind.VARCHAR2: Group.TEXT,
    Kind.NVARCHAR2: Group.TEXT,
    Kind.CHAR: Group.TEXT,
    Kind.NCHAR: Group.TEXT,
    Kind.LONG: Group.LOB,
    Kind.LONG_RAW: Group.BLOB,
    Kind.NUMBER: Group.NUMBER,
    Kind.FLOAT: Group.NUMBER,
    Kind.BINARY_FLOAT: Group.FLOAT,
    Kind.BINARY_DOUBLE: Group.DOUBLE,
    Kind.DATE: Group.TIME,
    Kind.TIMESTAMP: Group.TIME,
    Kind.TIMESTAMP_TZ: Group.ZONED,
    Kind.TIMESTAMP_LTZ: Group.LOCAL,
    Kind.INTERVAL_YM: Group.MONTHS,
    Kind.INTERVAL_DS: Group.SECONDS,
    Kind.RAW: Group.RAW,
    Kind.ROWID: Group.ROWID,
    Kind.CLOB: Group.LOB,
    Kind.NCLOB: Group.LOB,
    Kind.BLOB: Group.BLOB,
    Kind.BOOLEAN: Group.BOOLEAN,
    Kind.JSON: Group.LOB,
    Kind.XMLTYPE: Group.LOB,
    Kind.VECTOR: Group.LOB,
    Kind.NULL: Group.NULL,
}


@dataclass(frozen=True, slots=True)
class Type:
    """`size` is in bytes, or in characters if `chars`; precision and scale are as in `backend.Column`."""

    kind: Kind
    size: int = 0
    precision: int | None = None
    scale: int | None = None
    chars: bool = False

    @property
    def group(self) -> Group:
        return _GROUPS[self.kind]

    @property
    def name(self) -> str:
        """As the column DATA_TYPE of the dictionary has it."""
        match self.kind:
            case Kind.TIMESTAMP | Kind.TIMESTAMP_TZ | Kind.TIMESTAMP_LTZ:
                return str(self.kind.value).replace("TIMESTAMP", f"TIMESTAMP({self.scale})")
            case Kind.INTERVAL_YM:
                return f"INTERVAL YEAR({self.precision}) TO MONTH"
            case Kind.INTERVAL_DS:
                return f"INTERVAL DAY({self.precision}) TO SECOND({self.scale})"
            case _:
                return str(self.kind.value)


NUMBER = Type(Kind.NUMBER)
DOUBLE = Type(Kind.BINARY_DOUBLE)
FLOAT = Type(Kind.BINARY_FLOAT)
DATE = Type(Kind.DATE)
TIMESTAMP = Type(Kind.TIMESTAMP, scale=6)
NANOS = Type(Kind.TIMESTAMP, scale=9)
ZONED = Type(Kind.TIMESTAMP_TZ, scale=6)
LOCAL = Type(Kind.TIMESTAMP_LTZ, scale=6)
MONTHS = Type(Kind.INTERVAL_YM, precision=9)
SECONDS = Type(Kind.INTERVAL_DS, precision=9, scale=9)
CLOB = Type(Kind.CLOB)
BLOB = Type(Kind.BLOB)
BOOLEAN = Type(Kind.BOOLEAN)
ROWID = Type(Kind.ROWID, 18)
NULL = Type(Kind.NULL)
NATIONAL = {Kind.NVARCHAR2, Kind.NCHAR, Kind.NCLOB}
PADDED = {Kind.CHAR, Kind.NCHAR}
LARGE = {Group.LOB, Group.BLOB}


def text(size: int) -> Type:
    return Type(Kind.VARCHAR2, max(1, min(size, 32767)))


def raw(size: int) -> Type:
    return Type(Kind.RAW, size)


_REPRESENTATIVE = {
    Group.TEXT: text(4000),
    Group.LOB: CLOB,
    Group.NUMBER: NUMBER,
    Group.FLOAT: FLOAT,
    Group.DOUBLE: DOUBLE,
    Group.TIME: NANOS,
    Group.ZONED: ZONED,
    Group.LOCAL: LOCAL,
    Group.MONTHS: MONTHS,
    Group.SECONDS: SECONDS,
    Group.RAW: raw(2000),
    Group.ROWID: ROWID,
    Group.BLOB: BLOB,
    Group.BOOLEAN: BOOLEAN,
    Group.NULL: NULL,
}


def of_group(group: Group) -> Type:
    """The least constrained type of a group."""
    return _REPRESENTATIVE[group]


def common(one: Type, other: Type) -> Type:
    """The type that holds the values of two types of the same group."""
    if one == other or other.kind is Kind.NULL:
        return one
    if one.kind is Kind.NULL:
        return other
    if one.group is Group.TEXT:
        kind = Kind.NVARCHAR2 if {one.kind, other.kind} & NATIONAL else Kind.VARCHAR2
        same = one.kind == other.kind and one.size == other.size
        return one if same else Type(kind, max(one.size, other.size), chars=one.chars or other.chars)
    if one.group is Group.NUMBER:
        return NUMBER
    if one.group is Group.TIME:
        return Type(Kind.TIMESTAMP, scale=max(one.scale or 0, other.scale or 0))
    return Type(one.kind, max(one.size, other.size), _larger(one.precision, other.precision), _larger(one.scale, other.scale))


def _larger(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)
