"""Values of one group of types as values of another. Functions whose last argument is `env` need the session's `Environment.text`."""

import struct
import time
from collections.abc import Callable
from decimal import Decimal
from math import inf, isinf, isnan, nan
from typing import Any

from tests.servers.oracle import format_models, sql_number, sql_time
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.environment import environment
from tests.servers.oracle.sql_time import SECOND, Fields

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ROW_BITS, _SLOTS = 40, 64
CONVERSIONS: dict[str, Callable[..., Any]] = {}
ENVIRONMENTAL: set[str] = set()
"""Names of the functions that take the environment."""


def conversion(function: Callable[..., Any]) -> Callable[..., Any]:
    CONVERSIONS[function.__name__] = function
    if "env" in function.__code__.co_varnames[: function.__code__.co_argcount]:
        ENVIRONMENTAL.add(function.__name__)
    return function


def now() -> Fields:
    return sql_time.fields_of(sql_time.number_of(sql_time.of_epoch(time.time_ns())))


@conversion
def text_to_number(text: str) -> bytes:
    return sql_number.from_text(text)


@conversion
def number_to_text(value: bytes) -> str:
    return sql_number.plain(sql_number.decode(value))


def pack_double(value: float) -> bytes:
    packed = struct.pack(">d", value + 0.0 if value else 0.0)
    return bytes((packed[0] ^ 0x80, *packed[1:])) if packed[0] < 0x80 else bytes(byte ^ 0xFF for byte in packed)


def unpack_double(value: bytes) -> float:
    raw = bytes((value[0] ^ 0x80, *value[1:])) if value[0] >= 0x80 else bytes(byte ^ 0xFF for byte in value)
    return float(struct.unpack(">d" if len(raw) == 8 else ">f", raw)[0])


def pack_float(value: float) -> bytes:
    try:
        packed = struct.pack(">f", value or 0.0)
    except OverflowError:
        packed = struct.pack(">f", inf if value > 0 else -inf)
    return bytes((packed[0] ^ 0x80, *packed[1:])) if packed[0] < 0x80 else bytes(byte ^ 0xFF for byte in packed)


def _parse_float(text: str) -> float:
    named = {"INF": inf, "+INF": inf, "-INF": -inf, "INFINITY": inf, "-INFINITY": -inf, "NAN": nan}
    stripped = text.strip()
    if stripped.upper() in named:
        return named[stripped.upper()]
    try:
        return float(stripped)
    except ValueError as error:
        raise OracleError(1722, "invalid number") from error


@conversion
def text_to_double(text: str) -> bytes:
    return pack_double(_parse_float(text))


@conversion
def text_to_float(text: str) -> bytes:
    return pack_float(_parse_float(text))


@conversion
def number_to_double(value: bytes) -> bytes:
    return pack_double(float(sql_number.decode(value)))


@conversion
def number_to_float(value: bytes) -> bytes:
    return pack_float(float(sql_number.decode(value)))


def _from_float(value: float, digits: str) -> bytes:
    if isnan(value) or isinf(value):
        raise OracleError(1426, "numeric overflow")
    return sql_number.encode(Decimal(format(value, digits)))


@conversion
def double_to_number(value: bytes) -> bytes:
    return _from_float(unpack_double(value), ".15g")


@conversion
def float_to_number(value: bytes) -> bytes:
    return _from_float(unpack_double(value), ".7g")


@conversion
def double_to_float(value: bytes) -> bytes:
    return pack_float(unpack_double(value))


@conversion
def float_to_double(value: bytes) -> bytes:
    return pack_double(unpack_double(value))


def _float_text(value: float, digits: int) -> str:
    if isnan(value):
        return "Nan"
    if isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return sql_number.scientific(Decimal(f"{value:.{digits - 1}e}")) if value else "0"


@conversion
def double_to_text(value: bytes) -> str:
    return _float_text(unpack_double(value), 17)


@conversion
def float_to_text(value: bytes) -> str:
    return _float_text(unpack_double(value), 9)


@conversion
def text_to_time(text: str, env: str) -> bytes:
    """By the format of dates, or of timestamps where the text is longer than that."""
    formats = environment(env)
    try:
        return sql_time.encode(format_models.read(text, formats.date, now())[0])
    except OracleError as error:
        if error.code != 1830:
            raise
        return sql_time.encode(format_models.read(text, formats.timestamp, now())[0])


@conversion
def text_to_zoned(text: str, env: str) -> bytes:
    formats = environment(env)
    return place(*format_models.read(text, formats.zoned, now()), formats.zone)


@conversion
def text_to_local(text: str, env: str) -> bytes:
    return text_to_zoned(text, env)[:11]  # type: ignore[no-any-return]


def place(fields: Fields, zone: int | str | None, default: str) -> bytes:
    """A wall clock in its zone."""
    wall = sql_time.count(fields)
    offset = zone if isinstance(zone, int) else sql_time.offset_at(zone or default, wall, wall=True)
    return sql_time.zoned(wall - offset * sql_time.MINUTE, offset)


@conversion
def date_to_text(value: bytes, env: str) -> str:
    return format_models.write(sql_time.decode(value), environment(env).date)


@conversion
def time_to_text(value: bytes, env: str) -> str:
    return format_models.write(sql_time.decode(value), environment(env).timestamp, digits=6)


@conversion
def zoned_to_text(value: bytes, env: str) -> str:
    fields = sql_time.fields_of(sql_time.local_number(value))
    return format_models.write(fields, environment(env).zoned, sql_time.offset_of(value), 6)


@conversion
def local_to_text(value: bytes, env: str) -> str:
    return time_to_text(local_to_time(value, env), env)  # type: ignore[no-any-return]


@conversion
def time_to_zoned(value: bytes, env: str) -> bytes:
    return place(sql_time.decode(value), None, environment(env).zone)


@conversion
def time_to_local(value: bytes, env: str) -> bytes:
    return time_to_zoned(value, env)[:11]  # type: ignore[no-any-return]


@conversion
def zoned_to_time(value: bytes) -> bytes:
    return sql_time.of_number(sql_time.local_number(value))


@conversion
def zoned_to_local(value: bytes) -> bytes:
    return value[:11]


@conversion
def local_to_zoned(value: bytes, env: str) -> bytes:
    utc = sql_time.number_of(value)
    return sql_time.zoned(utc, sql_time.offset_at(environment(env).zone, utc))


@conversion
def local_to_time(value: bytes, env: str) -> bytes:
    return zoned_to_time(local_to_zoned(value, env))  # type: ignore[no-any-return]


@conversion
def months_to_text(value: bytes) -> str:
    months = sql_time.decode_months(value)
    return f"{'-' if months < 0 else '+'}{abs(months) // 12:02d}-{abs(months) % 12:02d}"


@conversion
def seconds_to_text(value: bytes) -> str:
    nanos = sql_time.decode_seconds(value)
    seconds, nano = divmod(abs(nanos), SECOND)
    days, rest = divmod(seconds, 86_400)
    return f"{'-' if nanos < 0 else '+'}{days:02d} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}.{nano // 1000:06d}"


@conversion
def text_to_months(text: str) -> bytes:
    sign, stripped = _sign(text)
    years, _, months = stripped.partition("-")
    if not years.isdigit() or not (months or "0").isdigit():
        raise OracleError(1867, "the interval is invalid")
    return sql_time.encode_months(sign * (int(years) * 12 + int(months or 0)))


@conversion
def text_to_seconds(text: str) -> bytes:
    sign, stripped = _sign(text)
    days, _, clock = stripped.partition(" ")
    try:
        hours, minutes, seconds = (clock or "0:0:0").split(":")
        nanos = int(Decimal(seconds) * SECOND)
        return sql_time.encode_seconds(sign * (((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 * SECOND + nanos))
    except (ValueError, ArithmeticError) as error:
        raise OracleError(1867, "the interval is invalid") from error


def _sign(text: str) -> tuple[int, str]:
    stripped = text.strip()
    return (-1 if stripped.startswith("-") else 1), stripped.lstrip("+-")


@conversion
def text_to_raw(text: str) -> bytes:
    try:
        return bytes.fromhex(text if len(text) % 2 == 0 else "0" + text)
    except ValueError as error:
        raise OracleError(1465, "invalid hex number") from error


@conversion
def text_to_blob(text: str) -> bytes:
    return text_to_raw(text)  # type: ignore[no-any-return]


@conversion
def raw_to_text(value: bytes) -> str:
    return value.hex().upper()


def _same(value: Any) -> Any:
    return value


for _pair in ("raw_to_blob", "blob_to_raw", "text_to_lob", "lob_to_text"):
    CONVERSIONS[_pair] = _same


@conversion
def number_to_lob(value: bytes) -> str:
    return number_to_text(value)  # type: ignore[no-any-return]


@conversion
def boolean_to_text(value: bytes) -> str:
    return "TRUE" if value == b"\x01" else "FALSE"


@conversion
def boolean_to_number(value: bytes) -> bytes:
    return sql_number.from_int(value[0])


@conversion
def number_to_boolean(value: bytes) -> bytes:
    return b"\x00" if value == sql_number.ZERO else b"\x01"


@conversion
def text_to_boolean(text: str) -> bytes:
    word = text.strip().upper()
    if word in ("TRUE", "YES", "ON", "1", "T", "Y"):
        return b"\x01"
    if word in ("FALSE", "NO", "OFF", "0", "F", "N"):
        return b"\x00"
    raise OracleError(61800, f"invalid boolean literal: {text}")


def _digits(number: int, length: int) -> str:
    return "".join(_ALPHABET[number >> 6 * n & 63] for n in range(length - 1, -1, -1))


@conversion
def rowid_to_text(value: int) -> str:
    """18 characters of an object and the number of a row in it."""
    table, row = value >> _ROW_BITS, value & ((1 << _ROW_BITS) - 1)
    return _digits(70_000 + table, 6) + _digits(4, 3) + _digits(128 + row // _SLOTS, 6) + _digits(row % _SLOTS, 3)


@conversion
def text_to_rowid(text: str) -> int:
    if len(text) != 18 or not set(text) <= set(_ALPHABET):
        raise OracleError(1410, "invalid ROWID")
    table, _, block, slot = (_value(part) for part in (text[:6], text[6:9], text[9:15], text[15:]))
    return table - 70_000 << _ROW_BITS | (block - 128) * _SLOTS + slot


def _value(digits: str) -> int:
    found = 0
    for digit in digits:
        found = found << 6 | _ALPHABET.index(digit)
    return found
