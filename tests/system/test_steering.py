"""Starting, pausing and cancelling runs, and settings that do not fit what is there."""

import time
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from syncapi.v1.common_pb2 import PHASE_HALTED, PHASE_PAUSED, RUN_STATE_CANCELLED, RUN_STATE_FAILED, RunState
from tests.system.client import told
from tests.system.conftest import IN_DUCKDB, Stage
from tests.system.shop import now
from tests.system.waiting import until

pytestmark = pytest.mark.timeout(120)


def test_a_paused_sync_does_nothing_until_it_is_resumed(stage: Stage) -> None:
    stage.shop.create(300)
    syncd = stage.syncd(manual=False, every="1s")
    until(lambda: len(stage.documents()) == 300, "the first load")

    syncd.client.pause("products")
    syncd.client.quiet("products")
    stage.shop.edit([7])
    runs = len(syncd.client.runs("products"))
    time.sleep(2.5)  # longer than the schedule's interval
    unmoved = stage.differences()
    syncd.restart()
    paused = syncd.client.status("products")
    syncd.client.resume("products")

    assert "different: 1" in unmoved
    assert (paused.phase, len(syncd.client.runs("products")) >= runs) == (PHASE_PAUSED, True)
    assert not paused.HasField("next_run_at")
    until(lambda: not stage.differences(), "the change after the resumption")


def test_a_run_that_is_cancelled_ends_and_a_later_one_brings_the_rest(stage: Stage) -> None:
    stage.shop.create(10_000)
    client = stage.syncd({"wide_rows": 1000}).client
    run = client.start("products", "full").id
    until(lambda: client.of(run).counters.stored > 1000, "some rows are stored")

    client.cancel(run)
    ended = client.ended(run)
    client.cancel(run)
    part = stage.documents()
    later = client.done("products", "incremental")

    assert (ended.state, client.of(run).state) == (RUN_STATE_CANCELLED, RUN_STATE_CANCELLED)
    assert 1000 < len(part) < 10_000
    assert ended.counters.stored + later.counters.stored == 10_000
    assert stage.differences() == ""


def test_a_request_that_is_sent_twice_starts_one_run(stage: Stage) -> None:
    stage.shop.create(300)
    syncd = stage.syncd()

    first = syncd.client.start("products", "full", request_id="same")
    second = syncd.client.start("products", "full", request_id="same")
    syncd.client.ended(first.id)
    syncd.restart()
    third = syncd.client.start("products", "full", request_id="same")

    assert first.id == second.id == third.id
    assert len(syncd.client.runs("products")) == 1


def test_a_second_run_of_a_busy_sync_is_refused_with_the_id_of_the_first_or_queued(stage: Stage) -> None:
    stage.shop.create(10_000)
    client = stage.syncd({"wide_rows": 1000}).client
    run = client.start("products", "full").id

    with pytest.raises(grpc.RpcError) as refused:
        client.start("products", "incremental")
    queued = client.start("products", "incremental", queue=True)

    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    info = error_details_pb2.ErrorInfo()
    call: Any = refused.value
    rpc_status.from_call(call).details[0].Unpack(info)
    assert (info.reason, info.metadata["run"]) == ("run.already_running", run)
    assert RunState.Name(queued.state) == "RUN_STATE_QUEUED"
    assert client.ended(queued.id).started_at.ToDatetime() >= client.of(run).ended_at.ToDatetime()


@IN_DUCKDB
def test_several_key_columns_make_one_id(stage: Stage) -> None:
    stage.shop.execute("CREATE TABLE prices (country VARCHAR, sku VARCHAR, price INTEGER, changed TIMESTAMP)")
    stage.shop.execute("CREATE TABLE prices_gone (c VARCHAR, s VARCHAR, gone TIMESTAMP)")
    skus = ["a", "a__b", "b", "김치 1", "x/y.z", ""]
    for country in ("KR", "KR__a", "DE"):
        for number, sku in enumerate(skus):
            stage.shop.execute("INSERT INTO prices VALUES (?, ?, ?, ?)", [country, sku, number, now()])
    settings = stage.settings()
    settings["syncs"] = {
        "prices": {
            "engine": "search",
            "manual": True,
            "source": {
                "connection": "shop",
                "table": "prices",
                "key": ["country", "sku"],
                "watermark": "changed",
                "deletions": {"log": {"table": "prices_gone", "key": ["c", "s"], "at": "gone"}},
            },
            "target": {"connection": "search", "index": stage.index},
            "mapping": {"country": "country", "sku": "sku", "price": "price"},
        }
    }
    client = stage.running(settings).client

    first = client.done("prices", "full")
    loaded = stage.documents()
    stage.shop.execute(
        "INSERT INTO prices_gone SELECT country, sku, now() AT TIME ZONE 'UTC' FROM prices WHERE country = 'KR' AND price < 3"
    )
    stage.shop.execute("DELETE FROM prices WHERE country = 'KR' AND price < 3")
    second = client.done("prices", "incremental")

    assert first.summary == "done"
    assert sorted((document["country"], document["sku"]) for document in loaded.values()) == sorted(
        (country, sku) for country in ("KR", "KR__a", "DE") for sku in skus
    )
    assert second.counters.deleted == 3
    assert {document["sku"] for document in stage.documents().values() if document["country"] == "KR"} == set(skus[3:])


def test_an_index_with_another_primary_key_is_left_alone_and_named(stage: Stage) -> None:
    stage.shop.create(300)
    stage.search.change("indexes", {"uid": stage.index, "primaryKey": "sku"})
    stage.search.change(f"indexes/{stage.index}/documents", [{"sku": "not-ours"}])
    client = stage.syncd().client

    run = client.run("products", "full")

    assert (run.state, run.failure.code) == (RUN_STATE_FAILED, "target.mismatch"), told(run)
    assert "'sku'" in run.failure.message
    assert "'id'" in run.failure.message
    assert client.status("products").phase == PHASE_HALTED
    assert stage.search.ask(f"indexes/{stage.index}/documents")["results"] == [{"sku": "not-ours"}]
