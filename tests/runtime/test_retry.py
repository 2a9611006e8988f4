from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.runtime.retry import delay
from syncd.settings.retry import Retry

POLICY = Retry()


def seconds(attempt: int, jitter: float, after: float | None = None) -> float:
    return delay(attempt, POLICY, jitter, after).total_seconds()


@pytest.mark.parametrize(
    ("attempt", "least", "most"),
    [(1, 0.5, 1), (2, 1, 2), (3, 2, 4), (6, 16, 32), (7, 30, 60), (8, 30, 60), (10_000, 30, 60)],
)
def test_the_wait_doubles_up_to_the_longest_and_half_of_it_is_random(attempt: int, least: float, most: float) -> None:
    assert seconds(attempt, jitter=0.0) == least
    assert seconds(attempt, jitter=1.0) == most


def test_no_wait_is_shorter_than_the_other_side_asked_for() -> None:
    assert seconds(1, jitter=0.0, after=90) == 90
    assert seconds(1, jitter=1.0, after=90) == 90.5


def test_a_wait_that_is_longer_than_the_other_side_asked_for_stays() -> None:
    assert seconds(5, jitter=0.5, after=3) == seconds(5, jitter=0.5)


@given(attempt=st.integers(1, 500), jitter=st.floats(0, 1), after=st.none() | st.floats(0, 1000))
def test_every_wait_is_within_its_bounds(attempt: int, jitter: float, after: float | None) -> None:
    wait = delay(attempt, POLICY, jitter, after)

    assert wait >= POLICY.first / 2
    assert wait >= timedelta(seconds=after or 0)
    assert wait <= POLICY.most + timedelta(seconds=after or 0)


@given(attempt=st.integers(1, 500), jitter=st.floats(0, 1))
def test_with_the_same_luck_a_later_attempt_never_waits_less(attempt: int, jitter: float) -> None:
    assert delay(attempt + 1, POLICY, jitter) >= delay(attempt, POLICY, jitter)
