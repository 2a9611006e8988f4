"""Changes become searchable soon, also while the server is busy with another sync. How soon, the bench measures."""

import time

import pytest

from tests.system.conftest import IN_DUCKDB, Stage
from tests.system.duckdb_shop import DuckDBShop
from tests.system.shop import products
from tests.system.waiting import until


@pytest.mark.timeout(240)
@IN_DUCKDB
def test_changes_become_searchable_soon_while_another_sync_loads(stage: Stage, shop: DuckDBShop) -> None:
    shop.create(2000)
    large = DuckDBShop(shop.path.with_name("large.duckdb"))
    large.create(20_000)
    settings = stage.settings(manual=False, every="1s")
    settings["connections"]["large"] = large.connection
    settings["syncs"]["large"] = products(index=f"{stage.index}-large", source={"connection": "large"})
    client = stage.running(settings).client
    until(lambda: len(stage.documents()) == 2000, "the first load")

    client.start("large", "full")
    beside = 0
    for number in range(1, 21):
        word = f"needle{number}"
        shop.execute("UPDATE products SET name = ?, modified_date = now() AT TIME ZONE 'UTC' WHERE id = ?", [word, number])
        until(lambda: stage.search.ask(f"indexes/{stage.index}/search", {"q": word})["hits"], f"{word} is searchable", 30)  # noqa: B023
        beside += client.busy("large") is not None
        time.sleep(0.05)

    assert beside > 0
    client.quiet("large")
    assert len(stage.search.documents(f"{stage.index}-large")) == 20_000
