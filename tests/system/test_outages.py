"""What is around syncd fails for a while, or for good; status says what happens, and nothing is lost."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncapi.v1.common_pb2 import PHASE_HALTED, PHASE_WAITING, RUN_STATE_DONE, RUN_STATE_FAILED, RUN_STATE_INTERRUPTED, Sync
from tests.servers import proxy
from tests.servers.proxy import Proxy, Trouble
from tests.system.client import told
from tests.system.conftest import IN_DUCKDB, Running, Stage
from tests.system.duckdb_shop import DuckDBShop
from tests.system.harness import SyncdProcess
from tests.system.searching import Local, Search, differences
from tests.system.shop import Shop, products, synced
from tests.system.waiting import until

PATIENT = {"retry": {"attempts": 1000, "first": "100ms", "most": "500ms"}}
REPLACE: dict[str, Any] = {"replace": "true"}
LITTLE = {"wide_rows": 1000, "timeout": "1s"}


def waiting(syncd: SyncdProcess, name: str = "products") -> Sync | None:
    status = syncd.client.status(name)
    return status if status.phase == PHASE_WAITING else None


def unreachable(syncd: SyncdProcess) -> Sync | None:
    """The first problem may be another one: an answer that the end of the server has cut in two."""
    status = waiting(syncd)
    return status if status and "cannot be reached" in status.problem.message else None


OUTAGE_SECONDS = float(os.environ.get("SYNCD_OUTAGE", "5"))


def stored(syncd: SyncdProcess, run: str) -> int:
    return syncd.client.of(run).counters.stored


@pytest.mark.timeout(240)
def test_a_while_without_the_server_in_the_middle_of_a_run_only_delays_it(running: Running, shop: Shop, frail: Search) -> None:
    shop.create(8000)
    syncd = running(synced(shop, {**frail.connection, **LITTLE}, **PATIENT))
    run = syncd.client.start("products", "full", **REPLACE).id
    until(lambda: stored(syncd, run) > 2000, "some rows are stored")

    frail.server.stop()
    back_at = time.monotonic() + OUTAGE_SECONDS
    status = until(lambda: unreachable(syncd), "the sync waits for a server that cannot be reached")
    shop.stir(600)
    while time.monotonic() < back_at:
        assert not syncd.client.of(run).HasField("ended_at")
        time.sleep(0.5)
    until(lambda: "waiting" in syncd.ctl("status").stdout, "the status on a terminal says so")
    frail.server.start()
    ended = syncd.client.ended(run)

    assert (status.problem.code, status.run.id) == ("target.unavailable", run)
    assert ended.state == RUN_STATE_DONE, told(ended)
    assert differences(shop.documents(), frail.documents()) == ""


def full_disk(request: proxy.Request) -> None:
    """Every task fails as on a server whose disk is full."""
    if not request.path.startswith("/tasks"):
        request.pass_on()
        return
    uids = request.path.partition("uids=")[2].split(",")
    error = {"message": "No space left on device", "code": "no_space_left_on_device", "type": "system", "link": ""}
    tasks = [{"uid": int(uid), "status": "failed", "error": error} for uid in uids if uid]
    request.answer_json(200, {"results": tasks, "total": 0})


TROUBLES = {
    "too many requests": proxy.status(429, "too_many_requests", **{"Retry-After": "1"}),
    "an internal error": proxy.status(500),
    "tasks that fail for want of room": full_disk,
    "something else on the port": proxy.garbage,
    "no answer": proxy.hang,
    "a connection that breaks behind the request": proxy.cut_behind,
}
RARER = {
    "an overloaded gateway": proxy.status(503, "unavailable"),
    "no room on the disk": proxy.status(507, "no_space_left_on_device"),
    "half an answer": proxy.half,
    "a connection that breaks": proxy.cut_off,
}
if os.environ.get("SYNCD_SOAK"):
    TROUBLES |= RARER


@pytest.fixture
def between(steady: Search) -> Iterator[Proxy]:
    with Proxy(steady.server.url) as between:
        yield between


@pytest.mark.timeout(120)
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_server_in_trouble_is_waited_for(stage: Stage, between: Proxy, trouble: Trouble) -> None:
    stage.shop.create(2000)
    syncd = stage.syncd({**LITTLE, "url": between.url}, **PATIENT)
    run = syncd.client.start("products", "full", **REPLACE).id
    until(lambda: stored(syncd, run) > 200, "some rows are stored")

    between.trouble = trouble
    status = until(lambda: waiting(syncd), "the sync waits")
    stage.shop.stir(200)
    until(lambda: between.met >= 3, "the trouble is met again and again")
    between.trouble = None
    ended = syncd.client.ended(run)

    assert status.problem.code == "target.unavailable"
    assert ended.state == RUN_STATE_DONE, told(ended)
    assert ended.attempt > 1
    assert stage.differences() == ""


@pytest.mark.timeout(120)
def test_a_wrong_key_halts_the_sync_until_it_is_corrected_and_no_other(stage: Stage, tmp_path: Path) -> None:
    stage.shop.create(500)
    key, local = tmp_path / "key", Local(tmp_path / "local.db")
    key.write_text("not the key")
    soon: dict[str, Any] = {"manual": False, "every": "1s"}
    settings = stage.settings({"key": {"file": key}}, **soon)
    settings["connections"]["local"] = local.connection
    settings["syncs"]["other"] = products("local", **soon, source=stage.shop.source)
    syncd = stage.running(settings)

    status = until(lambda: halted(syncd, "products"), "the sync halts")
    stage.shop.edit([7])
    until(lambda: not differences(stage.shop.documents(), local.documents()), "the other sync goes on")

    assert status.problem.code == "connection.credentials"
    assert "key" in status.problem.hint
    assert "connection.credentials" in syncd.ctl("show", "products").stdout
    assert [run.attempt for run in syncd.client.runs("products")] == [1]

    key.write_text(stage.search.server.key)
    resumed = syncd.ctl("resume", "products")

    assert resumed.returncode == 0, resumed.stderr
    until(lambda: not stage.differences(), "the sync goes on")


def halted(syncd: SyncdProcess, name: str) -> Sync | None:
    status = syncd.client.status(name)
    return status if status.phase == PHASE_HALTED else None


@pytest.mark.timeout(120)
@IN_DUCKDB
def test_a_source_that_is_locked_or_missing_is_waited_for(stage: Stage, shop: DuckDBShop) -> None:
    shop.create(500)
    syncd = stage.syncd(**PATIENT)

    with shop.writing():
        run = syncd.client.start("products", "full").id
        locked = until(lambda: waiting(syncd), "the sync waits for the lock")
    ended = syncd.client.ended(run)
    away = shop.path.rename(shop.path.with_suffix(".away"))
    again = syncd.client.start("products", "incremental").id
    missing = until(lambda: waiting(syncd), "the sync waits for the file")
    away.rename(shop.path)
    found = syncd.client.ended(again)

    assert (locked.problem.code, missing.problem.code) == ("source.unavailable", "source.unavailable")
    assert f"process {os.getpid()}" in locked.problem.message
    assert str(shop.path) in missing.problem.message
    assert (ended.state, found.state) == (RUN_STATE_DONE, RUN_STATE_DONE)
    assert stage.differences() == ""


@pytest.mark.timeout(120)
@IN_DUCKDB
def test_a_source_that_vanishes_during_a_run_is_read_on_where_it_was_left(running: Running, shop: DuckDBShop, frail: Search) -> None:
    shop.create(10_000)
    syncd = running(synced(shop, {**frail.connection, **LITTLE}, **PATIENT))
    run = syncd.client.start("products", "full").id
    until(lambda: stored(syncd, run) > 2000, "some rows are stored")

    frail.server.stop()
    until(lambda: waiting(syncd), "the sync waits for the server")
    away = shop.path.rename(shop.path.with_suffix(".away"))
    frail.server.start()
    until(lambda: (status := waiting(syncd)) and status.problem.code == "source.unavailable", "the sync waits for the file")
    away.rename(shop.path)
    ended = syncd.client.ended(run)

    assert ended.state == RUN_STATE_DONE, told(ended)
    assert ended.counters.stored == 10_000
    assert differences(shop.documents(), frail.documents()) == ""


@pytest.mark.timeout(120)
def test_a_daemon_that_is_told_to_stop_ends_its_run_at_a_commit_and_goes_on_later(stage: Stage) -> None:
    stage.shop.create(8000)
    syncd = stage.syncd(LITTLE)
    run = syncd.client.start("products", "full").id
    until(lambda: stored(syncd, run) > 2000, "some rows are stored")

    code = syncd.stop()
    syncd.start()
    syncd.client.quiet("products")

    assert code == 0
    before, after = syncd.client.of(run), syncd.client.runs("products")[0]
    assert before.state == RUN_STATE_INTERRUPTED
    assert after.state == RUN_STATE_DONE, told(after)
    assert before.counters.stored + after.counters.stored == 8000
    assert stage.differences() == ""


def test_a_second_daemon_on_the_same_state_is_refused_and_told_who_has_it(running: Running, shop: Shop, tmp_path: Path) -> None:
    syncd = running(synced(shop, Local(tmp_path / "local.db").connection))

    command = [sys.executable, "-m", "syncd", "--settings", str(syncd.file)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert second.returncode == 1
    assert f"another syncd (process {syncd.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    assert syncd.client.answers()


@pytest.mark.timeout(120)
def test_a_run_that_gives_up_fails_and_the_schedule_tries_again(stage: Stage, between: Proxy) -> None:
    stage.shop.create(300)
    between.trouble = proxy.cut_off
    hasty = {"attempts": 2, "first": "50ms", "most": "50ms"}
    client = stage.syncd({"url": between.url}, manual=False, every="1s", retry=hasty).client

    until(lambda: len(client.runs("products", RUN_STATE_FAILED)) >= 2, "two runs give up")
    failed, status = client.runs("products", RUN_STATE_FAILED)[0], client.status("products")
    between.trouble = None

    assert (failed.failure.code, failed.attempt) == ("target.unavailable", 2)
    assert status.phase != PHASE_HALTED
    assert status.problem.code == "target.unavailable"
    until(lambda: not stage.differences(), "the schedule brings the rows")
    assert not client.quiet("products").HasField("problem")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("trouble", [proxy.cut_off, proxy.hang], ids=["breaks every connection", "never answers"])
def test_a_daemon_stops_in_time_whatever_the_server_does(stage: Stage, between: Proxy, trouble: Trouble) -> None:
    stage.shop.create(4000)
    settings = stage.settings(
        {"wide_rows": 1000, "url": between.url, "timeout": "10m"}, retry={"attempts": 9, "first": "10m", "most": "10m"}
    )
    syncd = stage.running({**settings, "daemon": {"state_dir": "state", "stop_timeout": "3s"}})
    run = syncd.client.start("products", "full", **REPLACE).id
    until(lambda: stored(syncd, run) > 500, "some rows are stored")
    between.trouble = trouble
    until(lambda: between.met, "the server is in trouble")

    began = time.monotonic()
    code = syncd.stop()
    seconds = time.monotonic() - began
    between.trouble = None
    syncd.start()
    syncd.client.quiet("products")

    assert code == 0
    assert seconds < 15
    assert syncd.client.of(run).state == RUN_STATE_INTERRUPTED
    assert syncd.client.runs("products")[0].state == RUN_STATE_DONE
    assert stage.differences() == ""
