"""Documents whose fields are columns as they are, written by Arrow: no value passes through SQL.

It costs a third of `json_object`. The texts are the same, character by character (`jsonforms` says which), so it does not matter which of
the two has written a document. Whether a batch can be written so depends on its columns' types, and on what stands in them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.scan import GONE
from syncd.engines.search.jsonforms import EXACT_DIGITS

_QUOTE, _BACKSLASH = b'"\\'
_PLAIN = bytes(byte for byte in range(0x20, 0x100) if byte not in (_QUOTE, _BACKSLASH))
"""Bytes that JSON takes as they are."""
_FIRST_PLAIN = 0x20
_SHORT = {0x08: r"\b", 0x09: r"\t", 0x0A: r"\n", 0x0C: r"\f", 0x0D: r"\r", _QUOTE: r"\"", _BACKSLASH: r"\\"}
_SECONDS_OF_YEARS = (-62_135_596_800, 253_402_300_799)
"""From the year 1 to 9999: what is outside is written in other ways by each library."""
_MOST_DECIMALS = 4
"""Digits behind the point with which nobody writes a number with an exponent."""
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns become which fields, in order, and which of them are the document id and the key."""

    fields: tuple[tuple[str, str], ...]
    """Field and column."""
    id: str
    key: tuple[str, ...]


def fit(columns: Columns, schema: pa.Schema) -> bool:
    """Whether all columns have types that can be written here."""
    written = all(_group(schema.field(column).type) is not _Group.NONE for _, column in columns.fields)
    return written and all(_is_name(schema.field(name).type) for name in (columns.id, *columns.key))


def rows(columns: Columns, batch: pa.RecordBatch) -> pa.Table | None:
    """Mark, key, id and document of each row, whether it is gone, and its position; None if this batch has to be written by SQL.

    That is so where a part of the key is missing, or a moment is out of the ordinary.
    """
    if any(batch.column(name).null_count for name in (columns.id, *columns.key)) or not all(map(_ordinary, batch.columns)):
        return None
    values = {name: _value(batch.column(name)) for name in {column for _, column in columns.fields} | {columns.id, *columns.key}}
    named = [(f"{orjson.dumps(field).decode()}:", values[column]) for field, column in columns.fields]
    return pa.table(
        {
            "mark": values[columns.id].inside if not values[columns.id].quoted else batch.column(columns.id).cast(pa.string()),
            "key": _listed([("", _Value(values[name].inside, quoted=True)) for name in columns.key], "[]"),
            "id": values[columns.id].json,
            "document": _listed(named, "{}"),
            "gone": batch.column(GONE) if GONE in batch.schema.names else _false(batch.num_rows),
            "position": _numbers(batch.num_rows),
        }
    )


@dataclass(frozen=True, slots=True)
class _Value:
    """A column as JSON, but for the quotes around it."""

    inside: pa.StringArray
    quoted: bool

    @property
    def json(self) -> pa.StringArray:
        return _listed([("", self)]) if self.quoted else self.inside


def _listed(members: Sequence[tuple[str, _Value]], brackets: str = "") -> pa.StringArray:
    """Values, each behind some text, with commas between them. What stands between two values is joined first: fewer pieces cost less."""
    parts: list[pa.Array | str] = []
    between = brackets[:1]
    for before, value in members:
        quote = '"' if value.quoted else ""
        parts += [between + before + quote, value.inside]
        between = f"{quote},"
    return pc.binary_join_element_wise(*parts, between[:-1] + brackets[1:], "")


def _value(column: pa.Array) -> _Value:
    make = _MAKE[_group(column.type)]
    value = make(column)
    if not column.null_count:
        return value
    return _Value(value.json.fill_null("null"), quoted=False)


@lru_cache(maxsize=8)
def _false(rows: int) -> pa.BooleanArray:
    return pa.repeat(pa.scalar(value=False), rows)


@lru_cache(maxsize=8)
def _numbers(rows: int) -> pa.Int64Array:
    return pa.array(range(rows), pa.int64())


class _Group(Enum):
    """Types that are written alike."""

    AS_IT_IS = "text is JSON"
    DECIMAL = "a number with a point"
    TEXT = "text"
    DATE = "date"
    MOMENT = "moment"
    NONE = "written by SQL"


def _group(kind: pa.DataType) -> _Group:
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return _Group.AS_IT_IS
    if pa.types.is_decimal128(kind) and kind.precision <= EXACT_DIGITS and 0 < kind.scale <= _MOST_DECIMALS:
        return _Group.DECIMAL
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _Group.TEXT
    if pa.types.is_date32(kind):
        return _Group.DATE
    return _Group.MOMENT if pa.types.is_timestamp(kind) and kind.tz in (None, "UTC") else _Group.NONE


def _is_name(kind: pa.DataType) -> bool:
    """Whether values can be ids of documents and keys without a look at each."""
    return bool(pa.types.is_integer(kind)) or _group(kind) is _Group.TEXT


def _text(column: pa.Array) -> _Value:
    """Text as it stands in a JSON string (RFC 8259, section 7). What is to be escaped is looked up in all its bytes at once.

    The backslash comes first: it stands in the escapes of all others.
    """
    held = _bytes(column)
    if _BACKSLASH in held or _QUOTE in held or _lowest(held) < _FIRST_PLAIN:
        found = set(held.translate(None, _PLAIN))
        for byte in sorted(found, key=lambda byte: (byte != _BACKSLASH, byte)):
            column = pc.replace_substring(column, chr(byte), _SHORT.get(byte, f"\\u{byte:04X}"))
    return _Value(column.cast(pa.string()), quoted=True)


def _bytes(texts: pa.Array) -> bytes:
    """The UTF-8 bytes of all texts, one behind the other."""
    _, ends, data = texts.buffers()
    if data is None:
        return b""
    width = pa.int64() if pa.types.is_large_string(texts.type) else pa.int32()
    places = pa.Array.from_buffers(width, len(texts) + 1, [None, ends], offset=texts.offset)
    return bytes(data[places[0].as_py() : places[-1].as_py()].to_pybytes())


def _lowest(held: bytes) -> int:
    return pc.min(pa.Array.from_buffers(pa.uint8(), len(held), [None, pa.py_buffer(held)])).as_py() if held else _FIRST_PLAIN


def _decimal(column: pa.Array) -> _Value:
    """`1.5`, `12.0`: the zeros at the end are those of the column, not of the number."""
    texts = pc.ascii_rtrim(column.cast(pa.string()), "0")
    return _Value(pc.if_else(pc.ends_with(texts, "."), pc.binary_join_element_wise(texts, "0", ""), texts), quoted=False)


def _moment(column: pa.Array) -> _Value:
    kind = column.type
    texts = pc.binary_replace_slice(column.cast(pa.timestamp(kind.unit)).cast(pa.string()), 10, 11, "T")
    if kind.unit != "s":
        texts = pc.ascii_rtrim(pc.ascii_rtrim(texts, "0"), ".")
    return _Value(pc.binary_join_element_wise(texts, "Z", "") if kind.tz else texts, quoted=True)


_MAKE: dict[_Group, Callable[[pa.Array], _Value]] = {
    _Group.AS_IT_IS: lambda column: _Value(column.cast(pa.string()), quoted=False),
    _Group.DECIMAL: _decimal,
    _Group.TEXT: _text,
    _Group.DATE: lambda column: _Value(column.cast(pa.string()), quoted=True),
    _Group.MOMENT: _moment,
}


def _ordinary(column: pa.Array) -> bool:
    """Whether all moments in a column are between the years 1 and 9999."""
    kind = column.type
    if pa.types.is_date32(kind):
        least, most = (seconds // 86_400 for seconds in _SECONDS_OF_YEARS)
        found = pc.min_max(column.cast(pa.int32()))
    elif pa.types.is_timestamp(kind):
        least, most = (seconds * _PER_SECOND[kind.unit] for seconds in _SECONDS_OF_YEARS)
        found = pc.min_max(column.cast(pa.int64()))
    else:
        return True
    lowest, highest = found["min"].as_py(), found["max"].as_py()
    return lowest is None or (least <= lowest and highest <= most)
