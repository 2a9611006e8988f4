"""Words for people."""

import difflib
import re
from collections.abc import Iterable
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)", re.ASCII)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'every'?"` if a known word is close, else an empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def parse_duration(text: str) -> timedelta:
    """Read `30s`, `5m`, `1h30m`, `250ms`, `2d`, `1w`. Raises `ValueError` that says what was expected."""
    compact = text.strip()
    parts = _PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != re.sub(r"\s", "", compact):
        raise ValueError(f"expected a duration such as '30s', '5m' or '1h30m', got {text!r}")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def format_duration(length: timedelta) -> str:
    """The shortest exact form that `parse_duration` reads back: `90s` becomes `1m30s`."""
    milliseconds = round(length.total_seconds() * 1000)
    if milliseconds == 0:
        return "0s"
    words = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            words.append(f"{count}{unit}")
    return "".join(words)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 table`, `2 tables`, `1,000 tables`; `many` is needed where it is not `one` and an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
