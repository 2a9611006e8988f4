"""Cron expressions as in crontab(5), evaluated on the digits of a clock: which instants those are is the caller's business."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?:(?P<all>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)
_LONGEST_WAIT = timedelta(days=366 * 41)
"""29 February on one day of the week comes back after 40 years at most."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[int, ...]:
        return tuple(sorted({number for part in text.lower().split(",") for number in self._part(part, text)}))

    def _part(self, part: str, text: str) -> Iterable[int]:
        match = _PART.fullmatch(part)
        if match is None:
            raise self._wrong(text)
        low = self.lowest if match["all"] else self._number(match["low"], text)
        open_ended = match["all"] or (match["step"] and not match["high"])
        high = self.highest if open_ended else self._number(match["high"] or match["low"], text)
        if high < low and self.names == _WEEKDAYS and high == 0:
            high = 7
        step = int(match["step"] or 1)
        if high < low or step == 0:
            raise self._wrong(text)
        return range(low, high + 1, step)

    def _number(self, word: str, text: str) -> int:
        if word in self.names:
            return self.names.index(word) + self.lowest
        if not word.isdigit() or not self.lowest <= int(word) <= self.highest:
            raise self._wrong(text)
        return int(word)

    def _wrong(self, text: str) -> ValueError:
        return ValueError(
            f"{self.name}: expected {self.lowest} to {self.highest}, '*', a range '1-5', a step '*/2' or a list '1,3' (got {text!r})"
        )


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class CronExpression:
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Both day fields restrict: then a day counts if it matches one of them."""
    repeats: bool
    """Written with a `*` for the hour or the minute: it means "again and again", not "at this time of day"."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the matching digits behind `moment`, in order; all of them are naive. Ends if none comes for 40 years."""
        first = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days_from(first.date()):
            for hour in self.hours:
                if day == first.date() and hour < first.hour:
                    continue
                for minute in self.minutes:
                    found = datetime.combine(day, time(hour, minute))
                    if found >= first:
                        yield found

    def _days_from(self, day: date) -> Iterator[date]:
        last = day + _LONGEST_WAIT
        while day <= last:
            if day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
                continue
            if self._counts(day):
                yield day
                last = day + _LONGEST_WAIT
            day += timedelta(days=1)

    def _counts(self, day: date) -> bool:
        matches = (day.day in self.days, day.isoweekday() % 7 in self.weekdays)
        return any(matches) if self.either_day else all(matches)


@lru_cache(maxsize=4096)
def parse(expression: str) -> CronExpression:
    """Read five fields; Sunday is 0 or 7. Raises `ValueError` that says what was expected, also for a day that never comes."""
    texts = expression.split()
    if len(texts) != len(_FIELDS):
        raise ValueError(f"expected five fields: minute, hour, day of month, month, day of week (got {len(texts)})")
    minutes, hours, days, months, weekdays = (field.parse(text) for field, text in zip(_FIELDS, texts, strict=True))
    parsed = CronExpression(
        minutes=minutes,
        hours=hours,
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(weekday % 7 for weekday in weekdays),
        either_day=not texts[2].startswith("*") and not texts[4].startswith("*"),
        repeats=any(text.startswith("*") for text in texts[:2]),
    )
    if next(parsed.after(datetime(2000, 1, 1)), None) is None:  # noqa: DTZ001 - digits of a clock, not an instant
        raise ValueError(f"there is no such day (got {expression!r})")
    return parsed
