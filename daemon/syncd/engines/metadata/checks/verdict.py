"""What came of checking an example."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How far an example has been checked. Each level holds what the ones below it hold."""

    STATEMENT = 0
    """It is one statement, and can only read."""
    NAMES = 1
    """Its tables and columns exist."""
    ANALYSED = 2
    """An analyser of its dialect has nothing against its names and types."""
    RAN = 3
    """It has been carried out."""
    LINTED = 4
    """It does not fall into a trap that every analyser accepts. The only one that is always looked at, also where one below is missing."""


@dataclass(frozen=True, slots=True)
class Use:
    """A column that a query depends on."""

    unit: str
    """The table or family, by its name."""
    path: str
    """Dotted from the top-level column down; `_TABLE_SUFFIX` for the suffix; empty where the unit as a whole is used (`COUNT(*)`)."""


@dataclass(frozen=True, slots=True)
class Complaint:
    level: Level
    code: str
    """Stable: `sql.not_read_only`, `sql.unknown_table`, `sql.unknown_column`, `sql.rejected`, `sql.failed`, `lint.unbounded_suffix`, …"""
    message: str
    """For the model that is to mend it, and for people: what was found, what was expected. Never a value of a row."""


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: frozenset[Level] = frozenset()
    complaints: tuple[Complaint, ...] = ()
    uses: frozenset[Use] = frozenset()
    by: tuple[str, ...] = ()
    """Who analysed or ran it: `bigquery`, `zetasql 0.1.5`, `duckdb 2.0.0`."""

    @property
    def good(self) -> bool:
        """Nobody has anything against it, and its names have been looked up."""
        return not self.complaints and {Level.STATEMENT, Level.NAMES, Level.LINTED} <= self.passed

    @property
    def level(self) -> Level | None:
        """The highest one that it has passed together with all below; None if it is no good."""
        if not self.good:
            return None
        return max(level for level in Level if all(below in self.passed for below in Level if below <= level))
