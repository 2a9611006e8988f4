"""Queries over an export of Google Analytics 4, in the dialect of BigQuery: what every checker is measured by."""

from dataclasses import dataclass

from syncd.engines.metadata.checks.catalog import Catalog, Unit
from tests.engines.metadata.folding.warehouses import ga4_columns

EVENTS = "analytics.events_2*"


def ga4_catalog() -> Catalog:
    """`analytics` of project `shop-prod`: 90 daily shards, and two of the day that is not over."""
    others = ("analytics.events_intraday_*",)
    daily = Unit(EVENTS, ga4_columns(), "analytics.events_", (("20250101", "20250331"),), others, events=True)
    name = "analytics.events_intraday_2*"
    intraday = Unit(name, ga4_columns(), "analytics.events_intraday_", (("20250331", "20250401"),), events=True)
    return Catalog("bigquery", {EVENTS: daily, name: intraday}, "shop-prod")


@dataclass(frozen=True)
class Query:
    id: str
    sql: str
    wrong: str = ""
    """What is; empty if nothing."""


VALID = (
    Query(
        "events per day",
        """
SELECT event_date, COUNT(*) AS events, COUNT(DISTINCT user_pseudo_id) AS users
FROM `shop-prod.analytics.events_2*`
WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250131'
GROUP BY event_date
ORDER BY event_date
""",
    ),
    Query(
        "page views by location",
        """
SELECT
  (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_location') AS page,
  COUNT(*) AS views
FROM `analytics.events_2*`
WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250107' AND event_name = 'page_view'
GROUP BY page
ORDER BY views DESC
LIMIT 20
""",
    ),
    Query(
        "sessions of a day",
        """
SELECT
  COUNT(DISTINCT CONCAT(user_pseudo_id, CAST((SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'ga_session_id') AS STRING)))
    AS sessions
FROM `analytics.events_20250115`
""",
    ),
    Query(
        "first day by country",
        """
SELECT geo.country AS country, MIN(PARSE_DATE('%Y%m%d', event_date)) AS first_day, COUNT(*) AS events
FROM `shop-prod.analytics.events_*`
WHERE _TABLE_SUFFIX >= '20250101' AND _TABLE_SUFFIX <= '20250131' AND geo.country IS NOT NULL
GROUP BY country
HAVING COUNT(*) > 10
ORDER BY events DESC
LIMIT 50
""",
    ),
    Query(
        "funnel to a purchase",
        """
-- the third step counts only behind the second
WITH steps AS (
  SELECT
    user_pseudo_id,
    MIN(IF(event_name = 'view_item', event_timestamp, NULL)) AS viewed,
    MIN(IF(event_name = 'add_to_cart', event_timestamp, NULL)) AS added,
    MIN(IF(event_name = 'purchase', event_timestamp, NULL)) AS bought
  FROM `analytics.events_2*`
  WHERE _TABLE_SUFFIX BETWEEN '0250201' AND '0250228'
    AND event_name IN ('view_item', 'add_to_cart', 'purchase')
  GROUP BY user_pseudo_id
)
SELECT COUNTIF(viewed IS NOT NULL) AS viewers, COUNTIF(added > viewed) AS adders, COUNTIF(bought > added AND added > viewed) AS buyers
FROM steps
""",
    ),
    Query(
        "best selling items",
        """
SELECT item.item_name, SUM(item.quantity) AS pieces, ROUND(SUM(item.item_revenue_in_usd), 2) AS revenue
FROM `analytics.events_2*` AS e, UNNEST(e.items) AS item
WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250331' AND e.event_name = 'purchase'
GROUP BY item.item_name
ORDER BY revenue DESC
LIMIT 10
""",
    ),
    Query(
        "revenue and its running total",
        """
SELECT day, revenue, SUM(revenue) OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far
FROM (
  SELECT PARSE_DATE('%Y%m%d', event_date) AS day, SUM(ecommerce.purchase_revenue_in_usd) AS revenue
  FROM `analytics.events_2*`
  WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250131' AND event_name = 'purchase'
  GROUP BY day
)
ORDER BY day
LIMIT 31
""",
    ),
    Query(
        "first page of each session",
        """
WITH views AS (
  SELECT
    user_pseudo_id,
    event_timestamp,
    (SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'ga_session_id') AS session_id,
    (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_location') AS page
  FROM `analytics.events_2*`
  WHERE _TABLE_SUFFIX BETWEEN '0250110' AND '0250116' AND event_name = 'page_view'
),
ranked AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_pseudo_id, session_id ORDER BY event_timestamp) AS place FROM views
)
SELECT page, COUNT(*) AS landings FROM ranked WHERE place = 1 GROUP BY page ORDER BY landings DESC LIMIT 20
""",
    ),
    Query(
        "conversion by source",
        """
SELECT
  traffic_source.source,
  traffic_source.medium,
  COUNT(DISTINCT user_pseudo_id) AS users,
  SAFE_DIVIDE(COUNT(DISTINCT IF(event_name = 'purchase', user_pseudo_id, NULL)), COUNT(DISTINCT user_pseudo_id)) AS conversion
FROM `analytics.events_2*`
WHERE _TABLE_SUFFIX BETWEEN '0250301' AND '0250331'
GROUP BY 1, 2
ORDER BY users DESC
LIMIT 25
""",
    ),
    Query(
        "hour of the day in Seoul",
        """
SELECT EXTRACT(HOUR FROM TIMESTAMP_MICROS(event_timestamp) AT TIME ZONE 'Asia/Seoul') AS hour,
  device.category AS category, COUNT(*) AS events
FROM `analytics.events_2*`
WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250107'
GROUP BY hour, category
ORDER BY hour, category
LIMIT 100
""",
    ),
    Query(
        "days and the same day a week before",
        '''
WITH daily AS (
  SELECT event_date, COUNT(*) AS events
  FROM `analytics.events_2*`
  WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250331' AND REGEXP_CONTAINS(event_name, r"""^(page_view|scroll)$""")
  GROUP BY event_date
)
SELECT now.event_date, now.events, before.events AS week_before
FROM daily AS now
LEFT JOIN daily AS before
  ON PARSE_DATE('%Y%m%d', before.event_date) = DATE_SUB(PARSE_DATE('%Y%m%d', now.event_date), INTERVAL 7 DAY)
ORDER BY now.event_date
LIMIT 90
''',
    ),
    Query(
        "yesterday and what there is of today",
        """
SELECT 'daily' AS kind, COUNT(*) AS events
FROM `analytics.events_20250331`
WHERE EXISTS (SELECT 1 FROM UNNEST(event_params) AS param WHERE param.key = 'engaged_session_event' AND param.value.int_value = 1)
UNION ALL
SELECT 'intraday' AS kind, COUNT(*) AS events
FROM `analytics.events_intraday_20250401`
""",
    ),
)

_OF_JANUARY = "FROM `analytics.events_2*` WHERE _TABLE_SUFFIX BETWEEN '0250101' AND '0250131'"

INVALID = (
    Query("two FROM", f"SELECT event_name, COUNT(*) AS n FROM {_OF_JANUARY} GROUP BY event_name", "syntax"),
    Query("open bracket", f"SELECT COUNT(DISTINCT user_pseudo_id AS users {_OF_JANUARY}", "syntax"),
    Query("GROUP without BY", f"SELECT event_name, COUNT(*) AS n {_OF_JANUARY} GROUP event_name LIMIT 5", "syntax"),
    Query("misspelt column", f"SELECT evnt_name, COUNT(*) AS n {_OF_JANUARY} GROUP BY 1", "unknown column"),
    Query("invented column", f"SELECT page_location, COUNT(*) AS n {_OF_JANUARY} GROUP BY page_location", "unknown column"),
    Query("misspelt table", "SELECT COUNT(*) AS n FROM `analytics.event_20250101`", "unknown table"),
    Query("day that is not there", "SELECT COUNT(*) AS n FROM `analytics.events_20240101`", "unknown table"),
    Query("misspelt function", f"SELECT APPROX_COUNT_DISTINT(user_pseudo_id) AS n {_OF_JANUARY}", "unknown function"),
    Query("misspelt struct field", f"SELECT geo.contry AS c, COUNT(*) AS n {_OF_JANUARY} GROUP BY c", "unknown field"),
    Query("field of a list", f"SELECT event_params.key AS k, COUNT(*) AS n {_OF_JANUARY} GROUP BY k", "unknown field"),
    Query("sum of text", f"SELECT SUM(event_name) AS n {_OF_JANUARY}", "type"),
    Query("time against text", f"SELECT COUNT(*) AS n {_OF_JANUARY} AND event_timestamp > 'yesterday'", "type"),
    Query("no GROUP BY", f"SELECT event_name, COUNT(*) AS n {_OF_JANUARY}", "grouping"),
    Query("one argument too few", f"SELECT SAFE_DIVIDE(COUNT(*)) AS n {_OF_JANUARY}", "arity"),
    Query("two statements", "SELECT COUNT(*) AS n FROM `analytics.events_20250101`; DROP TABLE `analytics.events_20250101`", "statements"),
    Query("deletes", "DELETE FROM `analytics.events_20250101` WHERE event_name = 'scroll'", "not a query"),
    Query("suffix against a number", "SELECT COUNT(*) AS n FROM `analytics.events_*` WHERE _TABLE_SUFFIX = 20250101", "type"),
    Query("UNNEST of no list", "SELECT part, COUNT(*) AS n FROM `analytics.events_20250101`, UNNEST(geo) AS part GROUP BY part", "type"),
    Query("unknown alias", "SELECT ev.event_name, COUNT(*) AS n FROM `analytics.events_20250101` AS e GROUP BY 1", "unknown alias"),
    Query("column that the CTE lost", f"WITH d AS (SELECT event_date {_OF_JANUARY}) SELECT event_name FROM d LIMIT 5", "unknown column"),
)
