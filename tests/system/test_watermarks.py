"""Watermarks as they are in real tables: missing, equal, in the future, and on a clock that jumps."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.system.conftest import Stage
from tests.system.shop import now

pytestmark = pytest.mark.timeout(120)


def test_rows_without_a_watermark_are_counted_told_and_seen_by_full_runs(stage: Stage) -> None:
    stage.shop.create(300)
    stage.shop.execute("UPDATE products SET modified_date = NULL WHERE id <= 25")
    syncd = stage.syncd()

    syncd.client.done("products", "full")
    syncd.client.done("products", "incremental")
    warnings = syncd.client.status("products").warnings
    shown = syncd.ctl("show", "products").stdout

    assert stage.differences() == ""
    seen = f"25 rows have no {stage.shop.spelt('modified_date')}"
    assert list(warnings) == [f"{seen}: incremental runs cannot see them change, full runs do"]
    assert seen in shown


def test_changes_with_one_watermark_survive_every_border_between_batches(stage: Stage) -> None:
    stage.shop.create(600)
    client = stage.syncd(batch_rows=13).client
    client.done("products", "full")

    at = now()
    stage.shop.edit(range(1, 201), at)
    first = client.done("products", "incremental")
    stage.shop.edit(range(201, 301), at)
    second = client.done("products", "incremental")

    assert (first.counters.stored, second.counters.stored) == (200, 100)
    assert stage.differences() == ""


def test_a_row_from_the_future_hides_no_later_change(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd().client
    stage.shop.edit([7], datetime(2999, 1, 1))  # noqa: DTZ001 - the column has no zone
    client.done("products", "full")
    stage.shop.edit([8])

    client.done("products", "incremental")
    stage.shop.edit([9])
    last = client.done("products", "incremental")

    assert last.counters.stored == 1
    assert client.status("products").complete_to < "2999"
    assert stage.differences() == ""


def test_a_clock_that_falls_back_loses_no_change(stage: Stage) -> None:
    stage.shop.create(300)
    stage.shop.edit([7], now() + timedelta(hours=8))

    def told_by(clock: str) -> dict[str, Any]:
        settings = stage.settings()
        settings["connections"]["shop"] = {**stage.shop.connection, "timezone": clock}
        return settings

    syncd = stage.running(told_by("Asia/Seoul"))
    syncd.client.done("products", "full")
    syncd.kill()
    stage.shop.edit([8])
    syncd.write(told_by("UTC"))
    syncd.start()
    run = syncd.client.done("products", "incremental")
    again = syncd.client.done("products", "incremental")

    assert [entry.outcome for entry in syncd.client.audit_log("clock.fell_back")] == ["ok"]
    assert (run.counters.stored, again.counters.stored) == (1, 0)
    assert stage.differences() == ""


def test_the_status_says_up_to_when_the_index_is_complete(stage: Stage) -> None:
    stage.shop.create(300)
    client = stage.syncd().client
    client.done("products", "full")
    before = now()
    stage.shop.edit([7], before)

    client.done("products", "incremental")

    behind = before - datetime.fromisoformat(client.status("products").complete_to)
    assert timedelta(0) <= behind < timedelta(seconds=30)
