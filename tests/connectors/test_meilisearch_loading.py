"""What a load sends, and when, against a pretended server whose tasks end just as a test needs it."""

import json
from collections.abc import Callable, Sequence

from syncd.connectors.meilisearch.client import JSON, Client, Task
from syncd.connectors.meilisearch.loading import Load, Place
from syncd.connectors.meilisearch.settings import Settings
from syncd.connectors.meilisearch.window import Bounds, Budget, Window
from syncd.domain.batch import Batch, Receipt
from tests.contracts.target import ADA, BOB, Document, alone, batch, in_company, stream

NOWHERE = "http://127.0.0.1:1"
NO_IDS = batch().gone


class Pretended(Client):
    """Runs its tasks in order, once `held` of them have been sent. Fails each with a document named bad, and those in `spoiled`."""

    def __init__(self, held: int, spoiled: Sequence[int] = ()) -> None:
        super().__init__(Settings(url=NOWHERE))
        self.stored: dict[str, Document] = {}
        self.sent: list[int] = []
        self._held = held
        self._spoiled = spoiled
        self._bad: set[int] = set()

    async def upload(self, path: str, make: Callable[[], bytes], content_type: str) -> int:
        uid, payload = len(self.sent), make()
        lines = json.loads(payload) if content_type == JSON else [json.loads(line) for line in payload.splitlines()]
        self.sent.append(len(lines))
        if uid in self._spoiled or b'"bad"' in payload:
            self._bad.add(uid)
        elif content_type == JSON:
            self.stored = {key: document for key, document in self.stored.items() if key not in lines}
        else:
            self.stored |= {str(document["id"]): document for document in lines}
        return uid

    async def tasks(self, uids: Sequence[int]) -> dict[int, Task]:
        if len(self.sent) < self._held:
            return {uid: Task(uid, "enqueued") for uid in uids}
        return {uid: Task(uid, "failed", "internal", "no", "internal") if uid in self._bad else Task(uid, "succeeded") for uid in uids}


async def load(server: Pretended, settings: Settings, *batches: Batch, crowded: Callable[[], bool] = alone) -> list[Receipt]:
    receipts = Load(server, Budget(settings), Place("products", "id", geo=False), crowded).receipts(stream(*batches))
    return [receipt async for receipt in receipts]


async def test_what_succeeded_behind_a_failure_goes_again_so_that_the_newest_stays() -> None:
    server = Pretended(held=5, spoiled=[1, 2])
    newer = {**ADA, "year": 1}

    receipts = await load(server, Settings(url=NOWHERE, wide_rows=10), batch({"id": "bad"}, ADA, BOB), batch(newer), batch(gone=["2"]))

    assert server.stored == {"1": newer}
    assert [[refusal.row for refusal in receipt.refused] for receipt in receipts] == [[0], [], []]


async def test_a_task_that_failed_beside_a_bad_one_costs_one_more_request() -> None:
    server = Pretended(held=2, spoiled=[0, 1])

    receipts = await load(server, Settings(url=NOWHERE, wide_rows=20), batch(ADA, BOB), batch({"id": 3}, {"id": 4}))

    assert server.sent == [2, 2, 2, 2]
    assert [receipt.refused for receipt in receipts] == [(), ()]
    assert len(server.stored) == 4


async def test_batches_that_are_there_travel_together_while_it_is_not_crowded() -> None:
    server = Pretended(held=2)

    await load(server, Settings(url=NOWHERE, wide_rows=1000), *(batch({"id": n}) for n in range(101)))

    assert server.sent == [100, 1]


async def test_a_large_batch_travels_in_parts_while_crowded() -> None:
    server = Pretended(held=2)

    receipts = await load(server, Settings(url=NOWHERE, narrow_rows=40), batch(*({"id": n} for n in range(50))), crowded=in_company)

    assert server.sent == [20, 20, 10]
    assert len(receipts) == 1


def test_a_parcel_keeps_within_bytes_and_a_larger_document_goes_alone() -> None:
    window = Window()
    small, large = {"id": 1, "text": "x" * 100}, {"id": 2, "text": "x" * 1000}
    window.add(batch(small, small, large, small, small), {}, NO_IDS)

    parcels = [window.take(Bounds(rows=100, size=400)) for _ in range(4)]

    assert [parcel.rows if parcel else 0 for parcel in parcels] == [2, 1, 2, 0]


def test_a_load_with_nothing_under_way_may_always_send() -> None:
    budget = Budget(Settings(url=NOWHERE, narrow_rows=10))

    with budget.joined() as large, budget.joined() as small:
        large.add(batch(*({"id": n} for n in range(50))), {}, NO_IDS)
        parcel = large.take(Bounds(rows=50, size=10_000))
        assert parcel is not None
        large.flying.append(parcel)

        assert not budget.admits(large, crowded=True)
        assert budget.admits(small, crowded=True)


def test_what_a_closed_load_had_under_way_counts_no_more() -> None:
    budget = Budget(Settings(url=NOWHERE, wide_rows=100))
    with budget.joined() as closed:
        closed.add(batch(*({"id": n} for n in range(100))), {}, NO_IDS)
        closed.flying += [parcel for _ in range(10) if (parcel := closed.take(budget.parcel(crowded=False)))]
        assert not budget.admits(closed, crowded=False)

    with budget.joined() as window:
        window.flying += [closed.flying[0]]

        assert budget.admits(window, crowded=False)
