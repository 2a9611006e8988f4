from datetime import datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.kit import cron

digits = datetime.fromisoformat
THURSDAY = digits("2026-01-01")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("0 2 * * *", ["01-01 02:00", "01-02 02:00", "01-03 02:00"], id="daily"),
        pytest.param("*/20 * * * *", ["01-01 00:20", "01-01 00:40", "01-01 01:00"], id="a step"),
        pytest.param("5/20 * * * *", ["01-01 00:05", "01-01 00:25", "01-01 00:45"], id="a step from a start"),
        pytest.param("0 9-17/4 * * *", ["01-01 09:00", "01-01 13:00", "01-01 17:00"], id="a step in a range"),
        pytest.param("0 0 * * 0", ["01-04 00:00", "01-11 00:00", "01-18 00:00"], id="Sunday is 0"),
        pytest.param("0 0 * * 7", ["01-04 00:00", "01-11 00:00", "01-18 00:00"], id="Sunday is 7"),
        pytest.param("0 0 * * mon", ["01-05 00:00", "01-12 00:00", "01-19 00:00"], id="a day by name"),
        pytest.param("0 0 * * FRI-sun", ["01-02 00:00", "01-03 00:00", "01-04 00:00"], id="a range up to Sunday"),
        pytest.param("0 0 1 feb,apr *", ["02-01 00:00", "04-01 00:00"], id="months by name"),
        pytest.param("0 0 31 * *", ["01-31 00:00", "03-31 00:00", "05-31 00:00"], id="months without such a day are left out"),
        pytest.param("0 0 3 * mon", ["01-03 00:00", "01-05 00:00", "01-12 00:00"], id="two restricted day fields: one of them is enough"),
        pytest.param(
            "0 0 */2 * mon", ["01-05 00:00", "01-19 00:00"], id="a day field that begins with a star does not count as restricted"
        ),
        pytest.param("1,3 4 * * *", ["01-01 04:01", "01-01 04:03", "01-02 04:01"], id="a list"),
    ],
)
def test_an_expression_matches_as_in_crontab(expression: str, expected: list[str]) -> None:
    found = islice(cron.parse(expression).after(THURSDAY), len(expected))

    assert [f"{match:%m-%d %H:%M}" for match in found] == expected


def test_a_match_is_strictly_later() -> None:
    assert next(cron.parse("0 2 * * *").after(digits("2026-01-01 02:00"))) == digits("2026-01-02 02:00")
    assert next(cron.parse("0 2 * * *").after(digits("2026-01-01 01:59:59.999999"))) == digits("2026-01-01 02:00")


def test_a_leap_day_on_a_sunday_is_found_decades_ahead() -> None:
    found = islice(cron.parse("0 0 29 2 */7").after(THURSDAY), 3)

    assert [match.year for match in found] == [2032, 2060, 2088]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        pytest.param("5 * *", "expected five fields: minute, hour, day of month, month, day of week (got 3)", id="too few"),
        pytest.param("0 25 * * *", "hour: expected 0 to 23", id="too high"),
        pytest.param("0 0 0 * *", "day of month: expected 1 to 31", id="too low"),
        pytest.param("0 0 * foo *", "month: expected 1 to 12", id="no such name"),
        pytest.param("*/0 * * * *", "minute: expected", id="a step of nothing"),
        pytest.param("30-10 * * * *", "minute: expected", id="a range backwards"),
        pytest.param("1,,2 * * * *", "minute: expected", id="a hole in a list"),
        pytest.param("² * * * *", "minute: expected", id="a digit that is no number"),
        pytest.param("0 0 30 2 *", "there is no such day", id="30 February"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_was_expected(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"expected|no such") as caught:
        cron.parse(expression)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("expression", "repeats"),
    [("0 2 * * *", False), ("0 * * * *", True), ("*/5 2 * * *", True), ("0,30 1-5 * * *", False)],
)
def test_an_expression_with_a_star_for_hour_or_minute_repeats_within_the_day(expression: str, *, repeats: bool) -> None:
    assert cron.parse(expression).repeats is repeats


@given(
    moment=st.datetimes(digits("2000-01-01"), digits("2100-01-01")),
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    weekday=st.integers(0, 6),
)
def test_the_next_match_has_the_digits_and_comes_within_its_week(moment: datetime, minute: int, hour: int, weekday: int) -> None:
    found = next(cron.parse(f"{minute} {hour} * * {weekday}").after(moment))

    assert (found.minute, found.hour, found.isoweekday() % 7) == (minute, hour, weekday)
    assert 0 < (found - moment).total_seconds() <= 7 * 86_400
