"""Reading everything: in place, with deletion of what was not there."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime

from syncd.domain.batch import Batch, Checkpoint
from syncd.domain.run import Trigger
from syncd.domain.scan import Position
from syncd.engines.search.changes import Reached, look, sweep
from syncd.engines.search.checkpoint import Backfill
from syncd.engines.search.quiet import sealed
from syncd.engines.search.work import Reach, Work, batch_of
from syncd.ports.running import Advance, Progress, Scope

PREVIOUS = "__previous"
"""Ends the name of the index that a replace keeps for a rollback."""


async def full(work: Work) -> None:
    """Send every row, then delete what the source does not have. Goes on behind the last commit of an earlier attempt.

    In an index that was empty when this attempt began there is nothing else than what it has just sent.
    """
    work.context.tell(Progress(doing="looking at the source"))
    backfill, stamp, fresh = work.standing.backfill, "", False
    if backfill is None or backfill.shape != work.digest or asked_anew(work):
        await forget_previous(work)
        reached = await look(work)
        backfill, stamp, fresh = started("full", work.digest, reached), reached.stamp, work.found_empty
        await work.advance(replace(work.standing, backfill=backfill, reading=None))
    if not backfill.loaded:
        await load(work, backfill, Scope.LIVE)
        backfill = replace(backfill, loaded=True, after=None)
        await work.advance(replace(work.standing, backfill=backfill))
    if not fresh:
        await sweep(work, work.live, Scope.LIVE, work.standing.written())
    await finish(work, backfill, stamp)


def asked_anew(work: Work) -> bool:
    """A person asked for this run, and it is its first attempt: what an earlier one left is not gone on with."""
    return work.context.run.mode == "full" and work.context.run.trigger is Trigger.REQUEST and work.context.run.attempt == 1


def started(kind: str, digest: str, reached: Reached) -> Backfill:
    return Backfill(kind, digest, datetime.now(UTC), reached.watermark, reached.log)


async def load(work: Work, backfill: Backfill, scope: Scope) -> None:
    """Send every row behind `backfill.after`, in order of key."""
    total = await work.source.count(replace(work.scan(), gone=""))
    work.context.tell(Progress(doing="loading", total=total))
    index = work.live if scope is Scope.LIVE else work.indexes.index(shadow_of(work))
    reached = backfill.after

    def reach(last: Position) -> Checkpoint:
        nonlocal reached
        reached = reached if None in last else last
        return replace(work.standing, backfill=replace(backfill, after=reached)).written()

    await work.store(index, _everything(work, backfill.after, reach), scope)


async def _everything(work: Work, after: Position | None, reach: Reach) -> AsyncGenerator[Batch, None]:
    async for piece in work.pieces(work.scan(after=after)):
        reaches = reach(piece.last)
        if piece.rows.num_rows:
            yield batch_of(replace(piece, gone=piece.gone.slice(0, 0)), reaches)
        else:
            work.context.tell(Progress(unchanged=piece.read))


def shadow_of(work: Work) -> str:
    return f"{work.settings.target.index}__shadow"


def previous_of(work: Work) -> str:
    return f"{work.settings.target.index}{PREVIOUS}"


async def forget_previous(work: Work) -> None:
    """Give up the index that was kept for a rollback: from now on there is something newer to go back to."""
    if work.standing.previous:
        await work.indexes.drop(previous_of(work))
        await work.advance(replace(work.standing, previous=None))


async def finish(work: Work, backfill: Backfill, stamp: str) -> None:
    """The index holds every row as of the backfill's start; what was refused before then and not since is mended or gone."""
    standing = replace(
        work.standing,
        shape=backfill.shape,
        watermark=backfill.horizon,
        exact=False,
        log_watermark=backfill.log_horizon,
        complete=True,
        reconciled_at=backfill.started_at,
        backfill=None,
        turned=False,
        stamp=sealed(work.settings, stamp),
    )
    work.context.tell(Progress(complete_to=standing.watermark or ""))
    await work.context.advance(Advance(standing.written(), letters_before=backfill.started_at))
    work.standing = standing
