"""Dates, timestamps, zones and intervals: their bytes, and whole nanoseconds to compute with."""

import struct
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tests.servers.oracle.backend import OracleError

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
MINUTE = 60 * SECOND
_EPOCH_DAY = 2_440_588
"""1970-01-01 as a Julian day number."""
_GREGORIAN = 2_299_161
"""1582-10-15, the first day that is not of the Julian calendar."""


class Fields(NamedTuple):
    """A calendar moment; years before Christ are negative, there is no year 0."""

    year: int
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: int = 0
    nano: int = 0


def encode(fields: Fields) -> bytes:
    """11 bytes, whatever the type."""
    year = abs(fields.year)
    sign = 1 if fields.year > 0 else -1
    return struct.pack(
        ">7BI",
        100 + sign * (year // 100),
        100 + sign * (year % 100),
        fields.month,
        fields.day,
        fields.hour + 1,
        fields.minute + 1,
        fields.second + 1,
        fields.nano,
    )


def decode(value: bytes) -> Fields:
    century, year, month, day, hour, minute, second, nano = struct.unpack(">7BI", value[:11])
    return Fields((century - 100) * 100 + year - 100, month, day, hour - 1, minute - 1, second - 1, nano)


def day_number(year: int, month: int, day: int) -> int:
    """The Julian day number; Julian calendar until 4 October 1582."""
    astronomical = year + 1 if year < 0 else year
    shift = (14 - month) // 12
    years = astronomical + 4800 - shift
    base = day + (153 * (month + 12 * shift - 3) + 2) // 5 + 365 * years + years // 4
    if (year, month, day) < (1582, 10, 15):
        return base - 32083
    return base - years // 100 + years // 400 - 32045


def _calendar(number: int) -> tuple[int, int, int]:
    if number >= _GREGORIAN:
        a = number + 32044
        b = (4 * a + 3) // 146097
        c = a - 146097 * b // 4
    else:
        b, c = 0, number + 32082
    d = (4 * c + 3) // 1461
    e = c - 1461 * d // 4
    m = (5 * e + 2) // 153
    year = 100 * b + d - 4800 + m // 10
    return (year if year > 0 else year - 1), m + 3 - 12 * (m // 10), e - (153 * m + 2) // 5 + 1


def count(fields: Fields) -> int:
    """Nanoseconds since the beginning of the Julian days."""
    seconds = (fields.hour * 60 + fields.minute) * 60 + fields.second
    return day_number(fields.year, fields.month, fields.day) * DAY + seconds * SECOND + fields.nano


def fields_of(nanos: int) -> Fields:
    number, rest = divmod(nanos, DAY)
    year, month, day = _calendar(number)
    if not -4713 < year <= 9999:
        raise OracleError(1841, "(full) year must be between -4713 and +9999, and not be 0")
    seconds, nano = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    return Fields(year, month, day, minutes // 60, minutes % 60, second, nano)


def number_of(value: bytes) -> int:
    return count(decode(value))


def of_number(nanos: int) -> bytes:
    return encode(fields_of(nanos))


def of_epoch(nanos: int) -> bytes:
    """Of the operating system's clock, in UTC."""
    return of_number(nanos + _EPOCH_DAY * DAY)


def to_epoch(value: bytes) -> int:
    return number_of(value) - _EPOCH_DAY * DAY


def rounded(value: bytes, digits: int) -> bytes:
    """With a fraction of so many digits."""
    unit = 10 ** (9 - digits)
    if not int.from_bytes(value[7:11], "big") % unit:
        return value
    nanos = number_of(value)
    return of_number((nanos + unit // 2) // unit * unit) + value[11:]


def days_in(year: int, month: int) -> int:
    following = (year, month + 1) if month < 12 else (year + 1 or 1, 1)
    return day_number(*following, 1) - day_number(year, month, 1) + (10 if (year, month) == (1582, 10) else 0)


def add_months(fields: Fields, months: int) -> tuple[int, int]:
    """Year and month so many months later."""
    astronomical = fields.year + 1 if fields.year < 0 else fields.year
    years, month = divmod(astronomical * 12 + fields.month - 1 + months, 12)
    return (years if years > 0 else years - 1), month + 1


def zoned(utc: int, offset: int) -> bytes:
    """13 bytes; the offset is in minutes."""
    sign = -1 if offset < 0 else 1
    return of_number(utc) + bytes((20 + sign * (abs(offset) // 60), 60 + sign * (abs(offset) % 60)))


def offset_of(value: bytes) -> int:
    return (value[11] - 20) * 60 + value[12] - 60


def local_number(value: bytes) -> int:
    """The wall clock of a zoned value."""
    return number_of(value) + offset_of(value) * MINUTE


@lru_cache(maxsize=200)
def _zone(name: str) -> timezone | ZoneInfo:
    if name[:1] in "+-" and ":" in name:
        hours, minutes = name[1:].split(":")
        size = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-size if name[0] == "-" else size)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise OracleError(1882, "timezone region not found") from error


def offset_at(zone: str, nanos: int, wall: bool = False) -> int:
    """Minutes that a zone is ahead of UTC at a moment, given in UTC or as the zone's own wall clock."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=(nanos - _EPOCH_DAY * DAY) // 1000)  # noqa: UP017
    except OverflowError:
        moment = datetime(1971, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
    found = _zone(zone)
    there = moment.replace(tzinfo=found) if wall else moment.astimezone(found)
    size = there.utcoffset() or timedelta()
    return int(size.total_seconds() // 60)


def encode_months(months: int) -> bytes:
    sign = -1 if months < 0 else 1
    return struct.pack(">IB", (1 << 31) + sign * (abs(months) // 12), 60 + sign * (abs(months) % 12))


def decode_months(value: bytes) -> int:
    years, months = struct.unpack(">IB", value)
    return (int(years) - (1 << 31)) * 12 + int(months) - 60


def encode_seconds(nanos: int) -> bytes:
    sign = -1 if nanos < 0 else 1
    seconds, nano = divmod(abs(nanos), SECOND)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return struct.pack(">I3BI", (1 << 31) + sign * days, 60 + sign * hour, 60 + sign * minute, 60 + sign * second, (1 << 31) + sign * nano)


def decode_seconds(value: bytes) -> int:
    days, hour, minute, second, nano = struct.unpack(">I3BI", value)
    minutes = ((days - (1 << 31)) * 24 + hour - 60) * 60 + minute - 60
    return int((minutes * 60 + second - 60) * SECOND + nano - (1 << 31))
