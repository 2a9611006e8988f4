from datetime import UTC, datetime

import pytest

from syncd.engines.metadata.due import Due, due
from syncd.engines.metadata.settings import RefreshSection

SEOUL = RefreshSection(timezone="Asia/Seoul")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "refreshed", "full", "expected"),
    [
        pytest.param("2026-11-18 16:59", "2026-11-17 17:05", "2026-11-15 00:00", Due.NOTHING, id="a minute before two in Seoul"),
        pytest.param("2026-11-18 17:00", "2026-11-17 17:05", "2026-11-15 00:00", Due.DAILY, id="at two in Seoul"),
        pytest.param("2026-11-18 17:05", "2026-11-18 17:00", "2026-11-15 00:00", Due.NOTHING, id="done already"),
        pytest.param("2026-11-20 03:00", "2026-11-17 17:05", "2026-11-15 00:00", Due.DAILY, id="the daemon was down for two days"),
        pytest.param("2026-11-21 17:00", "2026-11-20 17:05", "2026-11-14 17:05", Due.FULL, id="at two on Sunday in Seoul"),
        pytest.param("2026-11-23 10:00", "2026-11-23 09:00", "2026-11-14 17:05", Due.FULL, id="Sunday was missed"),
        pytest.param("2026-11-22 10:00", "2026-11-21 17:05", "2026-11-21 17:05", Due.NOTHING, id="Sunday is done"),
    ],
)
def test_what_should_have_been_done_since_is_due_once(now: str, refreshed: str, full: str, expected: Due) -> None:
    assert due(SEOUL, at(now), at(refreshed), at(full)) is expected


def test_what_never_was_is_not_due() -> None:
    assert due(SEOUL, at("2026-11-21 18:00"), None, None) is Due.NOTHING


def test_nothing_is_due_that_the_settings_switch_off() -> None:
    never = RefreshSection(daily="", weekly_full="")

    assert due(never, at("2026-11-22 18:00"), at("2026-01-01 00:00"), at("2026-01-01 00:00")) is Due.NOTHING


@pytest.mark.parametrize(
    ("now", "refreshed", "expected"),
    [
        pytest.param("2026-03-29 00:59", "2026-03-28 01:30", Due.NOTHING, id="before the clocks go forward"),
        pytest.param("2026-03-29 01:31", "2026-03-28 01:30", Due.DAILY, id="the hour that is left out"),
        pytest.param("2026-10-25 00:29", "2026-10-24 01:00", Due.NOTHING, id="before the hour that comes twice"),
        pytest.param("2026-10-25 00:31", "2026-10-24 01:00", Due.DAILY, id="the first of the two"),
        pytest.param("2026-10-25 01:31", "2026-10-25 00:31", Due.NOTHING, id="the second of the two"),
    ],
)
def test_nights_on_which_clocks_are_changed_have_one_refresh(now: str, refreshed: str, expected: Due) -> None:
    berlin = RefreshSection(daily="02:30", weekly_full="", timezone="Europe/Berlin")

    assert due(berlin, at(now), at(refreshed), at("2026-01-01 00:00")) is expected
