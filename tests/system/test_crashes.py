"""Processes are killed at random moments; in the end nothing is lost, doubled or left over."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from syncapi.v1.common_pb2 import PHASE_WAITING, RUN_STATE_DONE, RUN_STATE_INTERRUPTED
from tests.system.auditing import assert_whole
from tests.system.client import UNDER_WAY, told
from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.searching import Local, Search, Searched, differences
from tests.system.shop import Shop, products
from tests.system.waiting import until

REPLACE = {"replace": "true"}
_QUICK = {"retry": {"attempts": 50, "first": "50ms", "most": "200ms"}}


def settings_for(shop: Shop, target: Searched) -> dict[str, Any]:
    """So little is under way at once that a run of some thousand rows has many commits."""
    little = {"wide_rows": 4000} if isinstance(target, Search) else {}
    return {
        "connections": {"shop": shop.connection, "search": {**target.connection, **little}},
        "syncs": {"products": products(**_QUICK)},
    }


def interrupted(syncd: SyncdProcess) -> int:
    return len(syncd.client.runs("products", RUN_STATE_INTERRUPTED))


def under_way(syncd: SyncdProcess, shop: Shop, mode: str, parameters: dict[str, str]) -> None:
    """See to it that a run is under way, with something to do."""
    if not syncd.client.runs("products", *UNDER_WAY):
        shop.stir(3000)
        syncd.client.start("products", mode, **parameters)


def kill_in_runs(syncd: SyncdProcess, shop: Shop, draw: random.Random, mode: str, parameters: dict[str, str], times: int) -> None:
    """Kill the daemon so many times while a run is under way, let the shop change, and start it again."""
    wanted = interrupted(syncd) + times
    while interrupted(syncd) < wanted:
        under_way(syncd, shop, mode, parameters)
        time.sleep(draw.uniform(0, 1))
        if syncd.client.busy("products"):
            syncd.kill()
            shop.stir(300)
            syncd.start()
    syncd.client.quiet("products")


def assert_in_step(syncd: SyncdProcess, shop: Shop, target: Searched) -> None:
    """After one more run, source and index are equal, and nothing of the earlier ones is left over."""
    run = syncd.client.done("products", "incremental")
    assert run.counters.refused == 0
    assert differences(shop.documents(), target.documents()) == ""
    assert target.indexes() <= {"products", "products__previous"}
    assert_whole(syncd.client)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["meilisearch", "fts5"])
def test_killing_syncd_at_any_moment_of_any_run_loses_nothing(
    kind: str, request: pytest.FixtureRequest, running: Running, shop: Shop, tmp_path: Path
) -> None:
    draw = random.Random(20261121)
    target: Searched = Local(tmp_path / "search.db") if kind == "fts5" else request.getfixturevalue("frail")
    shop.create(20_000)
    syncd = running(settings_for(shop, target))

    kill_in_runs(syncd, shop, draw, "full", {}, 10)
    kill_in_runs(syncd, shop, draw, "full", REPLACE, 12)
    kill_in_runs(syncd, shop, draw, "incremental", {}, 8)

    assert interrupted(syncd) >= 30
    assert_in_step(syncd, shop, target)


@pytest.mark.timeout(300)
def test_killing_syncd_around_a_swap_leaves_one_whole_index(running: Running, shop: Shop, frail: Search) -> None:
    draw = random.Random(7)
    shop.create(2000)
    syncd = running(settings_for(shop, frail))
    syncd.client.done("products", "full")

    for _ in range(6):
        shop.stir(500)
        swaps = frail.swaps() + draw.randint(1, 2)
        syncd.client.start("products", "full", **REPLACE)
        until(lambda: frail.swaps() >= swaps, "a swap of the indexes")  # noqa: B023
        time.sleep(draw.choice((0, 0, 0.02, 0.05)))
        syncd.kill()
        shop.stir(100)
        syncd.start()
        syncd.client.quiet("products")

        assert differences(shop.documents(), frail.documents()) == ""
        assert "products__shadow" not in frail.indexes()
    assert_in_step(syncd, shop, frail)


@pytest.mark.timeout(300)
def test_killing_syncd_around_a_rollback_does_it_once(running: Running, shop: Shop, frail: Search) -> None:
    shop.create(500)
    syncd = running(settings_for(shop, frail))
    syncd.client.done("products", "full")
    for pause in (0, 0.01, 0.03, 0.1):
        before = frail.documents()
        shop.stir(60)
        syncd.client.done("products", "full", **REPLACE)
        swaps = frail.swaps()

        syncd.client.start("products", "full", rollback="true")
        until(lambda: frail.swaps() > swaps, "the swap back")  # noqa: B023
        time.sleep(pause)
        syncd.restart()
        syncd.client.quiet("products")

        assert differences(before, frail.documents()) == ""
        syncd.client.resume("products")
        syncd.client.done("products", "incremental")
        assert differences(shop.documents(), frail.documents()) == ""
    assert_in_step(syncd, shop, frail)


@pytest.mark.timeout(300)
def test_killing_meilisearch_at_any_moment_of_any_run_loses_nothing(running: Running, shop: Shop, frail: Search) -> None:
    draw = random.Random(5)
    shop.create(12_000)
    syncd = running(settings_for(shop, frail))

    for mode, parameters in (("full", {}), ("full", REPLACE), ("incremental", {})):
        kill_the_server_in_runs(syncd, shop, draw, mode, parameters, frail)

    runs = syncd.client.runs("products")
    assert {run.state for run in runs} == {RUN_STATE_DONE}, [told(run) for run in runs]
    assert sum(run.attempt - 1 for run in runs) >= 6
    assert_in_step(syncd, shop, frail)


def kill_the_server_in_runs(
    syncd: SyncdProcess, shop: Shop, draw: random.Random, mode: str, parameters: dict[str, str], search: Search
) -> None:
    """Kill the server twice while a run is under way that notices it."""
    noticed = 0
    while noticed < 2:
        under_way(syncd, shop, mode, parameters)
        time.sleep(draw.uniform(0, 1))
        search.server.kill()
        noticed += until(lambda: seen(syncd), "the run waits, or is over") == "waits"
        search.server.start()
    syncd.client.quiet("products")


def seen(syncd: SyncdProcess) -> str:
    if syncd.client.status("products").phase == PHASE_WAITING:
        return "waits"
    return "" if syncd.client.runs("products", *UNDER_WAY) else "is over"
