"""Comparing source and index, and telling what a run would do."""

import json

import pytest

from tests.system.conftest import Stage
from tests.system.searching import differences

pytestmark = pytest.mark.timeout(120)


def spoil(stage: Stage) -> None:
    """Behind syncd's back: 5 documents are lost, 3 come from nowhere, and 4 are changed."""
    stage.search.change(f"indexes/{stage.index}/documents/delete-batch", [11, 12, 13, 14, 15])
    stage.search.change(f"indexes/{stage.index}/documents", [{"id": 9001}, {"id": "stray"}, {"id": "another"}])
    stage.search.change(f"indexes/{stage.index}/documents", [{"id": number, "title": "spoiled"} for number in (21, 22, 23)], "PUT")
    stage.search.change(f"indexes/{stage.index}/documents", [{"id": 24}])


def test_verifying_names_what_is_missing_extra_and_different_and_repairing_mends_exactly_that(stage: Stage) -> None:
    stage.shop.create(1000)
    syncd = stage.syncd()
    syncd.client.done("products", "full")
    clean = syncd.ctl("run", "products", "--mode", "verify")

    spoil(stage)
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
    assert stage.differences() == ""


def test_numbers_that_the_server_keeps_a_little_off_are_no_drift(stage: Stage) -> None:
    stage.shop.create(400)
    client = stage.syncd(mapping={"share": "price / 7.3 + id / 3.0", "all": "[price / 7.0]"}).client
    client.done("products", "full")

    run = client.done("products", "verify")

    assert not run.drifted, run.report_json


def test_verifying_changes_nothing(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd().client
    client.done("products", "full")
    spoil(stage)
    before, standing = stage.documents(), client.shown("products").checkpoint_json

    run = client.done("products", "verify")

    assert run.drifted
    assert run.summary == "done, drift found"
    assert differences(before, stage.documents()) == ""
    assert client.shown("products").checkpoint_json == standing


def test_vectors_that_the_server_does_not_show_are_no_drift(stage: Stage) -> None:
    stage.shop.create(50)
    settings = stage.settings(mapping={"_vectors": "{'own': [id, 1.5]}"})
    settings["syncs"]["products"]["target"]["settings"] = {"embedders": {"own": {"source": "userProvided", "dimensions": 2}}}
    client = stage.running(settings).client
    client.done("products", "full")

    run = client.done("products", "verify")

    assert (run.summary, run.drifted) == ("done", False)
    [vectors] = stage.search.ask(f"indexes/{stage.index}/documents/fetch", {"ids": [7], "retrieveVectors": True})["results"]
    assert vectors["_vectors"]["own"]["embeddings"] == [[7.0, 1.5]]


def test_a_plan_tells_what_a_run_does_and_changes_nothing(stage: Stage) -> None:
    stage.shop.create(1000)
    client = stage.syncd().client
    client.done("products", "full")
    stage.shop.edit(range(1, 31))
    stage.shop.bury(range(101, 111))
    stage.shop.erase(range(201, 206))
    before, standing = stage.documents(), client.shown("products").checkpoint_json

    soon = json.loads(client.done("products", "plan").report_json)
    whole = json.loads(client.done("products", "plan", mode="full").report_json)

    assert (soon["mode"], soon["send"], soon["delete"]) == ("incremental", 30, 10)
    assert (whole["mode"], whole["read"], whole["send"], whole["delete"]) == ("full", 995, 985, 15)
    assert differences(before, stage.documents()) == ""
    assert client.shown("products").checkpoint_json == standing
    run = client.done("products", "incremental")
    assert (run.counters.stored, run.counters.deleted) == (30, 10)


def test_a_plan_of_the_first_run_makes_no_index(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd().client

    plan = json.loads(client.done("products", "plan").report_json)

    assert (plan["mode"], plan["send"]) == ("full", 300)
    assert stage.index not in stage.search.indexes()
