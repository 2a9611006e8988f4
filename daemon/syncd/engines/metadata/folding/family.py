"""What a warehouse comes down to once its dated shards are folded."""

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.domain.schema import Column, Table

Ranges = tuple[tuple[str, str], ...]
"""First and last suffix of each run of shards without a gap, in order."""


@dataclass(frozen=True, slots=True)
class Version:
    """A schema that some shards of a family have."""

    ranges: Ranges
    columns: tuple[Column, ...]
    comment: str = ""

    @property
    def since(self) -> str:
        """The suffix of its oldest shard."""
        return self.ranges[0][0]


@dataclass(frozen=True, slots=True)
class Family:
    """Tables of one name and many suffixes."""

    prefix: str
    """With the schema: `analytics.events_`."""
    form: str
    """Of the suffixes, as in the rules: `YYYYMMDD`, `YYYY-MM`, `N`, …"""
    ranges: Ranges
    versions: tuple[Version, ...]
    """At least one. The last one is the schema of the newest shard; the others in order of `since`."""
    newest: Table
    also_matched: tuple[str, ...] = ()
    """What `PREFIX*` would match too without belonging to the family: other families, as `analytics.events_intraday_*`, and tables."""

    @property
    def pattern(self) -> str:
        """A wildcard for the family: `analytics.events_2*`. Also its name, which a new shard does not change.

        Of dates since 2000 it says the millennium, and so leaves out `events_intraday_20250101`. Where nothing can be said of the first
        digit, for numbers and for older dates, it may match more: see `also_matched`.
        """
        return f"{self.prefix}2*" if self.form.startswith("Y") and self.ranges[0][0] >= "2" else f"{self.prefix}*"

    @property
    def name(self) -> str:
        return self.pattern


@dataclass(frozen=True, slots=True)
class Folded:
    """A warehouse: every table of it is in exactly one of the two. Both in order of name."""

    tables: tuple[Table, ...] = ()
    families: tuple[Family, ...] = ()

    @property
    def names(self) -> Iterator[str]:
        """Of all units: tables and families."""
        yield from (table.name for table in self.tables)
        yield from (family.name for family in self.families)
