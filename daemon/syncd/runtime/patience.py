"""Waiting for a ledger that takes nothing at the moment: its disk is full, or was set to read-only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from syncd.domain.errors import TransientError
from syncd.kit.tasks import happens

Answer = TypeVar("Answer")

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 10.0


async def until_written(
    write: Callable[[], Awaitable[Answer]], leaving: asyncio.Event, blocked: Callable[[TransientError], None]
) -> Answer:
    """Write again and again until it succeeds. Raises the last error if the daemon is `leaving`: the next start sets it right."""
    seconds = _FIRST_SECONDS
    while True:
        try:
            return await write()
        except TransientError as error:
            blocked(error)
            if await happens(leaving, seconds):
                raise
            seconds = min(seconds * 2, _LONGEST_SECONDS)
