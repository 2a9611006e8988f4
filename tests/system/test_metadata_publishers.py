"""Daemons that publish descriptions are killed, and get in each other's way; what is published is whole, and nobody's work is lost."""

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import pytest

from syncapi.v1.common_pb2 import RUN_STATE_DONE
from tests.servers.bigquery.server import BigQuery
from tests.servers.model_api import Asked, ModelApi, answered, hanging
from tests.servers.objectstore.server import ObjectServer
from tests.system import auditing
from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.waiting import until
from tests.system.warehouses import (
    BUCKET,
    NAME,
    TABLES,
    Reader,
    assert_secret,
    assert_whole,
    bigquery,
    bucket,
    claude,
    counting,
    in_bucket,
    queries,
    sync,
)

KILLS = int(os.environ.get("SYNCD_KILLS", "2"))
UPLOAD = "POST /upload"
KEY = "sk-ant-very-secret"
COPY = "/(rewriteTo|copyTo)/"


@pytest.fixture
def store() -> Iterator[ObjectServer]:
    with ObjectServer(BUCKET) as server:
        yield server


@pytest.fixture
def warehouse() -> Iterator[BigQuery]:
    with BigQuery() as server:
        for table in TABLES:
            server.put(table, {"name": "id", "type": "INTEGER"})
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODEL_KEY", KEY)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))  # reading the certificates of all the world takes longer than a test


def publishing(warehouse: BigQuery, store: ObjectServer, api: ModelApi) -> dict[str, Any]:
    """Settings of a daemon that asks its model about one table after the other."""
    connections = {"warehouse": bigquery(warehouse), "caches": bucket(store), "claude": claude(api)}
    section = sync("warehouse", "caches", model="claude", examples={"at_once": 1})
    return {"connections": connections, "syncs": {NAME: section}}


# ── kills ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Moment = Callable[[ModelApi, ObjectServer], Callable[[], object]]
"""Prepares the trouble in which a refresh is killed, and answers how to tell that it is met."""


def while_the_second_table_is_asked_about(api: ModelApi, store: ObjectServer) -> Callable[[], object]:
    before = len(api.asked)
    api.script(lambda asked: answered(api.answer(asked))(asked), hanging())
    return lambda: len(api.asked) == before + 2


def uploading(number: int) -> Moment:
    """While one of the two uploads of a refresh is under way, which the store carries out after all: the bookkeeping, then the object."""

    def moment(api: ModelApi, store: ObjectServer) -> Callable[[], object]:
        before = store.requests.count(f"{UPLOAD}/storage/v1/b/{BUCKET}/o")
        for each in range(1, number + 1):
            store.stall(UPLOAD, 0.3 if each == number else 0)
        return lambda: store.requests.count(f"{UPLOAD}/storage/v1/b/{BUCKET}/o") == before + number

    return moment


def while_a_snapshot_is_taken(api: ModelApi, store: ObjectServer) -> Callable[[], object]:
    before = len(store.requests)
    store.stall(COPY, 0.3)
    return lambda: any("To/" in request for request in store.requests[before:])


def sooner_or_later(api: ModelApi, store: ObjectServer) -> Callable[[], object]:
    at = time.monotonic() + random.uniform(0.0, 2.0)
    return lambda: time.monotonic() > at


MOMENTS = [while_the_second_table_is_asked_about, uploading(2), while_a_snapshot_is_taken, uploading(1), sooner_or_later]


@pytest.mark.timeout(120 + 20 * KILLS)
def test_a_daemon_killed_in_refreshes_leaves_a_whole_object_and_goes_on(running: Running, warehouse: BigQuery, store: ObjectServer) -> None:
    moments = list(islice(cycle(MOMENTS), KILLS))
    number = count()
    with ModelApi() as api:
        api.answer = counting(lambda: next(number))
        syncd = running(publishing(warehouse, store, api))
        reader, objects = Reader(syncd), in_bucket(store)
        reader.published()

        for moment in moments:
            syncd.client.quiet(NAME)
            met = moment(api, store)
            reader.refresh(full=True)
            until(met, "the moment to kill")
            syncd.kill()
            assert_whole(objects())
            api.steps.clear()
            syncd.start()
            assert_whole(objects())
        syncd.client.quiet(NAME)
        reader.refreshed(full=True)

    answers, cost, last = next(number), reader.status().cost_today, assert_whole(objects())
    assert answers - moments.count(sooner_or_later) <= cost.requests <= answers
    assert json.loads(reader.get()[1]) == last
    assert {table: len(queries(last, table)) for table in TABLES} == dict.fromkeys(TABLES, 3)
    syncd.client.pause(NAME)
    syncd.client.quiet(NAME)
    auditing.assert_whole(syncd.client)


# ── two of them ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def waiting_for_each_other(sign: str, both: threading.Barrier) -> Callable[[Asked], object]:
    """A model that answers when the other one is asked too, so that two refreshes have read the same object before either writes."""
    answer = counting(lambda: sign)

    def when_both_are_asked(asked: Asked) -> object:
        both.wait(20)
        return answer(asked)

    return when_both_are_asked


def published_by(syncd: SyncdProcess) -> list[dict[str, Any]]:
    """What the audit log tells of publications."""
    return [json.loads(entry.detail_json) for entry in syncd.client.audit_log("metadata.published")]


@pytest.mark.timeout(120)
def test_two_daemons_that_publish_one_object_at_once_lose_nothing_of_each_other(
    running: Running, warehouse: BigQuery, store: ObjectServer
) -> None:
    both, tables = threading.Barrier(2), dict(zip("ab", TABLES, strict=True))
    with ModelApi() as one, ModelApi() as other:
        models = dict(zip("ab", (one, other), strict=True))
        for api in models.values():
            api.answer = counting(lambda: "first")
        daemons = {sign: Reader(running(publishing(warehouse, store, api))) for sign, api in models.items()}
        for reader in daemons.values():
            reader.published()
            reader.syncd.client.quiet(NAME)

        for sign, api in models.items():
            api.answer = waiting_for_each_other(sign, both)
        runs = {sign: reader.refresh(tables[sign]) for sign, reader in daemons.items()}
        ended = [daemons[sign].syncd.client.ended(run) for sign, run in runs.items()]
        shared = assert_whole(in_bucket(store)())
        one.answer = counting(lambda: "last")
        store.stall(UPLOAD, 0)
        store.lose_answer(UPLOAD)
        unheard = daemons["a"].refreshed(tables["a"])

    told = [each for reader in daemons.values() for each in published_by(reader.syncd)]
    objects = in_bucket(store)()
    snapshots = [int(name.rpartition("-")[2]) for name in objects if name.startswith("snapshots/")]
    assert [run.state for run in ended] == [RUN_STATE_DONE] * 2
    assert {sign: [f"n_{sign} " in sql for sql in queries(shared, table)] for sign, table in tables.items()} == {
        sign: [True] * 3 for sign in tables
    }
    assert sum(each.get("others_were_faster", 0) for each in told) >= 1
    assert unheard.attempt == 1
    assert all("n_last " in sql for sql in queries(assert_whole(objects), tables["a"]))
    assert sorted(each["generation"] for each in told) == sorted([*snapshots, daemons["a"].get()[0].generation])
    for reader in daemons.values():
        assert_secret(KEY, reader.syncd)
