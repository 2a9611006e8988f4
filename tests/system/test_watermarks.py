"""Watermarks as they are in real tables: missing, equal, in the future, and on a clock that jumps."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.system.conftest import Running
from tests.system.searching import Search, differences
from tests.system.shop import Shop, now, synced

pytestmark = pytest.mark.timeout(120)


def test_rows_without_a_watermark_are_counted_told_and_seen_by_full_runs(
    running: Running, shop: Shop, steady: Search, index_name: str
) -> None:
    shop.create(300)
    shop.execute("UPDATE products SET modified_date = NULL WHERE id <= 25")
    syncd = running(synced(shop, steady.connection, index=index_name))

    syncd.client.done("products", "full")
    syncd.client.done("products", "incremental")
    warnings = syncd.client.status("products").warnings
    shown = syncd.ctl("show", "products").stdout

    assert differences(shop.documents(), steady.documents(index_name)) == ""
    assert list(warnings) == ["25 rows have no modified_date: incremental runs cannot see them change, full runs do"]
    assert "25 rows have no modified_date" in shown


def test_changes_with_one_watermark_survive_every_border_between_batches(
    running: Running, shop: Shop, steady: Search, index_name: str
) -> None:
    shop.create(600)
    client = running(synced(shop, steady.connection, index=index_name, batch_rows=13)).client
    client.done("products", "full")

    at = now()
    shop.edit(range(1, 201), at)
    first = client.done("products", "incremental")
    shop.edit(range(201, 301), at)
    second = client.done("products", "incremental")

    assert (first.counters.stored, second.counters.stored) == (200, 100)
    assert differences(shop.documents(), steady.documents(index_name)) == ""


def test_a_row_from_the_future_hides_no_later_change(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(300)
    client = running(synced(shop, steady.connection, index=index_name)).client
    shop.edit([7], datetime(2999, 1, 1))  # noqa: DTZ001 - the column has no zone
    client.done("products", "full")
    shop.edit([8])

    client.done("products", "incremental")
    shop.edit([9])
    last = client.done("products", "incremental")

    assert last.counters.stored == 1
    assert client.status("products").complete_to < "2999"
    assert differences(shop.documents(), steady.documents(index_name)) == ""


def test_a_clock_that_falls_back_loses_no_change(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(300)
    shop.edit([7], now() + timedelta(hours=8))

    def told_by(clock: str) -> dict[str, Any]:
        settings = synced(shop, steady.connection, index=index_name)
        settings["connections"]["shop"] = {**shop.connection, "timezone": clock}
        return settings

    syncd = running(told_by("Asia/Seoul"))
    syncd.client.done("products", "full")
    syncd.kill()
    shop.edit([8])
    syncd.write(told_by("UTC"))
    syncd.start()
    run = syncd.client.done("products", "incremental")
    again = syncd.client.done("products", "incremental")

    assert [entry.outcome for entry in syncd.client.audit_log("clock.fell_back")] == ["ok"]
    assert (run.counters.stored, again.counters.stored) == (1, 0)
    assert differences(shop.documents(), steady.documents(index_name)) == ""


def test_the_status_says_up_to_when_the_index_is_complete(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(300)
    client = running(synced(shop, steady.connection, index=index_name)).client
    client.done("products", "full")
    before = now()
    shop.edit([7], before)

    client.done("products", "incremental")

    assert datetime.fromisoformat(client.status("products").complete_to) == before
