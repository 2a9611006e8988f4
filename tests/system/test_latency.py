"""Changes become searchable soon, also while the server is busy with another sync. How soon, the bench measures."""

import time

import pytest

from tests.system.conftest import Running
from tests.system.searching import Search
from tests.system.shop import Shop, products, synced
from tests.system.waiting import until


@pytest.mark.timeout(240)
def test_changes_become_searchable_soon_while_another_sync_loads(running: Running, shop: Shop, steady: Search, index_name: str) -> None:
    shop.create(2000)
    large = Shop(shop.path.with_name("large.duckdb"))
    large.create(20_000)
    settings = synced(shop, steady.connection, index=index_name, manual=False, every="1s")
    settings["connections"]["large"] = large.connection
    settings["syncs"]["large"] = products(index=f"{index_name}-large", source={"connection": "large"})
    client = running(settings).client
    until(lambda: len(steady.documents(index_name)) == 2000, "the first load")

    client.start("large", "full")
    beside = 0
    for number in range(1, 21):
        word = f"needle{number}"
        shop.execute("UPDATE products SET name = ?, modified_date = now() AT TIME ZONE 'UTC' WHERE id = ?", [word, number])
        until(lambda: steady.ask(f"indexes/{index_name}/search", {"q": word})["hits"], f"{word} is searchable", 30)  # noqa: B023
        beside += client.busy("large") is not None
        time.sleep(0.05)

    assert beside > 0
    client.quiet("large")
    assert len(steady.documents(f"{index_name}-large")) == 20_000
