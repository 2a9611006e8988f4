"""Catching up with a source: rows changed since a watermark, keys in a deletion log, keys that are simply no longer there."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.batch import Batch, Checkpoint
from syncd.domain.position import positions
from syncd.domain.scan import Relation, Scan, Since
from syncd.engines.search.deletions import check_shrink
from syncd.engines.search.keysets import KeySets, Side
from syncd.engines.search.pieces import Piece
from syncd.engines.search.settings import DeletionLog
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


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the source vouches once everything read after this was taken is in the index."""

    watermark: str | None
    exact: bool
    log: str | None
    now: str | None
    nulls: int
    stamp: str = ""


async def look(work: Work) -> Reached:
    """Ask the source how far it is complete; always before rows are read."""
    source, log = work.settings.source, work.settings.source.deletions.log
    gone = await work.source.horizon(Relation(table=log.table), log.at) if log else None
    at = gone.reaches if gone else None
    if not source.watermark:
        return Reached(None, exact=False, log=at, now=None, nulls=0)
    horizon = await work.source.horizon(source.relation, source.watermark)
    stamp = horizon.stamp if gone is None or gone.stamp == horizon.stamp else ""
    return Reached(horizon.reaches, horizon.exact, at, horizon.now, horizon.nulls, stamp)


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
    source = work.settings.source
    if not source.watermark or window.watermark is None:
        return None
    return Since(source.watermark, window.watermark, timedelta(0) if window.exact else source.lookback)


def changed_scan(work: Work, window: Window) -> Scan:
    """The rows that can have changed since a window's start, by (watermark, key) where there is a bound, else by key."""
    bound = since(work, window)
    key = tuple(work.settings.source.key)
    order = (bound.column, *(column for column in key if column != bound.column)) if bound else key
    return work.scan(order=order, since=bound)


async def changed(work: Work, scan: Scan, scope: Scope, reach: Reach) -> AsyncGenerator[Batch, None]:
    """Yield what a scan finds that the index does not hold already."""
    async for piece in work.pieces(scan):
        kept = await work.unsent(piece, scope) if work.trusts_memory else piece
        if kept.rows.num_rows or len(kept.gone):
            yield batch_of(kept, reach(piece.last))


async def logged(work: Work, window: Window, scope: Scope, reaches: Checkpoint) -> AsyncGenerator[Batch, None]:
    """Yield the deletions of the log. A key that has a row again is not deleted, but sent as it is now."""
    source = work.settings.source
    if (log := source.deletions.log) is None:
        return
    bound = Since(log.at, window.log, source.lookback) if window.log is not None else None
    scan = Scan(Relation(table=log.table), (log.at, *log.key), (log.at, *log.key), since=bound, key=tuple(log.key))
    async for page in work.source.scan(scan, work.settings.batch_rows):
        piece = await _as_it_is_now(work, page, log)
        kept = await work.unsent(piece, scope) if work.trusts_memory else piece
        if kept.rows.num_rows or len(kept.gone):
            yield batch_of(kept, reaches)


async def _as_it_is_now(work: Work, page: pa.RecordBatch, log: DeletionLog) -> Piece:
    key = tuple(work.settings.source.key)
    keys = pa.RecordBatch.from_arrays([page.column(name) for name in log.key], names=list(key))
    listed = await asyncio.to_thread(work.mapper.ids, keys)
    present = replace(work.scan(), keys=tuple(positions(keys, key)))
    pieces = [piece async for piece in work.pieces(present)]
    rows = pa.Table.from_batches([piece.rows for piece in pieces]).combine_chunks().to_batches() if pieces else []
    if not rows:
        return Piece(_no_rows(), pc.unique(listed), (), page.num_rows)
    gone = pc.unique(listed.filter(pc.invert(pc.is_in(listed, rows[0].column("mark")))))
    return Piece(rows[0], gone, (), page.num_rows)


def _no_rows() -> pa.RecordBatch:
    return deletions(pa.array([], pa.string()), Checkpoint("")).rows


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
    async for ids in index.ids():
        await asyncio.to_thread(sets.add, Side.INDEX, ids)
    scan = replace(work.scan(), columns=tuple(work.settings.source.key))
    async for page in work.source.scan(scan, _SWEEP_ROWS):
        await asyncio.to_thread(sets.add, Side.SOURCE, await asyncio.to_thread(work.mapper.ids, page))


async def _only_indexed(sets: KeySets, reaches: Checkpoint) -> AsyncGenerator[Batch, None]:
    for ids in await asyncio.to_thread(list, sets.only_in(Side.INDEX, _DELETE_ROWS)):
        yield deletions(ids, reaches)
