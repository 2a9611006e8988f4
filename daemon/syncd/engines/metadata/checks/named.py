"""The tables of a warehouse as queries name them, so that another system can be given just these."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.blocks import Group, Path
from syncd.engines.metadata.checks.catalog import Catalog, Unit
from syncd.engines.metadata.checks.lexing import Kind
from syncd.engines.metadata.checks.scopes import Bound
from syncd.engines.metadata.checks.tables import look_up


@dataclass(frozen=True, slots=True)
class Named:
    path: tuple[str, ...]
    """As it is written: what one pair of quotes holds is one step, also where it has dots inside."""
    columns: tuple[Column, ...]
    """Of all tables that the name means, the first type where types differ."""
    wildcard: bool = False
    """It may mean several tables, and so has a `_TABLE_SUFFIX`."""


def named(sql: str, catalog: Catalog) -> tuple[Named, ...]:
    """Every table that a query names and the catalog knows, each spelling once."""
    bound = Bound(sql, catalog)
    found: dict[tuple[str, ...], Named] = {}
    for block in bound.blocks:
        for reference, source in zip(block.references, bound.sources(block), strict=True):
            if source.units and reference.call is not None:
                found |= {each.path: each for each in _listed(reference.call, catalog)}
            elif source.units and reference.path is not None:
                path = reference.path.steps
                found[path] = Named(path, _columns(source.units), wildcard=bool(source.pattern))
    return tuple(found.values())


def _listed(call: Group, catalog: Catalog) -> Iterator[Named]:
    """What `query_table(['a', 'b'])` names."""
    for text in _strings(call):
        path = tuple(text.split("."))
        yield Named(path, _columns(look_up(Path(path, (True,) * len(path), 0), catalog).units))


def _strings(group: Group) -> Iterator[str]:
    for item in group.items:
        if isinstance(item, Group):
            yield from _strings(item)
        elif item.kind is Kind.STRING:
            yield item.text


def _columns(units: Iterable[Unit]) -> tuple[Column, ...]:
    columns: dict[str, Column] = {}
    for unit in units:
        columns = {column.name.lower(): column for column in unit.columns} | columns
    return tuple(columns.values())


def every_named(queries: Sequence[str], catalog: Catalog) -> tuple[Named, ...]:
    """The same for several queries together."""
    return tuple({each.path: each for query in queries for each in named(query, catalog)}.values())
