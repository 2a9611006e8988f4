"""What is due by the clock. Pure."""

from datetime import UTC, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from syncd.engines.metadata.settings import WEEKDAYS, RefreshSection

_TWO = "02:00"


class Due(Enum):
    NOTHING = "nothing"
    DAILY = "daily"
    """New shards are told, and what is missing is made."""
    FULL = "full"
    """Everything is made anew."""


def due(refresh: RefreshSection, now: datetime, last_refresh: datetime | None, last_full: datetime | None) -> Due:
    """What should have been done since it was done last. Every moment is aware; what never was is not due: the first run does it all."""
    at = time.fromisoformat(refresh.daily or _TWO)
    zone = ZoneInfo(refresh.timezone)
    if refresh.weekly_full and last_full is not None:
        weekday = WEEKDAYS.index(refresh.weekly_full)
        if last_full < _latest(now, zone, at, weekday):
            return Due.FULL
    if refresh.daily and last_refresh is not None and last_refresh < _latest(now, zone, at, None):
        return Due.DAILY
    return Due.NOTHING


def _latest(now: datetime, zone: ZoneInfo, at: time, weekday: int | None) -> datetime:
    """The last moment, now at the latest, when the clocks of a zone showed a time, on a weekday if one is given.

    A time that the clocks leave out counts at the offset before they were changed; one that comes twice counts the first time.
    """
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, at, zone).astimezone(UTC)
        if moment <= now and weekday in (None, day.weekday()):
            return moment
        day -= timedelta(days=1)
