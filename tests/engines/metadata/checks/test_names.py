import duckdb
import pytest

from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.lint import lint
from syncd.engines.metadata.checks.names import unknown_names
from syncd.engines.metadata.checks.statements import one_query
from tests.engines.metadata.checks.dialects import BIGQUERY, DUCKDB, ORACLE, duckdb_catalog, oracle_catalog
from tests.engines.metadata.checks.queries import INVALID, VALID, Query, ga4_catalog

GOOD = [
    *((ga4_catalog(), query) for query in (*VALID, *BIGQUERY)),
    *((duckdb_catalog(), query) for query in DUCKDB),
    *((oracle_catalog(), query) for query in ORACLE),
]
ONLY_TYPES = {"sum of text", "time against text", "one argument too few", "suffix against a number"}


@pytest.mark.parametrize(
    ("catalog", "query"), [pytest.param(catalog, query, id=f"{catalog.dialect}: {query.id}") for catalog, query in GOOD]
)
def test_a_query_over_what_is_there_passes(catalog: Catalog, query: Query) -> None:
    assert unknown_names(query.sql, catalog) == ()


@pytest.mark.parametrize("query", [pytest.param(query, id=query.id) for query in INVALID if query.id not in ONLY_TYPES])
def test_without_any_analyser_all_is_found_but_wrong_types(query: Query) -> None:
    assert one_query(query.sql, "bigquery") or unknown_names(query.sql, ga4_catalog())


def test_the_figures_of_the_ladder_without_an_analyser() -> None:
    def good(query: Query) -> bool:
        return not (one_query(query.sql, "bigquery") or unknown_names(query.sql, ga4_catalog()) or lint(query.sql, ga4_catalog()))

    assert sum(good(query) for query in VALID) == len(VALID) == 12
    assert sum(not good(query) for query in INVALID) == 17
    assert len(INVALID) == 20


DAY = "`analytics.events_20250101`"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        pytest.param(f"SELECT evnt_name FROM {DAY}", "there is no column evnt_name here; did you mean 'event_name'?", id="column"),
        pytest.param(f"SELECT geo.contry FROM {DAY}", "geo.contry: geo has no field contry; did you mean 'country'?", id="field"),
        pytest.param(f"SELECT event_name.x FROM {DAY}", "event_name.x: event_name has no field x", id="field of text"),
        pytest.param(f"SELECT items.price FROM {DAY}", "items.price: items is a list; take its elements with UNNEST", id="field of a list"),
        pytest.param(
            f"SELECT e.evnt_name FROM {DAY} AS e", "e has no column evnt_name; did you mean 'event_name'?", id="column of an alias"
        ),
        pytest.param(
            f"SELECT i.prize FROM {DAY}, UNNEST(items) AS i", "i has no column prize; did you mean 'price'?", id="field of an element"
        ),
        pytest.param(f"SELECT 1 FROM {DAY}, UNNEST(itms) AS i", "there is no column itms here; did you mean 'items'?", id="list"),
        pytest.param(f"SELECT 1 AS n FROM {DAY} WHERE n > 0", "there is no column n here", id="alias in WHERE"),
        pytest.param(f"SELECT _TABLE_SUFFIX FROM {DAY}", "there is no column _TABLE_SUFFIX here", id="suffix without a wildcard"),
        pytest.param(f"SELECT 1 FROM {DAY} AS e, UNNEST(e.geo) AS g", "UNNEST expects a list, but e.geo is RECORD", id="no list"),
        pytest.param("SELECT 1 FROM `other.analytics.events_20250101`", "there is no project other; expected shop-prod", id="project"),
        pytest.param(
            "SELECT 1 FROM `analytics.events_20250132`",
            "there is no table analytics.events_20250132; the shards of analytics.events_2* are 20250101 to 20250331",
            id="no day of the calendar",
        ),
        pytest.param("SELECT 1 FROM `analytics.users_*`", "the wildcard analytics.users_* matches no table", id="wildcard"),
        pytest.param("SELECT 1 FROM analytics.events_*", "analytics.events_* needs quotes: `analytics.events_*`", id="no backticks"),
        pytest.param(
            f"SELECT SAFE_DIVID(1, 2) AS x FROM {DAY}", "there is no function SAFE_DIVID; did you mean 'SAFE_DIVIDE'?", id="function"
        ),
        pytest.param(f"SELECT platform, MAX(geo.city) AS c FROM {DAY}", "platform is neither aggregated nor in GROUP BY", id="group"),
    ],
)
def test_a_complaint_says_what_was_likely_meant(sql: str, message: str) -> None:
    assert any(complaint.message.startswith(message) for complaint in unknown_names(sql, ga4_catalog()))


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        pytest.param("SELECT i FROM orders", "sql.unknown_column", id="column"),
        pytest.param("SELECT id FROM ordrs", "sql.unknown_table", id="table"),
        pytest.param("SELECT id FROM other.orders", "sql.unknown_table", id="schema"),
        pytest.param('SELECT event_name FROM "main.events_2*"', "sql.unknown_table", id="a wildcard, which duckdb has not"),
        pytest.param("SELECT event_name FROM query_table(['events_20240101'])", "sql.unknown_table", id="a shard in a list"),
        pytest.param("SELECT n.sku FROM orders o, UNNEST(o.line) AS u(n)", "sql.unknown_column", id="list"),
        pytest.param("SELECT u.n.sk FROM orders o, UNNEST(o.lines) AS u(n)", "sql.unknown_column", id="field of an element"),
        pytest.param("WITH a AS (SELECT id FROM orders) SELECT status FROM a", "sql.unknown_column", id="column that a CTE lost"),
        pytest.param("WITH a (x) AS (SELECT id FROM orders) SELECT id FROM a", "sql.unknown_column", id="column that a CTE renamed"),
        pytest.param("SELECT o.id FROM orders p", "sql.unknown_column", id="alias"),
    ],
)
def test_duckdb_names_are_looked_up(sql: str, code: str) -> None:
    assert code in {complaint.code for complaint in unknown_names(sql, duckdb_catalog())}


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT mixedCase FROM hr.departments", id="an unquoted name is in capitals"),
        pytest.param('SELECT "name" FROM hr.departments', id="a quoted name is as it is"),
        pytest.param('SELECT name FROM hr."departments"', id="a quoted table"),
        pytest.param("SELECT salry FROM hr.employees", id="a misspelling"),
    ],
)
def test_oracle_folds_what_is_not_quoted(sql: str) -> None:
    assert unknown_names(sql, oracle_catalog())


@pytest.mark.parametrize(
    "sql", ["", "SELECT", "FROM", ")(", "WITH", "SELECT a FROM (((", "SELECT * FROM UNNEST(", "'", "SELECT a. FROM b."]
)
@pytest.mark.parametrize("catalog", [ga4_catalog(), duckdb_catalog(), oracle_catalog()], ids=lambda catalog: catalog.dialect)
def test_what_is_no_query_does_no_harm(catalog: Catalog, sql: str) -> None:
    complaints = unknown_names(sql, catalog)

    assert all(complaint.message for complaint in complaints)


def test_many_queries_that_build_upon_each_other_take_no_long_time() -> None:
    steps = ", ".join(f"a{step + 1} AS (SELECT x.id FROM a{step} AS x JOIN a{step} AS y ON x.id = y.id)" for step in range(40))
    sql = f"WITH a0 AS (SELECT id FROM orders), {steps} SELECT id FROM a40 LIMIT 3"

    assert unknown_names(sql, duckdb_catalog()) == ()
    assert lint(sql.replace("LIMIT 3", ""), duckdb_catalog()) != ()


def test_duckdb_takes_all_that_its_table_calls_valid() -> None:
    types = "status varchar, total decimal(10, 2), note varchar, payload varchar, address struct(city varchar, street varchar)"
    lists = "lines struct(sku varchar, pieces integer)[], tags varchar[], extra map(varchar, varchar)"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE orders (id bigint, customer_id bigint, ordered_at timestamp, {types}, {lists})")
        connection.execute("CREATE TABLE customers (id bigint, name varchar, Country varchar)")
        connection.execute("CREATE TABLE events_20250101 (event_date varchar); CREATE TABLE events_20250102 (event_date varchar)")

        answers = [connection.execute(query.sql).fetchall() for query in DUCKDB]

    assert len(answers) == len(DUCKDB)
