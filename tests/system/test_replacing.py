"""An index is replaced as a whole: readers see the old one, then the new one, and it can be put back."""

import threading
import time
from collections import Counter

import pytest

from syncapi.v1.common_pb2 import PHASE_IDLE, PHASE_PAUSED, RUN_STATE_CANCELLED, RUN_STATE_FAILED
from tests.system.conftest import Running
from tests.system.searching import Search, differences
from tests.system.shop import FAST, Shop, synced
from tests.system.waiting import until

pytestmark = pytest.mark.timeout(120)


class Readers:
    """Reads the whole index over and over, and counts what it sees; an error ends it, and is told."""

    def __init__(self, search: Search, index: str) -> None:
        self.seen: Counter[str] = Counter()
        self.errors: list[Exception] = []
        self._ended = threading.Event()
        self._search, self._index = search, index
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> "Readers":
        self._thread.start()
        until(lambda: self.seen, "a first reading")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._ended.is_set():
            try:
                documents = self._search.documents(self._index).values()
            except Exception as error:  # noqa: BLE001 - any of them is what the test is about
                self.errors.append(error)
                return
            versions = {document["title"] for document in documents}
            self.seen[f"{len(documents)} of {' and '.join(sorted(versions))}"] += 1


def test_readers_see_the_old_index_and_then_the_new_one_and_nothing_else(
    running: Running, shop: Shop, steady: Search, index_name: str
) -> None:
    shop.create(3000)
    shop.execute("UPDATE products SET name = 'old'")
    client = running(synced(shop, steady.connection, index=index_name)).client
    client.done("products", "full")
    shop.execute("UPDATE products SET name = 'new'")
    shop.add(range(3001, 4001))
    shop.execute("UPDATE products SET name = 'new'")

    with Readers(steady, index_name) as readers:
        client.done("products", "full", replace="true")
        until(lambda: len(readers.seen) > 1, "the new index is seen")

    assert not readers.errors
    assert set(readers.seen) == {"3000 of old", "4000 of new"}
    assert steady.ask(f"indexes/{index_name}/settings")["searchableAttributes"] == FAST["searchableAttributes"]


def test_the_index_before_a_replace_can_be_put_back(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(300)
    client = running(synced(shop, steady.connection, index=index_name, manual=False, every="1s")).client
    until(lambda: not differences(shop.documents(), steady.documents(index_name)), "the first load")
    client.pause("products")
    client.quiet("products")
    before = steady.documents(index_name)
    shop.stir(60)
    client.done("products", "full", replace="true")
    replaced = steady.documents(index_name)
    expected = shop.documents()
    client.resume("products")
    client.quiet("products")

    client.ended(client.start("products", "full", rollback="true", queue=True).id)
    status = client.status("products")
    time.sleep(1.5)  # longer than the schedule's interval
    back = steady.documents(index_name)
    client.resume("products")

    assert differences(expected, replaced) == ""
    assert status.phase == PHASE_PAUSED
    assert differences(before, back) == ""
    until(lambda: not differences(shop.documents(), steady.documents(index_name)), "the sync goes on from there")


def test_there_is_nothing_to_put_back_before_a_replace(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(300)
    client = running(synced(shop, steady.connection, index=index_name)).client
    client.done("products", "full")

    run = client.run("products", "full", rollback="true")

    assert (run.state, run.failure.code) == (RUN_STATE_FAILED, "sync.nothing_to_roll_back")
    assert client.status("products").phase == PHASE_IDLE
    assert differences(shop.documents(), steady.documents(index_name)) == ""


def test_a_replace_that_is_cancelled_leaves_the_old_index_and_nothing_else(
    running: Running, shop: Shop, steady: Search, index_name: str
) -> None:
    shop.create(10_000)
    client = running(synced(shop, {**steady.connection, "wide_rows": 1000}, index=index_name)).client
    client.done("products", "full")
    before = steady.documents(index_name)
    shop.stir(300)

    run = client.start("products", "full", replace="true").id
    until(lambda: client.of(run).counters.stored > 1000, "some rows are stored")
    client.cancel(run)
    ended = client.ended(run)
    untouched = steady.documents(index_name)
    left = {name for name in steady.indexes() if name.startswith(index_name)}
    client.done("products", "incremental")

    assert ended.state == RUN_STATE_CANCELLED
    assert differences(before, untouched) == ""
    assert left == {index_name}
    assert differences(shop.documents(), steady.documents(index_name)) == ""
