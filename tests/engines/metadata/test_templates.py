"""Examples that nobody had to think of: each is run, or put to the checks that every example passes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import duckdb
import pytest

from syncd import catalogue
from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.cache import Example
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.ladder import Ladder
from syncd.engines.metadata.checks.lint import lint
from syncd.engines.metadata.checks.names import unknown_names
from syncd.engines.metadata.checks.statements import one_query
from syncd.engines.metadata.checks.verdict import Level
from syncd.engines.metadata.dialects import DIALECTS
from syncd.engines.metadata.folding.family import Family, Folded
from syncd.engines.metadata.folding.folding import fold
from syncd.engines.metadata.templates import insight_for, templates_for
from syncd.ports.warehouse import SchemaReader
from tests.engines.metadata.folding.warehouses import column, daily, days, ga4_columns, records, table

ORDERS = "order_id:INTEGER status:STRING email:STRING amount:NUMERIC created_at:TIMESTAMP"
UPPER = "ORDER_ID:NUMBER STATUS:VARCHAR2(20) EMAIL:VARCHAR2(200) AMOUNT:NUMBER(12,2) CREATED_AT:DATE PAYLOAD:CLOB"


def units(folded: Folded) -> Iterator[Table | Family]:
    yield from folded.tables
    yield from folded.families


WAREHOUSE = fold(
    [
        *daily("analytics.events_", "2024-01-01", 40, ga4_columns()),
        *daily("analytics.events_intraday_", "2024-02-09", 2, ga4_columns()),
        *daily("shop.clicks_", "2024-01-01", 12, "id:INTEGER kind:STRING at:TIMESTAMP"),
        *(table(f"shop.part_{number}") for number in range(12)),
        table("shop.orders", ORDERS),
        table("SHOP.ORDERS", UPPER),
        table("shop.odd {name}", [column("a {b}"), column("order", "INTEGER"), column('with "quotes"', "FLOAT")]),
        table("shop.one", [column("id", "INTEGER")]),
        table("shop.hidden", [column("email"), records("lines", column("sku"))]),
    ]
)


@pytest.mark.parametrize("dialect", list(DIALECTS))
@pytest.mark.parametrize("unit", [pytest.param(unit, id=unit.name) for unit in units(WAREHOUSE)])
def test_every_template_is_one_query_that_falls_into_no_trap(unit: Table | Family, dialect: str) -> None:
    catalog = Catalog.of(WAREHOUSE, dialect)

    found = templates_for(unit, dialect)

    assert 1 <= len(found) <= 6
    assert [one_query(each.sql, dialect) + unknown_names(each.sql, catalog) + lint(each.sql, catalog) for each in found] == [()] * len(
        found
    )
    assert len({each.question for each in found}) == len({each.sql for each in found}) == len(found)
    assert templates_for(unit, dialect) == found


def test_the_events_of_a_week_are_read_with_the_suffix_bounded_on_both_sides() -> None:
    events = next(family for family in WAREHOUSE.families if family.name == "analytics.events_2*")

    found = templates_for(events, "bigquery")

    assert [each.question.partition(" from ")[0] for each in found] == [
        "How many events and users were there each day",
        "Which pages were viewed most",
        "How many sessions and users were there each day",
        "How many purchases were made each day",
        "Which items were sold most",
        "Which events are the most frequent",
    ]
    assert all("FROM `analytics.events_2*`" in each.sql for each in found)
    assert all("WHERE _TABLE_SUFFIX BETWEEN '0240203' AND '0240209'" in each.sql for each in found)


def test_templates_follow_the_roles_of_columns_and_ask_nothing_of_flagged_ones() -> None:
    found = templates_for(table("SHOP.ORDERS", UPPER), "oracle")

    assert found[0] == Example("How many rows does ORDERS have?", "SELECT COUNT(*) AS row_count\nFROM SHOP.ORDERS")
    assert found[3].sql == (
        "SELECT STATUS, SUM(AMOUNT) AS sum_of_all, AVG(AMOUNT) AS average\nFROM SHOP.ORDERS\nGROUP BY STATUS\nORDER BY sum_of_all DESC\n"
        "FETCH FIRST 10 ROWS ONLY"
    )
    assert (
        found[5].sql == "SELECT ORDER_ID, STATUS, AMOUNT, CREATED_AT\nFROM SHOP.ORDERS\nORDER BY CREATED_AT DESC\nFETCH FIRST 20 ROWS ONLY"
    )
    assert not any("EMAIL" in each.sql or "PAYLOAD" in each.sql for each in found)


def test_a_column_whose_type_differs_between_shards_is_not_asked_for() -> None:
    older = daily("shop.sales_", "2024-01-01", 5, "id:INTEGER amount:STRING price:FLOAT")
    newer = daily("shop.sales_", "2024-01-06", 5, "id:INTEGER amount:FLOAT price:FLOAT")
    family = fold([*older, *newer]).families[0]

    found = templates_for(family, "bigquery")

    assert any("SUM(price)" in each.sql for each in found)
    assert not any("amount" in each.sql for each in found)


GA4_IN_DUCKDB = """
CREATE TABLE {name} (
  event_date VARCHAR, event_timestamp BIGINT, event_name VARCHAR, user_pseudo_id VARCHAR,
  event_params STRUCT("key" VARCHAR, "value" STRUCT(string_value VARCHAR, int_value BIGINT))[],
  ecommerce STRUCT(purchase_revenue DOUBLE, transaction_id VARCHAR),
  items STRUCT(item_name VARCHAR, quantity BIGINT)[]
)
"""
EVENT = """
INSERT INTO {name} VALUES
  ('{day}', 1, 'page_view', 'u1', [{{'key': 'page_location', 'value': {{'string_value': '/a', 'int_value': NULL}}}},
                                   {{'key': 'ga_session_id', 'value': {{'string_value': NULL, 'int_value': 7}}}}], NULL, []),
  ('{day}', 2, 'purchase', 'u2', [{{'key': 'ga_session_id', 'value': {{'string_value': NULL, 'int_value': 8}}}}],
   {{'purchase_revenue': 12.5, 'transaction_id': 't'}}, [{{'item_name': 'Mug', 'quantity': 3}}])
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("templates") / "warehouse.duckdb"
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute(
            """CREATE TABLE orders (order_id INTEGER PRIMARY KEY, status VARCHAR, amount DECIMAL(10, 2), created_at TIMESTAMPTZ)"""
        )
        connection.execute("INSERT INTO orders VALUES (1, 'paid', 9.5, '2024-05-01 10:00:00+00'), (2, 'paid', 1, '2024-05-02 10:00:00+00')")
        connection.execute("""CREATE TABLE "Odd 'n' ""Name""\" ("Order" DATE, "a b" DOUBLE, "at" VARCHAR, flag BOOLEAN)""")
        connection.execute(
            """CREATE TABLE "주문" ("상태" VARCHAR, "금액" DOUBLE, "일시" TIMESTAMP, nested STRUCT(a INTEGER), payload JSON)"""
        )
        for day in days("2024-01-01", 9):
            connection.execute(GA4_IN_DUCKDB.format(name=f"events_{day}"))
            connection.execute(EVENT.format(name=f"events_{day}", day=day))
        for day in days("2024-01-01", 4):
            connection.execute(f"""CREATE TABLE "Web Log_{day}" ("at" TIMESTAMP, status INTEGER, bytes BIGINT)""")
    return path


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[SchemaReader]:
    connector = catalogue.connector("duckdb")
    assert connector.schemas is not None
    async with connector.schemas(connector.settings.model_validate({"path": file})) as reader:
        yield reader


async def described(reader: SchemaReader) -> Folded:
    return fold(await reader.describe([listed.name for listed in await reader.list(["main"])]))


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in connection.sql(sql).to_arrow_table().to_pylist()]


async def test_every_template_runs_on_a_real_duckdb(file: Path) -> None:
    async with opened(file) as reader:
        folded = await described(reader)
    found = [example for unit in units(folded) for example in templates_for(unit, "duckdb")]

    with closing(duckdb.connect(str(file), read_only=True)) as connection:
        answers = {example.question: rows(connection, example.sql) for example in found}

    week = "from 2024-01-03 to 2024-01-09"
    assert len(answers) == len(found) > 20
    assert answers["How many rows does orders have?"] == [(2,)]
    assert answers["What are the most frequent values of status in orders?"] == [("paid", 2)]
    assert answers[f"Which pages were viewed most {week}?"] == [("/a", 7)]
    assert answers[f"How many sessions and users were there each day {week}?"][0] == ("20240103", 2, 2)
    assert answers[f"How many purchases were made each day {week}, and what was the revenue?"][0] == ("20240103", 1, 12.5)
    assert answers[f"Which items were sold most {week}?"] == [("Mug", 21)]


async def test_every_template_passes_the_whole_ladder_on_duckdb(file: Path) -> None:
    async with opened(file) as reader:
        folded = await described(reader)
        found = [example.sql for unit in units(folded) for example in templates_for(unit, "duckdb")]

        verdicts = await Ladder(Catalog.of(folded, "duckdb"), reader).check(found)

    assert [(verdict.level, verdict.complaints) for verdict in verdicts] == [(Level.LINTED, ())] * len(found)


def test_no_reserved_word_stands_unquoted() -> None:
    with closing(duckdb.connect()) as connection:
        words = connection.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'").fetchall()

    unquoted = [word for (word,) in words if DIALECTS["duckdb"].name(word) == word]

    assert unquoted == []
    assert DIALECTS["duckdb"].name("status") == "status"


def test_an_insight_tells_of_shards_and_says_where_it_is_from() -> None:
    older = daily("web.log_", "2024-01-01", 5, "id:INTEGER")
    newer = daily("web.log_", "2024-01-11", 5, "id:INTEGER at:TIMESTAMP")
    family = fold([*older, *newer, *daily("web.log_raw_", "2024-01-01", 9)]).families[0]

    told = insight_for(family)

    assert told == (
        "10 daily shards from 20240101 to 20240115. With gaps between: 20240101..20240105, 20240111..20240115. "
        "Newest schema since 20240111; older shards have other columns. Also matched by a naive wildcard web.log_*: web.log_raw_2*. "
        "2 columns; at likely tells when a row came to be. Made from the schema alone."
    )


def test_an_insight_tells_how_a_table_is_read_best() -> None:
    columns = (Column("id", "INT64"), Column("lines", "STRUCT", repeated=True, fields=(Column("sku", "STRING"),)))
    view = Table(
        "shop.v", columns, primary_key=("id",), kind=TableKind.MATERIALIZED, partitioning="DAY(created_at)", clustering=("id", "status")
    )

    told = insight_for(view)

    assert told == (
        "Materialized view. 2 columns. A row is identified by id. Partitioned by DAY(created_at): a condition on it reads less. "
        "Clustered by id, status. Lists in each row, to be unnested: lines. Made from the schema alone."
    )
