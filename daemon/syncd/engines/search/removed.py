"""Deletions that the source tells by itself: entries of a log, or rows that it remembers to have been deleted."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.batch import Batch, Checkpoint
from syncd.domain.position import positions
from syncd.domain.scan import Relation, Scan, Since
from syncd.engines.search.changes import Window
from syncd.engines.search.pieces import Piece
from syncd.engines.search.work import Work, batch_of, deletions
from syncd.ports.running import Scope


def remembers(work: Work, window: Window) -> bool:
    """Whether the source may be asked which rows it has deleted; if it should be, but may not, all keys have to be compared."""
    return work.settings.source.deletions.versions and bool(window.moment) and not work.lost


async def removed(work: Work, window: Window, scope: Scope, reaches: Checkpoint) -> AsyncGenerator[Batch, None]:
    """Yield the deletions of a window. A key that has a row again is not deleted, but sent as it is now."""
    for scan in _scans(work, window):
        async with aclosing(work.source.scan(scan, work.settings.batch_rows)) as pages:
            async for page in pages:
                piece = await _as_it_is_now(work, page, scan.key)
                kept = await work.unsent(piece, scope) if work.trusts_memory else piece
                if kept.rows.num_rows or len(kept.gone):
                    yield batch_of(kept, reaches)


def _scans(work: Work, window: Window) -> Iterator[Scan]:
    source = work.settings.source
    if log := source.deletions.log:
        order = (log.at, *log.key)
        since = Since(log.at, window.log, source.lookback) if window.log is not None else None
        yield Scan(Relation(table=log.table), order, order, since=since, key=tuple(log.key))
    if remembers(work, window):
        version, key = work.table.version, tuple(source.key)
        since = Since(version, window.moment)
        order = (version, *key)
        yield Scan(Relation(table=source.table, removed=True), order, order, since=since, moment=window.until, key=key)


async def _as_it_is_now(work: Work, page: pa.RecordBatch, named: Sequence[str]) -> Piece:
    key = tuple(work.settings.source.key)
    keys = pa.RecordBatch.from_arrays([page.column(name) for name in named], names=list(key))
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
