from datetime import UTC, datetime

import pytest

from syncd.observe.metrics.looking import lag_seconds

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("complete_to", "seconds"),
    [
        pytest.param("2026-11-21 11:59:00", 60, id="a time without a zone is in UTC"),
        pytest.param("2026-11-21T11:59:59.250000", 0.75, id="parts of a second count"),
        pytest.param("2026-11-21 11:59:00+02:00", 7260, id="an offset counts"),
        pytest.param("2026-11-20", 129_600, id="a day begins at midnight"),
        pytest.param("2026-11-21 12:00:10", 0, id="a row from the future is no lag"),
        pytest.param("", None, id="nothing is known"),
        pytest.param("184467", None, id="a number is no time"),
        pytest.param("20261121", None, id="a number that could be read as a day is no time"),
        pytest.param("infinity", None, id="infinity is no time"),
        pytest.param("2026-99-99 00:00:00", None, id="there is no such day"),
    ],
)
def test_the_lag_is_the_age_of_the_watermark_where_that_is_a_time(complete_to: str, seconds: float | None) -> None:
    assert lag_seconds(complete_to, NOW) == seconds
