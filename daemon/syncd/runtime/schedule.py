"""When a sync is due. Pure; every moment here is aware and UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.domain.schedule import Cron, Every, Manual, Schedule
from syncd.kit import cron

_LONGEST_REPETITION = timedelta(hours=3)
"""More than any time zone has turned its clocks back by in this century."""
_ONE_NIGHT = timedelta(days=1)


def first_fire(schedule: Schedule, now: datetime, last_start: datetime | None) -> datetime | None:
    """When a sync is due first after the daemon has started, or its schedule has been changed.

    What became due meanwhile is due now, once. A sync that never ran waits for its first time if it has a `cron`, else it is due now.
    A last start in the future (the clock was set back) never makes the wait longer than the schedule itself; but see `after_setting_back`.
    """
    match schedule:
        case Every(interval):
            due = now if last_start is None else last_start + interval
            return max(now, min(due, now + interval))
        case Cron():
            behind = last_start if last_start and last_start <= now else after_setting_back(schedule, now, last_start)
            due_since = next_fire(schedule, behind, None)
            return None if due_since is None else max(now, due_since)
        case Manual():
            return None


def after_setting_back(schedule: Schedule, now: datetime, last: datetime | None) -> datetime:
    """The moment behind which to look for the next time, if a sync was due last at a time that the clock has now before it once more.

    A time of day that has passed does not count again when the clock is set back by some hours. What repeats within the day does, it
    would otherwise fall silent; and so does everything if the clock was wrong by more than a day.
    """
    match schedule:
        case Cron(expression) if last is not None and now < last <= now + _ONE_NIGHT and not cron.parse(expression).repeats:
            return last
        case _:
            return now


def next_fire(schedule: Schedule, after: datetime, anchor: datetime | None) -> datetime | None:
    """The first time behind `after` when a sync is due; intervals are counted from `anchor`, or from `after` if there is none."""
    match schedule:
        case Every(interval):
            begin = anchor or after
            return begin + interval * ((after - begin) // interval + 1)
        case Cron(expression, timezone):
            return _next_on_the_clock(cron.parse(expression), ZoneInfo(timezone), after)
        case Manual():
            return None


def _next_on_the_clock(expression: cron.CronExpression, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Every matching time of a local day counts once, in spring and in autumn too.

    Digits that the clocks leave out count at the first instant behind the gap. Digits that come twice count the first time; both
    times if the expression repeats within the day, which would otherwise fall silent for the hour.
    """
    best: datetime | None = None
    for digits in expression.after(_earliest_digits(zone, after)):
        instants = _instants(digits, zone)
        first = next(instants)
        if best is not None and first >= best:
            break
        counted = (first, *instants) if expression.repeats else (first,)
        best = min((instant for instant in (best, *counted) if instant is not None and instant > after), default=None)
    return best


def _earliest_digits(zone: ZoneInfo, after: datetime) -> datetime:
    """The lowest digits that the clocks show behind `after`, less a moment: they may soon be turned back."""
    now, later = (moment.astimezone(zone).replace(tzinfo=None) for moment in (after, after + _LONGEST_REPETITION))
    return min(now, later - _LONGEST_REPETITION) - timedelta(minutes=1)


def _instants(digits: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The one or two instants at which the clocks show some digits; if they never do, the instant when they jump over them."""
    first, second = (digits.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if second < first:
        yield _jump(second, first, zone)
        return
    yield first
    if second > first:
        yield second


def _jump(before: datetime, behind: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the later offset, by halving to the second."""
    offset = behind.astimezone(zone).utcoffset()
    while behind - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(behind - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            behind = middle
        else:
            before = middle
    return behind
