"""Oracle's functions over dates, timestamps and intervals."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.servers.oracle import format_models, sql_number, sql_time
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.conversions import now, place
from tests.servers.oracle.environment import environment
from tests.servers.oracle.sql_number import ARITHMETIC, decode, encode, from_int, to_int
from tests.servers.oracle.sql_time import DAY, SECOND, Fields, days_in, fields_of, number_of, of_number

_UNITS = {"DAY": DAY, "HOUR": 3600 * SECOND, "MINUTE": 60 * SECOND, "SECOND": SECOND}


def add_days(value: bytes, days: bytes) -> bytes:
    """A DATE so many days later, to the second."""
    seconds = int((decode(days) * 86_400).to_integral_value("ROUND_HALF_UP"))
    return of_number(number_of(value) // SECOND * SECOND + seconds * SECOND)


def days_between(left: bytes, right: bytes) -> bytes:
    return encode(ARITHMETIC.divide(Decimal(number_of(left) - number_of(right)), Decimal(DAY)))


def between(left: bytes, right: bytes) -> bytes:
    return sql_time.encode_seconds(number_of(left) - number_of(right))


def add_seconds(value: bytes, interval: bytes) -> bytes:
    """Also of zoned values, whose zone stays."""
    return of_number(number_of(value) + sql_time.decode_seconds(interval)) + value[11:]


def _on_day(fields: Fields, months: int, last: bool) -> Fields:
    year, month = sql_time.add_months(fields, months)
    longest = days_in(year, month)
    if last and fields.day == days_in(fields.year, fields.month):
        return fields._replace(year=year, month=month, day=longest)
    if not last and fields.day > longest:
        raise OracleError(1839, "date not valid for month specified")
    return fields._replace(year=year, month=month, day=min(fields.day, longest))


def add_interval_months(value: bytes, interval: bytes) -> bytes:
    return sql_time.encode(_on_day(sql_time.decode(value), sql_time.decode_months(interval), last=False)) + value[11:]


def add_months(value: bytes, months: bytes) -> bytes:
    return sql_time.encode(_on_day(sql_time.decode(value), int(decode(months)), last=True))


def months_between(left: bytes, right: bytes) -> bytes:
    one, other = sql_time.decode(left), sql_time.decode(right)
    months = (one.year - other.year) * 12 + one.month - other.month
    last = one.day == days_in(one.year, one.month) and other.day == days_in(other.year, other.month)
    if one.day == other.day or last:
        return from_int(months)
    seconds = [((f.day * 24 + f.hour) * 60 + f.minute) * 60 + f.second for f in (one, other)]
    return encode(ARITHMETIC.add(Decimal(months), ARITHMETIC.divide(Decimal(seconds[0] - seconds[1]), Decimal(31 * 86_400))))


def last_day(value: bytes) -> bytes:
    fields = sql_time.decode(value)
    return sql_time.encode(fields._replace(day=days_in(fields.year, fields.month), nano=0))


def _week_start(fields: Fields) -> Fields:
    whole = sql_time.count(Fields(fields.year, fields.month, fields.day))
    return fields_of(whole - sql_time.day_number(fields.year, fields.month, fields.day) % 7 * DAY)


_FLOORS: dict[str, Callable[[Fields], Fields]] = {
    **dict.fromkeys(("YEAR", "YYYY", "YY", "Y", "SYYYY"), lambda f: Fields(f.year)),
    **dict.fromkeys(("MONTH", "MM", "MON"), lambda f: Fields(f.year, f.month)),
    **dict.fromkeys(("DD", "DDD", "J"), lambda f: Fields(f.year, f.month, f.day)),
    **dict.fromkeys(("HH", "HH24", "HH12"), lambda f: Fields(f.year, f.month, f.day, f.hour)),
    "MI": lambda f: Fields(f.year, f.month, f.day, f.hour, f.minute),
    "SS": lambda f: f._replace(nano=0),
    "Q": lambda f: Fields(f.year, (f.month - 1) // 3 * 3 + 1),
    "IW": _week_start,
}


def trunc_time(value: bytes, unit: str) -> bytes:
    floor = _FLOORS.get(unit.upper())
    if floor is None:
        raise OracleError(1898, "too many precision specifiers")
    return sql_time.encode(floor(sql_time.decode(value)))


def round_time(value: bytes, unit: str) -> bytes:
    """Of days, hours and minutes."""
    size = {"DD": DAY, "HH": 3600 * SECOND, "HH24": 3600 * SECOND, "MI": 60 * SECOND, "SS": SECOND}.get(unit.upper())
    if size is None:
        raise OracleError(1898, "too many precision specifiers")
    return of_number((number_of(value) + size // 2) // size * size)


def write_time(value: bytes, model: str) -> str:
    return format_models.write(sql_time.decode(value), model)


def write_zoned(value: bytes, model: str) -> str:
    return format_models.write(fields_of(sql_time.local_number(value)), model, sql_time.offset_of(value))


def read_date(text: str, model: str) -> bytes:
    fields, zone = format_models.read(text, model, now())
    if fields.nano or zone is not None or "FF" in model.upper():
        raise OracleError(1821, "date format not recognized")
    return sql_time.encode(fields)


def read_timestamp(text: str, model: str) -> bytes:
    return sql_time.encode(format_models.read(text, model, now())[0])


def read_zoned(text: str, model: str, env: str) -> bytes:
    return place(*format_models.read(text, model, now()), environment(env).zone)


def at_zone(value: bytes, zone: str) -> bytes:
    utc = number_of(value)
    return sql_time.zoned(utc, sql_time.offset_at(zone, utc))


def from_tz(value: bytes, zone: str) -> bytes:
    return place(sql_time.decode(value), None, zone)


def interval_of(number: bytes, unit: str) -> bytes:
    if unit.upper() not in _UNITS:
        raise OracleError(1760, "illegal argument for function")
    return sql_time.encode_seconds(int((decode(number) * _UNITS[unit.upper()]).to_integral_value()))


def months_of(number: bytes, unit: str) -> bytes:
    if unit.upper() not in ("YEAR", "MONTH"):
        raise OracleError(1760, "illegal argument for function")
    return sql_time.encode_months(int((decode(number) * (12 if unit.upper() == "YEAR" else 1)).to_integral_value()))


def extract_time(value: bytes, part: str) -> bytes:
    fields = sql_time.decode(value)
    seconds = Decimal(fields.second) + Decimal(fields.nano) / SECOND
    known = {"YEAR": fields.year, "MONTH": fields.month, "DAY": fields.day, "HOUR": fields.hour, "MINUTE": fields.minute}
    return encode(seconds) if part == "SECOND" else from_int(known[part])


def extract_zoned(value: bytes, part: str) -> bytes:
    offset = sql_time.offset_of(value)
    sign = -1 if offset < 0 else 1
    if part == "TIMEZONE_HOUR":
        return from_int(sign * (abs(offset) // 60))
    if part == "TIMEZONE_MINUTE":
        return from_int(sign * (abs(offset) % 60))
    return extract_time(value, part)


def extract_seconds(value: bytes, part: str) -> bytes:
    nanos = sql_time.decode_seconds(value)
    sign, size = (-1 if nanos < 0 else 1), abs(nanos)
    if part == "SECOND":
        return encode(sign * Decimal(size % (60 * SECOND)) / SECOND)
    units = {"DAY": size // DAY, "HOUR": size // (3600 * SECOND) % 24, "MINUTE": size // (60 * SECOND) % 60}
    return from_int(sign * units[part])


def extract_months(value: bytes, part: str) -> bytes:
    months = sql_time.decode_months(value)
    sign = -1 if months < 0 else 1
    return from_int(sign * (abs(months) // 12 if part == "YEAR" else abs(months) % 12))


def _scale_seconds(value: bytes, factor: bytes) -> bytes:
    return sql_time.encode_seconds(int((sql_time.decode_seconds(value) * decode(factor)).to_integral_value()))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add_days": add_days,
    "subtract_days": lambda value, days: add_days(value, encode(-decode(days))),
    "days_between": days_between,
    "time_between": between,
    "add_seconds": add_seconds,
    "subtract_seconds": lambda value, interval: add_seconds(value, sql_time.encode_seconds(-sql_time.decode_seconds(interval))),
    "add_interval_months": add_interval_months,
    "subtract_interval_months": lambda value, interval: add_interval_months(
        value, sql_time.encode_months(-sql_time.decode_months(interval))
    ),
    "scale_seconds": _scale_seconds,
    "add_months": add_months,
    "months_between": months_between,
    "last_day": last_day,
    "trunc_time": trunc_time,
    "round_time": round_time,
    "round_fraction": lambda value, digits: sql_time.rounded(value, to_int(digits) if isinstance(digits, bytes) else digits),
    "cut_fraction": lambda value: value[:7] + b"\0\0\0\0",
    "write_time": write_time,
    "write_zoned": write_zoned,
    "read_date": read_date,
    "read_timestamp": read_timestamp,
    "read_zoned": read_zoned,
    "at_zone": at_zone,
    "from_tz": from_tz,
    "interval_of": interval_of,
    "months_of": months_of,
    "extract_time": extract_time,
    "extract_zoned": extract_zoned,
    "extract_seconds": extract_seconds,
    "extract_months": extract_months,
    "number_fit": sql_number.fit,
}
