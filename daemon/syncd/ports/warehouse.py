"""What a warehouse tells of itself: its tables, and what it thinks of a query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from syncd.domain.schema import Table, TableKind


@dataclass(frozen=True, slots=True)
class Listed:
    """A table as a listing has it, which is cheap."""

    name: str
    """`schema.table`, each part as the warehouse writes it, quoted nowhere."""
    kind: TableKind
    created_at: datetime | None = None
    hint: str = ""
    """As long as it is the same and not empty, the table's description is. It may change although the description does not."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What the warehouse itself thinks of one query."""

    analysed: bool
    """It has looked up every name and every type."""
    ran: bool
    """It has been carried out, on the real data, without effect on it."""
    problem: str = ""
    """Why it is no good, in the warehouse's words; without any value of a row. Empty if nothing is wrong."""
    bytes: int | None = None
    """What carrying it out would read, where the warehouse can tell."""


class SchemaReader(Protocol):
    """Describes the tables of one system, read-only.

    Raises `SourceUnavailable` for what passes by itself, `SourceMismatch` and `BadCredentials` for what an operator must mend: a schema
    that is not there is a `SourceMismatch` that names it.
    """

    @property
    def dialect(self) -> str:
        """Of its SQL: `bigquery`, `duckdb` or `oracle`."""

    async def stamp(self) -> str:
        """As long as it is the same and not empty, no table has changed; told without looking at tables. Empty if in doubt."""

    async def list(self, schemas: Sequence[str]) -> Sequence[Listed]:
        """All tables and views of some schemas, in order of name."""

    async def describe(self, names: Sequence[str]) -> Sequence[Table]:
        """Tables by the names of a listing, in the order asked for; one that is gone meanwhile is left out."""

    async def examine(self, queries: Sequence[str]) -> Sequence[Examined]:
        """What the warehouse thinks of some queries, each looked at alone and bounded in time; nothing is written, whatever they say.

        A query that the warehouse cannot look at without cost or effect is answered with neither `analysed` nor `ran`.
        """

    async def samples(self, name: str, columns: Sequence[str], count: int) -> Mapping[str, Sequence[str]]:
        """At most `count` different values, as text, of some top-level columns of one table. They must not leave the engine as they are."""
