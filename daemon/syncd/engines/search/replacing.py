"""A new index beside the live one, and an exchange of the two that readers cannot see half done.

The order is what makes it safe to be killed anywhere: the shadow is loaded and caught up, both identities are written down, the indexes
are exchanged, and only then does the ledger say so. Whoever finds identities written down compares them with what is there.
"""

from dataclasses import replace

from syncd.domain.audit import Entry
from syncd.domain.errors import Refused, TargetMismatch
from syncd.engines.search.changes import look, sweep
from syncd.engines.search.checkpoint import Backfill, Standing, retired
from syncd.engines.search.deletions import check_shrink
from syncd.engines.search.full import caught_up, load, previous_of, shadow_of, started
from syncd.engines.search.incremental import incremental
from syncd.engines.search.settings import SearchSync
from syncd.engines.search.work import Work
from syncd.ports.running import Advance, Progress, Report, RowTurn, Scope


async def replace_index(work: Work) -> None:
    """Build a new index with every row and put it in the live one's place."""
    if not (work.goes_on and work.standing.turned):
        backfill = await _resumed(work) or await _begun(work)
        if not backfill.swap_to:
            backfill = await _built(work, backfill)
        await _exchanged(work, backfill)
    await incremental(work)


async def discard_shadow(work: Work) -> None:
    """Remove what a replace that will not be gone on with has left; the live index is not touched."""
    backfill = work.standing.backfill
    if backfill is None or backfill.kind != "replace":
        return
    if backfill.swap_to and await _was_exchanged(work, backfill):
        await _settled(work, backfill)
        return
    await work.indexes.drop(shadow_of(work))
    await work.advance(replace(work.standing, backfill=None), RowTurn.CLEAR_SHADOW, Entry("replace.discarded"))


async def roll_back(work: Work) -> Report:
    """Put back the index that the last replace kept, and pause, so that the next run does not undo it."""
    if not (work.goes_on and work.standing.turned):
        await _put_back(work)
    target, watermark = work.settings.target.index, work.standing.watermark
    return Report(
        {"rolled_back": {"index": target, "watermark": watermark}},
        pause=f"index '{target}' was rolled back; resume to go on from it",
    )


async def _put_back(work: Work) -> None:
    previous = work.standing.previous
    kept = await work.indexes.inspect(previous_of(work), work.shape)
    if previous is None or kept is None:
        raise Refused(
            f"there is no index to roll back to: '{previous_of(work)}' does not exist",
            hint="a replace keeps the old index until the next full run",
            code="sync.nothing_to_roll_back",
        )
    await work.advance(replace(work.standing, turned=False))
    if kept.identity == previous.identity:
        await work.indexes.swap(work.settings.target.index, previous_of(work))
    await rolled_back(work)


async def rolled_back(work: Work) -> None:
    """The ledger learns of a rollback."""
    previous, now = work.standing.previous, work.standing
    if previous is None:
        return
    entry = Entry("index.rolled_back", detail={"index": work.settings.target.index, "identity": previous.identity})
    await work.advance(replace(previous, previous=retired(now), turned=True), RowTurn.CLEAR_LIVE, entry)


async def _resumed(work: Work) -> Backfill | None:
    backfill = work.standing.backfill
    if backfill is None or backfill.kind != "replace":
        return None
    if not work.goes_on or backfill.shape != work.digest:
        await discard_shadow(work)
        return None
    if not backfill.swap_to and await work.indexes.inspect(shadow_of(work), work.shape) is None:
        return None
    return backfill


async def _begun(work: Work) -> Backfill:
    work.context.tell(Progress(doing="preparing the shadow index"))
    await work.indexes.drop(shadow_of(work))
    if work.standing.previous:
        await work.indexes.drop(previous_of(work))
    reached = await look(work)
    backfill = started(work, "replace", reached)
    standing = replace(work.standing, backfill=backfill, previous=None, turned=False, nulls=reached.nulls, caveats=reached.caveats)
    await work.advance(standing, RowTurn.CLEAR_SHADOW)
    return backfill


async def _built(work: Work, backfill: Backfill) -> Backfill:
    shadow = work.indexes.index(shadow_of(work))
    await shadow.prepare(work.shape)
    if not backfill.loaded:
        await load(work, backfill, Scope.SHADOW)
    work.context.tell(Progress(doing="catching up before the swap"))
    backfill = await caught_up(work, replace(backfill, loaded=True, ranges=()), Scope.SHADOW)
    await _sweep_shadow(work, replace(work.standing, backfill=backfill))
    return await _ready(work, backfill)


async def _ready(work: Work, backfill: Backfill) -> Backfill:
    """Compare the two indexes once more, and write both identities down. Raises `ShrinkRefused`."""
    live = await work.indexes.inspect(work.settings.target.index, work.shape)
    built = await work.indexes.inspect(shadow_of(work), work.shape)
    if built is None:
        raise TargetMismatch(
            f"index '{shadow_of(work)}' vanished while it was being built", hint="nothing else may write to it; start the replace again"
        )
    held = live.documents if live else 0
    limits = work.settings.source.deletions
    check_shrink(held=held, lost=max(held - built.documents, 0), limits=limits, allowed=work.says("allow_shrink"))
    backfill = replace(backfill, swap_from=live.identity if live else "", swap_to=built.identity)
    await work.advance(replace(work.standing, backfill=backfill))
    return backfill


async def _sweep_shadow(work: Work, standing: Standing) -> None:
    """Rows deleted while the shadow was loaded: the shadow is ours alone, so it may shrink as it likes."""
    lenient = replace(work, settings=_without_limit(work))
    await sweep(lenient, work.indexes.index(shadow_of(work)), Scope.SHADOW, standing.written())


def _without_limit(work: Work) -> SearchSync:
    source = work.settings.source
    deletions = source.deletions.model_copy(update={"max_shrink": 1.0, "min_shrink": 0})
    return work.settings.model_copy(update={"source": source.model_copy(update={"deletions": deletions})})


async def _exchanged(work: Work, backfill: Backfill) -> None:
    work.context.tell(Progress(doing="swapping"))
    if not await _was_exchanged(work, backfill):
        await work.indexes.swap(work.settings.target.index, shadow_of(work))
    await _settled(work, backfill)


async def _was_exchanged(work: Work, backfill: Backfill) -> bool:
    """Ask the indexes themselves: the daemon may have died between a swap and its note in the ledger."""
    found = await work.indexes.inspect(work.settings.target.index, work.shape)
    return found is not None and found.identity == backfill.swap_to


async def _settled(work: Work, backfill: Backfill) -> None:
    """The ledger learns of the swap; then the old index gets the name under which a rollback looks for it."""
    target, old = work.settings.target.index, work.standing
    standing = Standing(
        shape=backfill.shape,
        identity=backfill.swap_to,
        watermark=backfill.horizon,
        log_watermark=backfill.log_horizon,
        complete=True,
        reconciled_at=backfill.started_at,
        columns=old.columns,
        previous=retired(old) if backfill.swap_from else None,
        unnamed=True,
        turned=True,
        nulls=old.nulls,
        caveats=old.caveats,
        moment=backfill.moment,
    )
    entry = Entry("index.replaced", detail={"index": target, "from": backfill.swap_from, "to": backfill.swap_to})
    await work.context.advance(Advance(standing.written(), RowTurn.PROMOTE, backfill.started_at, (entry,)))
    work.standing = standing
    await keep_previous(work)


async def keep_previous(work: Work) -> None:
    """Give the index that a swap left under the shadow's name its own."""
    if await work.indexes.inspect(shadow_of(work), work.shape) is not None:
        if work.standing.previous is None:
            await work.indexes.drop(shadow_of(work))
        else:
            await work.indexes.drop(previous_of(work))
            await work.indexes.swap(shadow_of(work), previous_of(work))
    await work.advance(replace(work.standing, unnamed=False))
