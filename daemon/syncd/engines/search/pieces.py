"""From the pages of a source to pieces of the size that batches have."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.position import position
from syncd.domain.scan import Position, Scan
from syncd.engines.search.mapping import Mapped, Mapper, Unmapped
from syncd.kit.streams import ahead
from syncd.ports.connecting import Source

_PAGE_PIECES = 16
"""Pieces that are read and mapped at once, by all readers of a run: mapping costs less per row in larger pages."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive rows of the source, mapped: what becomes one batch."""

    rows: pa.RecordBatch
    gone: pa.StringArray
    last: Position
    read: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads and maps, one page ahead of who uses it. `size` is how many rows make a piece, `beside` how many readers do so at once."""

    source: Source
    mapper: Mapper
    size: int
    beside: int = 1

    async def pieces(self, scan: Scan, reasons: dict[str, Unmapped]) -> AsyncGenerator[Piece, None]:
        """The rows of a scan in its order; why no document could be made of rows goes to `reasons`, by mark."""
        async with aclosing(self._mapped(scan)) as pages, aclosing(ahead(pages)) as pages_ahead:
            async for page, mapped in pages_ahead:
                reasons.update(mapped.unmapped)
                for piece in _cut(page, mapped, scan.order, self.size):
                    yield piece

    async def _mapped(self, scan: Scan) -> AsyncGenerator[tuple[pa.RecordBatch, Mapped], None]:
        async with aclosing(self.source.scan(scan, self.size * max(1, _PAGE_PIECES // self.beside))) as pages:
            async for page in pages:
                yield page, await asyncio.to_thread(self.mapper.documents, page)


def _cut(page: pa.RecordBatch, mapped: Mapped, order: tuple[str, ...], size: int) -> Iterator[Piece]:
    """Cut a mapped page into pieces of at most `size` of the page's rows, in order."""
    row = gone = 0
    for start in range(0, page.num_rows, size):
        end = min(start + size, page.num_rows)
        next_row, next_gone = _below(mapped.positions, end), _below(mapped.gone_positions, end)
        yield Piece(
            rows=mapped.rows.slice(row, next_row - row),
            gone=mapped.gone.slice(gone, next_gone - gone),
            last=position(page, end - 1, order),
            read=end - start,
        )
        row, gone = next_row, next_gone


def _below(positions: pa.Int64Array, end: int) -> int:
    """How many of some ascending positions are below one; mostly they are all there are."""
    if len(positions) == 0 or positions[-1].as_py() == len(positions) - 1:
        return min(end, len(positions))
    return int(pc.sum(pc.less(positions, end)).as_py() or 0)
