"""How often somebody may get something wrong."""

from collections import OrderedDict
from collections.abc import Callable

_AT_ONCE = 10
_REFILL_SECONDS = 6.0
_ORIGINS = 1000


class Tries:
    """How much each origin may still get wrong: some at once, then one every few seconds."""

    def __init__(self, clock: Callable[[], float], at_once: int = _AT_ONCE) -> None:
        self._clock = clock
        self._at_once = at_once
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Origin -> how much is spent, and when that was."""

    def wait(self, origin: str) -> float:
        """Seconds until this origin may try again; 0 if it may now."""
        return max(self._now_spent(origin) - (self._at_once - 1), 0.0) * _REFILL_SECONDS

    def failed(self, origin: str) -> None:
        """Count one failure. The origin that was wrong least recently is forgotten when there are too many."""
        self._spent[origin] = (self._now_spent(origin) + 1, self._clock())
        self._spent.move_to_end(origin)
        if len(self._spent) > _ORIGINS:
            self._spent.popitem(last=False)

    def _now_spent(self, origin: str) -> float:
        spent, at = self._spent.get(origin, (0.0, 0.0))
        return max(spent - (self._clock() - at) / _REFILL_SECONDS, 0.0)
