"""L1: the tables and columns of a query exist. Needs no parser; what is in doubt is let pass."""

from collections.abc import Iterator, Sequence

from syncd.engines.metadata.checks.blocks import Block, Group, Mention, Node, doubled
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.scopes import Bound
from syncd.engines.metadata.checks.verdict import Complaint, Level
from syncd.engines.metadata.checks.vocabulary import AGGREGATES, misspelt_function

_BETWEEN_CALL_AND_WINDOW = {"FILTER", "IGNORE", "RESPECT", "NULLS", "WITHIN", "GROUP", "KEEP"}


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
    yield from _ungrouped(block, bound)


def _ungrouped(block: Block, bound: Bound) -> Iterator[Complaint]:
    """A column beside an aggregate of the same SELECT, without GROUP BY."""
    if block.clause("GROUP") or block.opaque or not any(aggregates(output.items) for output in block.outputs):
        return
    own = bound.sources(block)
    for output in block.outputs:
        if output.path is not None and output.path.steps and not output.path.star:
            meaning = bound.meaning(Mention(output.path, "SELECT", doubtful=True), block)
            if meaning.fields and all(source in own for source in meaning.through):
                yield _complaint("sql.rejected", f"{output.path.shown} is neither aggregated nor in GROUP BY")


def aggregates(items: Sequence[Node]) -> bool:
    """An expression makes one value of many rows; a window does not, and what an inner query does is its own."""
    for at, item in enumerate(items):
        after = items[at + 1] if at + 1 < len(items) else None
        if item.word in AGGREGATES and isinstance(after, Group) and not _is_window(items[at + 2 :]):
            return True
        if isinstance(item, Group) and not item.is_query and aggregates(item.items):
            return True
    return False


def _is_window(behind: Sequence[Node]) -> bool:
    """OVER follows, if need be behind `FILTER (…)` and its like."""
    follows = next((item for item in behind if not isinstance(item, Group) and item.word not in _BETWEEN_CALL_AND_WINDOW), None)
    return follows is not None and follows.word == "OVER"


def _complaint(code: str, message: str) -> Complaint:
    return Complaint(Level.NAMES, code, message)
