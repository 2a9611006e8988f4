"""How long to wait before the next attempt."""

from datetime import timedelta

from syncd.settings.retry import Retry

_MOST_DOUBLINGS = 64
"""A microsecond doubled so often is longer than any policy allows, and still a number."""


def delay(attempt: int, policy: Retry, jitter: float, after: float | None = None) -> timedelta:
    """The wait behind attempt number `attempt` (from 1), with `jitter` a random number from 0 up to 1.

    Exponential with "equal jitter" (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): half of the wait is
    certain, half random, so that many syncs of one target neither come back together nor at once. The certain half makes
    progress visible to a person, which full jitter does not. A wait that the other side asked for is a lower bound, whatever the
    policy; the jitter then comes on top of it.
    """
    doubled = policy.first.total_seconds() * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS)
    longest = min(doubled, policy.most.total_seconds())
    wait = longest / 2 * (1 + jitter)
    asked = after or 0.0
    return timedelta(seconds=wait if wait >= asked else asked + longest / 2 * jitter)
