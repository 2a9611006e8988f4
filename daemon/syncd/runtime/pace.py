"""How fast a run goes, and how long the rest will take: smoothed, so that people can read it."""

import math

_MEMORY_SECONDS = 10.0


class Pace:
    """An exponentially weighted mean of rows a second, in which what is older than about ten seconds counts for little."""

    def __init__(self, now: float) -> None:
        self._at = now
        self._rows = 0
        self._rate = 0.0
        self._weight = 0.0

    def seen(self, rows: int, now: float) -> None:
        """Take note that `rows` have been dealt with altogether at `now`, in seconds of any clock that does not jump."""
        elapsed = now - self._at
        if elapsed <= 0 or rows == self._rows:
            return
        keep = math.exp(-elapsed / _MEMORY_SECONDS)
        self._rate = keep * self._rate + (1 - keep) * (rows - self._rows) / elapsed
        self._weight = keep * self._weight + (1 - keep)
        self._at, self._rows = now, rows

    @property
    def rate(self) -> float:
        return self._rate / self._weight if self._weight else 0.0

    def remaining(self, total: int | None) -> float | None:
        """Seconds for the rest of `total` rows, as whole seconds; None where nobody can tell, and once all are through."""
        if total is None or self.rate <= 0 or self._rows >= total:
            return None
        return float(round((total - self._rows) / self.rate))
