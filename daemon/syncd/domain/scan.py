"""What an engine asks of a source: values, so that a source only has to translate them into its own dialect."""

from dataclasses import dataclass, field
from datetime import timedelta

Position = tuple[str | None, ...]
"""Values of the order columns of one row, each as the text that the source itself casts back without loss; None is NULL."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows to read: a table or view by name, or a query. Exactly one of the two."""

    table: str = ""
    query: str = ""
    removed: bool = False
    """The rows that were deleted from the table, as far as the source remembers: the key, and `Table.version` as when."""

    def __post_init__(self) -> None:
        if bool(self.table) == bool(self.query):
            raise ValueError("a relation is either a table or a query")

    @property
    def name(self) -> str:
        return self.table or "(query)"


@dataclass(frozen=True, slots=True)
class Since:
    """An inclusive lower bound on a watermark column: `column >= value - lookback`. `lookback` is for temporal columns only."""

    column: str
    value: str
    lookback: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Scan:
    """One ordered reading of a relation.

    Rows come in ascending order of `order`, NULLs first; the order columns are the key, or the watermark and then the key.
    `after` starts strictly behind one position (NULLs count as lowest), `since` bounds the watermark, `keys` restricts to some keys. A row
    whose watermark is NULL is not part of a scan with `since`. The columns `columns` come first (empty: all columns, in the
    source's order); then, if `gone` is given, one boolean column `GONE` with the value of that predicate, NULL counting as false.
    """

    relation: Relation
    order: tuple[str, ...]
    columns: tuple[str, ...] = ()
    gone: str = ""
    since: Since | None = None
    after: Position | None = None
    until: Position | None = None
    """Ends with the rows at this position, or before it."""
    moment: str = ""
    """Reads the rows as they were at this moment, which a horizon has told; empty: as they are."""
    keys: tuple[Position, ...] | None = None
    """With `keys`, positions over `key` below, at most a few thousand."""
    key: tuple[str, ...] = field(default=())


GONE = "__gone"
"""Name of the column that carries the deletion predicate in a scan's batches."""
UNFIT = "__unfit"
"""Name of a text column that a source may add behind all others to any of its batches: NULL, or one sentence that names the column
of this row whose value cannot be carried (it stands as NULL), and why."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the source can vouch for completeness, in its own clock and data; taken before the rows are read.

    `reaches` is the highest watermark that a following incremental run may start from (already capped by the source's own clock, so a
    watermark in the future does no harm); None if the relation has no watermark value yet. `exact` says that every row up to
    `reaches` is visible already (a low water); otherwise later scans must look back. `now` is the source's clock as watermark
    text, None where the watermark is not temporal. `nulls` counts the rows without a watermark. `stamp` is what `Source.unchanged` knows
    this moment by; empty where the source cannot tell a change without looking at rows. `moment` names this very moment for scans, and
    is a value of `Table.version` where there is one; empty where the source cannot look back. `caveats` says in sentences what keeps the
    source from vouching for more, for people to mend.
    """

    reaches: str | None
    exact: bool
    now: str | None = None
    nulls: int = 0
    stamp: str = ""
    moment: str = ""
    caveats: tuple[str, ...] = ()
