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

from syncapi.v1.common_pb2 import RUN_STATE_RUNNING
from tests.servers.model_api import Asked, ModelApi, answered, hanging
from tests.servers.objectstore.server import ObjectServer
from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.waiting import until
from tests.system.warehouses import (
    BUCKET,
    NAME,
    OBJECT,
    TABLES,
    Reader,
    assert_whole,
    bucket,
    change,
    claude,
    counting,
    file,
    in_bucket,
    queries,
    sync,
)

KILLS = int(os.environ.get("SYNCD_KILLS", "4"))
UPLOAD = "POST /upload"
COPY = "/(rewriteTo|copyTo)/"


@pytest.fixture
def store() -> Iterator[ObjectServer]:
    with ObjectServer(BUCKET) as server:
        yield server


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODEL_KEY", "sk-ant-very-secret")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))  # reading the certificates of all the world takes longer than a test
    change(tmp_path / "warehouse.duckdb", *TABLES)
    return tmp_path / "warehouse.duckdb"


def publishing(path: Path, store: ObjectServer, api: ModelApi) -> dict[str, Any]:
    """Settings of a daemon that asks its model about one table after the other."""
    connections = {"warehouse": file(path), "caches": bucket(store), "claude": claude(api)}
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


MOMENTS = [while_the_second_table_is_asked_about, uploading(1), uploading(2), while_a_snapshot_is_taken, sooner_or_later]


@pytest.mark.timeout(60 + 20 * KILLS)
def test_a_daemon_killed_in_refreshes_leaves_a_whole_object_and_goes_on(running: Running, path: Path, store: ObjectServer) -> None:
    with ModelApi() as api:
        number = count()
        api.answer = counting(lambda: next(number))
        syncd = running(publishing(path, store, api))
        reader, objects = Reader(syncd), in_bucket(store)
        reader.published()

        for moment in islice(cycle(MOMENTS), KILLS):
            syncd.client.quiet(NAME)
            met = moment(api, store)
            run = reader.refresh(full=True)
            until(lambda met=met: met(), "the moment to kill")
            syncd.kill()
            time.sleep(0.4)
            assert_whole(objects())
            api.steps.clear()
            syncd.start()
            assert syncd.client.of(run).state != RUN_STATE_RUNNING
        reader.refreshed(full=True)
        last = assert_whole(objects())
        cost = reader.status().cost_today

    assert json.loads(reader.get()[1]) == last
    assert queries(last, "main.customers")
    assert queries(last, "main.orders")
    assert cost.requests == 0
