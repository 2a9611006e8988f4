"""Comparing source and index, and telling what a run would do."""

import json

import pytest

from tests.system.conftest import Running
from tests.system.searching import Search, differences
from tests.system.shop import Shop, synced

pytestmark = pytest.mark.timeout(120)


def spoil(search: Search, index: str) -> None:
    """Behind syncd's back: 5 documents are lost, 3 come from nowhere, and 4 are changed."""
    search.change(f"indexes/{index}/documents/delete-batch", [11, 12, 13, 14, 15])
    search.change(f"indexes/{index}/documents", [{"id": 9001}, {"id": "stray"}, {"id": "another"}])
    search.change(f"indexes/{index}/documents", [{"id": number, "title": "spoiled"} for number in (21, 22, 23)], "PUT")
    search.change(f"indexes/{index}/documents", [{"id": 24}])


def test_verifying_names_what_is_missing_extra_and_different_and_repairing_mends_exactly_that(
    running: Running, shop: Shop, steady: Search, index_name: str
) -> None:
    shop.create(1000)
    syncd = running(synced(shop, steady.connection, index=index_name))
    syncd.client.done("products", "full")
    clean = syncd.ctl("run", "products", "--mode", "verify")

    spoil(steady, index_name)
    drifted = syncd.ctl("run", "products", "--mode", "verify")
    report = json.loads(syncd.client.runs("products")[0].report_json)
    repair = syncd.client.done("products", "verify", repair="true")
    again = syncd.ctl("run", "products", "--mode", "verify")

    assert (clean.returncode, drifted.returncode, again.returncode) == (0, 1, 0), drifted.stderr
    assert (report["rows"], report["documents"]) == (1000, 998)
    assert sorted(report["missing"]["ids"]) == ["11", "12", "13", "14", "15"]
    assert sorted(report["extra"]["ids"]) == ["9001", "another", "stray"]
    assert sorted(report["different"]["ids"]) == ["21", "22", "23", "24"]
    assert (repair.counters.stored, repair.counters.deleted) == (9, 3)
    assert differences(shop.documents(), steady.documents(index_name)) == ""


def test_verifying_changes_nothing(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(300)
    client = running(synced(shop, steady.connection, index=index_name)).client
    client.done("products", "full")
    spoil(steady, index_name)
    before, standing = steady.documents(index_name), client.shown("products").checkpoint_json

    run = client.done("products", "verify")

    assert run.drifted
    assert run.summary == "done, drift found"
    assert differences(before, steady.documents(index_name)) == ""
    assert client.shown("products").checkpoint_json == standing


def test_a_plan_tells_what_a_run_does_and_changes_nothing(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(1000)
    client = running(synced(shop, steady.connection, index=index_name)).client
    client.done("products", "full")
    shop.edit(range(1, 31))
    shop.bury(range(101, 111))
    shop.erase(range(201, 206))
    before, standing = steady.documents(index_name), client.shown("products").checkpoint_json

    soon = json.loads(client.done("products", "plan").report_json)
    whole = json.loads(client.done("products", "plan", mode="full").report_json)

    assert (soon["mode"], soon["send"], soon["delete"]) == ("incremental", 30, 10)
    assert (whole["mode"], whole["read"], whole["send"], whole["delete"]) == ("full", 995, 985, 15)
    assert differences(before, steady.documents(index_name)) == ""
    assert client.shown("products").checkpoint_json == standing
    run = client.done("products", "incremental")
    assert (run.counters.stored, run.counters.deleted) == (30, 10)


def test_a_plan_of_the_first_run_makes_no_index(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(300)
    client = running(synced(shop, steady.connection, index=index_name)).client

    plan = json.loads(client.done("products", "plan").report_json)

    assert (plan["mode"], plan["send"]) == ("full", 300)
    assert index_name not in steady.indexes()
