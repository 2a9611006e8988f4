"""What of a warehouse has changed since it was looked at last."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from syncd.domain.schema import Column, Table
from syncd.engines.metadata.folding.family import Family
from syncd.engines.metadata.folding.typetexts import own_type


@dataclass(frozen=True, slots=True)
class Prints:
    structure: str
    text: str

    @classmethod
    def of(cls, unit: Table | Family) -> Self:
        return cls(structure(unit), text(unit))


@dataclass(frozen=True, slots=True)
class Difference:
    """Names of units, in order; each is in one of them at most."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    restructured: tuple[str, ...] = ()
    """Their examples have to be looked at."""
    reworded: tuple[str, ...] = ()
    """They have the same columns as before, described in other words."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.restructured or self.reworded)


def compare(before: Mapping[str, Prints], after: Mapping[str, Prints]) -> Difference:
    """By the names of units."""
    both = sorted(before.keys() & after.keys())
    same = {name for name in both if before[name].structure == after[name].structure}
    return Difference(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(before.keys() - after.keys())),
        tuple(name for name in both if name not in same),
        tuple(name for name in both if name in same and before[name].text != after[name].text),
    )


def structure(unit: Table | Family) -> str:
    """A digest of kind, names, types and modes, in no order.

    Of a family it covers the columns of every version but no dates: a new shard does not change it, a new version does.
    """
    if isinstance(unit, Family):
        return _digest([unit.form, sorted(_digest(_modes(version.columns)) for version in unit.versions)])
    return _digest([unit.kind.value, _modes(unit.columns)])


def text(unit: Table | Family) -> str:
    """A digest of what else is told of a unit: descriptions, labels, flags, keys, partitions; of a family those of its newest shard."""
    table = unit.newest if isinstance(unit, Family) else unit
    columns = sorted((path, column.comment, column.flagged) for path, column in _walk(table.columns))
    return _digest([table.comment, sorted(table.labels.items()), columns, table.primary_key, table.partitioning, table.clustering])


def paths(unit: Table | Family) -> dict[str, str]:
    """Dotted path of every field, records too -> its own type (of a record `STRUCT` or `ARRAY<STRUCT>`); of a family its newest shard's.

    What only older shards have is not among them: a wildcard has the columns of the newest.
    """
    table = unit.newest if isinstance(unit, Family) else unit
    return {path: own_type(column) for path, column in _walk(table.columns)}


def touched(before: Mapping[str, str], after: Mapping[str, str]) -> frozenset[str]:
    """The paths that are gone or have another type. A renamed one is gone; whatever is new touches nobody."""
    return frozenset(path for path, kind in before.items() if after.get(path) != kind)


def _modes(columns: Iterable[Column]) -> list[tuple[str, str, bool]]:
    return sorted((path, own_type(column), column.nullable) for path, column in _walk(columns))


def _walk(columns: Iterable[Column], above: str = "") -> Iterator[tuple[str, Column]]:
    for column in columns:
        path = f"{above}{column.name}"
        yield path, column
        yield from _walk(column.fields, f"{path}.")


def _digest(content: object) -> str:
    return sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
