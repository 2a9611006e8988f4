"""Oracle's functions over values as they are stored, registered with each connection to the storage."""

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from decimal import Decimal, DivisionByZero
from functools import lru_cache
from typing import Any

from tests.servers.oracle import sql_number
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.conversions import CONVERSIONS, pack_double, unpack_double
from tests.servers.oracle.functions_time import FUNCTIONS as OF_TIME
from tests.servers.oracle.number_models import read_number, write_number
from tests.servers.oracle.sql_number import ARITHMETIC, decode, encode, from_int, to_int


def _number(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[bytes, bytes], bytes]:
    def run(left: bytes, right: bytes) -> bytes:
        try:
            return encode(operation(decode(left), decode(right)))
        except DivisionByZero as error:
            raise OracleError(1476, "divisor is equal to zero") from error

    return run


def _double(operation: Callable[[float, float], float]) -> Callable[[bytes, bytes], bytes]:
    def run(left: bytes, right: bytes) -> bytes:
        try:
            return pack_double(operation(unpack_double(left), unpack_double(right)))
        except ZeroDivisionError:
            return pack_double(float("inf"))

    return run


def _mod(left: Decimal, right: Decimal) -> Decimal:
    return ARITHMETIC.remainder(left, right) if right else left


def _power(left: Decimal, right: Decimal) -> Decimal:
    return ARITHMETIC.power(left, right)


def substr(text: str, start: bytes, many: bytes | None = None) -> str:
    return text[_part(len(text), start, many)]


def substr_of_lob(value: str, start: bytes, many: bytes | None = None) -> str:
    """In the units of UTF-16."""
    if value.isascii():
        return substr(value, start, many)
    units = value.encode("utf-16-le")
    part = _part(len(units) // 2, start, many)
    return units[2 * part.start : 2 * part.stop].decode("utf-16-le", "replace")


def _part(length: int, start: bytes, many: bytes | None) -> slice:
    first = to_int(start)
    begin = max(first - 1, 0) if first >= 0 else length + first
    if begin < 0:
        return slice(0, 0)
    return slice(begin, length if many is None else begin + max(to_int(many), 0))


def instr(text: str, part: str, start: bytes | None = None, nth: bytes | None = None) -> bytes:
    at = (to_int(start) if start else 1) - 1
    for _ in range(to_int(nth) if nth else 1):
        at = text.find(part, at) + 1
        if not at:
            break
    return from_int(at)


def trim(text: str, signs: str, option: str) -> str:
    match option:
        case "LEADING":
            return text.lstrip(signs)
        case "TRAILING":
            return text.rstrip(signs)
        case _:
            return text.strip(signs)


def pad(text: str, width: bytes, filler: str, left: str) -> str:
    size = to_int(width)
    fill = (filler * size)[: max(size - len(text), 0)]
    return text[:size] if len(text) >= size else fill + text if left == "LEFT" else text + fill


@lru_cache(maxsize=500)
def _pattern(pattern: str, escape: str) -> re.Pattern[str]:
    found = []
    signs = iter(pattern)
    for sign in signs:
        if sign == escape:
            found.append(re.escape(next(signs, "")))
        else:
            found.append({"%": ".*", "_": "."}.get(sign, re.escape(sign)))
    return re.compile("".join(found), re.DOTALL)


def like(text: str, pattern: str, escape: str) -> int:
    return int(_pattern(pattern, escape).fullmatch(text) is not None)


def lob_substr(value: str | bytes, many: bytes | None = None, start: bytes | None = None) -> str | bytes:
    at = to_int(start) - 1 if start else 0
    end = at + (to_int(many) if many else 32767)
    if isinstance(value, bytes) or value.isascii():
        return value[at:end]
    return value.encode("utf-16-le")[2 * at : 2 * end].decode("utf-16-le", "replace")


def lob_length(value: str) -> bytes:
    """In the units of UTF-16, as CLOBs are counted."""
    return from_int(len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2)


def length(value: str | bytes) -> bytes:
    return from_int(len(value))


def lengthb(value: str | bytes) -> bytes:
    return from_int(len(value if isinstance(value, bytes) else value.encode()))


def unpadded(text: str) -> str:
    """What blank-padded texts are compared by; never empty, which would be NULL."""
    return text.rstrip(" ") or " "


def ora_hash(value: str | bytes, buckets: bytes, seed: bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return from_int(zlib.crc32(content, to_int(seed)) % (to_int(buckets) + 1))


def standard_hash(value: str | bytes, method: str) -> bytes:
    try:
        return hashlib.new(method, value.encode() if isinstance(value, str) else value).digest()
    except ValueError as error:
        raise OracleError(904, f'"{method}": invalid identifier') from error


def _replace(text: str, old: str | None, new: str | None) -> str | None:
    return text if not text or not old else text.replace(old, new or "")


def _translate(text: str, old: str, new: str) -> str:
    return text.translate({ord(sign): new[at] if at < len(new) else None for at, sign in reversed(list(enumerate(old)))})


def _round(value: bytes, scale: bytes) -> bytes:
    return encode(sql_number.rounded(decode(value), to_int(scale)))


def _trunc(value: bytes, scale: bytes) -> bytes:
    unit = Decimal((0, (1,), -to_int(scale)))
    number = decode(value)
    return encode(number - ARITHMETIC.remainder(number, unit))


def _sqrt(value: bytes) -> bytes:
    return encode(ARITHMETIC.sqrt(decode(value)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **OF_TIME,
    "int_number": from_int,
    "number_native": sql_number.to_native,
    "number_int": to_int,
    "plus": _number(ARITHMETIC.add),
    "subtract": _number(ARITHMETIC.subtract),
    "multiply": _number(ARITHMETIC.multiply),
    "divide": _number(ARITHMETIC.divide),
    "modulo": _number(_mod),
    "power": _number(_power),
    "plus_double": _double(float.__add__),
    "subtract_double": _double(float.__sub__),
    "multiply_double": _double(float.__mul__),
    "divide_double": _double(float.__truediv__),
    "negative": lambda value: encode(decode(value).copy_negate()),
    "negative_double": lambda value: pack_double(-unpack_double(value)),
    "absolute": lambda value: encode(decode(value).copy_abs()),
    "sign_of": lambda value: from_int((decode(value) > 0) - (decode(value) < 0)),
    "ceiling": lambda value: encode(decode(value).to_integral_value("ROUND_CEILING")),
    "floor_of": lambda value: encode(decode(value).to_integral_value("ROUND_FLOOR")),
    "round_number": _round,
    "trunc_number": _trunc,
    "square_root": _sqrt,
    "upper_text": str.upper,
    "lower_text": str.lower,
    "initcap": str.title,
    "substr_text": substr,
    "substr_of_lob": substr_of_lob,
    "instr_text": instr,
    "length_of": length,
    "lengthb": lengthb,
    "trim_text": trim,
    "pad_text": pad,
    "translate": _translate,
    "chr": lambda value: chr(to_int(value)),
    "ascii": lambda value: from_int(ord(value[0])),
    "like_text": like,
    "lob_substr": lob_substr,
    "lob_length": lob_length,
    "unpadded": unpadded,
    "ora_hash": ora_hash,
    "standard_hash": standard_hash,
    "greatest": lambda *values: max(values),
    "least": lambda *values: min(values),
    "number_model": lambda value, model: write_number(decode(value), model),
    "model_number": lambda text, model: encode(read_number(text, model)),
}
_OF_NULL: dict[str, Callable[..., Any]] = {"replace_text": _replace}
"""Functions that see NULLs too."""


class _Sum:
    """The sum of numbers, or their average."""

    def __init__(self) -> None:
        self._total = Decimal(0)
        self._many = 0

    def step(self, value: bytes | None) -> None:
        if value is not None:
            self._total = ARITHMETIC.add(self._total, decode(value))
            self._many += 1

    def finalize(self) -> bytes | None:
        return encode(self._total) if self._many else None


class _Average(_Sum):
    def finalize(self) -> bytes | None:
        return encode(ARITHMETIC.divide(self._total, Decimal(self._many))) if self._many else None


def register(connection: Any, more: Mapping[str, Callable[..., Any]]) -> None:
    """Make all functions known to a connection; what one of them raises stays in its `failure`."""

    def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            try:
                result = function(*args)
            except OracleError as error:
                connection.failure = error
                raise
            return None if result == "" else result

        return run

    def strict(function: Callable[..., Any]) -> Callable[..., Any]:
        inner = guarded(function)
        return lambda *args: None if None in args else inner(*args)

    for name, function in {**FUNCTIONS, **CONVERSIONS, **more}.items():
        connection.create_function(name, -1, strict(function), deterministic=name not in more)
    for name, function in _OF_NULL.items():
        connection.create_function(name, -1, guarded(function), deterministic=True)
    connection.create_aggregate("sum_number", 1, _Sum)
    connection.create_aggregate("average_number", 1, _Average)


def call(name: str, *args: Any) -> Any:
    """One function outside of SQL."""
    if None in args:
        return None
    return (CONVERSIONS.get(name) or FUNCTIONS[name])(*args)
