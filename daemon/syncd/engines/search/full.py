"""Reading everything: in place, with deletion of what was not there."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from datetime import UTC, datetime

from syncd.domain.batch import Batch, Checkpoint
from syncd.domain.run import Trigger
from syncd.domain.scan import Position, Scan
from syncd.engines.search.changes import Reached, Window, changed, changed_scan, look, sweep
from syncd.engines.search.checkpoint import Backfill, Range
from syncd.engines.search.quiet import sealed, warnings
from syncd.engines.search.removed import removed
from syncd.engines.search.work import Work, batch_of
from syncd.kit.streams import merged
from syncd.ports.connecting import Index
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
        backfill, stamp, fresh = started(work, "full", reached), reached.stamp, work.found_empty
        await work.advance(replace(work.standing, backfill=backfill, reading=None, nulls=reached.nulls, caveats=reached.caveats))
    if not backfill.loaded:
        await load(work, backfill, Scope.LIVE)
        backfill = replace(backfill, loaded=True, ranges=())
        await work.advance(replace(work.standing, backfill=backfill))
    if backfill.adrift:
        backfill = await caught_up(work, backfill, Scope.LIVE)
    if not fresh:
        await sweep(work, work.live, Scope.LIVE, work.standing.written())
    await finish(work, backfill, stamp)


def asked_anew(work: Work) -> bool:
    """A person asked for this run, and nothing of it is done yet: what an earlier one left is not gone on with."""
    return work.context.run.mode == "full" and work.context.run.trigger is Trigger.REQUEST and work.begins


def started(work: Work, kind: str, reached: Reached) -> Backfill:
    """A backfill as of what was reached. A source that has versions of its rows, but may not look back, is read while it changes."""
    adrift = bool(work.table.version) and not reached.moment
    began = datetime.now(UTC)
    return Backfill(kind, work.digest, began, reached.watermark, reached.log, moment=reached.moment, adrift=adrift)


async def load(work: Work, backfill: Backfill, scope: Scope) -> None:
    """Send every row of the ranges that a backfill has left, several ranges at once, each in order of key."""
    scan = work.scan(moment="" if backfill.adrift else backfill.moment)
    work.context.tell(Progress(doing="loading", total=await work.source.count(replace(scan, gone=""))))
    ranges = list(backfill.ranges) or await _ranges(work, scan)

    def reach(part: int, last: Position) -> Checkpoint:
        if None not in last:
            ranges[part] = replace(ranges[part], after=last)
        return replace(work.standing, backfill=replace(backfill, ranges=tuple(ranges))).written()

    scans = [replace(scan, after=each.after, until=each.until) for each in ranges]
    await work.store(index_of(work, scope), _everything(work, scans, reach), scope)


async def _ranges(work: Work, scan: Scan) -> list[Range]:
    readers = work.settings.source.readers
    cuts = await work.source.split(scan, readers) if readers > 1 else ()
    return [Range(after, until) for after, until in zip([None, *cuts], [*cuts, None], strict=True)]


async def _everything(work: Work, scans: Sequence[Scan], reach: Callable[[int, Position], Checkpoint]) -> AsyncGenerator[Batch, None]:
    """Yield what the scans find as it comes. Batches are committed in this order, so each may reach what all before it have reached."""
    async with AsyncExitStack() as stack:
        readers = min(len(scans), work.settings.source.readers)
        parts = [await stack.enter_async_context(aclosing(work.pieces(scan, readers))) for scan in scans]
        found = await stack.enter_async_context(aclosing(merged(parts, readers)))
        async for part, piece in found:
            reaches = reach(part, piece.last)
            if piece.rows.num_rows:
                yield batch_of(replace(piece, gone=piece.gone.slice(0, 0)), reaches)
            else:
                work.context.tell(Progress(unchanged=piece.read))


async def caught_up(work: Work, backfill: Backfill, scope: Scope) -> Backfill:
    """Send what changed since a backfill began, which has loaded all it had to, and move its horizon to now."""
    window = Window(backfill.horizon, backfill.log_horizon)
    reached = await look(work)
    index, reaches = index_of(work, scope), replace(work.standing, backfill=backfill).written()
    if backfill.horizon is not None:
        await work.store(index, changed(work, changed_scan(work, window), scope, lambda _: reaches), scope)
    await work.store(index, removed(work, window, scope, reaches), scope)
    return replace(
        backfill,
        horizon=reached.watermark if reached.watermark is not None else backfill.horizon,
        log_horizon=reached.log if reached.log is not None else backfill.log_horizon,
        moment=reached.moment,
    )


def index_of(work: Work, scope: Scope) -> Index:
    return work.live if scope is Scope.LIVE else work.indexes.index(shadow_of(work))


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
        moment=backfill.moment,
        stamp=sealed(work.settings, stamp),
    )
    work.context.tell(Progress(complete_to=standing.watermark or "", warnings=warnings(work.settings, standing)))
    await work.context.advance(Advance(standing.written(), letters_before=backfill.started_at))
    work.standing = standing
