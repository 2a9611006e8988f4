"""Oracle's NUMBER: up to 20 base-100 digits, in bytes that order as the numbers do."""

from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache

from tests.servers.oracle.backend import OracleError

ARITHMETIC = Context(prec=50, rounding=ROUND_HALF_UP, Emin=-99999, Emax=99999, traps=[InvalidOperation, Overflow, DivisionByZero])
"""Exact where a NUMBER is."""

ZERO = b"\x80"
UNLIMITED = 300
"""A precision that no number exceeds, at any scale."""
_DIGITS = 20


def encode(value: Decimal) -> bytes:
    """Raises `OracleError` beyond 1E126; what is below 1E-130 is zero."""
    if not value:
        return ZERO
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise OracleError(1426, "numeric overflow")
    pairs, before = _pairs("".join(map(str, digits)), exponent)
    if len(pairs) > _DIGITS:
        return encode(_shortened(value, 2 * _DIGITS - (pairs[0] < 10)))
    if before > 63:
        raise OracleError(1426, "numeric overflow")
    if before < -64:
        return ZERO
    if sign:
        return bytes((63 - before, *(101 - pair for pair in pairs))) + (b"\x66" if len(pairs) < _DIGITS else b"")
    return bytes((192 + before, *(pair + 1 for pair in pairs)))


def _pairs(text: str, exponent: int) -> tuple[list[int], int]:
    """Base-100 digits without zeros at the end, and how many stand before the point."""
    if exponent % 2:
        text, exponent = text + "0", exponent - 1
    text = text.rjust(len(text) + len(text) % 2, "0")
    pairs = [int(text[i : i + 2]) for i in range(0, len(text), 2)]
    before = len(pairs) + exponent // 2
    while not pairs[-1]:
        pairs.pop()
    return pairs, before


def _shortened(value: Decimal, digits: int) -> Decimal:
    return Context(prec=digits, rounding=ROUND_HALF_UP, Emin=-99999, Emax=99999).plus(value)


@lru_cache(maxsize=20_000)
def from_int(value: int) -> bytes:
    return encode(Decimal(value))


def decode(value: bytes) -> Decimal:
    if value == ZERO:
        return Decimal(0)
    if value[0] & 0x80:
        sign, before, pairs = 1, value[0] - 192, [byte - 1 for byte in value[1:]]
    else:
        sign, before, pairs = -1, 63 - value[0], [101 - byte for byte in value[1:] if byte != 102]
    digits = 0
    for pair in pairs:
        digits = digits * 100 + pair
    exponent = before - len(pairs)
    return Decimal(sign * digits * 100**exponent) if exponent >= 0 else Decimal(f"{sign * digits}E{2 * exponent}")


@lru_cache(maxsize=20_000)
def to_int(value: bytes) -> int:
    """Rounded half away from zero."""
    return int(decode(value).to_integral_value(ROUND_HALF_UP))


def to_native(value: bytes) -> int | float:
    """For comparisons with numbers of the storage."""
    number = decode(value)
    return int(number) if number == number.to_integral_value() else float(number)


def from_text(text: str) -> bytes:
    """As an implicit TO_NUMBER reads it. Raises `OracleError`."""
    stripped = text.strip()
    try:
        if not stripped or not set(stripped) <= set("0123456789+-.eE"):
            raise OracleError(1722, "invalid number")
        return encode(Decimal(stripped))
    except InvalidOperation as error:
        raise OracleError(1722, "invalid number") from error


def rounded(value: Decimal, scale: int) -> Decimal:
    """Half away from zero, at any scale."""
    return value.quantize(Decimal((0, (1,), -scale)), ROUND_HALF_UP, Context(prec=300, Emin=-99999, Emax=99999))


def fit(value: bytes, precision: int, scale: int) -> bytes:
    """As a column NUMBER(precision, scale) keeps it. Raises `OracleError` where it has too many digits."""
    if _fits(value, precision, scale):
        return value
    number = rounded(decode(value), scale)
    if number and number.adjusted() + 1 > precision - scale:
        raise OracleError(1438, "value larger than specified precision allowed for this column")
    return encode(number)


def _fits(value: bytes, precision: int, scale: int) -> bool:
    """Told from the length alone, for most positive numbers."""
    before = value[0] - 192
    return value == ZERO or (value[0] >= 0x80 and 2 * before <= precision - scale and 2 * (len(value) - 1 - before) <= scale)


def plain(number: Decimal, width: int = 40) -> str:
    """As TO_CHAR without a format writes it: at most `width` characters, no zero before the point."""
    text = fixed(number)
    if len(text) <= width:
        return text
    if abs(number.adjusted()) < width and "." in text:
        whole = text.index(".")
        return fixed(rounded(number, width - 1 - whole))
    sign = "-" if number < 0 else ""
    exponent = f"E{number.adjusted():+03d}"
    digits = width - len(sign) - len(exponent) - 2
    mantissa = rounded(abs(number).scaleb(-number.adjusted(), ARITHMETIC), max(digits, 0))
    return f"{sign}{mantissa:f}{exponent}"


def fixed(number: Decimal) -> str:
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    if text.startswith("0."):
        text = text[1:]
    return sign + text if text not in ("0", "") else "0"


def scientific(number: Decimal) -> str:
    """As TO_CHAR with TME writes it."""
    if not number:
        return "0E+00"
    sign, digits, _ = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0").rstrip("0") or "0"
    mantissa = text[0] + (f".{text[1:]}" if text[1:] else "")
    return f"{'-' if sign else ''}{mantissa}E{number.adjusted():+03d}"
