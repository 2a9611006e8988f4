"""Sending what changed since the last run."""

from dataclasses import replace
from datetime import UTC, datetime

from syncd.domain.audit import Entry
from syncd.domain.scan import Position
from syncd.engines.search.changes import Reached, Window, changed, changed_scan, clock_fell_back, logged, look, sweep
from syncd.engines.search.checkpoint import Reading, Standing
from syncd.engines.search.full import full
from syncd.engines.search.quiet import reconcile_due, sealed
from syncd.engines.search.work import Work
from syncd.ports.running import Progress, RowTurn, Scope


async def incremental(work: Work) -> None:
    """Bring the live index up to what the source can vouch for now; everything, where no run ever came to its end."""
    if not work.standing.complete or work.standing.backfill or work.standing.shape != work.digest:
        work.context.tell(Progress(doing="first run: reading everything"))
        await full(work)
        return
    reached, window = await _begin(work)
    scan = changed_scan(work, window)
    reading = work.standing.reading
    if reading and scan.since:
        scan = replace(scan, after=reading.after)

    def standing_at(last: Position) -> Standing:
        if None in last or not scan.since:
            return work.standing
        return replace(work.standing, reading=Reading(reached.watermark, reached.log, reached.exact, last))

    work.context.tell(Progress(doing="reading changes"))
    await work.store(work.live, changed(work, scan, Scope.LIVE, lambda last: standing_at(last).written()))
    await work.store(work.live, logged(work, window, Scope.LIVE, work.standing.written()))
    await _reconcile_if_due(work)
    await _end(work, reached)


async def _begin(work: Work) -> tuple[Reached, Window]:
    standing, lookback = work.standing, work.settings.source.lookback
    reached = await look(work)
    watermark = standing.watermark
    if clock_fell_back(reached.now, watermark, lookback):
        entry = Entry("clock.fell_back", detail={"watermark": watermark, "now": reached.now})
        await work.advance(replace(standing, watermark=None, reading=None), RowTurn.KEEP, entry)
        watermark = None
    elif reading := standing.reading:
        reached = replace(reached, watermark=reading.watermark, log=reading.log, exact=reading.exact, stamp="")
    return reached, Window(watermark, standing.log_watermark, standing.exact)


async def _reconcile_if_due(work: Work) -> None:
    if not reconcile_due(work.settings, work.standing):
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
        stamp=sealed(work.settings, reached.stamp),
    )
    work.context.tell(Progress(complete_to=behind.watermark or "", warnings=_warnings(work, behind)))
    await work.advance(behind)


def _warnings(work: Work, standing: Standing) -> tuple[str, ...]:
    if not standing.nulls:
        return ()
    column = work.settings.source.watermark
    return (f"{standing.nulls:,} rows have no {column}: incremental runs cannot see them change, full runs do",)
