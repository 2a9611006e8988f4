"""What an operator writes under `[syncs.NAME]` when `engine = "search"`."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from syncd.domain.scan import Relation
from syncd.settings.section import Duration, Section
from syncd.settings.sync import Offer, Role, SyncSection, Use


class DeletionLog(Section):
    """A table that holds the key of every deleted row, and when it was deleted."""

    table: str
    key: Annotated[list[str], Field(min_length=1)]
    """Columns of the log that hold the key, in the order of the source's `key`."""
    at: str
    """Column that grows with every entry: a timestamp or a number."""


class Deletions(Section):
    """How the source tells that a row no longer exists. Full runs find deletions without any of these."""

    soft: str = ""
    """SQL predicate over the source's columns that is true for deleted rows."""
    log: DeletionLog | None = None
    versions: bool = False
    """Ask the source itself for the rows that were deleted since the last run. Where it does not remember, all keys are compared."""
    reconcile: Duration | None = None
    """How often an incremental run compares all keys of source and index."""
    max_shrink: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of the index that a comparison of keys may delete without asking."""
    min_shrink: Annotated[int, Field(ge=0)] = 20
    """So few deletions never ask, unless they would empty the index."""


class SourceSection(Section):
    connection: str
    table: str = ""
    query: str = ""
    key: list[str] = Field(default_factory=list)
    """Columns that identify a row; several make a composite document id. Needed, but only the source can tell what it should be."""
    strategy: Literal["watermark", "scn"] = "watermark"
    """What tells a changed row: the column `watermark`, or the number that the source itself keeps of its changes."""
    watermark: str = ""
    """Column that grows whenever a row changes. Without it, every incremental run compares all rows with what was sent before."""
    lookback: Duration = timedelta(seconds=30)
    """How long a transaction of the source may take to commit, for sources that cannot tell their oldest open one."""
    readers: Annotated[int, Field(ge=1, le=64)] = 4
    """Ranges of a large table that a full run reads at once, where the source is faster so."""
    deletions: Deletions = Deletions()

    @model_validator(mode="after")
    def _fits_together(self) -> "SourceSection":
        if bool(self.table) == bool(self.query):
            raise ValueError("expected exactly one of 'table' and 'query'")
        if self.strategy == "scn" and self.watermark:
            raise ValueError("expected either a 'watermark' or the strategy 'scn', which has its own")
        if self.deletions.versions and not self.table:
            raise ValueError("deletions.versions: expected a 'table', since a query remembers nothing")
        if self.deletions.log and self.key and len(self.deletions.log.key) != len(self.key):
            raise ValueError(f"deletions.log.key: expected as many columns as the key has ({len(self.key)})")
        return self

    @property
    def relation(self) -> Relation:
        return Relation(table=self.table, query=self.query)


class TargetSection(Section):
    connection: str
    index: str
    primary_key: str = ""
    """Field that holds the document id. Default: the field that the single key column maps to, else `id`."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the index, passed to the target as they are."""


class SearchSync(SyncSection):
    source: SourceSection
    target: TargetSection
    mapping: dict[str, str] = Field(default_factory=dict)
    """Target field = SQL over the source columns; empty: all columns go under their own names."""
    batch_rows: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Rows that travel together; where several such batches are durable at once, they are committed at once."""
    drift: Literal["evolve", "halt"] = "evolve"
    """What happens when the source's columns change: go on with them, or halt. Both are in the audit log."""

    def uses(self) -> tuple[Use, ...]:
        return (
            Use(Role.SOURCE, Offer.ROWS, self.source.connection, "source.connection"),
            Use(Role.TARGET, Offer.INDEXES, self.target.connection, "target.connection"),
        )
