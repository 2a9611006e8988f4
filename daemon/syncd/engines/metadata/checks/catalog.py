"""What a query may name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from syncd.domain.schema import Column
from syncd.engines.metadata.folding.family import Folded, Version

_EXPORTED = frozenset({"events_", "events_intraday_", "events_fresh_"})
_EVENT_COLUMNS = frozenset({"event_date", "event_timestamp", "event_name", "event_params", "user_pseudo_id", "user_properties"})
_ENOUGH = 4


@dataclass(frozen=True, slots=True)
class Unit:
    """A table, or a family of shards, as queries see it."""

    name: str
    """Of a family its pattern."""
    columns: tuple[Column, ...]
    """Of a family those of all its shards, the newest type where types differ."""
    prefix: str = ""
    """Of a family, with the schema; empty for a table."""
    suffixes: tuple[tuple[str, str], ...] = ()
    """Of a family: the ranges of its suffixes."""
    also_matched: tuple[str, ...] = ()
    """What a wildcard behind the prefix would match too."""
    conflicting: frozenset[str] = frozenset()
    """Paths of columns that have another type in some shards: a query over those shards fails."""
    events: bool = False
    """It is an export of Google Analytics 4."""


@dataclass(frozen=True, slots=True)
class Catalog:
    dialect: str
    units: Mapping[str, Unit]
    project: str = ""
    """The first of three parts of a name, where the warehouse has such; queries may leave it out."""

    @classmethod
    def of(cls, folded: Folded, dialect: str, project: str = "") -> "Catalog":
        """All tables and families of a warehouse."""
        return cls(dialect, {unit.name: unit for unit in _units(folded)}, project)


def _units(folded: Folded) -> Iterator[Unit]:
    for table in folded.tables:
        yield Unit(table.name, table.columns)
    for family in folded.families:
        columns: dict[str, Column] = {}
        for version in family.versions:
            columns |= {column.name: column for column in version.columns}
        yield Unit(
            family.name,
            tuple(columns.values()),
            family.prefix,
            family.ranges,
            family.also_matched,
            _conflicting(family.versions),
            events=_is_events(family.prefix, columns),
        )


def _conflicting(versions: Sequence[Version]) -> frozenset[str]:
    """Dotted paths whose type is not the same in all versions that have them; of a whole record, the record alone."""
    types: dict[str, set[tuple[str, bool]]] = {}
    for version in versions:
        for path, column in _paths(version.columns):
            types.setdefault(path, set()).add((column.type.upper(), column.repeated))
    return frozenset(path for path, found in types.items() if len(found) > 1)


def _paths(columns: Iterable[Column], above: str = "") -> Iterator[tuple[str, Column]]:
    for column in columns:
        yield f"{above}{column.name}", column
        yield from _paths(column.fields, f"{above}{column.name}.")


def _is_events(prefix: str, columns: Mapping[str, Column]) -> bool:
    """Google names the tables `events_`, `events_intraday_` and `events_fresh_`; a copy of another name has the same columns at least."""
    names = {name.lower() for name in columns}
    exported = prefix.rpartition(".")[2].lower() in _EXPORTED
    return "event_name" in names and (exported or len(_EVENT_COLUMNS & names) >= _ENOUGH)
