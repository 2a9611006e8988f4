"""A warehouse as one run sees it: folded, described, fingerprinted. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from syncd.domain.errors import InvalidRequest
from syncd.domain.schema import Table
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.folding.family import Family, Folded
from syncd.engines.metadata.folding.fingerprints import Difference, Prints, compare, paths
from syncd.engines.metadata.folding.folding import FoldingRules, fold
from syncd.engines.metadata.folding.records import record
from syncd.engines.metadata.folding.suffixes import is_shard
from syncd.engines.metadata.sidecar import UnitState
from syncd.kit.text import did_you_mean

_FLEETING = re.compile(r"(^|\.)events_(intraday|fresh)_\d?\*$")
"""Google Analytics deletes a day's intraday table once the daily one is there: the family comes and goes every day."""


@dataclass(frozen=True, slots=True)
class Warehouse:
    folded: Folded
    catalog: Catalog
    units: Mapping[str, Table | Family]
    """In order of name."""
    records: Mapping[str, Mapping[str, object]]
    prints: Mapping[str, Prints]
    paths: Mapping[str, Mapping[str, str]]
    """Unit -> path of each field -> its type."""

    @classmethod
    def of(cls, tables: Collection[Table], rules: FoldingRules, dialect: str) -> Self:
        folded = fold(list(tables), rules)
        found: dict[str, Table | Family] = {table.name: table for table in folded.tables}
        found |= {family.name: family for family in folded.families}
        units = {name: found[name] for name in sorted(found)}
        return cls(
            folded,
            Catalog.of(folded, dialect),
            units,
            {name: record(unit) for name, unit in units.items()},
            {name: Prints.of(unit) for name, unit in units.items()},
            {name: paths(unit) for name, unit in units.items()},
        )

    @property
    def names(self) -> Collection[str]:
        return self.units.keys()

    def find(self, name: str) -> str:
        """The unit that somebody means: by its name, with or without the schema, or by the name of one of its shards.

        Raises `InvalidRequest` if there is none, or more than one.
        """
        meant = [unit for unit in self.names if name in (unit, unit.rpartition(".")[2])] or [
            family.name
            for family in self.folded.families
            if is_shard(name, family) or is_shard(f"{family.prefix.rpartition('.')[0]}.{name}", family)
        ]
        if len(meant) == 1:
            return meant[0]
        expected = f"one of {', '.join(meant)}" if meant else "a table, a shard or a family of the sync's schemas"
        raise InvalidRequest(
            f"'{name}' {'may be several tables' if meant else f'is no table{did_you_mean(name, self._known)}'}",
            hint=f"expected {expected}",
            fields={"table": expected},
            code="table.unknown",
        )

    @property
    def _known(self) -> list[str]:
        return [*self.names, *(name.rpartition(".")[2] for name in self.names)]


def changes(before: Mapping[str, UnitState], now: Warehouse) -> Difference:
    """A new shard of a family is not a change, nor is a family that comes back, or is gone for a while, as it does every day."""
    found = compare({name: state.prints for name, state in before.items()}, now.prints)
    return replace(found, removed=tuple(name for name in found.removed if not is_fleeting(name)))


def is_fleeting(unit: str) -> bool:
    return bool(_FLEETING.search(unit))
