"""What one question needs of a content."""

import json

import pytest

from syncd.domain.errors import NotFound
from syncd.engines.metadata.cache import Cache, Example
from syncd.engines.metadata.mentions import Names
from syncd.engines.metadata.rendering import read, written
from syncd.engines.metadata.slicing import slice_for
from syncd.engines.metadata.tokens import Counter

COUNTED = Counter("letters", exact=True, count=len)
DAILY, INTRADAY = "web.events_2*", "web.events_intraday_2*"
JOIN = Example("joined?", "SELECT 1 FROM `p.shop.orders` AS o JOIN shop.items AS i ON o.id = i.order_id")
ORDERS = Example("orders?", 'SELECT COUNT(*) FROM "shop"."orders"')
EVENTS = Example("events?", "SELECT COUNT(*) FROM `p.web.events_*` WHERE _TABLE_SUFFIX BETWEEN '20250101' AND '20250102'")
SHARDS = Example("shards?", "SELECT 1 FROM query_table(['web.events_20250101', 'web.events_20250102'], true)")
TODAY = Example("today?", "SELECT 1 FROM web.events_intraday_20250103")
SHOP = Cache(
    "2026",
    "deterministic",
    {name: {"columns": {"id": "INTEGER"}} for name in ("shop.orders", "shop.items", "old.items", "shop.상품", DAILY, INTRADAY)},
    (JOIN, ORDERS, EVENTS, SHARDS, TODAY),
    (DAILY, INTRADAY),
    {"shop.orders": "Never deleted.", DAILY: "2 daily shards."},
)


def sliced(*tables: str) -> Cache:
    return read(slice_for(SHOP, tables, 100_000, COUNTED).text.encode())


def test_a_slice_has_the_form_of_the_whole_and_only_what_was_asked_for() -> None:
    found = slice_for(SHOP, ["shop.orders"], 100_000, COUNTED)

    assert list(json.loads(found.text)) == list(json.loads(written(SHOP)))
    assert found.tokens == len(found.text)
    assert found.left_out == ()
    assert read(found.text.encode()) == Cache(
        "2026",
        "deterministic",
        {"shop.orders": SHOP.schema["shop.orders"]},
        (JOIN, ORDERS),
        (),
        {"shop.orders": "Never deleted."},
    )


@pytest.mark.parametrize(
    ("asked", "units"),
    [
        pytest.param("shop.orders", {"shop.orders"}, id="its name"),
        pytest.param("orders", {"shop.orders"}, id="without schema"),
        pytest.param("SHOP.Orders", {"shop.orders"}, id="in another case"),
        pytest.param("`p.shop.orders`", {"shop.orders"}, id="with a project and quotes"),
        pytest.param('"shop"."상품"', {"shop.상품"}, id="in Korean"),
        pytest.param("items", {"shop.items", "old.items"}, id="a name that two tables have"),
        pytest.param(DAILY, {DAILY}, id="a family"),
        pytest.param("web.events_*", {DAILY}, id="another wildcard for it"),
        pytest.param("web.events_20250101", {DAILY}, id="a shard"),
        pytest.param("events_20250101", {DAILY}, id="a shard without schema"),
        pytest.param("events_intraday_20250101", {INTRADAY}, id="a shard of another family with a like name"),
    ],
)
def test_a_table_may_go_by_many_names(asked: str, units: set[str]) -> None:
    assert set(sliced(asked).schema) == units


@pytest.mark.parametrize("asked", ["order", "other.orders", "events_latest", "", "*", "web.", "2"])
def test_a_name_that_no_table_has_is_told(asked: str) -> None:
    with pytest.raises(NotFound, match=f"no table '{asked.replace('*', '.')}'") as caught:
        slice_for(SHOP, ["shop.orders", asked], 1000, COUNTED)

    assert caught.value.code == "table.unknown"


def test_case_matters_only_where_it_makes_the_difference() -> None:
    names = Names(["shop.Orders", "shop.orders"])

    assert names.find("shop.Orders") == ("shop.Orders",)
    assert names.find("SHOP.ORDERS") == ("shop.Orders", "shop.orders")


def test_a_name_that_is_nearly_one_is_guessed() -> None:
    with pytest.raises(NotFound, match="did you mean 'orders'"):
        slice_for(SHOP, ["ordres"], 1000, COUNTED)


@pytest.mark.parametrize(
    ("tables", "examples"),
    [
        pytest.param(["shop.items"], (JOIN,), id="a table in a join"),
        pytest.param([DAILY], (EVENTS, SHARDS), id="a family by wildcard and by shards"),
        pytest.param([INTRADAY], (TODAY,), id="one shard"),
        pytest.param(["old.items"], (), id="a table that none uses"),
        pytest.param([], (JOIN, ORDERS, EVENTS, SHARDS, TODAY), id="nothing in particular"),
    ],
)
def test_examples_that_use_one_of_the_tables_come_along(tables: list[str], examples: tuple[Example, ...]) -> None:
    assert sliced(*tables).examples == examples


def test_without_tables_everything_is_told() -> None:
    assert slice_for(SHOP, [], 100_000, COUNTED).text == written(SHOP).decode()


def test_a_slice_keeps_to_its_budget_and_tells_what_is_missing() -> None:
    whole = slice_for(SHOP, ["orders", "items"], 100_000, COUNTED)

    found = slice_for(SHOP, ["orders", "items"], whole.tokens - 1, COUNTED)

    assert found.tokens == len(found.text) < whole.tokens
    assert found.left_out == ("dropped 1 example of shop.orders",)


def test_a_table_without_schema_in_an_old_file_is_found_by_a_longer_name() -> None:
    assert Names(["orders"]).used('SELECT 1 FROM "main"."orders"') == {"orders"}


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param('SELECT 1 FROM "main"."Web Log_20250101"', id="in quotes"),
        pytest.param("SELECT 1 FROM `p.main.Web Log_2*` WHERE TRUE", id="a wildcard in quotes"),
        pytest.param("-- don't count twice\nSELECT 1 FROM query_table(['main.Web Log_20250101'], true)", id="as a text"),
        pytest.param("SELECT 1 FROM query_table(['Web Log_20250101', 'Web Log_20250102'])", id="as a text without schema"),
    ],
)
def test_names_with_blanks_are_found_in_queries(sql: str) -> None:
    names = Names(["main.Web Log_2*", "main.other"])

    assert names.used(sql) == {"main.Web Log_2*"}
    assert names.first(sql) == "main.Web Log_2*"


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT orders FROM shop.items", id="a column of its name"),
        pytest.param("SELECT 1 FROM shop.orders_old", id="a longer name"),
        pytest.param("SELECT 1 FROM backup.orders", id="another schema"),
    ],
)
def test_a_query_that_only_looks_like_using_a_table_does_not(sql: str) -> None:
    assert "shop.orders" not in Names(SHOP.schema).used(sql)
