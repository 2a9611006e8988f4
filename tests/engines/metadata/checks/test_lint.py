import pytest

from syncd.engines.metadata.checks.catalog import Catalog, Unit
from syncd.engines.metadata.checks.lint import lint
from tests.engines.metadata.checks.dialects import duckdb_catalog, oracle_catalog
from tests.engines.metadata.checks.queries import EVENTS, VALID, Query, ga4_catalog
from tests.engines.metadata.folding.warehouses import columns

COUNT = "SELECT COUNT(*) AS n FROM"


def codes(sql: str, catalog: Catalog | None = None) -> set[str]:
    return {complaint.code.removeprefix("lint.") for complaint in lint(sql, catalog or ga4_catalog())}


@pytest.mark.parametrize("query", [pytest.param(query, id=query.id) for query in VALID])
def test_a_good_query_has_no_fault(query: Query) -> None:
    assert lint(query.sql, ga4_catalog()) == ()


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("", id="nothing"),
        pytest.param("WHERE _TABLE_SUFFIX >= '20250101'", id="a lower bound alone"),
        pytest.param("WHERE '20250101' <= _TABLE_SUFFIX", id="a lower bound, turned round"),
        pytest.param("WHERE _TABLE_SUFFIX > '20250101' AND _TABLE_SUFFIX >= '20250102'", id="two lower bounds"),
        pytest.param("WHERE _TABLE_SUFFIX <= '20250131'", id="an upper bound alone"),
        pytest.param("WHERE _TABLE_SUFFIX BETWEEN '20250101' AND 'z'", id="an upper bound behind all digits"),
        pytest.param("WHERE _TABLE_SUFFIX != '20250101'", id="an exception"),
        pytest.param("WHERE NOT _TABLE_SUFFIX BETWEEN '20250101' AND '20250131'", id="outside of bounds"),
        pytest.param("WHERE _TABLE_SUFFIX NOT IN ('20250101')", id="not in a list"),
        pytest.param("WHERE _TABLE_SUFFIX BETWEEN '20250101' AND '20250131' OR event_name = 'x'", id="bounds in one branch"),
        pytest.param("WHERE event_date BETWEEN '20250101' AND '20250131'", id="bounds of a column"),
        pytest.param("WHERE NOT (_TABLE_SUFFIX = '20250101')", id="not in brackets"),
        pytest.param("WHERE REGEXP_CONTAINS(_TABLE_SUFFIX, r'^\\d{8}$')", id="a pattern prunes nothing"),
        pytest.param("WHERE PARSE_DATE('%Y%m%d', _TABLE_SUFFIX) >= '2025-01-01'", id="a function around it"),
    ],
)
def test_the_wildcard_trap_is_always_caught(condition: str) -> None:
    assert "unbounded_suffix" in codes(f"{COUNT} `analytics.events_*` {condition}")
    assert "unbounded_suffix" in codes(f"WITH a AS ({COUNT} `shop-prod.analytics.events_*` AS e {condition}) SELECT n FROM a")
    assert "unbounded_suffix" in codes(f"SELECT 1 AS one, (SELECT MAX(n) FROM ({COUNT} `analytics.events_*` {condition})) AS m")


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("_TABLE_SUFFIX BETWEEN '20250101' AND '20250131'", id="between"),
        pytest.param("_TABLE_SUFFIX >= '20250101' AND event_name = 'x' AND _TABLE_SUFFIX < '20250201'", id="two comparisons"),
        pytest.param("('20250101' <= _TABLE_SUFFIX AND ('20250131' >= _TABLE_SUFFIX))", id="turned round, in brackets"),
        pytest.param("_TABLE_SUFFIX = '20250101'", id="one day"),
        pytest.param("e._TABLE_SUFFIX IN ('20250101', '20250108')", id="some days"),
        pytest.param("_TABLE_SUFFIX = '20250101' OR _TABLE_SUFFIX = '20250108'", id="each branch bounded"),
        pytest.param(
            "_TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', DATE_SUB(CURRENT_DATE(), INTERVAL 7 DAY))"
            " AND FORMAT_DATE('%Y%m%d', CURRENT_DATE())",
            id="the last week",
        ),
    ],
)
def test_two_bounds_of_digits_are_enough(condition: str) -> None:
    assert codes(f"{COUNT} `analytics.events_*` AS e WHERE {condition}") == set()


def test_a_wildcard_of_one_month_is_a_bound_by_itself() -> None:
    assert codes(f"{COUNT} `analytics.events_202501*`") == set()
    assert "unbounded_suffix" in codes(f"{COUNT} `analytics.events_2025*`")


@pytest.mark.parametrize(
    ("sql", "mixed"),
    [
        pytest.param(f"{COUNT} `analytics.events_*` WHERE _TABLE_SUFFIX >= '20250101'", True, id="all families"),
        pytest.param(f"{COUNT} `analytics.events_2*` WHERE _TABLE_SUFFIX >= '0250101'", False, id="one family"),
        pytest.param(f"{COUNT} `analytics.events_*` WHERE _TABLE_SUFFIX IN ('20250331', 'intraday_20250331')", True, id="both in a list"),
        pytest.param(
            f"{COUNT} `analytics.events_*` WHERE _TABLE_SUFFIX BETWEEN '20250101' AND 'intraday_20250401'", True, id="from one on"
        ),
        pytest.param(
            f"{COUNT} `analytics.events_*` WHERE _TABLE_SUFFIX >= '20250101' AND _TABLE_SUFFIX NOT LIKE 'intraday%'", False, id="excluded"
        ),
        pytest.param(
            f"{COUNT} `analytics.events_20250331` UNION ALL {COUNT} `analytics.events_intraday_20250401`", False, id="bound by UNION"
        ),
    ],
)
def test_families_are_mixed_only_on_purpose(sql: str, mixed: bool) -> None:
    assert ("mixed_families" in codes(sql)) is mixed


@pytest.mark.parametrize(
    ("operand", "wrong"),
    [
        pytest.param("20250101", True, id="a number"),
        pytest.param("'2025-01-01'", True, id="dashes"),
        pytest.param("DATE '2025-01-01'", True, id="a date"),
        pytest.param("DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY)", True, id="a computed date"),
        pytest.param("'20250101'", False, id="text"),
        pytest.param("FORMAT_DATE('%Y%m%d', CURRENT_DATE())", False, id="text of a date"),
    ],
)
def test_a_suffix_is_compared_with_text_alone(operand: str, wrong: bool) -> None:
    found = codes(f"{COUNT} `analytics.events_*` WHERE _TABLE_SUFFIX = {operand}")

    assert ("suffix_not_text" in found) is wrong


def test_a_suffix_does_not_repeat_what_the_wildcard_says() -> None:
    assert codes(f"{COUNT} `analytics.events_2*` WHERE _TABLE_SUFFIX = '20250101'") == {"suffix_out_of_reach"}
    assert codes(f"{COUNT} `analytics.events_2*` WHERE _TABLE_SUFFIX = '0250101'") == set()


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        pytest.param("SELECT * FROM orders LIMIT 5", {"select_star"}, id="all of a table"),
        pytest.param("SELECT o.* FROM orders AS o LIMIT 5", {"select_star"}, id="all of an alias"),
        pytest.param("WITH a AS (SELECT id FROM orders) SELECT * FROM a LIMIT 5", set(), id="all that was named before"),
        pytest.param("SELECT id FROM orders WHERE EXISTS (SELECT * FROM customers) LIMIT 5", set(), id="only asked for"),
        pytest.param("SELECT id FROM orders", {"unbounded_result"}, id="every row"),
        pytest.param("SELECT id FROM orders UNION ALL SELECT id FROM customers", {"unbounded_result"}, id="every row of two"),
        pytest.param("SELECT count(*) OVER () AS n FROM orders", {"unbounded_result"}, id="a window is no aggregate"),
        pytest.param("SELECT o.id FROM orders o JOIN (SELECT max(id) AS id FROM orders) m ON true", {"unbounded_result"}, id="joined"),
        pytest.param("SELECT round(sum(total) / count(*), 2) AS mean FROM orders", set(), id="an aggregate inside"),
        pytest.param("SELECT status FROM orders GROUP BY status", set(), id="groups"),
        pytest.param("SELECT n FROM (SELECT count(*) AS n FROM orders)", set(), id="of a small one"),
        pytest.param("FROM orders SELECT id LIMIT 5", set(), id="a limit"),
    ],
)
def test_a_result_is_named_and_small(sql: str, found: set[str]) -> None:
    assert codes(sql, duckdb_catalog()) == found


def test_oracle_limits_in_its_own_ways() -> None:
    catalog = oracle_catalog()

    assert codes("SELECT salary FROM hr.employees", catalog) == {"unbounded_result"}
    assert codes("SELECT salary FROM hr.employees FETCH FIRST 5 ROWS ONLY", catalog) == set()
    assert codes("SELECT salary FROM hr.employees WHERE ROWNUM <= 5", catalog) == set()


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        pytest.param(
            "SELECT SUM(amount) AS s FROM `a.x_2*` WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250131'", {"shard_conflict"}, id="used"
        ),
        pytest.param("SELECT SUM(id) AS s FROM `a.x_2*` WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250131'", set(), id="another column"),
        pytest.param("SELECT SUM(amount) AS s FROM `a.x_20250101`", set(), id="one shard"),
    ],
)
def test_a_column_whose_type_differs_is_not_read_over_shards(sql: str, found: set[str]) -> None:
    unit = Unit("a.x_2*", columns("id:INTEGER amount:FLOAT"), "a.x_", (("20250101", "20250131"),), conflicting=frozenset({"amount"}))

    assert codes(sql, Catalog("bigquery", {unit.name: unit})) == found


def test_a_conflict_counts_for_a_list_of_shards_in_duckdb_too() -> None:
    unit = Unit("main.x_2*", columns("amount:DOUBLE"), "main.x_", (("20250101", "20250131"),), conflicting=frozenset({"amount"}))
    catalog = Catalog("duckdb", {unit.name: unit})

    assert codes("SELECT sum(amount) AS s FROM query_table(['x_20250101', 'x_20250102'], true)", catalog) == {"shard_conflict"}
    assert codes("SELECT sum(amount) AS s FROM query_table(['x_20250101'])", catalog) == set()
    assert codes("SELECT sum(amount) AS s FROM x_20250101", catalog) == set()


def test_a_query_that_reads_too_much_is_told_with_both_figures() -> None:
    sql = f"{COUNT} `analytics.events_20250101`"

    (complaint,) = lint(sql, ga4_catalog(), bytes_read=2_000, cap=1_000)

    assert complaint.code == "lint.too_many_bytes"
    assert "2,000" in complaint.message
    assert "1,000" in complaint.message
    assert lint(sql, ga4_catalog(), bytes_read=1_000, cap=1_000) == ()
    assert lint(sql, ga4_catalog(), bytes_read=2_000) == ()


def test_the_family_that_is_meant_is_in_the_table_of_queries() -> None:
    assert EVENTS in ga4_catalog().units
