"""What every sync's section holds, whatever its engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from syncd.domain.schedule import Cron, Every, Manual, Schedule
from syncd.kit import cron
from syncd.settings.retry import Retry
from syncd.settings.section import Duration, Section, Zone


class Role(Enum):
    """What a connection is to a sync."""

    SOURCE = "source"
    TARGET = "target"
    MODEL = "model"


class Offer(Enum):
    """What a connection has to offer for that; the value names the connector's opener."""

    ROWS = "source"
    INDEXES = "indexes"
    SCHEMAS = "schemas"
    OBJECTS = "objects"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Use:
    """A sync needs a connection; `at` is the key inside its section that names it, such as `source.connection`."""

    role: Role
    offer: Offer
    connection: str
    at: str


class SyncSection(Section):
    """The base of every `[syncs.NAME]`."""

    engine: str
    every: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """From start to start. Default, where there is neither `cron` nor `manual`: `5m`."""
    cron: str | None = None
    """Minute, hour, day of month, month and day of week, as in crontab(5)."""
    timezone: Zone = "UTC"
    """Whose clocks `cron` reads."""
    manual: bool = False
    """Runs only when somebody asks."""
    mode: str | None = None
    """What a scheduled run does; default: what the engine does by itself."""
    retry: Retry | None = None
    """In place of `[daemon.retry]`."""

    @model_validator(mode="before")
    @classmethod
    def _every_five_minutes(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not ({"every", "cron"} & value.keys() or value.get("manual")):
            return {**value, "every": timedelta(minutes=5)}
        return value

    @model_validator(mode="after")
    def _one_schedule(self) -> "SyncSection":
        given = [name for name, is_given in (("every", self.every), ("cron", self.cron), ("manual", self.manual)) if is_given]
        if len(given) > 1:
            raise ValueError(f"expected one schedule, found {' and '.join(map(repr, given))}")
        return self

    @field_validator("cron")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            cron.parse(value)
        return value

    @property
    def schedule(self) -> Schedule:
        if self.cron is not None:
            return Cron(self.cron, self.timezone)
        return Every(self.every) if self.every else Manual()

    def uses(self) -> tuple[Use, ...]:
        """The connections that the sync needs. Engines say so for their own sections."""
        return ()
