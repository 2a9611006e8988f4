"""A small warehouse: sixty days of an event export like that of Google Analytics 4, and two tables of a shop, generated."""

from datetime import date, timedelta
from pathlib import Path

from demo.shop import writing

DAYS = 60
_FIRST = date(2026, 9, 1)
_INTRADAY = 2
_EVENT = """\
SELECT
  '{day}' AS event_date,
  epoch_us(TIMESTAMP '{date} 00:00:00' + INTERVAL (n * 7) MINUTE) AS event_timestamp,
  (['page_view', 'page_view', 'add_to_cart', 'purchase'])[1 + n % 4] AS event_name,
  [
    {{'key': 'page_location', 'value': {{'string_value': '/product/' || n % 12, 'int_value': NULL::BIGINT}}}},
    {{'key': 'ga_session_id', 'value': {{'string_value': NULL::VARCHAR, 'int_value': (n // 4)::BIGINT}}}}
  ] AS event_params,
  'u' || n % 40 AS user_pseudo_id,
  {{'category': (['mobile', 'desktop'])[1 + n % 2], 'operating_system': (['Android', 'iOS', 'Windows'])[1 + n % 3]}} AS device,
  {{'country': (['KR', 'DE', 'US'])[1 + n % 3], 'city': (['Seoul', 'Berlin', 'Austin'])[1 + n % 3]}} AS geo,
  CASE WHEN n % 4 = 3 THEN {{'transaction_id': '{day}-' || n, 'purchase_revenue': (n % 9) * 3.5}} END AS ecommerce
FROM range(100) AS r(n)
"""


def create(path: Path) -> None:
    """Make the file. Two shards are there as intraday tables only, as they are in the evening in a real export."""
    with writing(path) as warehouse:
        for number in range(DAYS + _INTRADAY):
            at = _FIRST + timedelta(days=number)
            name = f"events_{'intraday_' if number >= DAYS else ''}{at:%Y%m%d}"
            warehouse.execute(f"CREATE TABLE {name} AS {_EVENT.format(day=f'{at:%Y%m%d}', date=at.isoformat())}")
        warehouse.execute("CREATE TABLE customers (id BIGINT PRIMARY KEY, country VARCHAR, joined_at TIMESTAMP)")
        warehouse.execute(
            "INSERT INTO customers SELECT n, (['KR', 'DE'])[1 + n % 2], TIMESTAMP '2026-01-01' + INTERVAL (n) DAY FROM range(50) AS r(n)"
        )
        warehouse.execute("CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT, amount DECIMAL(12, 2), ordered_at TIMESTAMP)")
        warehouse.execute("COMMENT ON COLUMN orders.amount IS 'in won, with taxes'")
        warehouse.execute(
            "INSERT INTO orders SELECT n, n % 50, n * 1.5, TIMESTAMP '2026-09-01' + INTERVAL (n) HOUR FROM range(500) AS r(n)"
        )


def change(path: Path) -> None:
    """Take a column away and add another, as somebody does who does not ask first."""
    with writing(path) as warehouse:
        warehouse.execute("ALTER TABLE orders DROP COLUMN amount")
        warehouse.execute("ALTER TABLE orders ADD COLUMN total_won BIGINT")
