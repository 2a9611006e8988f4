"""Where a row stands in an order, as text that its source casts back without loss."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.errors import SourceMismatch
from syncd.domain.scan import Position

_DAYS_IN_TEXT = 11_248_736
"""Days on either side of 1970 that Arrow can write as text: to about the year 32767."""
_UNITS_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def position(batch: pa.RecordBatch, row: int, columns: Sequence[str]) -> Position:
    """Where one row of a batch stands. Raises `SourceMismatch` if a column's type has no order that a scan could resume in."""
    return positions(batch.slice(row, 1), columns)[0]


def positions(batch: pa.RecordBatch, columns: Sequence[str]) -> list[Position]:
    """Where each row of a batch stands."""
    return list(zip(*(texts(batch.column(name), name) for name in columns), strict=True))


def texts(array: pa.Array, name: str) -> list[str | None]:
    """Each value as text, None for NULL; `name` is for the message if the type has no such text."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _extension_texts(array, name)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _moments(array, name)
    if pa.types.is_decimal(kind):
        return [None if value is None else f"{value:f}" for value in array.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _each(array, _blob)
    try:
        written: list[str | None] = pc.cast(array, pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise SourceMismatch(f"column '{name}' of type {kind} cannot be a key or a watermark", hint="choose another column") from error
    return written


def _extension_texts(array: pa.Array, name: str) -> list[str | None]:
    kind = array.type.extension_name
    if kind == "arrow.opaque":
        kind = array.type.type_name
    storage = array.storage
    if kind == "arrow.bool8":
        return texts(pc.cast(storage, pa.bool_()), name)
    if kind == "arrow.json":
        return texts(storage, name)
    if kind not in _BYTES:
        raise SourceMismatch(f"column '{name}' of type {kind} cannot be a key or a watermark", hint="choose another column")
    return _each(storage, _BYTES[kind])


def _each(array: pa.Array, write: Callable[[bytes], str]) -> list[str | None]:
    return [None if value is None else write(value) for value in array.to_pylist()]


def _moments(array: pa.Array, name: str) -> list[str | None]:
    """Arrow has no word for the infinite moments, and writes those far away as an error or even as another moment."""
    days = pa.types.is_date32(array.type)
    infinite = 2**31 - 1 if days else 2**63 - 1
    reach = min(infinite, _DAYS_IN_TEXT * (1 if days else _UNITS_A_DAY[getattr(array.type, "unit", "ms")]))
    numbers = pc.cast(array, pa.int32() if days else pa.int64()).to_pylist()
    near = pa.array([number is not None and abs(number) < reach for number in numbers])
    written = pc.cast(pc.if_else(near, array, None), pa.string()).to_pylist()
    far = {row: number for row, number in enumerate(numbers) if number is not None and abs(number) >= reach}
    if any(abs(number) != infinite for number in far.values()):
        raise SourceMismatch(f"column '{name}' holds a moment too far away to be a key or a watermark", hint="correct that row")
    return [text if row not in far else "infinity" if far[row] > 0 else "-infinity" for row, text in enumerate(written)]


def _blob(value: bytes) -> str:
    return "".join(f"\\x{byte:02X}" for byte in value)


def _bits(value: bytes) -> str:
    """The first byte counts the padding bits of the second."""
    return "".join(f"{byte:08b}" for byte in value[1:])[value[0] :]


def _bignum(value: bytes) -> str:
    """Three bytes of header, then the magnitude, highest byte first; all of it inverted if the number is negative."""
    if value[0] & 0x80:
        return str(int.from_bytes(value[3:], "big"))
    return str(-int.from_bytes(bytes(byte ^ 0xFF for byte in value[3:]), "big"))


def _time_with_offset(value: bytes) -> str:
    """40 bits of microseconds, then 24 bits that count down from the easternmost offset, in seconds."""
    packed = int.from_bytes(value, "little")
    seconds, micros = divmod(packed >> 24, 1_000_000)
    offset = 57_599 - (packed & 0xFFFFFF)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micros:06}"
    east = abs(offset)
    return f"{clock}{'-' if offset < 0 else '+'}{east // 3600:02}:{east // 60 % 60:02}:{east % 60:02}"


_BYTES: dict[str, Callable[[bytes], str]] = {
    "hugeint": lambda value: str(int.from_bytes(value, "little", signed=True)),
    "uhugeint": lambda value: str(int.from_bytes(value, "little")),
    "arrow.uuid": lambda value: str(UUID(bytes=value)),
    "bit": _bits,
    "bignum": _bignum,
    "time_tz": _time_with_offset,
}
