"""When a sync runs by itself."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from syncd.kit import cron


@dataclass(frozen=True, slots=True)
class Every:
    """At once if it never ran, then again and again, counted from start to start."""

    interval: timedelta

    def __post_init__(self) -> None:
        if self.interval <= timedelta(0):
            raise ValueError(f"an interval is longer than nothing, not {self.interval}")


@dataclass(frozen=True, slots=True)
class Cron:
    """When the clocks of a time zone show certain digits."""

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        cron.parse(self.expression)
        ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Manual:
    """Never by itself."""


Schedule = Every | Cron | Manual
