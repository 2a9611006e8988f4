import pytest

from syncd.engines.metadata.checks.dependencies import touched_by, uses
from syncd.engines.metadata.checks.verdict import Use
from tests.engines.metadata.checks.dialects import duckdb_catalog
from tests.engines.metadata.checks.queries import EVENTS, VALID, ga4_catalog


def paths(sql: str, unit: str = EVENTS) -> set[str]:
    return {use.path for use in uses(sql, ga4_catalog()) if use.unit == unit}


DAY = "`analytics.events_20250101`"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param(f"SELECT geo.country FROM {DAY}", {"geo.country"}, id="a field"),
        pytest.param(f"SELECT geo FROM {DAY}", {"geo"}, id="a whole record"),
        pytest.param(f"SELECT e.geo.* FROM {DAY} AS e", {"geo"}, id="all of a record"),
        pytest.param(f"SELECT COUNT(*) AS n FROM {DAY}", {""}, id="nothing but the table"),
        pytest.param(f"SELECT COUNT(*) AS n FROM {DAY}, UNNEST(items)", {"items"}, id="a list of which no field is used"),
        pytest.param(f"SELECT i.item_id FROM {DAY}, UNNEST(items) AS i", {"items.item_id"}, id="a field of a list"),
        pytest.param(f"SELECT TO_JSON(i) AS j FROM {DAY} AS e, e.items AS i", {"items"}, id="an element as it is"),
        pytest.param(
            f"SELECT p.value.int_value FROM {DAY}, UNNEST(items) AS i, UNNEST(i.item_params) AS p",
            {"items.item_params.value.int_value"},
            id="a list in a list",
        ),
        pytest.param(f"WITH a AS (SELECT geo AS g FROM {DAY}) SELECT g.city FROM a", {"geo"}, id="a record through a CTE"),
        pytest.param(
            f"SELECT UPPER(event_name) AS event_name FROM {DAY} ORDER BY event_name", {"event_name"}, id="an alias of the same name"
        ),
        pytest.param(
            f"SELECT 1 FROM {DAY} AS e WHERE EXISTS (SELECT * FROM UNNEST(e.items) AS i WHERE i.quantity > e.event_bundle_sequence_id)",
            {"items.quantity", "event_bundle_sequence_id"},
            id="from within",
        ),
    ],
)
def test_a_query_depends_on_the_columns_that_it_names(sql: str, expected: set[str]) -> None:
    assert paths(sql) == expected


def test_a_star_depends_on_every_column() -> None:
    assert paths(f"SELECT * FROM {DAY}") == {column.name for column in ga4_catalog().units[EVENTS].columns}


def test_a_name_that_two_tables_have_counts_for_both() -> None:
    found = uses("SELECT id FROM orders, customers", duckdb_catalog())

    assert found == {Use("main.orders", "id"), Use("main.customers", "id")}


def test_an_unknown_name_hides_no_other() -> None:
    found = paths(f"SELECT nonsense, no.sense, event_name FROM {DAY}, unknown.things AS t")

    assert found == {"event_name"}


def test_a_drift_touches_exactly_the_examples_that_use_what_has_changed() -> None:
    used = {query.id: uses(query.sql, ga4_catalog()) for query in VALID}

    def touched(*changed: str) -> set[str]:
        return {name for name, each in used.items() if touched_by(each, EVENTS, changed)}

    assert touched("ecommerce.purchase_revenue_in_usd", "ecommerce.unique_items") == {"revenue and its running total"}
    assert touched("ecommerce") == {"revenue and its running total"}
    assert touched("geo.country", "geo.land") == {"first day by country"}
    assert touched("event_timestamp") == {"funnel to a purchase", "first page of each session", "hour of the day in Seoul"}
    assert touched("publisher", "is_active_user") == set()


@pytest.mark.parametrize(
    ("path", "changed", "expected"),
    [
        pytest.param("geo.country", ["geo.country"], True, id="the field"),
        pytest.param("geo.country", ["geo"], True, id="the record around it"),
        pytest.param("geo", ["geo.country"], True, id="a field of it"),
        pytest.param("geo.country", ["geo.city"], False, id="the field beside it"),
        pytest.param("geo", ["geography"], False, id="a name that begins alike"),
        pytest.param("", ["geo"], False, id="a column, where only rows count"),
        pytest.param("", [], True, id="the table as a whole"),
        pytest.param("geo", [""], True, id="the table, said as a path"),
    ],
)
def test_a_change_touches_what_is_above_and_below_it(path: str, changed: list[str], expected: bool) -> None:
    assert touched_by([Use("a", path)], "a", changed) is expected
    assert not touched_by([Use("a", path)], "b", changed)
