"""Five faults under which other tools lose rows silently."""

from typing import Any

import pytest

from syncapi.v1.common_pb2 import PHASE_HALTED, PHASE_WAITING, RUN_STATE_DONE, RUN_STATE_FAILED
from tests.system.client import told
from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.searching import Search, differences
from tests.system.shop import Shop, synced
from tests.system.waiting import until

EITHER_WAY = pytest.mark.parametrize("parameters", [{}, {"replace": "true"}], ids=["in place", "replace"])
LITTLE = {"wide_rows": 1000}


@pytest.fixture
def coded(shop: Shop) -> Shop:
    """A shop of 5,000 products that have codes for keys."""
    shop.create(5000)
    shop.execute("ALTER TABLE products ADD code VARCHAR(30)")
    shop.execute("UPDATE products SET code = 'c-' || id")
    return shop


def by_code(shop: Shop, search: Search, index: str) -> dict[str, Any]:
    settings = synced(shop, {**search.connection, **LITTLE}, index=index, source={"key": [shop.spelt("code")]}, mapping={"id": "code"})
    source = settings["syncs"]["products"]["source"]
    source["deletions"] = {"soft": source["deletions"]["soft"]}
    return settings


@EITHER_WAY
@pytest.mark.timeout(120)
def test_one_bad_key_in_five_thousand_loses_nothing_else_and_says_so(
    running: Running, coded: Shop, steady: Search, index_name: str, parameters: dict[str, Any]
) -> None:
    coded.execute("UPDATE products SET code = 'not an id' WHERE id = 1700")
    syncd = running(by_code(coded, steady, index_name))

    run = syncd.client.done("products", "full", **parameters)

    assert (run.summary, run.counters.stored) == ("done, 1 refused", 4999)
    (letter,) = syncd.client.letters("products")
    assert (letter.key_json, letter.code) == ('["not an id"]', "invalid_document_id")
    assert syncd.client.status("products").dead_letters == 1
    assert set(steady.documents(index_name)) == {f"c-{number}" for number in range(1, 5001) if number != 1700}


@pytest.mark.timeout(120)
def test_a_replace_that_would_lose_many_rows_is_not_swapped_in(running: Running, coded: Shop, steady: Search, index_name: str) -> None:
    syncd = running(by_code(coded, steady, index_name))
    syncd.client.done("products", "full")
    coded.execute("UPDATE products SET code = 'not an id ' || id WHERE MOD(id, 2) = 0")

    run = syncd.client.run("products", "full", replace="true")

    assert (run.state, run.failure.code) == (RUN_STATE_FAILED, "sync.shrink_refused"), told(run)
    assert "2,500 of 5,000" in run.failure.message
    status = syncd.client.status("products")
    assert (status.phase, status.dead_letters) == (PHASE_HALTED, 2500)
    assert len(steady.documents(index_name)) == 5000
    assert f"{index_name}__shadow" not in steady.indexes()


@EITHER_WAY
@pytest.mark.timeout(120)
def test_a_first_load_that_is_killed_is_brought_to_its_end(running: Running, shop: Shop, frail: Search, parameters: dict[str, Any]) -> None:
    shop.create(6000)
    syncd = running(of_the_shop(shop, frail))
    half_done(syncd, parameters)

    syncd.restart()
    syncd.client.quiet("products")

    assert len(syncd.client.runs("products")) == 2
    assert differences(shop.documents(), frail.documents()) == ""


@EITHER_WAY
@pytest.mark.timeout(120)
def test_changes_made_during_a_load_are_in_the_index_behind_it(
    running: Running, shop: Shop, frail: Search, parameters: dict[str, Any]
) -> None:
    shop.create(6000)
    syncd = running(of_the_shop(shop, frail))
    run = half_done(syncd, parameters)

    for _ in range(3):
        frail.server.stop()
        until(lambda: syncd.client.status("products").phase == PHASE_WAITING, "the sync waits")
        shop.stir(600)
        frail.server.start()
    ended = syncd.client.ended(run)
    if not parameters:
        syncd.client.done("products", "incremental")

    assert ended.state == RUN_STATE_DONE, told(ended)
    assert differences(shop.documents(), frail.documents()) == ""


@EITHER_WAY
@pytest.mark.timeout(120)
def test_changes_made_between_a_killed_load_and_its_continuation_are_in_the_index_behind_it(
    running: Running, shop: Shop, frail: Search, parameters: dict[str, Any]
) -> None:
    shop.create(6000)
    syncd = running(of_the_shop(shop, frail))
    half_done(syncd, parameters)

    syncd.kill()
    shop.stir(2000)
    syncd.start()
    syncd.client.quiet("products")
    if not parameters:
        syncd.client.done("products", "incremental")

    assert differences(shop.documents(), frail.documents()) == ""


def of_the_shop(shop: Shop, search: Search) -> dict[str, Any]:
    patient = {"attempts": 1000, "first": "100ms", "most": "200ms"}
    return synced(shop, {**search.connection, **LITTLE}, retry=patient)


def half_done(syncd: SyncdProcess, parameters: dict[str, Any]) -> str:
    """A full run that has stored some thousand rows, and is not through."""
    run = syncd.client.start("products", "full", **parameters).id
    until(lambda: syncd.client.of(run).counters.stored > 2000, "some thousand rows are stored")
    return run
