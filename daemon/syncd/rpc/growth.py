"""Streams that follow what grows, and say now and then that they live."""

import asyncio
from collections.abc import Coroutine
from typing import Any

ALIVE_SECONDS = 15.0
"""For no longer is such a stream silent."""


async def grown(growth: Coroutine[Any, Any, object], going_away: asyncio.Event, seconds: float = ALIVE_SECONDS) -> bool:
    """Wait until something has grown; False if it has not for so long, or the daemon goes away."""
    growing = asyncio.create_task(growth, name="stream waits for more")
    waits = (growing, asyncio.create_task(going_away.wait(), name="stream waits for the end"))
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return growing.done()
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
