"""Which columns a query depends on, so that a change of the schema touches the right examples and no other."""

from collections.abc import Collection, Iterable, Iterator

from syncd.engines.metadata.checks.blocks import Block
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.scopes import Bound, Source
from syncd.engines.metadata.checks.verdict import Use


def uses(sql: str, catalog: Catalog) -> frozenset[Use]:
    """All that a query depends on. In doubt too much: a name that several units know counts for each of them.

    A record that is used as it is counts by its own path, and a list that is taken apart by the fields that are used of its elements.
    """
    return used(Bound(sql, catalog))


def used(bound: Bound) -> frozenset[Use]:
    """The same for a query that is bound already."""
    found = {use for block in bound.blocks for use in _of(block, bound)}
    sources = [source for block in bound.blocks for source in bound.sources(block)]
    for each in {each for source in sources for each in source.listed}:
        if not any(use.unit == each.unit and use.path.startswith(f"{each.path}.") for use in found):
            found.add(each)
    named = {use.unit for use in found}
    return frozenset(found | {Use(unit.name, "") for source in sources for unit in source.units if unit.name not in named})


def touched_by(uses: Iterable[Use], unit: str, paths: Collection[str]) -> bool:
    """A change of some paths of one unit concerns a query: it uses one of them, a record around it, or a field of it.

    Without any path, or with an empty one, the unit itself is gone or another one: that concerns all who use it.
    """
    of_unit = [use.path for use in uses if use.unit == unit]
    if not paths or "" in paths:
        return bool(of_unit)
    return any(_overlap(path, changed) for path in of_unit if path for changed in paths)


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _of(block: Block, bound: Bound) -> Iterator[Use]:
    for mention in block.mentions:
        for field in bound.meaning(mention, block).fields:
            yield from field.uses
    if not block.query.only_asked_for and any(
        output.path is not None and output.path.star and not output.path.steps for output in block.outputs
    ):
        yield from (use for source in bound.sources(block) for use in _all(source))


def _all(source: Source) -> Iterator[Use]:
    yield from (use for field in (source.fields or {}).values() for use in field.uses if use.path != "_TABLE_SUFFIX")
