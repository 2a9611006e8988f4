"""What the daemon's own log promises to those who read it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from syncd.domain.log import LogFilter, LogRecord


@dataclass(frozen=True, slots=True)
class Place:
    """Behind a record. The members behind the sequence are a short cut that whoever gave the place understands."""

    sequence: int
    segment: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the log, oldest first."""

    records: Sequence[LogRecord]
    """Those of the piece that are wanted."""
    reached: Place
    missing: int = 0
    """So many records right behind the place that was asked for are not kept any more; the piece comes behind them."""


class Logs(Protocol):
    """The log: records with a sequence that goes on over restarts, of which the oldest go when there is no more room."""

    def head(self) -> int:
        """The sequence of the newest record, 0 if there is none."""

    async def behind(self, place: Place, wanted: LogFilter) -> Stretch:
        """Read on, as much as makes a good piece; nothing and the same place at the end. Raises `TransientError`."""

    def newest(self, wanted: LogFilter) -> AsyncGenerator[Sequence[LogRecord]]:
        """Yield what is wanted and kept now, newest first, in pieces, some of them empty. Raises `TransientError`."""

    async def grown(self, sequence: int) -> None:
        """Wait until there is a record behind a sequence."""
