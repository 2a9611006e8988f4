"""Processes are killed at random moments; in the end nothing is lost, doubled or left over."""

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syncapi.v1.common_pb2 import PHASE_WAITING, RUN_STATE_DONE, RUN_STATE_INTERRUPTED
from tests.system.auditing import assert_whole
from tests.system.client import UNDER_WAY, Client, told
from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.searching import Local, Search, Searched, differences
from tests.system.shop import Shop, synced
from tests.system.waiting import until

REPLACE: dict[str, Any] = {"replace": "true"}
KILLS = int(os.environ.get("SYNCD_KILLS", "1"))
"""In each kind of run; `make soak` wants many."""
NOTICED = max(KILLS // 10, 1)
"""Kills of the server that a run has to notice, in each kind of run."""
PLACES = [
    ("duckdb", "meilisearch", KILLS),
    ("duckdb", "fts5", max(KILLS // 3, 1)),
    *((f"oracle{flavour}", "meilisearch", KILLS // 5) for flavour in (19, 23) if KILLS > 10),
]
"""Source and target, and how many kills in each kind of run between them."""
IN_TURN: list[tuple[str, dict[str, Any]]] = [("full", {}), ("full", REPLACE), ("incremental", {})]
"""Mode and parameters of the runs that are killed."""


@dataclass
class Scene:
    """A shop, an index, and a daemon between them. All that is random comes from `draw`."""

    syncd: SyncdProcess
    shop: Shop
    target: Searched
    draw: random.Random

    @property
    def client(self) -> Client:
        return self.syncd.client

    @property
    def interrupted(self) -> int:
        return len(self.client.runs("products", RUN_STATE_INTERRUPTED))

    def keep_busy(self, mode: str, parameters: dict[str, Any]) -> None:
        """See to it that a run is under way, with something to do."""
        if not self.client.runs("products", *UNDER_WAY):
            self.shop.stir(3000)
            self.client.start("products", mode, **parameters)

    def kill_in_runs(self, mode: str, parameters: dict[str, Any], times: int) -> None:
        """Kill the daemon so many times while a run is under way, let the shop change, and start it again."""
        wanted = self.interrupted + times
        while self.interrupted < wanted:
            self.keep_busy(mode, parameters)
            time.sleep(self.draw.uniform(0, 1))
            if self.client.busy("products"):
                self.syncd.kill()
                self.shop.stir(300)
                self.syncd.start()
        self.client.quiet("products")

    def assert_in_step(self) -> None:
        """After one more run, source and index are equal, and nothing of the earlier ones is left over."""
        run = self.client.done("products", "incremental")
        assert run.counters.refused == 0
        assert differences(self.shop.documents(), self.target.documents()) == ""
        assert self.target.indexes() <= {"products", "products__previous"}
        assert_whole(self.client)


def scene(running: Running, shop: Shop, target: Searched, rows: int, seed: int) -> Scene:
    """The shop has so many rows. So little is under way at once that a run of some thousand rows has many commits."""
    print(f"seed {seed}")  # noqa: T201 - pytest shows it if the test fails
    shop.create(rows)
    little = {"wide_rows": 4000} if isinstance(target, Search) else {}
    quick = {"retry": {"attempts": 50, "first": "50ms", "most": "200ms"}}
    return Scene(running(synced(shop, {**target.connection, **little}, **quick)), shop, target, random.Random(seed))


@pytest.mark.timeout(80 * KILLS)
@pytest.mark.parametrize(("shop", "kind", "times"), PLACES, indirect=["shop"])
def test_killing_syncd_at_any_moment_of_any_run_loses_nothing(
    request: pytest.FixtureRequest, shop: Shop, tmp_path: Path, kind: str, times: int
) -> None:
    target: Searched = Local(tmp_path / "search.db") if kind == "fts5" else request.getfixturevalue("frail")
    here = scene(request.getfixturevalue("running"), shop, target, rows=20_000, seed=20261121)

    for mode, parameters in IN_TURN:
        here.kill_in_runs(mode, parameters, times)

    assert here.interrupted >= 3 * times
    here.assert_in_step()


@pytest.mark.timeout(300)
def test_killing_syncd_around_a_swap_leaves_one_whole_index(running: Running, shop: Shop, frail: Search) -> None:
    here = scene(running, shop, frail, rows=2000, seed=7)
    here.client.done("products", "full")

    for swap in (1, 2) * NOTICED:
        shop.stir(300)
        swaps = frail.swaps() + swap
        here.client.start("products", "full", **REPLACE)
        until(lambda: frail.swaps() >= swaps, "a swap of the indexes")  # noqa: B023 - looked at in this turn only
        time.sleep(here.draw.choice((0, 0, 0.02, 0.05)))
        here.syncd.kill()
        shop.stir(60)
        here.syncd.start()
        here.client.quiet("products")
        here.assert_in_step()

    assert here.interrupted >= NOTICED


@pytest.mark.timeout(300)
def test_killing_syncd_around_a_rollback_does_it_once(running: Running, shop: Shop, frail: Search) -> None:
    here = scene(running, shop, frail, rows=500, seed=1)
    here.client.done("products", "full")

    for pause in (0, 0.01, 0.03):
        before = frail.documents()
        shop.stir(60)
        here.client.done("products", "full", **REPLACE)
        swaps = frail.swaps()
        here.client.start("products", "full", rollback="true")
        until(lambda: frail.swaps() > swaps, "the swap back")  # noqa: B023 - looked at in this turn only
        time.sleep(pause)
        here.syncd.restart()
        here.client.quiet("products")
        assert differences(before, frail.documents()) == ""
        here.client.resume("products")
        here.assert_in_step()

    assert here.interrupted >= 1


@pytest.mark.timeout(300)
def test_killing_meilisearch_at_any_moment_of_any_run_loses_nothing(running: Running, shop: Shop, frail: Search) -> None:
    here = scene(running, shop, frail, rows=12_000, seed=5)

    for mode, parameters in IN_TURN:
        noticed = 0
        while noticed < NOTICED:
            here.keep_busy(mode, parameters)
            time.sleep(here.draw.uniform(0, 1))
            frail.server.kill()
            noticed += until(lambda: what_came_of_it(here.client), "the run waits, or is over") == "waits"
            frail.server.start()
        here.client.quiet("products")

    runs = here.client.runs("products")
    assert {run.state for run in runs} == {RUN_STATE_DONE}, [told(run) for run in runs]
    assert sum(run.attempt - 1 for run in runs) >= 3 * NOTICED
    here.assert_in_step()


def what_came_of_it(client: Client) -> str:
    if client.status("products").phase == PHASE_WAITING:
        return "waits"
    return "" if client.runs("products", *UNDER_WAY) else "is over"
