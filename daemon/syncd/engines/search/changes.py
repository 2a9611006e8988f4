"""Catching up with a source: rows changed since a watermark, and keys that are simply no longer there."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.domain.batch import Batch, Checkpoint
from syncd.domain.errors import SourceMismatch
from syncd.domain.scan import Horizon, Relation, Scan, Since
from syncd.engines.search.deletions import check_shrink
from syncd.engines.search.keysets import KeySets, Side
from syncd.engines.search.work import Reach, Work, batch_of, deletions
from syncd.kit.threads import beside
from syncd.ports.connecting import Index
from syncd.ports.running import Progress, Scope

_SWEEP_ROWS = 50_000
_DELETE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Window:
    """From where to catch up: None is from the beginning."""

    watermark: str | None
    log: str | None
    exact: bool = False
    moment: str = ""
    """The source is asked which rows it has deleted since this moment; empty where that is not known."""
    until: str = ""
    """And up to this one."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the source vouches once everything read after this was taken is in the index."""

    watermark: str | None
    """The highest watermark that the next run may start from."""
    exact: bool
    """Every row up to the watermark was visible when this was taken, and so it is to every later reading, whether or not that is of one
    moment: a row can leave that part only by changing, which carries it behind the watermark. What a reading finds behind it may have
    gaps, so it counts for nothing: the next run reads it again."""
    log: str | None = None
    now: str | None = None
    nulls: int = 0
    stamp: str = ""
    moment: str = ""
    caveats: tuple[str, ...] = ()


async def look(work: Work) -> Reached:
    """Ask the source how far it is complete; always before rows are read."""
    source, log = work.settings.source, work.settings.source.deletions.log
    gone = await work.source.horizon(Relation(table=log.table), log.at) if log else None
    at = gone.reaches if gone else None
    if not (work.watermark or work.table.version):
        return Reached(None, exact=False, log=at)
    horizon = await work.source.horizon(source.relation, work.watermark or work.table.version)
    _check_memory(work, horizon)
    if not work.watermark:
        return Reached(None, exact=False, log=at, moment=horizon.moment, caveats=horizon.caveats)
    stamp = horizon.stamp if gone is None or gone.stamp == horizon.stamp else ""
    return Reached(horizon.reaches, horizon.exact, at, horizon.now, horizon.nulls, stamp, horizon.moment, horizon.caveats)


def _check_memory(work: Work, horizon: Horizon) -> None:
    if work.settings.source.deletions.versions and not horizon.moment:
        raise SourceMismatch(
            f"source.deletions.versions: the source may not look back at {work.table.name}: {' '.join(horizon.caveats) or 'it cannot'}",
            hint="give it the right to, or let deletions be told by 'soft', 'log' or 'reconcile'",
        )


def clock_fell_back(now: str | None, watermark: str | None, lookback: timedelta) -> bool:
    """Whether the source's clock stands so far before the watermark that rows written now would not be seen behind it."""
    if now is None or watermark is None:
        return False
    try:
        seen, stands = datetime.fromisoformat(watermark), datetime.fromisoformat(now)
    except ValueError:
        return False
    return stands < seen - lookback


def since(work: Work, window: Window) -> Since | None:
    """The lower bound of a window; None where everything has to be read."""
    if not work.watermark or window.watermark is None:
        return None
    return Since(work.watermark, window.watermark, timedelta(0) if window.exact else work.lookback)


def changed_scan(work: Work, window: Window, moment: str = "") -> Scan:
    """The rows that can have changed since a window's start, by (watermark, key) where there is a bound, else by key."""
    bound = since(work, window)
    key = tuple(work.settings.source.key)
    order = (bound.column, *(column for column in key if column != bound.column)) if bound else key
    return work.scan(order=order, since=bound, moment=moment)


async def changed(work: Work, scan: Scan, scope: Scope, reach: Reach) -> AsyncGenerator[Batch, None]:
    """Yield what a scan finds that the index does not hold already."""
    async with aclosing(work.pieces(scan)) as pieces:
        async for piece in pieces:
            kept = await work.unsent(piece, scope) if work.trusts_memory else piece
            if kept.rows.num_rows or len(kept.gone):
                yield batch_of(kept, reach(piece.last))


async def sweep(work: Work, index: Index, scope: Scope, reaches: Checkpoint) -> None:
    """Delete what the index holds and the source does not, by comparing all keys. Raises `ShrinkRefused`."""
    async with beside(KeySets) as sets:
        await compare_keys(work, index, sets)
        held, lost = await asyncio.to_thread(sets.count, Side.INDEX), await asyncio.to_thread(sets.count_only_in, Side.INDEX)
        check_shrink(held=held, lost=lost, limits=work.settings.source.deletions, allowed=work.says("allow_shrink"))
        if lost:
            work.context.tell(Progress(doing=f"deleting {lost:,} documents without a row"))
            await work.store(index, _only_indexed(sets, reaches), scope)


async def compare_keys(work: Work, index: Index, sets: KeySets) -> None:
    """Fill both sides with ids: the index first, so that a row that appears meanwhile is not taken for lost."""
    work.context.tell(Progress(doing="comparing keys"))
    async with aclosing(index.ids()) as listings:
        async for ids in listings:
            await asyncio.to_thread(sets.add, Side.INDEX, ids)
    scan = replace(work.scan(), columns=tuple(work.settings.source.key))
    async with aclosing(work.source.scan(scan, _SWEEP_ROWS)) as pages:
        async for page in pages:
            await asyncio.to_thread(sets.add, Side.SOURCE, await asyncio.to_thread(work.mapper.ids, page))


async def _only_indexed(sets: KeySets, reaches: Checkpoint) -> AsyncGenerator[Batch, None]:
    for ids in await asyncio.to_thread(list, sets.only_in(Side.INDEX, _DELETE_ROWS)):
        yield deletions(ids, reaches)
