"""What an operator writes under `[syncs.NAME]` when `engine = "metadata"`."""

import calendar
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from syncd.engines.metadata.privacy import FLAGGED
from syncd.settings.section import Duration, Section, Zone
from syncd.settings.sync import Offer, Role, SyncSection, Use

WEEKDAYS = tuple(calendar.day_name)
_Positive = Annotated[Duration, Field(gt=timedelta(0))]
_Count = Annotated[int, Field(ge=1)]


class SourceSection(Section):
    connection: str
    schemas: Annotated[tuple[str, ...], Field(min_length=1)]
    """Schemas (in BigQuery: datasets) whose tables are described."""


class TargetSection(Section):
    connection: str
    object: str = "metadata_cache.json"
    """Name of the published object. Snapshots and bookkeeping stand beside it, below `snapshots/` and `sidecars/`."""


class RefreshSection(Section):
    """When something is done without being asked for."""

    daily: str = "02:00"
    """When what is missing is made, and new shards are told; empty: never."""
    weekly_full: Literal["", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] = "Sunday"
    """The day on which everything is made anew, at the time of `daily`; empty: never."""
    check_every: _Positive = timedelta(seconds=90)
    """So often the warehouse is asked whether its schema has changed."""
    timezone: Zone = "UTC"
    """Whose clocks `daily` and `weekly_full` mean."""

    @field_validator("daily")
    @classmethod
    def _a_time(cls, value: str) -> str:
        if value:
            try:
                time.fromisoformat(value)
            except ValueError as error:
                raise ValueError("expected a time of day such as '02:00'") from error
        return value


class FoldSection(Section):
    """Which tables are shards of one, where their names do not tell."""

    force: tuple[str, ...] = ()
    """Globs of prefixes (`analytics.daily_*`) whose dated tables are shards, however few or different they are."""
    forbid: tuple[str, ...] = ()
    """Globs of prefixes whose dated tables are tables of their own."""


class ExamplesSection(Section):
    per_table: Annotated[int, Field(ge=0, le=20)] = 3
    """Example queries of each table or family of shards."""
    at_once: Annotated[int, Field(ge=1, le=16)] = 3
    """Tables that the model is asked about at the same time."""
    answer_tokens: Annotated[int, Field(ge=500, le=60_000)] = 4000
    """Tokens that one answer of the model may have."""
    most_bytes: Annotated[int, Field(ge=1)] = 1_000_000_000_000
    """Bytes that an example may read, where the warehouse can tell."""


class SamplesSection(Section):
    """Values of rows never leave the warehouse; their shapes (`AAA-9999`) may."""

    shapes: Annotated[int, Field(ge=0, le=10)] = 0
    """Shapes of values told of each column of text; 0: values are not looked at."""
    flagged: tuple[str, ...] = ()
    """Globs of columns that are never looked at, beside those that the warehouse marks and those whose names tell of personal data."""

    @property
    def never(self) -> tuple[str, ...]:
        """All globs of columns that are never looked at."""
        return (*FLAGGED, *self.flagged)


class SnapshotsSection(Section):
    keep: _Count = 30
    """Snapshots kept at least."""
    days: Annotated[int, Field(ge=0)] = 90
    """Days for which every snapshot is kept."""


class SpendingSection(Section):
    """What the model may cost. What was spent counts for the day in the time zone of `refresh`."""

    daily_dollars: Annotated[float, Field(gt=0)] | None = None
    """Dollars a day; needs the connection's `prices`."""
    daily_tokens: _Count | None = None
    """Tokens a day, read and written."""


class MetadataSync(SyncSection):
    """`[syncs.NAME]` with `engine = "metadata"`."""

    engine: Literal["metadata"]
    source: SourceSection
    target: TargetSection
    model: str = ""
    """The connection of a language model; empty: examples and insights are made from templates."""
    refresh: RefreshSection = RefreshSection()
    ttl: _Positive = timedelta(hours=1)
    """How old the copy in memory may be before it is compared with the published object."""
    token_budget: _Count = 60_000
    """Tokens that the published object may have."""
    examples: ExamplesSection = ExamplesSection()
    fold: FoldSection = FoldSection()
    samples: SamplesSection = SamplesSection()
    snapshots: SnapshotsSection = SnapshotsSection()
    spending: SpendingSection = SpendingSection()
    max_shrink: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the tables, or of the columns, that may vanish at once without asking."""

    @model_validator(mode="before")
    @classmethod
    def _checked_regularly(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not ({"every", "cron"} & value.keys() or value.get("manual")):
            refresh = value.get("refresh")
            return {**value, "every": refresh.get("check_every", "90s") if isinstance(refresh, Mapping) else "90s"}
        return value

    def uses(self) -> tuple[Use, ...]:
        model = (Use(Role.MODEL, Offer.MODEL, self.model, "model"),) if self.model else ()
        return (
            Use(Role.SOURCE, Offer.SCHEMAS, self.source.connection, "source.connection"),
            Use(Role.TARGET, Offer.OBJECTS, self.target.connection, "target.connection"),
            *model,
        )
