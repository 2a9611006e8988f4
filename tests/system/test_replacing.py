"""An index is replaced as a whole: readers see the old one, then the new one, and it can be put back."""

import threading
import time
from collections import Counter
from typing import Self

import pytest

from syncapi.v1.common_pb2 import PHASE_IDLE, PHASE_PAUSED, RUN_STATE_CANCELLED, RUN_STATE_FAILED
from tests.system.conftest import Stage
from tests.system.searching import differences
from tests.system.shop import FAST
from tests.system.waiting import until

pytestmark = pytest.mark.timeout(120)


class Readers:
    """Reads the whole index over and over, and counts what it sees; an error ends it, and is told."""

    def __init__(self, stage: Stage) -> None:
        self.seen: Counter[str] = Counter()
        self.errors: list[Exception] = []
        self._ended = threading.Event()
        self._stage = stage
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self.seen, "a first reading")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._ended.is_set():
            try:
                documents = self._stage.documents().values()
            except Exception as error:  # noqa: BLE001 - any of them is what the test is about
                self.errors.append(error)
                return
            versions = {document["title"] for document in documents}
            self.seen[f"{len(documents)} of {' and '.join(sorted(versions))}"] += 1


def test_readers_see_the_old_index_and_then_the_new_one_and_nothing_else(stage: Stage) -> None:
    stage.shop.create(3000)
    stage.shop.execute("UPDATE products SET name = 'old'")
    client = stage.syncd().client
    client.done("products", "full")
    stage.shop.execute("UPDATE products SET name = 'new'")
    stage.shop.add(range(3001, 4001))
    stage.shop.execute("UPDATE products SET name = 'new'")

    with Readers(stage) as readers:
        client.done("products", "full", replace="true")
        until(lambda: len(readers.seen) > 1, "the new index is seen")

    assert not readers.errors
    assert set(readers.seen) == {"3000 of old", "4000 of new"}
    assert stage.search.ask(f"indexes/{stage.index}/settings")["searchableAttributes"] == FAST["searchableAttributes"]


def test_the_index_before_a_replace_can_be_put_back(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd(manual=False, every="1s").client
    until(lambda: not stage.differences(), "the first load")
    client.pause("products")
    client.quiet("products")
    before = stage.documents()
    stage.shop.stir(60)
    client.done("products", "full", replace="true")
    replaced = stage.documents()
    expected = stage.shop.documents()
    client.resume("products")
    client.quiet("products")

    client.ended(client.start("products", "full", rollback="true", queue=True).id)
    status = client.status("products")
    time.sleep(1.5)  # longer than the schedule's interval
    back = stage.documents()
    client.resume("products")

    assert differences(expected, replaced) == ""
    assert status.phase == PHASE_PAUSED
    assert differences(before, back) == ""
    until(lambda: not stage.differences(), "the sync goes on from there")


def test_there_is_nothing_to_put_back_before_a_replace(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd().client
    client.done("products", "full")

    run = client.run("products", "full", rollback="true")

    assert (run.state, run.failure.code) == (RUN_STATE_FAILED, "sync.nothing_to_roll_back")
    assert client.status("products").phase == PHASE_IDLE
    assert stage.differences() == ""


def test_a_replace_that_is_cancelled_leaves_the_old_index_and_nothing_else(stage: Stage) -> None:
    stage.shop.create(10_000)
    client = stage.syncd({"wide_rows": 1000}).client
    client.done("products", "full")
    before = stage.documents()
    stage.shop.stir(300)

    run = client.start("products", "full", replace="true").id
    until(lambda: client.of(run).counters.stored > 1000, "some rows are stored")
    client.cancel(run)
    ended = client.ended(run)
    untouched = stage.documents()
    left = {name for name in stage.search.indexes() if name.startswith(stage.index)}
    client.done("products", "incremental")

    assert ended.state == RUN_STATE_CANCELLED
    assert differences(before, untouched) == ""
    assert left == {stage.index}
    assert stage.differences() == ""
