"""A copy without rows knows names and types, and can do no harm."""

import duckdb
import pytest

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.catalog import Catalog, Unit
from syncd.engines.metadata.checks.named import named
from syncd.engines.metadata.checks.replica import Replica, ReplicaAnalyser, duckdb_type
from tests.engines.metadata.checks.dialects import DUCKDB, duckdb_catalog
from tests.engines.metadata.checks.queries import EVENTS, ga4_catalog
from tests.engines.metadata.folding.warehouses import columns, record, records


async def test_every_valid_query_of_duckdb_is_fine() -> None:
    opinions = await ReplicaAnalyser(duckdb_catalog()).analyse([query.sql for query in DUCKDB])

    assert {query.id: opinion for query, opinion in zip(DUCKDB, opinions, strict=True) if opinion != ""} == {}


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        pytest.param("SELECT sum(status) FROM orders", "No function matches", id="sum of text"),
        pytest.param("SELECT status, count(*) FROM main.orders", "must appear in the GROUP BY clause", id="no GROUP BY"),
        pytest.param("SELECT id FROM orders GROUP status", "syntax error", id="GROUP without BY"),
        pytest.param("SELECT address.town FROM orders", 'Could not find key "town"', id="field"),
    ],
)
async def test_a_bad_query_is_told_in_the_words_of_duckdb(sql: str, complaint: str) -> None:
    [opinion] = await ReplicaAnalyser(duckdb_catalog()).analyse([sql])

    assert complaint in (opinion or "")
    assert "LINE" not in (opinion or "")


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT rate_of(total) FROM orders", id="a function of the warehouse's own"),
        pytest.param("SELECT 1; SELECT 2", id="two statements"),
        pytest.param("CREATE TABLE t AS SELECT 1", id="no query"),
        pytest.param("PIVOT orders ON status", id="a query that reads before it is planned"),
    ],
)
async def test_there_is_no_telling_of_what_cannot_be_planned_here(sql: str) -> None:
    assert await ReplicaAnalyser(duckdb_catalog()).analyse([sql]) == [None]


async def test_a_table_of_a_type_that_is_not_known_here_leaves_the_others_alone() -> None:
    moods = Unit("main.moods", (Column("mood", "mood_of_mine"),))
    fine = Unit("main.fine", columns("id:BIGINT"))
    analyser = ReplicaAnalyser(Catalog("duckdb", {"main.fine": fine, "main.moods": moods}))

    assert await analyser.analyse(["SELECT mood FROM moods", "SELECT id FROM fine"]) == [None, ""]


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT * FROM read_csv('/etc/passwd')", id="a file"),
        pytest.param("SELECT * FROM '/etc/passwd.csv'", id="a file as a table"),
        pytest.param("SELECT getenv('HOME')", id="the environment"),
    ],
)
def test_nothing_can_be_reached_from_a_replica(sql: str) -> None:
    with Replica("duckdb") as replica:
        error = replica.plan(sql)

    assert isinstance(error, (duckdb.PermissionException, duckdb.CatalogException, duckdb.BinderException))


@pytest.mark.parametrize(
    ("dialect", "column", "kind"),
    [
        pytest.param("bigquery", Column("a", "NUMERIC(10, 2)"), "DECIMAL(38, 9)", id="a precision"),
        pytest.param("bigquery", Column("a", "STRING", repeated=True), "VARCHAR[]", id="a list"),
        pytest.param(
            "bigquery", record("a", *columns("b:INTEGER c:GEOGRAPHY")), 'STRUCT("b" BIGINT)', id="a record without what is unknown"
        ),
        pytest.param("bigquery", records("a", record("b", Column('c"', "BOOL"))), 'STRUCT("b" STRUCT("c""" BOOLEAN))[]', id="records"),
        pytest.param("bigquery", Column("a", "GEOGRAPHY", repeated=True), "", id="a type that duckdb has not"),
        pytest.param("oracle", Column("a", "TIMESTAMP(6) WITH TIME ZONE"), "TIMESTAMP", id="a time of oracle"),
        pytest.param("oracle", Column("a", "VARCHAR2(10 CHAR)"), "VARCHAR", id="a text of oracle"),
        pytest.param("duckdb", Column("a", "MAP(VARCHAR, INTEGER)"), "MAP(VARCHAR, INTEGER)", id="duckdb's own"),
    ],
)
def test_a_type_has_one_in_duckdb(dialect: str, column: Column, kind: str) -> None:
    assert duckdb_type(column, dialect) == kind


def test_only_what_a_query_names_is_named_with_each_spelling() -> None:
    sql = (
        "WITH d AS (SELECT 1 AS x) SELECT COUNT(*) FROM `analytics.events_2*` AS e, UNNEST(e.items) AS i, d, "
        "analytics.events_20250101 WHERE _TABLE_SUFFIX = '0250101'"
    )

    found = {each.path: each for each in named(sql, ga4_catalog())}

    assert {path: each.wildcard for path, each in found.items()} == {(EVENTS,): True, ("analytics", "events_20250101"): False}
    assert len(found[EVENTS,].columns) == 30


async def test_a_value_that_would_fill_the_memory_harms_nobody_and_the_next_query_is_looked_at() -> None:
    greedy = "SELECT list_sum(range(0, 1000000000)) AS n FROM orders"

    opinions = await ReplicaAnalyser(duckdb_catalog()).analyse([greedy, "SELECT sum(nothing) AS n FROM orders"])

    assert opinions[0] in ("", None)
    assert opinions[1]
