"""A look at the warehouse: what is listed, and the descriptions of what may have changed."""

from dataclasses import dataclass

from syncd.engines.metadata import remembering
from syncd.engines.metadata.folding.folding import FoldingRules, fold
from syncd.engines.metadata.warehouse import Warehouse
from syncd.engines.metadata.work import Work
from syncd.kit.threads import in_thread


@dataclass(frozen=True, slots=True)
class Look:
    """The warehouse as it is now."""

    warehouse: Warehouse
    stamp: str
    """Of the warehouse before it was looked at."""
    documents: dict[str, str]
    """What to remember of it; empty if that is what is remembered already."""


async def look(work: Work, *, everything: bool = False) -> Look:
    """List the tables, and describe those that may have changed, or all."""
    work.say("looking at the warehouse")
    rules = FoldingRules(force=work.settings.fold.force, forbid=work.settings.fold.forbid)
    stamp = await work.reader.stamp()
    before = await work.context.documents.get(remembering.NAME)
    remembered = remembering.read(before)
    listed = await work.reader.list(work.settings.source.schemas)
    folded = await in_thread(lambda: fold(list(remembered.tables.values()), rules))
    names = remembering.to_describe(listed, remembered, folded, everything=everything)
    work.say(f"describing {len(names):,} of {len(listed):,} tables")
    described = await work.reader.describe(names) if names else ()
    known = remembering.together(listed, remembered, described)
    warehouse = await in_thread(lambda: Warehouse.of(known.tables.values(), rules, work.reader.dialect))
    text = await in_thread(lambda: remembering.written(known))
    return Look(warehouse, stamp, {remembering.NAME: text} if text != before else {})
