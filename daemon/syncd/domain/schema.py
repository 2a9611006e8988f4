"""One neutral description of a table, whatever system it lives in."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    """The type as the source itself writes it, for people and for casts inside the source."""
    nullable: bool = True
    comment: str = ""
    obstacle: str = ""
    """Why no scan can carry this column, with what to do about it; empty for all others."""


@dataclass(frozen=True, slots=True)
class Table:
    """`schema` is what a scan of all columns yields as Arrow; `columns` says the same in the source's own words."""

    name: str
    columns: tuple[Column, ...]
    schema: pa.Schema
    primary_key: tuple[str, ...] = ()
    version: str = ""
    """Name of a number that grows for a row with every commit that changes it, usable as a watermark; empty where there is none."""
    proposed_watermark: str = ""
    """The column that by its name and type is likely to grow whenever a row changes."""
    comment: str = ""

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)
