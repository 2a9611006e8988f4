"""Queries for an export of Google Analytics 4, as far as the columns for them are there. Pure.

Names of columns, parameters and events after "BigQuery Export schema" and "Automatically collected events" of its manual.
"""

from collections.abc import Collection, Iterator

from syncd.domain.schema import Table
from syncd.engines.metadata.cache import Example
from syncd.engines.metadata.dialects import From, reads
from syncd.engines.metadata.folding.family import Family

_DAYS = 7
_NESTED = ("bigquery", "duckdb")
_REVENUES = ("ecommerce.purchase_revenue_in_usd", "ecommerce.purchase_revenue")
_PAGE_VIEW, _PURCHASE = "event_name = 'page_view'", "event_name = 'purchase'"
_PARAMETERS = {"event_params.key", "event_params.value.string_value", "event_params.value.int_value"}


def event_queries(unit: Table | Family, dialect: str, paths: Collection[str]) -> Iterator[Example]:
    """The more often asked before the others. `paths` are those of the columns, and of the fields in them, that a query may use.

    None for a dialect that cannot look into the fields as the export has them.
    """
    if dialect not in _NESTED:
        return
    source, has = reads(unit, dialect, _DAYS), set(paths).issuperset
    words = source.words
    if has({"event_date", "user_pseudo_id"}):
        yield Example(f"How many events and users were there each day{words}?", _per_day(source))
    if has({"event_name", *_PARAMETERS}):
        yield Example(f"Which pages were viewed most{words}?", _pages(source, dialect))
    if has({"event_date", "user_pseudo_id", *_PARAMETERS}):
        yield Example(f"How many sessions and users were there each day{words}?", _sessions(source, dialect))
    revenue = next((each for each in _REVENUES if has({each})), "")
    if revenue and has({"event_date", "event_name"}):
        yield Example(f"How many purchases were made each day{words}, and what was the revenue?", _purchases(source, revenue))
    if has({"event_name", "items.item_name", "items.quantity"}):
        yield Example(f"Which items were sold most{words}?", _items(source, dialect))
    if has({"event_name"}):
        yield Example(f"Which events are the most frequent{words}?", _names(source))


def _per_day(source: From) -> str:
    return (
        f"SELECT event_date, COUNT(*) AS events, COUNT(DISTINCT user_pseudo_id) AS users\nFROM {source.table}{source.where()}\n"
        "GROUP BY event_date\nORDER BY event_date"
    )


def _parameter(key: str, kind: str, dialect: str) -> str:
    """The value of a parameter of an event."""
    if dialect == "bigquery":
        return f"(SELECT value.{kind} FROM UNNEST(event_params) WHERE key = '{key}')"
    return f"(SELECT p.value.{kind} FROM (SELECT UNNEST(event_params) AS p) WHERE p.key = '{key}' LIMIT 1)"


def _pages(source: From, dialect: str) -> str:
    return (
        f"SELECT\n  {_parameter('page_location', 'string_value', dialect)} AS page,\n  COUNT(*) AS views\n"
        f"FROM {source.table}{source.where(_PAGE_VIEW)}\nGROUP BY page\nORDER BY views DESC\nLIMIT 20"
    )


def _sessions(source: From, dialect: str) -> str:
    text = "STRING" if dialect == "bigquery" else "VARCHAR"
    session = f"CAST({_parameter('ga_session_id', 'int_value', dialect)} AS {text})"
    return (
        f"SELECT\n  event_date,\n  COUNT(DISTINCT CONCAT(user_pseudo_id, '.', {session})) AS sessions,\n"
        f"  COUNT(DISTINCT user_pseudo_id) AS users\nFROM {source.table}{source.where()}\nGROUP BY event_date\nORDER BY event_date"
    )


def _purchases(source: From, revenue: str) -> str:
    return (
        f"SELECT event_date, COUNT(*) AS purchases, SUM({revenue}) AS revenue\nFROM {source.table}"
        f"{source.where(_PURCHASE)}\nGROUP BY event_date\nORDER BY event_date"
    )


def _items(source: From, dialect: str) -> str:
    item = "UNNEST(items) AS item" if dialect == "bigquery" else "UNNEST(items) AS u(item)"
    return (
        f"SELECT item.item_name, SUM(item.quantity) AS pieces\nFROM {source.table}, {item}"
        f"{source.where(_PURCHASE)}\nGROUP BY item.item_name\nORDER BY pieces DESC\nLIMIT 10"
    )


def _names(source: From) -> str:
    return (
        f"SELECT event_name, COUNT(*) AS events\nFROM {source.table}{source.where()}\nGROUP BY event_name\nORDER BY events DESC\nLIMIT 20"
    )
