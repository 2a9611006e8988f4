"""Sending what changed since the last run."""

from dataclasses import replace
from datetime import UTC, datetime

from syncd.domain.audit import Entry
from syncd.domain.scan import Position
from syncd.engines.search.changes import Reached, Window, changed, changed_scan, clock_fell_back, look, sweep
from syncd.engines.search.checkpoint import Reading, Standing
from syncd.engines.search.full import full
from syncd.engines.search.quiet import reconcile_due, sealed, warnings
from syncd.engines.search.removed import remembers, removed
from syncd.engines.search.work import Work
from syncd.ports.running import Progress, RowTurn, Scope


async def incremental(work: Work) -> None:
    """Bring the live index up to what the source can vouch for now; everything, where no run ever came to its end.

    Rows are read as of one moment where the source can look back. Where it cannot, or not any more, they are read as they are: then the
    index may be ahead of the watermark in some rows, but what lies up to the watermark is the same, and the next run starts from there.
    """
    if not work.standing.complete or work.standing.backfill or work.standing.shape != work.digest:
        work.context.tell(Progress(doing="first run: reading everything"))
        await full(work)
        return
    reached, window = await _begin(work)
    scan = changed_scan(work, window, "" if work.lost else reached.moment)
    reading = work.standing.reading
    if reading and scan.since:
        scan = replace(scan, after=reading.after)

    def standing_at(last: Position) -> Standing:
        if None in last or not scan.since:
            return work.standing
        return replace(work.standing, reading=Reading(reached.watermark, reached.log, reached.exact, last, scan.moment))

    work.context.tell(Progress(doing="reading changes"))
    await work.store(work.live, changed(work, scan, Scope.LIVE, lambda last: standing_at(last).written()))
    await work.store(work.live, removed(work, window, Scope.LIVE, work.standing.written()))
    await _compare_if_due(work, window)
    await _end(work, reached)


async def _begin(work: Work) -> tuple[Reached, Window]:
    standing = work.standing
    reached = await look(work)
    watermark = standing.watermark
    if clock_fell_back(reached.now, watermark, work.lookback):
        entry = Entry("clock.fell_back", detail={"watermark": watermark, "now": reached.now})
        await work.advance(replace(standing, watermark=None, reading=None), RowTurn.KEEP, entry)
        watermark = None
    elif reading := standing.reading:
        moment = reading.moment if reading.moment and not work.lost else reached.moment
        reached = replace(reached, watermark=reading.watermark, log=reading.log, exact=reading.exact, stamp="", moment=moment)
    return reached, Window(watermark, standing.log_watermark, standing.exact, standing.moment, reached.moment)


async def _compare_if_due(work: Work, window: Window) -> None:
    forgotten = work.settings.source.deletions.versions and not remembers(work, window)
    if not (forgotten or reconcile_due(work.settings, work.standing)):
        return
    began = datetime.now(UTC)
    await sweep(work, work.live, Scope.LIVE, work.standing.written())
    work.standing = replace(work.standing, reconciled_at=began)


async def _end(work: Work, reached: Reached) -> None:
    standing = work.standing
    behind = replace(
        standing,
        watermark=reached.watermark if reached.watermark is not None else standing.watermark,
        exact=reached.exact if reached.watermark is not None else standing.exact,
        log_watermark=reached.log if reached.log is not None else standing.log_watermark,
        reading=None,
        turned=False,
        nulls=reached.nulls,
        caveats=(*reached.caveats, *work.apologies),
        moment=reached.moment if work.settings.source.deletions.versions else "",
        stamp=sealed(work.settings, reached.stamp),
    )
    work.context.tell(Progress(complete_to=behind.watermark or "", warnings=warnings(work.settings, behind)))
    await work.advance(behind)
