"""Values as people read and type them."""

from datetime import UTC, datetime, timedelta

import pytest

from syncctl import words

NOW = datetime(2025, 6, 30, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0042, "4.2 ms"),
        (0.42, "420 ms"),
        (3.44, "3.4 s"),
        (40, "40 s"),
        (59.7, "1 m 00 s"),
        (125, "2 m 05 s"),
        (4320, "1 h 12 m"),
        (273600, "3 d 4 h"),
    ],
)
def test_a_duration_is_told_in_two_units_at_most(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-130, "2 m ago"), (40, "in 40 s"), (0.4, "now"), (-7300, "2 h ago"), (172800, "in 2 d"), (-86400 * 400, "400 d ago")],
)
def test_a_moment_is_told_from_now(seconds: float, text: str) -> None:
    assert words.relative(NOW + timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (12_300_000, "12.3 MB"), (5 * 10**15, "5,000.0 TB")])
def test_a_size_is_told_in_powers_of_thousand(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30s", NOW - timedelta(seconds=30)),
        ("1h30m", NOW - timedelta(minutes=90)),
        ("2d", NOW - timedelta(days=2)),
        ("2025-06-30T10:00:00+09:00", datetime(2025, 6, 30, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_so_long_ago_or_as_iso(text: str, moment: datetime) -> None:
    assert words.parse_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "5 parsecs", "2025-13-01", "99999999999999d"])
def test_what_is_no_time_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time such as"):
        words.parse_moment(text, NOW)
