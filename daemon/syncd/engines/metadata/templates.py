"""Examples and insights without a model: from names and types alone, the same for the same schema. Pure."""

from collections.abc import Iterator, Sequence

from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.cache import Example
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.dialects import DIALECTS, Dialect, From, reads
from syncd.engines.metadata.eventqueries import event_queries
from syncd.engines.metadata.folding.family import Family, Folded
from syncd.engines.metadata.folding.rangetexts import written
from syncd.engines.metadata.folding.suffixes import count
from syncd.engines.metadata.roles import Roles, is_day, roles
from syncd.kit.text import counted

_MOST = 6
_SHARDS = 7
_TOLD = 6
_PERIODS = (("HH", "hourly "), ("DD", "daily "), ("MM", "monthly "), ("YYYY", "yearly "))
"""What a form of suffixes ends with, and what such shards are called."""


def templates_for(unit: Table | Family, dialect: str) -> tuple[Example, ...]:
    """At most six, the more useful before the others. Of flagged columns nothing is asked; one without a usable column is only counted.

    Of a family they read the last days, both ends given as literals; where there are no wildcards, listed shards or the newest one.
    """
    folded = Folded(families=(unit,)) if isinstance(unit, Family) else Folded(tables=(unit,))
    known = Catalog.of(folded, dialect).units[unit.name]
    table = unit.newest if isinstance(unit, Family) else unit
    clashing = frozenset(path.partition(".")[0] for path in known.conflicting)
    paths = {path for column in table.columns if column.name not in clashing for path, _ in column.leaves()}
    found = list(event_queries(unit, dialect, paths)) if known.events else []
    if len(found) < _MOST // 2:
        asked = roles(table.columns, table.primary_key, clashing)
        found += _General(unit.name.rpartition(".")[2], reads(unit, dialect, _SHARDS), DIALECTS[dialect], asked).examples()
    return tuple(found[:_MOST])


class _General:
    """Of any table."""

    def __init__(self, name: str, source: From, dialect: Dialect, asked: Roles) -> None:
        self._name, self._source, self._dialect, self._roles = name, source, dialect, asked

    def examples(self) -> Iterator[Example]:
        moment, groups, measure = self._roles.moment, self._roles.groups, self._roles.measure
        yield self._of(f"How many rows does {self._name} have", "COUNT(*) AS row_count")
        if moment:
            question = f"How many rows of {self._name} are there for each day of {moment.name}, the latest first"
            yield self._daily(question, moment, "COUNT(*) AS row_count")
        if groups:
            question = f"What are the most frequent values of {groups.name} in {self._name}"
            yield self._grouped(question, groups, "COUNT(*) AS row_count", "row_count")
        if measure:
            yield self._sum(measure, groups)
        if measure and moment:
            question = f"What is the sum of {measure.name} in {self._name} for each day of {moment.name}, the latest first"
            yield self._daily(question, moment, f"SUM({self._write(measure)}) AS sum_of_all")
        if self._roles.shown:
            yield self._rows(moment)

    def _of(self, question: str, selected: str, *rest: str) -> Example:
        read = f"SELECT {selected}\nFROM {self._source.table}{self._source.where()}"
        return Example(f"{question}{self._source.words}?", "\n".join((read, *rest)))

    def _daily(self, question: str, moment: Column, selected: str) -> Example:
        name = self._write(moment)
        day = name if is_day(moment) and self._dialect is not DIALECTS["oracle"] else self._dialect.day.format(name)
        return self._of(question, f"{day} AS on_day, {selected}", f"GROUP BY {day}", "ORDER BY on_day DESC", self._dialect.first(30))

    def _grouped(self, question: str, groups: Column, selected: str, order: str) -> Example:
        name = self._write(groups)
        return self._of(question, f"{name}, {selected}", f"GROUP BY {name}", f"ORDER BY {order} DESC", self._dialect.first(10))

    def _sum(self, measure: Column, groups: Column | None) -> Example:
        number = self._write(measure)
        sums = f"SUM({number}) AS sum_of_all, AVG({number}) AS average"
        question = f"What are the sum and the average of {measure.name}"
        if groups is None:
            return self._of(f"{question} in {self._name}", sums)
        return self._grouped(f"{question} for each {groups.name} in {self._name}", groups, sums, "sum_of_all")

    def _rows(self, moment: Column | None) -> Example:
        shown = ", ".join(map(self._write, self._roles.shown))
        order = (f"ORDER BY {self._write(moment)} DESC",) if moment else ()
        question = f"What are the latest 20 rows of {self._name}" if moment else f"What do 20 rows of {self._name} look like"
        return self._of(question, shown, *order, self._dialect.first(20))

    def _write(self, column: Column) -> str:
        return self._dialect.name(column.name)


def insight_for(unit: Table | Family) -> str:
    """What is worth knowing before a query is written. It says of itself that it was made from the schema alone."""
    told = (*_shards(unit), *_table(unit.newest)) if isinstance(unit, Family) else tuple(_table(unit))
    return " ".join((*(f"{each}." for each in told), "Made from the schema alone."))


def _shards(family: Family) -> Iterator[str]:
    period = next((period for end, period in _PERIODS if family.form.endswith(end)), "")
    yield f"{count(family.form, family.ranges):,} {period}shards from {family.ranges[0][0]} to {family.ranges[-1][1]}"
    if len(family.ranges) > 1:
        yield f"With gaps between: {_some(list(written(family.form, family.ranges)))}"
    if len(family.versions) > 1:
        yield f"Newest schema since {family.versions[-1].since}; older shards have other columns"
    if family.also_matched:
        yield f"Also matched by a naive wildcard {family.prefix}*: {_some(family.also_matched)}"


def _table(table: Table) -> Iterator[str]:
    if table.kind is not TableKind.TABLE:
        yield table.kind.value.capitalize()
    moment = roles(table.columns, table.primary_key).moment
    yield f"{counted(len(table.columns), 'column')}{f'; {moment.name} likely tells when a row came to be' if moment else ''}"
    if table.primary_key:
        yield f"A row is identified by {', '.join(table.primary_key)}"
    if table.partitioning:
        yield f"Partitioned by {table.partitioning}: a condition on it reads less"
    if table.clustering:
        yield f"Clustered by {', '.join(table.clustering)}"
    lists = [column.name for column in table.columns if column.repeated]
    if lists:
        yield f"Lists in each row, to be unnested: {_some(lists)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _TOLD
    return ", ".join(names[:_TOLD]) + (f" and {more} more" if more > 0 else "")
