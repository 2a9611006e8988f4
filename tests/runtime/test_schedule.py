import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.schedule import Cron, Every, Manual, Schedule
from syncd.runtime.schedule import first_fire, next_fire

SOAK = bool(os.environ.get("SYNCD_SOAK"))
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2028, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2100-01-01"), timezones=st.just(UTC))
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/Santiago",
    "Asia/Seoul",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Pacific/Chatham",
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(schedule: Schedule, begin: datetime, end: datetime) -> Iterator[datetime]:
    due = next_fire(schedule, begin, None)
    while due is not None and due < end:
        yield due
        due = next_fire(schedule, due, due)


def days_of(zone: ZoneInfo, begin: datetime, end: datetime) -> set[date]:
    first, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    return {first + timedelta(days=number) for number in range((last - first).days + 1)}


@pytest.mark.parametrize("time_of_day", ["0 0", "30 0", "30 1", "0 2", "15 2", "30 2", "0 3", "30 23"])
@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_sync_is_due_exactly_once_on_every_local_day_of_two_years(zone: str, time_of_day: str) -> None:
    place = ZoneInfo(zone)

    due = Counter(fire.astimezone(place).date() for fire in fires(Cron(f"{time_of_day} * * *", zone), BEGIN, END))

    edges = {BEGIN.astimezone(place).date(), END.astimezone(place).date()}
    assert due.keys() | edges == days_of(place, BEGIN, END)
    assert set(due.values()) == {1}


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe"])
def test_every_hour_of_the_day_keeps_its_day_around_both_changes_of_the_clocks(zone: str, hour: int) -> None:
    place = ZoneInfo(zone)
    for begin, end in ((utc("2026-03-20"), utc("2026-04-12")), (utc("2026-08-28"), utc("2026-11-08"))):
        due = Counter(fire.astimezone(place).date() for fire in fires(Cron(f"0 {hour} * * *", zone), begin, end))

        edges = {begin.astimezone(place).date(), end.astimezone(place).date()}
        assert due.keys() | edges == days_of(place, begin, end)
        assert set(due.values()) == {1}


@pytest.mark.parametrize("zone", ZONES)
def test_an_hourly_sync_never_leaves_out_an_hour(zone: str) -> None:
    due = list(fires(Cron("0 * * * *", zone), BEGIN, BEGIN + timedelta(days=365)))

    assert max(later - earlier for earlier, later in pairwise(due)) < timedelta(hours=2)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        pytest.param("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:00", id="left out: behind the gap"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-30 00:30", id="and not again on that day"),
        pytest.param("0 0 * * *", "America/Santiago", "2026-09-05 12:00", "2026-09-06 04:00", id="a day that begins at one o'clock"),
        pytest.param("15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00", "2026-10-03 15:30", id="a gap of half an hour"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 00:30", id="twice: the first time"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-26 01:30", id="and only once"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2026-10-25 00:45", "2026-10-26 01:30", id="also between the two times"),
        pytest.param("30 * * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-25 01:30", id="twice, but hourly: both times"),
        pytest.param("*/20 * * * *", "Europe/Berlin", "2026-10-25 00:50", "2026-10-25 01:00", id="twice, but repeating: all of it"),
        pytest.param("0 0 * * *", "Europe/Berlin", "2026-03-29 12:00", "2026-03-29 22:00", id="midnight after a short night"),
        pytest.param("0 2 * * *", "Asia/Seoul", "2026-01-01 00:00", "2026-01-01 17:00", id="no summer time"),
        pytest.param("0 0 29 2 *", "UTC", "2026-01-01 00:00", "2028-02-29 00:00", id="a leap day"),
    ],
)
def test_a_cron_means_the_clocks_of_its_zone(expression: str, zone: str, after: str, expected: str) -> None:
    assert next_fire(Cron(expression, zone), utc(after), None) == utc(expected)


@given(
    after=MOMENTS,
    zone=st.sampled_from(ZONES),
    expression=st.sampled_from(["* * * * *", "*/7 * * * *", "30 2 * * *", "0 */2 * * *", "15 1-3 * * sun", "45 23 1,15 * *"]),
)
def test_a_cron_is_due_later_and_nothing_is_due_in_between(after: datetime, zone: str, expression: str) -> None:
    schedule = Cron(expression, zone)

    due = next_fire(schedule, after, None)

    assert due is not None
    assert due > after
    assert next_fire(schedule, after + (due - after) / 2, None) == due


def test_an_interval_is_counted_from_its_anchor() -> None:
    five = Every(timedelta(minutes=5))

    assert next_fire(five, utc("2026-01-01 10:00:01"), utc("2026-01-01 10:00")) == utc("2026-01-01 10:05")
    assert next_fire(five, utc("2026-01-01 10:05"), utc("2026-01-01 10:00")) == utc("2026-01-01 10:10")
    assert next_fire(five, utc("2026-01-01 10:00"), None) == utc("2026-01-01 10:05")


def test_intervals_that_were_missed_are_left_out_at_once() -> None:
    second = Every(timedelta(seconds=1))

    assert next_fire(second, utc("2036-01-01 00:00:00.5"), utc("2026-01-01")) == utc("2036-01-01 00:00:01")


@given(interval=st.timedeltas(timedelta(microseconds=1), timedelta(days=400)), after=MOMENTS, anchor=MOMENTS)
def test_an_interval_is_due_within_its_length_whatever_the_clock_did(interval: timedelta, after: datetime, anchor: datetime) -> None:
    due = next_fire(Every(interval), after, anchor)

    assert due is not None
    assert timedelta(0) < due - after <= interval
    assert (due - anchor) % interval == timedelta(0)


NOON = utc("2026-01-01 12:00")
HOURLY = Every(timedelta(hours=1))
NIGHTLY = Cron("0 2 * * *")


@pytest.mark.parametrize(
    ("schedule", "last_start", "expected"),
    [
        pytest.param(HOURLY, None, "2026-01-01 12:00", id="never ran: at once"),
        pytest.param(HOURLY, "2026-01-01 11:40", "2026-01-01 12:40", id="ran lately: an interval after that"),
        pytest.param(HOURLY, "2025-06-01 00:00", "2026-01-01 12:00", id="overdue: at once"),
        pytest.param(HOURLY, "2026-05-01 00:00", "2026-01-01 13:00", id="ran in the future: an interval from now"),
        pytest.param(NIGHTLY, None, "2026-01-02 02:00", id="never ran, by the clock: at its time"),
        pytest.param(NIGHTLY, "2026-01-01 02:00:03", "2026-01-02 02:00", id="ran at its time: at the next"),
        pytest.param(NIGHTLY, "2025-12-31 02:00:03", "2026-01-01 12:00", id="its time was missed: at once"),
        pytest.param(NIGHTLY, "2026-05-01 00:00", "2026-01-02 02:00", id="ran in the future, by the clock: at its time"),
        pytest.param(
            Cron("30 12 * * *"), "2026-01-01 12:30:02", "2026-01-02 12:30", id="the clock was set back by an hour: not again today"
        ),
        pytest.param(Cron("*/10 * * * *"), "2026-01-01 12:30:02", "2026-01-01 12:10", id="set back by an hour, repeating: as ever"),
        pytest.param(Cron("30 12 * * *"), "2026-01-02 12:30:02", "2026-01-01 12:30", id="set back by more than a day: as ever"),
    ],
)
def test_the_first_time_is_what_was_missed_or_the_next(schedule: Schedule, last_start: str | None, expected: str) -> None:
    assert first_fire(schedule, NOON, utc(last_start) if last_start else None) == utc(expected)


def nights_of(year: int) -> dict[tuple[str, str, str, str], str]:
    """Every way in which clocks are changed in a year, each with a time zone that does it: its UTC night and the offsets around it."""
    ways = {}
    for name in sorted(available_timezones()):
        zone, before = ZoneInfo(name), None
        for day in range(367):
            noon = datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
            offset = noon.astimezone(zone).utcoffset()
            if before is not None and offset != before:
                way = (str(_change(noon - timedelta(days=1), noon, zone)), str(before), str(offset))
                ways[(*way, name) if SOAK else (*way, "")] = name
            before = offset
    return ways


def _change(before: datetime, behind: datetime, zone: ZoneInfo) -> datetime:
    """The first minute with the later offset."""
    while behind - before > timedelta(minutes=1):
        middle = before + timedelta(minutes=(behind - before) // timedelta(minutes=2))
        if middle.astimezone(zone).utcoffset() == behind.astimezone(zone).utcoffset():
            behind = middle
        else:
            before = middle
    return behind


@pytest.mark.timeout(600)
@pytest.mark.parametrize("minute", [0, *([15, 30, 59] if SOAK else [])])
def test_no_change_of_clocks_anywhere_loses_or_doubles_a_daily_run(minute: int) -> None:
    nights = nights_of(2026)

    wrong = []
    for (night, *_), name in nights.items():
        zone = ZoneInfo(name)
        begin = datetime.fromisoformat(night) - timedelta(days=2)
        days = [(begin.astimezone(zone) + timedelta(days=number)).date() for number in range(1, 4)]
        for hour in range(24):
            at = time(hour, minute)
            due = Counter(meant(fire, zone, at) for fire in fires(Cron(f"{minute} {hour} * * *", name), begin, begin + timedelta(days=5)))
            wrong += [f"{name} {at}: {due[day]} times on {day}" for day in days if due[day] != 1]

    assert wrong == []
    assert len(nights) > 10


def meant(fire: datetime, zone: ZoneInfo, at: time) -> date:
    """The local day that a fire is for. A time that falls into a gap before midnight is due at midnight, when its day ends."""
    local = fire.astimezone(zone)
    return (local - timedelta(days=1)).date() if local.time() == time(0) != at else local.date()


def test_a_manual_sync_is_never_due() -> None:
    assert first_fire(Manual(), NOON, None) is None
    assert next_fire(Manual(), NOON, NOON) is None


@pytest.mark.parametrize("interval", [timedelta(0), timedelta(seconds=-1)])
def test_an_interval_of_nothing_cannot_be_made(interval: timedelta) -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        Every(interval)
