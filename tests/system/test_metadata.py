"""One daemon with metadata syncs of all kinds, as applications and operators meet it: answers, refusals, and what is around it failing."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
import psutil
import pytest

from syncapi.v1.common_pb2 import RUN_STATE_DONE, RUN_STATE_QUEUED, RUN_STATE_RUNNING
from tests.servers.bigquery.server import BigQuery, always, refusal
from tests.servers.model_api import Asked, ModelApi
from tests.servers.objectstore.server import ObjectServer
from tests.system.client import told
from tests.system.harness import SyncdProcess
from tests.system.waiting import until
from tests.system.warehouses import (
    BUCKET,
    KEYS,
    NAME,
    OBJECT,
    STATEMENTS,
    Reader,
    assert_secret,
    assert_whole,
    bigquery,
    bucket,
    change,
    claude,
    counting,
    file,
    folder,
    in_bucket,
    refused,
    sync,
)

T = TypeVar("T")

OUTAGE_SECONDS = float(os.environ.get("SYNCD_OUTAGE", "3"))
KEY = "sk-ant-very-secret"
ODD = b"\xef\xbb\xbf" + json.dumps({"generated_at": "2024-05-01T02:00:00", "more": 1.0, "examples": "none", "x": "가" * 99_999}).encode()
"""What an older program has left: a mark in front, keys missing and unknown, no moment with a zone."""
DAYS = [f"202609{day:02}" for day in range(1, 8)]


@dataclass(frozen=True)
class World:
    """A daemon whose syncs have nothing in common but the daemon."""

    syncd: SyncdProcess
    folder: Path
    warehouse: BigQuery
    store: ObjectServer
    api: ModelApi

    def reader(self, sync: str) -> Reader:
        return Reader(self.syncd, sync)

    @property
    def file(self) -> Path:
        """The warehouse of `warehouse_metadata`."""
        return self.folder / "warehouse.duckdb"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    tmp = tmp_path_factory.mktemp("metadata")
    change(tmp / "warehouse.duckdb", *STATEMENTS)
    (tmp / "old").mkdir()
    (tmp / "old" / OBJECT).write_bytes(ODD)
    with pytest.MonkeyPatch.context() as patch, BigQuery() as warehouse, ObjectServer(BUCKET) as store, ModelApi() as api:
        patch.setenv("MODEL_KEY", KEY)
        patch.setenv("SSL_CERT_DIR", str(tmp))  # reading the certificates of all the world takes longer than a test
        fill(warehouse)
        api.answer = counting(lambda: "first")
        with SyncdProcess(tmp / "syncd", settings(tmp, warehouse, store, api)) as syncd:
            yield World(syncd, tmp, warehouse, store, api)


def fill(warehouse: BigQuery) -> None:
    key = {"name": "id", "type": "INTEGER"}
    warehouse.put("main.orders", key, {"name": "amount", "type": "FLOAT"})
    for day in DAYS:
        warehouse.put(f"main.events_{day}", {"name": "event_date", "type": "STRING"}, {"name": "event_name", "type": "STRING"})


def settings(tmp: Path, warehouse: BigQuery, store: ObjectServer, api: ModelApi) -> dict[str, Any]:
    connections = {
        "warehouse": file(tmp / "warehouse.duckdb"),
        "bigquery": bigquery(warehouse),
        "missing": file(tmp / "missing.duckdb"),
        "bucket": bucket(store),
        "claude": claude(api),
        **{name: folder(tmp / name) for name in ("caches", "asked", "old", "nothing")},
    }
    syncs = {
        NAME: sync("warehouse", "caches"),
        "asked": sync("bigquery", "asked", model="claude", manual=True),
        "far": sync("bigquery", "bucket", ttl="500ms"),
        "old": sync("missing", "old", manual=True),
        "nothing": sync("missing", "nothing", manual=True),
        "ai": {"engine": "clients", "sides": {name: {"client": name, "home": tmp} for name in ("claude", "gemini")}},
    }
    return {"connections": connections, "syncs": syncs}


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_readers_get_the_bytes_of_the_file_with_all_that_is_known_of_them(world: World) -> None:
    reader = world.reader(NAME)
    reader.published()

    info, content = reader.get()
    again, nothing = reader.get(unless=info.sha256)
    status = reader.status()

    assert content == (world.folder / "caches" / OBJECT).read_bytes()
    assert list(json.loads(content)) == KEYS
    assert (info.sha256, info.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (info.not_modified, info.stale) == (False, "")
    assert 0 <= info.age.ToTimedelta().total_seconds() < 60
    assert (again.not_modified, again.generation, nothing) == (True, info.generation, b"")
    assert (status.generation, status.sha256, status.method, status.tables) == (info.generation, info.sha256, "deterministic", 2)
    assert dict(status.examples_by_source) == {"template": sum(status.examples_by_level.values())}
    assert status.unmodified == 1


def test_an_old_object_of_an_odd_shape_is_served_as_it_is_although_its_warehouse_is_gone(world: World) -> None:
    first, *rest = world.reader("old").parts()

    assert b"".join(part.chunk for part in rest) == ODD
    assert first.info.size == len(ODD) > 256 * 1024
    assert len(rest) == 3


def test_a_question_gets_the_part_that_it_needs(world: World) -> None:
    world.reader(NAME).published()

    found = world.reader(NAME).context("main.orders")

    assert set(json.loads(found.text)["schema"]) == {"main.orders"}
    assert found.tokens > 0


@pytest.mark.parametrize(
    ("sync", "code", "reason"),
    [
        pytest.param("nobody", grpc.StatusCode.NOT_FOUND, "sync.unknown", id="an unknown sync"),
        pytest.param("ai", grpc.StatusCode.FAILED_PRECONDITION, "sync.not_metadata", id="one of another engine"),
        pytest.param("nothing", grpc.StatusCode.NOT_FOUND, "cache.missing", id="one that has published nothing"),
    ],
)
def test_who_asks_for_what_is_not_there_is_told_so(world: World, sync: str, code: grpc.StatusCode, reason: str) -> None:
    assert refused(world.reader(sync).get) == (code, reason)


def test_a_table_that_is_not_there_is_told_so(world: World) -> None:
    world.reader(NAME).published()

    assert refused(lambda: world.reader(NAME).context("main.nobody")) == (grpc.StatusCode.NOT_FOUND, "table.unknown")


# ── refreshing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_of_the_schema_is_published_without_anybody_asking(world: World) -> None:
    reader = world.reader(NAME)
    before = reader.published()

    change(world.file, "ALTER TABLE orders ADD COLUMN note VARCHAR")
    after = reader.published(lambda cache: "note" in cache["schema"]["main.orders"]["columns"])
    world.syncd.client.quiet(NAME)

    status = reader.status()
    assert after["schema"]["main.customers"] == before["schema"]["main.customers"]
    assert after["examples"] == before["examples"]
    assert 0 < status.detect_to_publish.ToTimedelta().total_seconds() < 60
    assert [each.sha256 == status.sha256 for each in reader.snapshots()] == [False]


def test_a_wish_waits_for_the_refresh_that_is_under_way_and_the_key_of_the_model_is_told_to_nobody(world: World) -> None:
    reader, client = world.reader("asked"), world.syncd.client
    go = threading.Event()
    world.api.answer = held_until(go, counting(lambda: "held"))

    first = reader.refresh()
    until(lambda: world.api.asked, "the model is asked")
    second = reader.refresh("main.orders")
    states = [client.of(run).state for run in (first, second)]
    go.set()
    ended = [client.ended(run) for run in (first, second)]

    assert states == [RUN_STATE_RUNNING, RUN_STATE_QUEUED]
    assert [run.state for run in ended] == [RUN_STATE_DONE] * 2
    assert ended[0].ended_at.ToDatetime() <= ended[1].started_at.ToDatetime()
    assert json.loads(reader.get()[1])["generation_method"] == "llm_enhanced"
    assert reader.status().cost_today.requests == len(world.api.asked)
    assert {asked.headers["authorization"] for asked in world.api.asked} == {f"Bearer {KEY}"}
    assert_secret(KEY, world.syncd, "asked")


def held_until(go: threading.Event, answer: Callable[[Asked], object]) -> Callable[[Asked], object]:
    def held(asked: Asked) -> object:
        go.wait(20)
        return answer(asked)

    return held


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_families_of_a_bigquery_dataset_are_published_to_a_bucket(world: World) -> None:
    cache = world.reader("far").published()

    assert set(cache["schema"]) == {"main.events_2*", "main.orders"}
    assert cache["schema"]["main.events_2*"]["shards"]["count"] == len(DAYS)
    assert cache["events_tables"] == ["main.events_2*"]
    assert cache["examples"]
    assert_whole(in_bucket(world.store)())


@pytest.mark.parametrize(
    ("status", "reason"),
    [pytest.param(403, "accessDenied", id="no rights"), pytest.param(500, "backendError", id="a broken warehouse")],
)
def test_a_warehouse_in_trouble_takes_nothing_away_and_is_told(world: World, status: int, reason: str) -> None:
    reader = world.reader("far")
    reader.published()
    before = in_bucket(world.store)()

    world.warehouse.trouble = always(refusal(status, reason))
    problem = until(lambda: world.syncd.client.status("far").problem.code, "the problem is told")
    shown = world.syncd.ctl("status").stdout
    served = reader.get()
    world.warehouse.trouble = None
    world.syncd.client.resume("far")
    until(lambda: not world.syncd.client.status("far").problem.code, "the sync goes on")

    assert in_bucket(world.store)() == before
    assert served[1] == before[OBJECT]
    assert problem in shown


@pytest.mark.timeout(60 + 2 * OUTAGE_SECONDS)
def test_readers_are_served_while_the_store_is_away_and_the_refresh_is_done_after(world: World) -> None:
    reader, daemon = world.reader("far"), psutil.Process(world.syncd.pid)
    before = reader.published()
    threads, met = daemon.num_threads(), Met()

    world.store.down()
    back_at = time.monotonic() + OUTAGE_SECONDS
    world.warehouse.put("main.late", {"name": "id", "type": "INTEGER"})
    run = reader.refresh()
    while time.monotonic() < back_at:
        met.meet(reader)
        time.sleep(0.1)
    world.store.up()
    ended = world.syncd.client.ended(run)
    after = reader.published(lambda cache: "main.late" in cache["schema"])

    assert met.contents == {json.dumps(before)}
    assert met.slowest < 1
    assert any("ConnectionError" in each or "cannot be reached" in each for each in met.stale)
    assert "target.unavailable" in met.problems
    assert ended.state == RUN_STATE_DONE, told(ended)
    assert after["schema"]["main.orders"] == before["schema"]["main.orders"]
    until(lambda: daemon.num_threads() <= threads + 2, "no thread is stuck")


@dataclass
class Met:
    """What a reader meets who looks again and again."""

    contents: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    problems: set[str] = field(default_factory=set)
    slowest: float = 0.0
    """Seconds of the slowest of its calls."""

    def meet(self, reader: Reader) -> None:
        info, content = self._timed(reader.get)
        self._timed(reader.status)
        self.problems.add(self._timed(lambda: reader.syncd.client.status(reader.sync)).problem.code)
        self.stale.add(info.stale)
        self.contents.add(json.dumps(json.loads(content)))

    def _timed(self, call: Callable[[], T]) -> T:
        began = time.monotonic()
        answer = call()
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer
