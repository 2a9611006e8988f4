"""The part of a content that one question needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from syncd.domain.errors import NotFound
from syncd.engines.metadata.budget import fit
from syncd.engines.metadata.cache import Cache
from syncd.engines.metadata.mentions import Names
from syncd.engines.metadata.rendering import read, written
from syncd.engines.metadata.tokens import Counter, counter
from syncd.kit.text import did_you_mean


@dataclass(frozen=True, slots=True)
class Slice:
    text: str
    """JSON of the same form as the whole."""
    tokens: int
    left_out: tuple[str, ...]
    """What would have been in it, but for the budget."""


def counted(content: bytes, tables: Sequence[str], budget: int) -> tuple[Slice, str]:
    """A slice of published bytes, and what counted its tokens. Raises as `slice_for` does, and `TargetMismatch`."""
    measure = counter()
    return slice_for(read(content), tables, budget, measure), measure.name


def slice_for(cache: Cache, tables: Sequence[str], budget: int, measure: Counter) -> Slice:
    """What is told of some tables, with the examples that use at least one of them; of all tables if none is named.

    A table may go by its name with or without schema, a family by that of a shard; a name that several tables have means all of them.
    Raises `NotFound` `table.unknown` for a name that none has.
    """
    wanted = _wanted(cache, tables)
    names = Names(cache.schema)
    part = replace(
        cache,
        schema={unit: record for unit, record in cache.schema.items() if unit in wanted},
        examples=tuple(example for example in cache.examples if not tables or wanted & names.used(example.sql)),
        events_tables=tuple(unit for unit in cache.events_tables if not tables or unit in wanted),
        schema_insights={unit: text for unit, text in cache.schema_insights.items() if not tables or unit in wanted},
    )
    fitted = fit(part, budget, measure)
    return Slice(written(fitted.cache).decode(), sum(fitted.sections.values()), fitted.trimmed)


def _wanted(cache: Cache, tables: Sequence[str]) -> frozenset[str]:
    if not tables:
        return frozenset(cache.schema)
    names = Names(cache.schema)
    found = {table: names.find(table) for table in tables}
    for table, units in found.items():
        if not units:
            known = {*cache.schema, *(unit.rpartition(".")[2] for unit in cache.schema)}
            raise NotFound(
                f"no table '{table}' is described{did_you_mean(table, sorted(known))}",
                hint="name tables as they stand under `schema`, or shards of a family; a table that is new is there after the next refresh",
                code="table.unknown",
            )
    return frozenset(unit for units in found.values() for unit in units)
