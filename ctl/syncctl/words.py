"""Values as people read them, and what people type, read back."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)", re.ASCII)
_NEAR = 1.0
_FEW = 10
"""Below that a digit behind the point says something."""


def parse_duration(text: str) -> timedelta:
    """Read `30s`, `5m`, `1h30m`, `2d`; a bare number counts seconds. Raises `ValueError` that says what was expected."""
    compact = re.sub(r"\s", "", text)
    if re.fullmatch(r"\d+(\.\d+)?", compact, re.ASCII):
        compact += "s"
    parts = _PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"expected a duration such as '30s', '5m' or '1h30m', got {text!r}")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def parse_moment(text: str, now: datetime) -> datetime:
    """Read `30s`, `2d` (so long ago) or an ISO time, local where it names no zone. Raises `ValueError` that says what was expected."""
    try:
        return now - parse_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"expected a time such as '5m', '2d' (ago) or '2025-06-30T18:00', got {text!r}") from error


def duration(seconds: float) -> str:
    """Two units at most: `4.2 ms`, `420 ms`, `3.4 s`, `2 m 05 s`, `1 h 12 m`, `3 d 4 h`."""
    if seconds < _NEAR:
        return f"{seconds * 1000:.2g} ms" if seconds < _FEW / 1000 else f"{seconds * 1000:.0f} ms"
    if seconds < _FEW:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} m {rest:02} s"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes:02} m"


def roughly(seconds: float) -> str:
    """The same to the second, for what is a guess anyhow: `2 s`."""
    return duration(seconds) if seconds >= _FEW else f"{max(round(seconds), 1)} s"


def relative(moment: datetime, now: datetime) -> str:
    """One unit: `2 m ago`, `in 40 s`, `now`."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < _NEAR:
        return "now"
    unit, length = next((unit, length) for unit, length in reversed(_UNITS.items()) if unit != "w" and length <= abs(seconds))
    text = f"{int(abs(seconds) / length)} {unit}"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def clock(moment: datetime) -> str:
    """Local time to the second: `2025-06-30 18:00:00`."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def size(count: int) -> str:
    """`812 B`, `12.3 MB`; powers of 1000."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004 - the base of the units
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def number(count: float) -> str:
    """`50,000`."""
    return f"{count:,.0f}"


def plural(count: int, noun: str) -> str:
    """`1 row`, `3 rows`."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def printable(text: str) -> str:
    """The text without control characters: what a daemon or a source says does not steer the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else f"\\x{ord(letter):02x}" for letter in text)


def pairs(members: Mapping[str, object]) -> str:
    """`mode=full stored=49940`."""
    return " ".join(f"{name}={plain(value)}" for name, value in members.items())


def plain(value: object) -> str:
    """A text as it is, anything else as JSON says it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def connection(why: str) -> str:
    """What is said when the daemon is gone for a reason, or is back, which an empty one means."""
    return f"connection lost ({why}); trying again" if why else "connected again"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'products'?` if a known word is close, else nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
