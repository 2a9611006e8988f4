"""561 tables named to mislead: ten families, and much that only looks like one."""

from collections.abc import Iterator

from syncd.domain.schema import Table, TableKind
from tests.engines.metadata.folding.warehouses import columns, daily, days, ga4_columns, table

PLAIN = "id:INTEGER name amount:FLOAT at:TIMESTAMP"

FAMILIES = {
    "ga.events_2*": 120,
    "ga.events_intraday_2*": 2,
    "ga.events_fresh_2*": 1,
    "ga.users_2*": 30,
    "ga.pseudonymous_users_2*": 30,
    "dw.clicks_2*": 48,
    "dw.sales_2*": 24,
    "dw.budget_2*": 8,
    "dw.log-2*": 31,
    "dw.part_*": 12,
}
"""Name of each true family -> its shards."""

_SUBJECTS = [
    "account",
    "basket",
    "city",
    "client",
    "country",
    "device",
    "event",
    "invoice",
    "item",
    "order",
    "page",
    "price",
    "refund",
    "session",
    "shop",
    "stock",
    "visit",
]
_KINDS = ["daily", "history", "latest", "map", "total"]


def adversarial() -> list[Table]:
    return [*_true(), *_numbers_that_are_no_dates(), *_dates_that_are_no_shards(), *_plain()]


def _true() -> Iterator[Table]:
    ga4, users = ga4_columns(), columns("user_id last_updated_date")
    yield from daily("ga.events_", "2024-01-01", 60, ga4[:-5])
    yield from daily("ga.events_", "2024-03-05", 60, ga4)
    yield from daily("ga.events_intraday_", "2024-05-03", 2, ga4[:20])
    yield from daily("ga.events_fresh_", "2024-05-03", 1, ga4)
    yield from daily("ga.users_", "2024-04-01", 30, users)
    yield from daily("ga.pseudonymous_users_", "2024-04-01", 30, users)
    yield from (table(f"dw.clicks_{day}{hour:02}", PLAIN) for day in days("2024-02-28", 2) for hour in range(24))
    yield from (table(f"dw.sales_{year}{month:02}", PLAIN) for year in (2022, 2023) for month in range(1, 13))
    yield from (table(f"dw.budget_{year}", PLAIN) for year in range(2017, 2025))
    yield from (table(f"dw.log-2024-01-{day:02}", PLAIN) for day in range(1, 32))
    yield from (table(f"dw.part_{number}", PLAIN) for number in range(12))


def _numbers_that_are_no_dates() -> Iterator[Table]:
    yield from (table(f"geo.zip_{number}", PLAIN) for number in range(10115, 10145))
    yield from (table(f"crm.phone_010{number}", PLAIN) for number in range(20240101, 20240121))
    yield from (table(f"ml.model_{number}", PLAIN) for number in range(1995, 2105, 10))
    yield from (table(f"app.ver_{number}", PLAIN) for number in (1010, 1020, 1900, 2000, 2010, 3000))
    yield from (table(f"app.release_{number}", PLAIN) for number in (1903, 1977, 2001, 2024))
    yield from (table(f"hr.office_{number}", PLAIN) for number in (200001, 200002, 200013, 200101))
    yield from (table(f"hr.room_{number}", PLAIN) for number in (2, 3, 4, 5, 6))
    yield from (table(f"hr.desk_{number}", PLAIN) for number in (0, 1, 2))
    yield from (table(f"bank.iban_{number}", PLAIN) for number in (20240101, 20249912, 20245612, 20240230, 20241301, 20240102, 20240103))
    yield from (table(f"crm.batch_2024-{month}", PLAIN) for month in ("01", "02", "13", "03"))
    yield from (table(f"crm.v2x2024010{number}1234", PLAIN) for number in range(5))


def _dates_that_are_no_shards() -> Iterator[Table]:
    yield table("shop.orders", PLAIN)
    yield from daily("shop.orders_", "2024-01-01", 10, PLAIN)
    yield table("shop.users", "id name mail")
    yield from daily("shop.users_", "2024-01-01", 2, "id name mail")
    for number, day in enumerate(days("2024-01-01", 12)):
        yield table(f"stage.export_{day}", [columns(f"a{number} b{number} c{number}"), columns("x:DATE y z")][number % 2])
    for number, day in enumerate(days("2024-01-01", 6)):
        yield table(f"stage.dump_{day}", columns(f"id a{number} b{number} c{number}"))
    yield from daily("stage.", "2024-01-01", 10, PLAIN)
    yield from daily("stage._", "2024-01-01", 4, PLAIN)
    yield from (table(f"dw.report_{day}", PLAIN, TableKind.VIEW) for day in days("2024-01-01", 10))
    yield from (table(f"dw.copy_{day}", PLAIN, TableKind.SNAPSHOT) for day in days("2024-01-01", 4))
    yield from (table(f"ga.events_{day}", PLAIN, TableKind.VIEW) for day in ("20240601", "20240602"))
    yield table("ga.events_20240230", PLAIN)
    yield table("ga.events_20250101", "unrelated")
    yield table("ga.events_all", PLAIN, TableKind.VIEW)
    yield table("ga.events_intraday_all", PLAIN, TableKind.VIEW)
    yield from (table(f"dw.adhoc_{day}", PLAIN) for day in ("20240105", "20240310"))
    yield from (table(f"dw.hourly_20{number:06}", PLAIN) for number in (99, 101, 999999))


def _plain() -> Iterator[Table]:
    yield from (table(f"app.{first}_{second}", PLAIN) for first in _SUBJECTS for second in _KINDS)
