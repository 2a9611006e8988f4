"""What every mode of a search run works with: its source, its index, its mapping, and where the sync stands."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.audit import Entry
from syncd.domain.batch import DOCUMENTS, Batch, Checkpoint, Receipt
from syncd.domain.run import Trigger
from syncd.domain.scan import Position, Scan, Since
from syncd.domain.schema import Table
from syncd.engines.search.checkpoint import Standing
from syncd.engines.search.grouping import grouped
from syncd.engines.search.mapping import Mapper, Unmapped
from syncd.engines.search.pieces import Piece, Reader
from syncd.engines.search.settings import SearchSync
from syncd.ports.connecting import Index, Indexes, IndexShape, Source
from syncd.ports.running import TOMBSTONE, Advance, Progress, RowTurn, RunContext, Scope

Reach = Callable[[Position], Checkpoint]
"""From the position of a batch's last row to the checkpoint that the batch reaches."""


@dataclass(slots=True)
class Work:
    """One run at work. `standing` is where the sync stands as of the last commit that this run made."""

    settings: SearchSync
    source: Source
    indexes: Indexes
    mapper: Mapper
    table: Table
    context: RunContext
    standing: Standing
    digest: str
    """Digest of what makes documents what they are, under the settings in force and the columns found."""
    shape: IndexShape
    lost: str = ""
    """Why this attempt must not look back: the source could not tell how rows were, or which were deleted. Empty as long as it can."""
    reasons: dict[str, Unmapped] = field(default_factory=dict)
    """Mark -> why, for the rows under way of which no document could be made."""
    found_empty: bool = False
    """The live index held nothing when this run began."""

    @property
    def live(self) -> Index:
        return self.indexes.index(self.settings.target.index)

    @property
    def trusts_memory(self) -> bool:
        """What is remembered of rows is what the index holds: no earlier run or attempt left anything half known."""
        return self.context.clean and self.begins

    @property
    def begins(self) -> bool:
        """No earlier attempt of this run has done anything yet."""
        return self.context.run.attempt == 1 and not self.lost

    @property
    def goes_on(self) -> bool:
        """What an interrupted run or a failed attempt began is to be brought to its end, not begun anew."""
        return not self.begins or self.context.run.trigger is Trigger.RECOVERY

    @property
    def apologies(self) -> tuple[str, ...]:
        """What an operator should know of an attempt that must not look back."""
        return (f"the last run could not look back, and read rows as they were while it ran: {self.lost}",) if self.lost else ()

    @property
    def watermark(self) -> str:
        """The column that grows whenever a row changes; empty if there is none."""
        source = self.settings.source
        return self.table.version if source.strategy == "scn" else source.watermark

    @property
    def lookback(self) -> timedelta:
        """How far behind the watermark rows may appear late; a version is given with the commit, so none does."""
        source = self.settings.source
        return timedelta(0) if source.strategy == "scn" else source.lookback

    def says(self, parameter: str) -> bool:
        return self.context.run.parameters.get(parameter, "") == "true"

    def scan(self, *, order: tuple[str, ...] = (), since: Since | None = None, moment: str = "") -> Scan:
        """A scan of the columns that documents need, by key unless another order is given."""
        source = self.settings.source
        order = order or tuple(source.key)
        extra = tuple(column for column in order if column not in self.mapper.columns)
        return Scan(
            relation=source.relation,
            order=order,
            columns=self.mapper.columns + extra,
            gone=source.deletions.soft,
            since=since,
            moment=moment,
            key=tuple(source.key),
        )

    async def pieces(self, scan: Scan, beside: int = 1) -> AsyncGenerator[Piece, None]:
        """Read and map the rows of a scan; `beside`: so many scans are read at once."""
        reader = Reader(self.source, self.mapper, self.settings.batch_rows, beside)
        async with aclosing(reader.pieces(scan, self.reasons)) as pieces:
            async for piece in pieces:
                yield piece

    async def unsent(self, piece: Piece, scope: Scope) -> Piece:
        """Leave out what the index is known to hold, or to have lost, already."""
        known = await self.context.rows.known(piece.rows.column("mark"), scope)
        same = pc.fill_null(pc.equal(known, piece.rows.column("fingerprint")), fill_value=False)
        dead = await self.context.rows.known(piece.gone, scope)
        buried = pc.fill_null(pc.equal(dead, TOMBSTONE), fill_value=False)
        if same.true_count + buried.true_count == 0:
            return piece
        rows, gone = piece.rows.filter(pc.invert(same)), piece.gone.filter(pc.invert(buried))
        self.context.tell(Progress(unchanged=same.true_count + buried.true_count))
        return Piece(rows, gone, piece.last, len(gone) + rows.num_rows)

    async def store(self, index: Index, batches: AsyncGenerator[Batch, None], scope: Scope = Scope.LIVE) -> None:
        """Send batches and commit each once it is durable."""
        async with (
            aclosing(self._counted(batches)) as counted,
            aclosing(index.apply(counted, self.context.crowded)) as receipts,
            aclosing(grouped(receipts)) as groups,
        ):
            async for receipt in groups:
                await self.context.commit(self._named(receipt), scope)

    async def advance(self, standing: Standing, rows: RowTurn = RowTurn.KEEP, *entries: Entry) -> None:
        """Move to another standing without rows."""
        await self.context.advance(Advance(standing.written(), rows, entries=entries))
        self.standing = standing

    async def _counted(self, batches: AsyncGenerator[Batch, None]) -> AsyncGenerator[Batch, None]:
        async with aclosing(batches):
            async for batch in batches:
                self.context.tell(Progress(sent=batch.rows.num_rows))
                yield batch

    def _named(self, receipt: Receipt) -> Receipt:
        """Say of rows that could not be mapped why, in place of the target's word about what stood in for them."""
        if not self.reasons or not receipt.refused:
            return receipt
        marks = receipt.batch.rows.column("mark")
        refused = []
        for refusal in receipt.refused:
            why = self.reasons.pop(marks[refusal.row].as_py(), None)
            refused.append(replace(refusal, code=why.code, reason=why.reason) if why else refusal)
        return replace(receipt, refused=tuple(refused))


def batch_of(piece: Piece, reaches: Checkpoint) -> Batch:
    return Batch(piece.rows, piece.gone, reaches, piece.read)


def deletions(ids: pa.StringArray, reaches: Checkpoint) -> Batch:
    """A batch that only deletes."""
    return Batch(pa.RecordBatch.from_pylist([], schema=DOCUMENTS), ids, reaches)
