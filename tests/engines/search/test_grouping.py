"""Receipts are committed in groups, and nothing gets lost or out of order on the way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pyarrow as pa
import pytest

from syncd.domain.batch import DOCUMENTS, Batch, Checkpoint, Receipt, Refusal
from syncd.engines.search.grouping import grouped


def receipt(number: int, rows: int = 1, gone: Sequence[str] = (), *, refused: bool = False) -> Receipt:
    documents = [{"mark": f"{number}.{row}", "key": "[]", "id": "1", "document": "{}", "fingerprint": number} for row in range(rows)]
    batch = Batch(
        pa.RecordBatch.from_pylist(documents, schema=DOCUMENTS), pa.array(gone, pa.string()), Checkpoint(f"behind {number}"), read=rows
    )
    return Receipt(batch, (Refusal(0, "bad", "it is bad"),) if refused else ())


async def at_once(*receipts: Receipt) -> AsyncIterator[Receipt]:
    for each in receipts:
        yield each


async def groups_of(receipts: AsyncIterator[Receipt]) -> list[tuple[list[str], str]]:
    """The marks of each group, and where it leads."""
    return [(group.batch.rows.column("mark").to_pylist(), group.batch.reaches) async for group in grouped(receipts)]


async def test_receipts_that_are_there_become_one_that_leads_to_the_last() -> None:
    assert await groups_of(at_once(receipt(1, rows=2), receipt(2), receipt(3))) == [(["1.0", "1.1", "2.0", "3.0"], "behind 3")]


async def test_a_group_accounts_for_all_rows_that_were_read() -> None:
    [group] = [group async for group in grouped(at_once(receipt(1, rows=2), receipt(2, rows=3)))]

    assert group.batch.read == 5


async def test_what_deletes_or_refuses_stays_alone_and_in_its_place() -> None:
    receipts = at_once(receipt(1), receipt(2), receipt(3, gone=["x"]), receipt(4), receipt(5, refused=True), receipt(6), receipt(7))

    assert await groups_of(receipts) == [
        (["1.0", "2.0"], "behind 2"),
        (["3.0"], "behind 3"),
        (["4.0"], "behind 4"),
        (["5.0"], "behind 5"),
        (["6.0", "7.0"], "behind 7"),
    ]


async def test_a_group_is_bounded() -> None:
    found = await groups_of(at_once(*(receipt(number, rows=4_000) for number in range(6))))

    assert [len(marks) for marks, _ in found] == [12_000, 12_000]


async def test_a_receipt_is_not_kept_waiting_for_another() -> None:
    more = asyncio.Event()

    async def receipts() -> AsyncIterator[Receipt]:
        yield receipt(1)
        await more.wait()
        yield receipt(2)

    async with aclosing(grouped(receipts())) as groups:
        assert (await anext(groups)).batch.reaches == "behind 1"
        more.set()
        assert (await anext(groups)).batch.reaches == "behind 2"


async def test_what_came_before_an_error_comes_before_it() -> None:
    async def receipts() -> AsyncIterator[Receipt]:
        yield receipt(1)
        yield receipt(2)
        raise ValueError("the target is gone")

    async with aclosing(grouped(receipts())) as groups:
        assert (await anext(groups)).batch.reaches == "behind 2"
        with pytest.raises(ValueError, match="the target is gone"):
            await anext(groups)


async def test_nothing_is_read_any_more_once_it_is_closed() -> None:
    ended = False

    async def receipts() -> AsyncIterator[Receipt]:
        nonlocal ended
        try:
            yield receipt(1)
            await asyncio.Event().wait()
        finally:
            ended = True

    async with aclosing(grouped(receipts())) as groups:
        await anext(groups)

    assert ended
