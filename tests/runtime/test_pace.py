"""Rates and remaining times are smooth enough to read."""

from syncd.runtime.pace import Pace


def test_a_steady_run_has_a_steady_rate_and_counts_down() -> None:
    pace = Pace(0.0)

    for second in range(1, 31):
        pace.seen(second * 100, float(second))

    assert round(pace.rate) == 100
    assert pace.remaining(10_000) == 70.0


def test_one_stutter_changes_the_remaining_time_by_little() -> None:
    pace = Pace(0.0)
    for second in range(1, 31):
        pace.seen(second * 100, float(second))
    before = pace.remaining(10_000) or 0

    pace.seen(3_100, 32.0)

    assert abs((pace.remaining(10_000) or 0) - before) < 15


def test_nobody_can_tell_before_anything_moved_or_without_a_total() -> None:
    pace = Pace(0.0)

    assert pace.remaining(100) is None
    pace.seen(10, 1.0)
    assert pace.remaining(None) is None


def test_a_run_past_its_total_has_nothing_left_to_tell() -> None:
    pace = Pace(0.0)
    pace.seen(200, 1.0)

    assert pace.remaining(100) is None
