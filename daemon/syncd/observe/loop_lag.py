"""How late the event loop is: the first sign that something blocks it."""

import asyncio
from collections import deque

_EVERY_SECONDS = 0.5
_WINDOW_SECONDS = 60.0


class LoopLag:
    """The worst lateness of the last minute."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=int(_WINDOW_SECONDS / _EVERY_SECONDS))

    @property
    def worst(self) -> float:
        """Seconds."""
        return max(self._late, default=0.0)

    async def measure(self) -> None:
        """Measure for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            self._late.append(max(0.0, loop.time() - due))
