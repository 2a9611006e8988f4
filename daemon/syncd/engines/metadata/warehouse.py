"""A warehouse as one run sees it: folded, described, fingerprinted. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from syncd.domain.errors import InvalidRequest
from syncd.domain.schema import Table
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.folding.family import Family, Folded
from syncd.engines.metadata.folding.fingerprints import structure, text
from syncd.engines.metadata.folding.folding import FoldingRules, fold
from syncd.engines.metadata.folding.records import record
from syncd.engines.metadata.sidecar import UnitState
from syncd.kit.text import did_you_mean


@dataclass(frozen=True, slots=True)
class Warehouse:
    folded: Folded
    catalog: Catalog
    units: Mapping[str, Table | Family]
    """In order of name."""
    records: Mapping[str, Mapping[str, object]]
    prints: Mapping[str, tuple[str, str]]
    """Fingerprints of structure and of descriptions."""
    columns: Mapping[str, Mapping[str, str]]
    """Unit -> path of each field -> its type."""

    @classmethod
    def of(cls, tables: Collection[Table], rules: FoldingRules, dialect: str) -> Self:
        folded = fold(list(tables), rules)
        units: dict[str, Table | Family] = {unit.name: unit for unit in (*folded.tables, *folded.families)}
        units = {name: units[name] for name in sorted(units)}
        catalog = Catalog.of(folded, dialect)
        return cls(
            folded,
            catalog,
            units,
            {name: record(unit) for name, unit in units.items()},
            {name: (structure(unit), text(unit)) for name, unit in units.items()},
            {name: _columns(catalog, name) for name in units},
        )

    @property
    def names(self) -> Collection[str]:
        return self.units.keys()

    def find(self, name: str) -> str:
        """The unit that somebody means: by its name, with or without the schema, or by the name of one of its shards.

        Raises `InvalidRequest` if there is none, or more than one.
        """
        meant = [unit for unit in self.names if name in (unit, unit.rpartition(".")[2])] or [
            family.name for family in self.folded.families if _is_shard(name, family)
        ]
        if len(meant) == 1:
            return meant[0]
        expected = f"one of {', '.join(meant)}" if meant else "a table, a shard or a family of the sync's schemas"
        raise InvalidRequest(
            f"'{name}' {'may be several tables' if meant else 'is no table'}{did_you_mean(name, self.names) if not meant else ''}",
            hint=f"expected {expected}",
            fields={"table": expected},
            code="table.unknown",
        )


def _is_shard(name: str, family: Family) -> bool:
    bare = family.prefix.rpartition(".")[2]
    prefix = next((each for each in (family.prefix, bare) if name.startswith(each)), None)
    if prefix is None:
        return False
    suffix = name.removeprefix(prefix)
    return any(len(first) <= len(suffix) <= len(last) and first <= suffix <= last for first, last in family.ranges)


def _columns(catalog: Catalog, name: str) -> dict[str, str]:
    leaves = (leaf for column in catalog.units[name].columns for leaf in column.leaves())
    return {path: f"{field.type}{'[]' if field.repeated else ''}" for path, field in leaves}


@dataclass(frozen=True, slots=True)
class Changes:
    """What is not as it was when the bookkeeping was written. All in order of name."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    restructured: tuple[str, ...] = ()
    reworded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.restructured, self.reworded))


def changes(before: Mapping[str, UnitState], now: Warehouse) -> Changes:
    """A new shard of a family is not a change; a new schema of its shards is one."""
    both = [name for name in now.names if name in before]
    restructured = tuple(name for name in both if before[name].structure != now.prints[name][0])
    return Changes(
        added=tuple(name for name in now.names if name not in before),
        removed=tuple(sorted(before.keys() - now.names)),
        restructured=restructured,
        reworded=tuple(name for name in both if name not in restructured and before[name].text != now.prints[name][1]),
    )


def lost(before: Mapping[str, str], now: Mapping[str, str]) -> frozenset[str]:
    """Paths of one unit that are gone, or of another type than before; with every path above them."""
    gone = {path for path, kind in before.items() if now.get(path) != kind}
    return frozenset(".".join(parts[:count]) for path in gone if (parts := path.split(".")) for count in range(1, len(parts) + 1))
