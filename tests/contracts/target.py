"""What every `Indexes` and `Target` promises, and small tools to try it. A connector's test subclasses `TargetContract`."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

import pyarrow as pa
import pytest

from syncd.domain.batch import DOCUMENTS, Batch, Checkpoint, Receipt
from syncd.domain.errors import TargetMismatch
from syncd.ports.connecting import LISTING, Index, Indexes, IndexShape, Readable, Target

Document = Mapping[str, object]
Row = tuple[str, str]
"""The id and the document, each as JSON text."""

SHAPE = IndexShape(primary_key="id")
ADA: Document = {"id": 1, "name": "Ada", "year": 1815}
BOB: Document = {"id": 2, "name": "Bob", "year": 1920}
EVE: Document = {"id": "e-3", "name": "Eve", "year": None}


def row(document: Document, primary_key: str = "id") -> Row:
    return json.dumps(document.get(primary_key)), json.dumps(document, ensure_ascii=False)


def batch_of_rows(rows: Sequence[Row], gone: Sequence[str] = (), reaches: str = "end") -> Batch:
    """A batch of rows that are JSON text already, however odd."""
    ids = [json_id for json_id, _ in rows]
    documents = [document for _, document in rows]
    columns = [
        pa.array([f"{position}:{json_id}" for position, json_id in enumerate(ids)], pa.string()),
        pa.array([f"[{json_id}]" for json_id in ids], pa.string()),
        pa.array(ids, pa.string()),
        pa.array(documents, pa.string()),
        pa.array([zlib.crc32(document.encode()) for document in documents], pa.int64()),
    ]
    batch = pa.RecordBatch.from_arrays(columns, schema=DOCUMENTS)
    return Batch(rows=batch, gone=pa.array(gone, pa.string()), reaches=Checkpoint(reaches), read=len(rows))


def batch(*documents: Document, gone: Sequence[str] = (), reaches: str = "end") -> Batch:
    return batch_of_rows([row(document) for document in documents], gone, reaches)


async def stream(*batches: Batch) -> AsyncIterator[Batch]:
    for each in batches:
        yield each


def alone() -> bool:
    return False


def in_company() -> bool:
    return True


async def drain(target: Target, *batches: Batch, crowded: Callable[[], bool] = alone) -> list[Receipt]:
    """Apply batches to the end and answer all receipts."""
    return [receipt async for receipt in target.apply(stream(*batches), crowded)]


@asynccontextmanager
async def applying(target: Target, *batches: Batch) -> AsyncIterator[AsyncIterator[Receipt]]:
    """The receipts of an apply that may be left before its end."""
    async with aclosing(target.apply(stream(*batches), alone)) as receipts:
        yield receipts


async def contents(index: Readable, ids: Sequence[str] | None = None) -> dict[str, Document]:
    """The documents of an index by id, each read back as a value."""
    found: dict[str, Document] = {}
    async for listing in index.documents(ids):
        assert listing.schema == LISTING
        found |= {str(each["id"]): json.loads(str(each["document"])) for each in listing.to_pylist()}
    return found


async def all_ids(index: Readable) -> list[str]:
    return sorted([str(each) async for ids in index.ids() for each in ids.to_pylist()])


async def prepared(indexes: Indexes, name: str, *documents: Document) -> Index:
    """An index that holds some documents."""
    index = indexes.index(name)
    await index.prepare(SHAPE)
    await drain(index, batch(*documents))
    return index


async def identity(indexes: Indexes, name: str) -> str | None:
    state = await indexes.inspect(name, SHAPE)
    return state.identity if state else None


class TargetContract:
    """A subclass has the fixtures `indexes`, an open `Indexes`, and `name`, of an index that does not exist and may be made."""

    # ── applying ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_applying_a_batch_twice_changes_nothing(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name, ADA, BOB)

        await drain(target, batch(ADA, BOB))

        assert await contents(target) == {"1": ADA, "2": BOB}

    async def test_receipts_come_in_order_one_for_each_batch(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name)
        batches = [batch({"id": n}, gone=["nobody"], reaches=f"at {n}") for n in range(12)]

        receipts = await drain(target, *batches)

        assert [receipt.batch for receipt in receipts] == batches
        assert [receipt.refused for receipt in receipts] == [()] * 12

    async def test_what_a_receipt_names_can_be_read_at_once(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name)
        batches = [batch({"id": n, "size": n * n}, reaches=str(n)) for n in range(4)]

        async with applying(target, *batches) as receipts:
            async for receipt in receipts:
                reached = receipt.batch.reaches

                assert await contents(target, [reached]) == {reached: {"id": int(reached), "size": int(reached) ** 2}}

    async def test_deleting_removes_what_is_there_and_minds_nothing_that_is_not(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name, ADA, BOB, EVE)

        receipts = await drain(target, batch(gone=["2", "e-3", "404", "never-was"]))

        assert receipts[0].refused == ()
        assert await contents(target) == {"1": ADA}

    async def test_a_batch_may_both_store_and_delete(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name, ADA)

        await drain(target, batch(BOB, EVE, gone=["1"]))

        assert await contents(target) == {"2": BOB, "e-3": EVE}

    async def test_later_batches_win_over_earlier_ones(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name)

        await drain(target, batch(ADA, BOB), batch(gone=["1"]), batch({**ADA, "year": 1816}), batch({**BOB, "year": 1}, gone=["1"]))

        assert await contents(target) == {"2": {**BOB, "year": 1}}

    async def test_a_document_is_replaced_whole(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name, ADA)

        await drain(target, batch({"id": 1, "title": "Countess"}))

        assert await contents(target) == {"1": {"id": 1, "title": "Countess"}}

    async def test_an_empty_stream_yields_nothing(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name, ADA)

        assert await drain(target) == []
        assert await contents(target) == {"1": ADA}

    async def test_a_batch_that_changes_nothing_has_a_receipt_too(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name)
        batches = [batch(ADA, reaches="a"), batch(reaches="b"), batch(BOB, reaches="c"), batch(reaches="d")]

        receipts = await drain(target, *batches)

        assert [receipt.batch.reaches for receipt in receipts] == ["a", "b", "c", "d"]

    async def test_refused_rows_are_named_and_the_rest_is_stored(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name)
        first = batch_of_rows([row(ADA), ("null", '{"name":"Nobody"}'), row(BOB)], reaches="first")
        second = batch_of_rows([("null", '{"id":null,"name":"No one"}')], reaches="second")

        receipts = await drain(target, first, second, batch(EVE))

        assert [[refusal.row for refusal in receipt.refused] for receipt in receipts] == [[1], [0], []]
        assert all(refusal.code and refusal.reason for receipt in receipts for refusal in receipt.refused)
        assert await contents(target) == {"1": ADA, "2": BOB, "e-3": EVE}

    async def test_rows_known_to_be_unfit_are_told_without_sending_them(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name)
        rows = batch_of_rows([row(ADA), ("null", '{"name":"Nobody"}'), row(EVE)]).rows

        unfit = target.unfit(rows)

        assert [refusal.row for refusal in unfit] == [1]
        assert await contents(target) == {}

    @pytest.mark.parametrize("crowded", [alone, in_company])
    async def test_many_batches_arrive_whole_and_in_order(self, indexes: Indexes, name: str, crowded: Callable[[], bool]) -> None:
        target = await prepared(indexes, name)
        batches = [batch({"id": n % 40, "turn": n}, {"id": f"own-{n}"}, gone=[f"own-{n - 3}"], reaches=str(n)) for n in range(120)]

        receipts = await drain(target, *batches, crowded=crowded)

        assert [receipt.batch.reaches for receipt in receipts] == [str(n) for n in range(120)]
        expected: dict[str, Document] = {str(n % 40): {"id": n % 40, "turn": n} for n in range(120)}
        assert await contents(target) == expected | {f"own-{n}": {"id": f"own-{n}"} for n in (117, 118, 119)}

    async def test_an_abandoned_apply_does_no_harm_to_the_next(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name)
        batches = [batch({"id": n, "turn": n}, reaches=str(n)) for n in range(20)]

        async with applying(target, *batches) as receipts:
            await anext(receipts)
        await target.prepare(SHAPE)
        await drain(target, *(batch({"id": n, "turn": n + 1}) for n in range(20)))

        assert await contents(target) == {str(n): {"id": n, "turn": n + 1} for n in range(20)}

    async def test_two_indexes_do_not_disturb_each_other(self, indexes: Indexes, name: str) -> None:
        one = await prepared(indexes, name)
        two = await prepared(indexes, f"{name}-two")

        await asyncio.gather(
            drain(one, *(batch({"id": n, "of": "one"}) for n in range(30)), crowded=in_company),
            drain(two, *(batch({"id": n, "of": "two"}) for n in range(30)), crowded=in_company),
        )

        assert await contents(one) == {str(n): {"id": n, "of": "one"} for n in range(30)}
        assert await contents(two) == {str(n): {"id": n, "of": "two"} for n in range(30)}

    # ── reading back ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_ids_are_all_ids_as_plain_text(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name, ADA, BOB, EVE)

        assert await all_ids(target) == ["1", "2", "e-3"]

    async def test_an_empty_index_reads_as_empty(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name)

        assert await all_ids(target) == []
        assert await contents(target) == {}

    async def test_documents_read_back_as_they_were_sent(self, indexes: Indexes, name: str) -> None:
        documents: dict[str, Document] = {
            "1": {"id": 1, "name": "한국어 김치찌개", "mood": "🌶️👩‍🚀", "quote": 'back\\slash "quoted"\nnext line\ttab'},
            "2": {"id": 2, "list": [1, 2.5, None, True, ["x", {"y": []}]], "struct": {"a": {"b": ""}}, "nothing": None},
            "three_3": {"id": "three_3", "large": 9007199254740993, "small": -1.5e-7, "yes": True, "no": False, "empty": {}},
        }
        target = await prepared(indexes, name, *documents.values())

        assert await contents(target) == documents

    async def test_documents_of_some_ids_are_those_that_exist(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name, ADA, BOB, EVE)

        assert await contents(target, ["e-3", "1", "404"]) == {"1": ADA, "e-3": EVE}
        assert await contents(target, []) == {}

    # ── indexes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_an_index_that_is_missing_is_made(self, indexes: Indexes, name: str) -> None:
        state = await indexes.index(name).prepare(SHAPE)

        assert state.documents == 0
        assert await indexes.inspect(name, SHAPE) == state

    async def test_an_index_that_is_there_is_used(self, indexes: Indexes, name: str) -> None:
        await prepared(indexes, name, ADA)
        before = await indexes.inspect(name, SHAPE)

        after = await indexes.index(name).prepare(SHAPE)

        assert after == before
        assert after.documents == 1
        assert await contents(indexes.index(name)) == {"1": ADA}

    async def test_an_index_with_another_primary_key_is_a_mismatch(self, indexes: Indexes, name: str) -> None:
        await prepared(indexes, name, {"id": 1, "sku": "s-1"})

        with pytest.raises(TargetMismatch, match=r"sku|id"):
            await indexes.index(name).prepare(IndexShape(primary_key="sku"))

        assert await contents(indexes.index(name)) == {"1": {"id": 1, "sku": "s-1"}}

    async def test_inspecting_makes_nothing(self, indexes: Indexes, name: str) -> None:
        assert await indexes.inspect(name, SHAPE) is None
        assert await indexes.inspect(name, SHAPE) is None

    async def test_inspecting_counts_the_documents(self, indexes: Indexes, name: str) -> None:
        await prepared(indexes, name, ADA, BOB)

        state = await indexes.inspect(name, SHAPE)

        assert state is not None
        assert state.documents == 2

    async def test_a_name_that_no_index_can_have_is_a_mismatch(self, indexes: Indexes) -> None:
        with pytest.raises(TargetMismatch):
            indexes.index("")

    async def test_dropping_removes_an_index_and_minds_no_missing_one(self, indexes: Indexes, name: str) -> None:
        await prepared(indexes, name, ADA)

        await indexes.drop(name)
        await indexes.drop(name)

        assert await indexes.inspect(name, SHAPE) is None

    async def test_an_index_and_its_successor_have_different_identities(self, indexes: Indexes, name: str) -> None:
        first = await indexes.index(name).prepare(SHAPE)
        await indexes.drop(name)

        second = await indexes.index(name).prepare(SHAPE)

        assert first.identity != second.identity

    async def test_two_indexes_have_different_identities(self, indexes: Indexes, name: str) -> None:
        one, two = await asyncio.gather(indexes.index(name).prepare(SHAPE), indexes.index(f"{name}-two").prepare(SHAPE))

        assert one.identity != two.identity

    async def test_writing_does_not_change_an_identity(self, indexes: Indexes, name: str) -> None:
        target = await prepared(indexes, name, ADA)
        before = await identity(indexes, name)

        await drain(target, batch(BOB, gone=["1"]))

        assert await identity(indexes, name) == before

    # ── swapping ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_swap_exchanges_contents_and_identities(self, indexes: Indexes, name: str) -> None:
        other = f"{name}-other"
        await prepared(indexes, name, ADA)
        await prepared(indexes, other, BOB, EVE)
        before = await identity(indexes, name), await identity(indexes, other)

        await indexes.swap(name, other)

        assert await contents(indexes.index(name)) == {"2": BOB, "e-3": EVE}
        assert await contents(indexes.index(other)) == {"1": ADA}
        assert (await identity(indexes, other), await identity(indexes, name)) == before

    async def test_a_swapped_index_can_be_written_on(self, indexes: Indexes, name: str) -> None:
        other = f"{name}-other"
        await prepared(indexes, name, ADA)
        await prepared(indexes, other, BOB)
        await indexes.swap(name, other)

        await drain(indexes.index(name), batch(EVE))

        assert await contents(indexes.index(name)) == {"2": BOB, "e-3": EVE}
        assert await contents(indexes.index(other)) == {"1": ADA}

    @pytest.mark.parametrize("backwards", [False, True])
    async def test_a_swap_with_a_missing_index_moves_the_other_one(self, indexes: Indexes, name: str, backwards: bool) -> None:
        free = f"{name}-free"
        await prepared(indexes, name, ADA)
        before = await identity(indexes, name)

        await indexes.swap(*((free, name) if backwards else (name, free)))

        assert await indexes.inspect(name, SHAPE) is None
        assert await identity(indexes, free) == before
        assert await contents(indexes.index(free)) == {"1": ADA}
