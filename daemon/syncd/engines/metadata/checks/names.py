"""L1: the tables and columns of a query exist. Needs no parser; what is in doubt is let pass."""

from collections.abc import Iterator

from syncd.engines.metadata.checks.blocks import Block, Group, Node, doubled
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.scopes import Bound
from syncd.engines.metadata.checks.verdict import Complaint, Level
from syncd.engines.metadata.checks.vocabulary import AGGREGATES, misspelt_function


def unknown_names(sql: str, catalog: Catalog) -> tuple[Complaint, ...]:
    """What a query names that is not there, each once, with the name that is likely to be meant. Empty if all is there."""
    bound = Bound(sql, catalog)
    complaints = (complaint for block in bound.blocks for complaint in _of(block, bound))
    return tuple(dict.fromkeys(complaints))


def _of(block: Block, bound: Bound) -> Iterator[Complaint]:
    yield from (_complaint("sql.rejected", found) for found in doubled(block.clauses))
    yield from (_complaint(source.code, source.problem) for source in bound.sources(block) if source.problem)
    for mention in block.mentions:
        problem = bound.meaning(mention, block).problem
        if problem:
            yield _complaint("sql.unknown_column", problem)
    for call in block.calls:
        meant = misspelt_function(call.text, bound.catalog.dialect)
        if meant:
            yield _complaint("sql.unknown_function", f"there is no function {call.text}; did you mean '{meant}'?")
    yield from _ungrouped(block)


def _ungrouped(block: Block) -> Iterator[Complaint]:
    """A column beside an aggregate of the same SELECT, without GROUP BY."""
    if block.clause("GROUP") or block.opaque or not any(aggregates(output.items) for output in block.outputs):
        return
    for output in block.outputs:
        if output.path is not None and output.path.steps and not output.path.star:
            yield _complaint("sql.rejected", f"{output.path.shown} is neither aggregated nor in GROUP BY")


def aggregates(items: tuple[Node, ...]) -> bool:
    """It begins with an aggregate that is no window."""
    if len(items) < 2 or items[0].word not in AGGREGATES or not isinstance(items[1], Group):  # noqa: PLR2004
        return False
    return all(item.word != "OVER" for item in items)


def _complaint(code: str, message: str) -> Complaint:
    return Complaint(Level.NAMES, code, message)
