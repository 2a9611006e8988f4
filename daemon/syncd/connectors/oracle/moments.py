"""Moments as text, with up to nine digits of a fraction: Python's datetime would cut them."""

import re
from datetime import UTC, datetime, timedelta

_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?:[ T](?P<clock>\d\d:\d\d(?::\d\d)?)(?:\.(?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_NANOSECONDS = 9
_FIRST = datetime(1, 1, 1)  # noqa: DTZ001 - compared with those that have no zone


def moment_text(text: str, *, digits: int = _NANOSECONDS) -> str:
    """`2026-11-20 10:00:00.123456000` of whatever form a moment has; one with a zone becomes UTC. Raises `ValueError` for no moment."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no moment")
    clock = found["clock"] or "00:00:00"
    plain = f"{found['date']} {clock}{'' if clock.count(':') > 1 else ':00'}"
    zone = found["zone"] if found["zone"] not in (None, "Z") else "+00:00"
    try:
        plain = datetime.fromisoformat(plain + zone).astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{text!r} is no moment between the years 1 and 9999") from error
    fraction = (found["fraction"] or "").ljust(_NANOSECONDS, "0")[:digits]
    return f"{plain}.{fraction}" if digits else plain


def earlier(text: str, by: timedelta) -> str:
    """A moment some time before another one, or the first of all; digits below the microsecond are kept."""
    whole = moment_text(text)
    moment = datetime.fromisoformat(whole[:-3])
    if moment - _FIRST < by:
        return moment_text("0001-01-01")
    return f"{(moment - by).isoformat(' ', 'microseconds')}{whole[-3:]}"


def trimmed(text: str) -> str:
    """A moment without the zeros at the end of its fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text
