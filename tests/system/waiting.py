"""Waiting for what has to come true, instead of for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
_LOOK = 0.02


def until(look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """Look until there is something to see. Raises `AssertionError` that says what did not come true in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(_LOOK)
    return found
