"""Committing in groups: a commit costs about the same for one batch as for ten."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace

import pyarrow as pa

from syncd.domain.batch import Receipt
from syncd.kit.streams import abandon, coming

_ROWS = 10_000


async def grouped(receipts: AsyncIterator[Receipt]) -> AsyncGenerator[Receipt, None]:
    """Yield receipts in order, those joined into one that are there without waiting. The next one is awaited while this one is used.

    What deletes or refuses stays alone: there the order of two batches with one row counts.
    """
    ahead = coming(receipts)
    try:
        while (receipt := await ahead) is not None:
            ahead, group, rows = coming(receipts), [receipt], receipt.batch.rows.num_rows
            while rows < _ROWS and _joins(receipt):
                await asyncio.sleep(0)
                if not ahead.done() or ahead.exception() or (receipt := ahead.result()) is None or not _joins(receipt):
                    break
                ahead, rows = coming(receipts), rows + receipt.batch.rows.num_rows
                group.append(receipt)
            yield _joined(group)
    finally:
        await abandon(ahead)


def _joins(receipt: Receipt) -> bool:
    return not receipt.refused and len(receipt.batch.gone) == 0


def _joined(group: Sequence[Receipt]) -> Receipt:
    if len(group) == 1:
        return group[0]
    batches = [receipt.batch for receipt in group]
    [rows] = pa.Table.from_batches([batch.rows for batch in batches]).combine_chunks().to_batches()
    return Receipt(replace(batches[-1], rows=rows, read=sum(batch.read for batch in batches)))
