"""`--timeout`: whatever the program does by then, it ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import NoReturn

from syncctl.problems import Exit, Problem
from syncctl.words import duration


def start(span: timedelta) -> None:
    """Raise `Problem` in the main thread after so long, wherever it is then."""

    def passed(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise Problem(f"not over after {duration(span.total_seconds())}", code=Exit.TIMED_OUT)

    signal.signal(signal.SIGALRM, passed)
    signal.setitimer(signal.ITIMER_REAL, span.total_seconds())


@contextmanager
def ended() -> Iterator[None]:
    """With the block the time ends that was started in it."""
    before = signal.getsignal(signal.SIGALRM)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGALRM) is not before:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
