"""What is no longer in the source leaves the index, in every way in which a source can tell; a broken source never empties it."""

from typing import Any

import pytest

from syncapi.v1.common_pb2 import PHASE_HALTED, PHASE_IDLE, RUN_STATE_FAILED
from tests.system.conftest import Stage

pytestmark = pytest.mark.timeout(120)


def test_rows_marked_as_deleted_leave_and_come_back(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd().client
    client.done("products", "full")

    stage.shop.bury(range(1, 51))
    gone = client.done("products", "incremental")
    without = stage.documents()
    stage.shop.bring_back(range(1, 21))
    client.done("products", "incremental")

    assert gone.counters.deleted == 50
    assert set(without) == {str(number) for number in range(51, 301)}
    assert stage.differences() == ""


def test_rows_in_the_deletion_log_leave_unless_they_are_there_again(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd().client
    client.done("products", "full")

    stage.shop.remove(range(1, 51))
    stage.shop.add(range(1, 11))
    first = client.done("products", "incremental")
    stage.shop.remove([5])
    client.done("products", "incremental")
    stage.shop.add([5])
    client.done("products", "incremental")

    assert first.counters.deleted == 40
    assert set(stage.documents()) == {str(number) for number in (*range(1, 11), *range(51, 301))}
    assert stage.differences() == ""


def test_rows_that_vanish_without_a_trace_are_found_by_comparing_keys(stage: Stage) -> None:
    stage.shop.create(300)
    syncd = stage.syncd()
    syncd.client.done("products", "full")

    stage.shop.erase(range(1, 41))
    unseen = syncd.client.done("products", "incremental")
    syncd.kill()
    syncd.write(stage.settings(source={"deletions": {"reconcile": "1ms"}}))
    syncd.start()
    seen = syncd.client.done("products", "incremental")

    assert (unseen.counters.deleted, seen.counters.deleted) == (0, 40)
    assert stage.differences() == ""


def test_a_full_run_finds_rows_that_vanished_without_a_trace(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd().client
    client.done("products", "full")

    stage.shop.erase(range(1, 41))
    run = client.done("products", "full")

    assert run.counters.deleted == 40
    assert stage.differences() == ""


def test_an_empty_table_is_a_normal_run(stage: Stage) -> None:
    stage.shop.create(0)
    client = stage.syncd().client

    runs = [client.done("products", mode, **how) for mode, how in (("full", {}), ("full", {"replace": "true"}), ("incremental", {}))]

    assert [(run.counters.read, run.summary) for run in runs] == [(0, "done")] * 3
    assert stage.documents() == {}
    assert stage.index in stage.search.indexes()
    stage.shop.add([1, 2])
    client.done("products", "incremental")
    assert stage.differences() == ""


@pytest.mark.parametrize(
    ("mode", "how"), [("full", {}), ("full", {"replace": "true"}), ("incremental", {})], ids=["full", "replace", "comparing keys"]
)
@pytest.mark.parametrize("left", [0, 40], ids=["empty", "tiny"])
def test_a_source_that_is_suddenly_empty_or_tiny_halts_the_sync_until_somebody_allows_it(
    stage: Stage, mode: str, how: dict[str, Any], left: int
) -> None:
    stage.shop.create(400)
    client = stage.syncd(source={"deletions": {"reconcile": "1ms"}}).client
    client.done("products", "full")
    stage.shop.erase(range(left + 1, 401))

    run = client.run("products", mode, **how)
    halted = client.status("products")
    untouched = stage.documents()
    allowed = client.done("products", mode, **how, allow_shrink="true")

    assert (run.state, run.failure.code, halted.phase) == (RUN_STATE_FAILED, "sync.shrink_refused", PHASE_HALTED)
    assert "allow_shrink=true" in halted.problem.hint
    assert len(untouched) == 400
    assert allowed.summary == "done"
    assert client.status("products").phase == PHASE_IDLE
    assert stage.differences() == ""
