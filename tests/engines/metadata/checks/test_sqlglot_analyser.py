"""What DuckDB says of a translated query counts only where it is sure to be a fault of the query."""

from collections.abc import Mapping, Sequence

import pytest

from syncd.domain.schema import Table
from syncd.engines.metadata.checks.analysers import Analyser
from syncd.engines.metadata.checks.ladder import Ladder
from syncd.engines.metadata.checks.sqlglot_analyser import SqlglotAnalyser
from syncd.engines.metadata.checks.verdict import Level
from syncd.ports.warehouse import Examined, Listed
from tests.engines.metadata.checks.dialects import BIGQUERY, ORACLE, oracle_catalog
from tests.engines.metadata.checks.queries import INVALID, VALID, Query, ga4_catalog

DAY = "`analytics.events_20250101`"


class Silent:
    """A warehouse that can look at no query."""

    dialect = "bigquery"

    async def stamp(self) -> str:
        return ""

    async def list(self, schemas: Sequence[str]) -> Sequence[Listed]:
        return ()

    async def describe(self, names: Sequence[str]) -> Sequence[Table]:
        return ()

    async def examine(self, queries: Sequence[str]) -> Sequence[Examined]:
        return [Examined(analysed=False, ran=False) for _ in queries]

    async def samples(self, name: str, columns: Sequence[str], count: int) -> Mapping[str, Sequence[str]]:
        return {}


async def good(queries: Sequence[Query], *analysers: Analyser) -> list[bool]:
    ladder = Ladder(ga4_catalog(), Silent(), analysers)
    return [verdict.good for verdict in await ladder.check([query.sql for query in queries])]


async def opinion(sql: str) -> str | None:
    [found] = await SqlglotAnalyser(ga4_catalog()).analyse([sql])
    return found


async def test_the_figures_of_the_ladder_with_sqlglot() -> None:
    analyser = SqlglotAnalyser(ga4_catalog())

    accepted = sum(await good(VALID, analyser))
    rejected = len(INVALID) - sum(await good(INVALID, analyser))

    assert (accepted, rejected) == (12, 19)


async def test_the_figures_of_the_ladder_without_an_analyser() -> None:
    assert sum(await good(VALID)) == 12
    assert len(INVALID) - sum(await good(INVALID)) == 17


async def test_a_query_that_sqlglot_has_analysed_says_so() -> None:
    ladder = Ladder(ga4_catalog(), Silent(), (SqlglotAnalyser(ga4_catalog()),))

    [verdict] = await ladder.check([VALID[0].sql])

    assert verdict.level == Level.ANALYSED
    assert verdict.by[0].startswith("sqlglot ")


async def test_no_valid_query_is_rejected() -> None:
    bigquery = await SqlglotAnalyser(ga4_catalog()).analyse([query.sql for query in (*VALID, *BIGQUERY)])
    oracle = await SqlglotAnalyser(oracle_catalog()).analyse([query.sql for query in ORACLE])

    assert [found for found in (*bigquery, *oracle) if found] == []
    assert bigquery.count("") >= 28


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(f"SELECT device, COUNT(*) AS n FROM {DAY} GROUP BY device", id="a record as a group"),
        pytest.param(f"SELECT geo.city, COUNT(*) AS n FROM {DAY} GROUP BY geo.city", id="a field as a group"),
        pytest.param(f"SELECT geo.city AS city, platform, COUNT(*) AS n FROM {DAY} GROUP BY ROLLUP (1, 2)", id="rollup"),
        pytest.param(f"SELECT event_name FROM {DAY} WHERE PARSE_DATE('%Y%m%d', event_date) > '2025-01-01'", id="a date against text"),
        pytest.param(f"SELECT event_name FROM {DAY} WHERE TIMESTAMP_MICROS(event_timestamp) > '2025-01-01'", id="a time against text"),
        pytest.param(f"SELECT SUM(SAFE_CAST(event_name AS INT64)) AS n FROM {DAY}", id="a sum of converted text"),
        pytest.param(f"SELECT SUM(IF(event_name = 'x', 1, 0)) AS n FROM {DAY} WHERE is_active_user", id="a sum of choices"),
        pytest.param(f"SELECT ST_GEOGPOINT(1, 2) AS p, ML.NORM AS q FROM {DAY}", id="what duckdb does not know"),
        pytest.param(f"SELECT event_name FROM {DAY} |> WHERE event_name = 'x'", id="a pipe"),
        pytest.param(f"SELECT MAX(platform) AS p, MAX(event_name) AS e FROM {DAY} HAVING COUNT(*) > 5", id="HAVING without GROUP BY"),
        pytest.param(f"SELECT APPROX_QUANTILES(event_value_in_usd, 4)[OFFSET(2)] AS median FROM {DAY}", id="quantiles"),
        pytest.param("SELECT COUNT(*) AS n FROM `analytics.events_2*` WHERE _TABLE_SUFFIX = '0250101'", id="a suffix"),
        pytest.param(f"SELECT COUNT(*) AS n FROM {DAY} WHERE _PARTITIONDATE = '2025-01-01'", id="a partition"),
        pytest.param(
            f"WITH d AS (SELECT EXTRACT(DATE FROM TIMESTAMP_MICROS(event_timestamp)) AS day FROM {DAY}) "
            "SELECT day FROM d WHERE day > '2025-01-01'",
            id="a day against text",
        ),
        pytest.param(
            f"SELECT DATE(TIMESTAMP_MICROS(event_timestamp), 'Asia/Seoul') AS event_date, COUNT(*) AS n FROM {DAY} GROUP BY event_date",
            id="an alias that is a column too, as a group",
        ),
        pytest.param(f"SELECT x FROM {DAY}, UNNEST(['a', 'b']) AS x WITH OFFSET AS place WHERE place = 0", id="a place in a list of texts"),
        pytest.param(
            f"SELECT COUNT(*) AS event_name, platform FROM {DAY} GROUP BY platform HAVING event_name > 3", id="an alias in HAVING"
        ),
        pytest.param(f"SELECT LENGTH(event_name) AS event_name FROM {DAY} GROUP BY 1 HAVING event_name = 3", id="a column as an alias"),
        pytest.param(f"SELECT DATE_DIFF(CURRENT_DATE(), DATE '2025-01-01', DAY) > 5 AS late, event_name FROM {DAY}", id="days"),
    ],
)
async def test_what_bigquery_takes_is_never_rejected(sql: str) -> None:
    assert not await opinion(sql)


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        pytest.param(f"SELECT SUM(event_name) AS n FROM {DAY}", "No function matches", id="a sum of text"),
        pytest.param(f"SELECT AVG(geo.city) AS n FROM {DAY}", "No function matches", id="a mean of text"),
        pytest.param(
            f"SELECT COUNT(*) AS n FROM {DAY} WHERE event_date = 20250101",
            "event_date is text, but compared with a number",
            id="text against a number",
        ),
        pytest.param(
            f"SELECT COUNT(*) AS n FROM {DAY}, UNNEST(event_params) AS p WHERE p.value.int_value = '5'",
            "int_value is a number, but compared with text",
            id="a number against text, inside of a list",
        ),
        pytest.param(f"SELECT geo.city, COUNT(*) AS n FROM {DAY} GROUP BY geo.country", "must appear in the GROUP BY", id="another group"),
        pytest.param(f"SELECT COUNT(*) AS n FROM {DAY} WHERE COUNT(*) > 1", "WHERE clause cannot contain aggregates", id="where"),
        pytest.param(
            f"SELECT COUNT(*) AS n FROM {DAY} WHERE event_timestamp = event_date", "event_timestamp is a number", id="two columns"
        ),
    ],
)
async def test_what_no_translation_can_have_made_is_told(sql: str, complaint: str) -> None:
    assert complaint in (await opinion(sql) or "")


async def test_a_query_beyond_all_measure_has_no_opinion() -> None:
    assert await opinion(f"SELECT {'(' * 3000}1{')' * 3000} AS n FROM {DAY}") is None
