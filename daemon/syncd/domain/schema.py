"""One neutral description of a table, whatever system it lives in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    """A column, or a field inside one that has fields of its own."""

    name: str
    type: str
    """The type as the source itself writes it, for people and for casts inside the source. Where there are `fields`, without them."""
    nullable: bool = True
    comment: str = ""
    obstacle: str = ""
    """Why no scan can carry this column, with what to do about it; empty for all others."""
    repeated: bool = False
    """It holds a list of values of `type`."""
    fields: tuple["Column", ...] = ()
    flagged: bool = False
    """The source itself marks it as sensitive, with a policy tag for example."""

    def leaves(self, above: str = "") -> Iterator[tuple[str, "Column"]]:
        """The dotted path of every field without fields below this column, with the field."""
        path = f"{above}{self.name}"
        if not self.fields:
            yield path, self
        for each in self.fields:
            yield from each.leaves(f"{path}.")


class TableKind(Enum):
    TABLE = "table"
    VIEW = "view"
    MATERIALIZED = "materialized view"
    EXTERNAL = "external table"
    SNAPSHOT = "snapshot"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Table:
    """`schema` is what a scan of all columns yields as Arrow, if somebody may scan; `columns` says the same in the source's own words."""

    name: str
    columns: tuple[Column, ...]
    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))
    primary_key: tuple[str, ...] = ()
    version: str = ""
    """Name of a number that grows for a row with every commit that changes it, usable as a watermark; empty where there is none."""
    proposed_watermark: str = ""
    """The column that by its name and type is likely to grow whenever a row changes."""
    comment: str = ""
    kind: TableKind = TableKind.TABLE
    partitioning: str = ""
    """How the table is partitioned, as a person would say it: `DAY(created_at)`."""
    clustering: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)
