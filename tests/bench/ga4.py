"""A warehouse as a shop has one: the daily export of Google Analytics 4, 185 fields a shard, and fifteen other tables."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from syncd.domain.schema import Column, Table
from tests.engines.metadata.folding.warehouses import columns, daily, days, ga4_columns, table

FIRST_DAY = "2024-01-01"
ROWS = 5
_OTHERS = {
    "orders": "order_id:INTEGER customer_id:INTEGER status channel amount:FLOAT currency ordered_at:TIMESTAMP shipped_at:TIMESTAMP",
    "order_items": "order_id:INTEGER line:INTEGER product_id:INTEGER quantity:INTEGER price:FLOAT discount:FLOAT created_at:TIMESTAMP",
    "customers": "customer_id:INTEGER segment country city language birth_year:INTEGER registered_at:TIMESTAMP is_active:BOOLEAN",
    "products": "product_id:INTEGER title brand category_id:INTEGER price:FLOAT weight:FLOAT is_sold:BOOLEAN modified_at:TIMESTAMP",
    "categories": "category_id:INTEGER parent_id:INTEGER title position:INTEGER",
    "payments": "payment_id:INTEGER order_id:INTEGER method status amount:FLOAT fee:FLOAT paid_at:TIMESTAMP",
    "refunds": "refund_id:INTEGER payment_id:INTEGER reason amount:FLOAT refunded_at:TIMESTAMP",
    "shipments": "shipment_id:INTEGER order_id:INTEGER carrier country weight:FLOAT cost:FLOAT sent_at:TIMESTAMP arrived_at:TIMESTAMP",
    "stock": "product_id:INTEGER warehouse_id:INTEGER quantity:INTEGER reserved:INTEGER counted_at:TIMESTAMP",
    "warehouses": "warehouse_id:INTEGER title country city capacity:INTEGER",
    "suppliers": "supplier_id:INTEGER title country rating:FLOAT since:DATE",
    "campaigns": "campaign_id:INTEGER title channel budget:FLOAT starts_on:DATE ends_on:DATE",
    "campaign_costs": "campaign_id:INTEGER day:DATE clicks:INTEGER impressions:INTEGER cost:FLOAT",
    "reviews": "review_id:INTEGER product_id:INTEGER customer_id:INTEGER stars:INTEGER title written_at:TIMESTAMP",
    "support_tickets": "ticket_id:INTEGER customer_id:INTEGER topic priority status opened_at:TIMESTAMP closed_at:TIMESTAMP",
}
_DUCKDB = {"STRING": "VARCHAR", "INTEGER": "BIGINT", "FLOAT": "DOUBLE"}


def others(schema: str) -> list[Table]:
    """The fifteen, with the types of BigQuery."""
    return [table(f"{schema}.{name}", fields) for name, fields in _OTHERS.items()]


def shards(schema: str, count: int) -> list[Table]:
    """So many days of events, with the types of BigQuery."""
    return daily(f"{schema}.events_", FIRST_DAY, count, ga4_columns())


def create(file: Path, count: int) -> None:
    """The same as a DuckDB file, each table with a few rows."""
    export = _columns(ga4_columns())
    with duckdb.connect(file) as connection:
        connection.execute("BEGIN")
        for day in days(FIRST_DAY, count):
            connection.execute(f"CREATE TABLE events_{day} ({export})")
            connection.execute(
                f"INSERT INTO events_{day} (event_date, event_timestamp, event_name, user_pseudo_id) "
                f"SELECT '{day}', n, 'page_view', 'u' || n FROM range({ROWS}) AS rows(n)"
            )
        for name, fields in _OTHERS.items():
            connection.execute(f"CREATE TABLE {name} ({_columns(columns(fields))})")
            key = fields.partition(":")[0]
            connection.execute(f"INSERT INTO {name} ({key}) SELECT n FROM range({ROWS}) AS rows(n)")
        connection.execute("COMMIT")


def _columns(found: tuple[Column, ...]) -> str:
    return ", ".join(_written(found))


def _written(found: tuple[Column, ...]) -> Iterator[str]:
    for each in found:
        kind = f"STRUCT({_columns(each.fields)})" if each.fields else _DUCKDB.get(each.type, each.type)
        yield f'"{each.name}" {kind}{"[]" if each.repeated else ""}'
