"""The columns of the source change under a sync."""

import json
from typing import Any

import pytest

from syncapi.v1.common_pb2 import PHASE_HALTED, RUN_STATE_FAILED
from tests.system.client import Client
from tests.system.conftest import IN_DUCKDB, Stage

pytestmark = pytest.mark.timeout(120)


def without_mapping(stage: Stage, **changes: Any) -> dict[str, Any]:
    settings = stage.settings(**changes)
    del settings["syncs"]["products"]["mapping"]
    return settings


def drifts(client: Client) -> list[dict[str, list[str]]]:
    return [json.loads(entry.detail_json) for entry in client.audit_log("schema.drifted")]


@IN_DUCKDB
def test_columns_that_come_go_and_change_flow_into_the_documents(stage: Stage) -> None:
    stage.shop.create(200)
    client = stage.running(without_mapping(stage)).client
    client.done("products", "full")

    stage.shop.execute("ALTER TABLE products ADD colour VARCHAR(10) DEFAULT 'blue'")
    client.done("products", "incremental")
    coloured = stage.documents()
    stage.shop.execute("ALTER TABLE products DROP COLUMN note")
    stage.shop.execute("ALTER TABLE products ALTER price TYPE VARCHAR")
    client.done("products", "incremental")
    changed = stage.documents()

    assert {document["colour"] for document in coloured.values()} == {"blue"}
    assert not any("note" in document for document in changed.values())
    assert all(isinstance(document["price"], str) for document in changed.values())
    assert drifts(client) == [
        {"added": ["colour"], "removed": [], "changed": []},
        {"added": [], "removed": ["note"], "changed": ["price: DECIMAL(10,2) -> VARCHAR"]},
    ]


@IN_DUCKDB
def test_a_sync_that_is_to_halt_on_drift_halts_until_somebody_accepts_it(stage: Stage) -> None:
    stage.shop.create(200)
    client = stage.running(without_mapping(stage, drift="halt")).client
    client.done("products", "full")

    stage.shop.execute("ALTER TABLE products ADD colour VARCHAR(10) DEFAULT 'blue'")
    refused = client.run("products", "incremental")
    halted = client.status("products")
    before = stage.documents()
    client.done("products", "incremental", accept_drift="true")
    client.done("products", "incremental")

    assert (refused.state, refused.failure.code, halted.phase) == (RUN_STATE_FAILED, "sync.drift", PHASE_HALTED)
    assert "colour" in halted.problem.message
    assert not any("colour" in document for document in before.values())
    assert all(document["colour"] == "blue" for document in stage.documents().values())


def test_a_new_column_does_not_disturb_a_mapping_that_does_not_name_it(stage: Stage) -> None:
    stage.shop.create(200)
    client = stage.syncd().client
    client.done("products", "full")

    stage.shop.execute("ALTER TABLE products ADD colour VARCHAR(10) DEFAULT 'blue'")
    run = client.done("products", "incremental")

    assert run.counters.stored == 0
    assert drifts(client) == [{"added": [stage.shop.spelt("colour")], "removed": [], "changed": []}]


def test_a_column_that_the_mapping_needs_and_that_vanishes_halts_the_sync_and_is_named(stage: Stage) -> None:
    stage.shop.create(200)
    client = stage.syncd().client
    client.done("products", "full")

    stage.shop.execute("ALTER TABLE products RENAME COLUMN note TO notes")
    run = client.run("products", "incremental")

    assert (run.state, run.failure.code) == (RUN_STATE_FAILED, "mapping.invalid")
    assert "mapping.note" in run.failure.message
    assert stage.shop.spelt("notes") in run.failure.hint
    assert len(stage.documents()) == 200
