from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.kit.text import did_you_mean, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("2d", 172_800),
        ("1w", 604_800),
        ("1.5h", 5400),
        (" 1 h 30 m ", 5400),
        ("0s", 0),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5m5", "5 parsecs", "m5", "1h,30m", "٣s"])
def test_what_is_no_duration_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as '30s'"):
        parse_duration(text)


@given(st.integers(0, 10**12))
def test_a_duration_that_is_written_reads_back_the_same(milliseconds: int) -> None:
    length = timedelta(milliseconds=milliseconds)

    assert parse_duration(format_duration(length)) == length


def test_a_word_that_is_close_is_proposed() -> None:
    assert did_you_mean("evrey", ["every", "cron"]) == "; did you mean 'every'?"
    assert did_you_mean("zzz", ["every", "cron"]) == ""
