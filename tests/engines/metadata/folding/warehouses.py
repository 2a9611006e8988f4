"""Warehouses to fold."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from syncd.domain.schema import Column, Table, TableKind


def column(name: str, kind: str = "STRING", *fields: Column, repeated: bool = False, comment: str = "") -> Column:
    return Column(name, "RECORD" if fields else kind, comment=comment, repeated=repeated, fields=fields)


def record(name: str, *fields: Column) -> Column:
    return column(name, "RECORD", *fields)


def records(name: str, *fields: Column) -> Column:
    return column(name, "RECORD", *fields, repeated=True)


def columns(names: str) -> tuple[Column, ...]:
    """From words such as `city latitude:FLOAT`; without a type it is a STRING."""
    return tuple(Column(name, kind or "STRING") for name, _, kind in (word.partition(":") for word in names.split()))


def table(name: str, fields: str | Sequence[Column] = "id:INTEGER at:TIMESTAMP", kind: TableKind = TableKind.TABLE) -> Table:
    return Table(name, columns(fields) if isinstance(fields, str) else tuple(fields), kind=kind)


def days(first: str, count: int) -> Iterator[str]:
    """`20240101` and the days after it."""
    start = date.fromisoformat(first)
    yield from (f"{start + timedelta(days=each):%Y%m%d}" for each in range(count))


def daily(prefix: str, first: str, count: int, fields: str | Sequence[Column] = "id:INTEGER at:TIMESTAMP") -> list[Table]:
    """One shard a day."""
    shared = columns(fields) if isinstance(fields, str) else tuple(fields)
    return [table(f"{prefix}{day}", shared) for day in days(first, count)]


def ga4_columns() -> tuple[Column, ...]:
    """The daily export of Google Analytics 4 to BigQuery: 30 columns, 25 of all fields are records."""
    return (
        *columns("event_date event_timestamp:INTEGER event_name"),
        records("event_params", column("key"), _value("string_value int_value:INTEGER float_value:FLOAT double_value:FLOAT")),
        *columns("event_previous_timestamp:INTEGER event_value_in_usd:FLOAT event_bundle_sequence_id:INTEGER"),
        *columns("event_server_timestamp_offset:INTEGER user_id user_pseudo_id"),
        record("privacy_info", *columns("analytics_storage ads_storage uses_transient_token")),
        records(
            "user_properties",
            column("key"),
            _value("string_value int_value:INTEGER float_value:FLOAT double_value:FLOAT set_timestamp_micros:INTEGER"),
        ),
        column("user_first_touch_timestamp", "INTEGER"),
        record("user_ltv", *columns("revenue:FLOAT currency")),
        _device(),
        record("geo", *columns("city country continent region sub_continent metro")),
        record("app_info", *columns("id version install_store firebase_app_id install_source")),
        record("traffic_source", *columns("name medium source")),
        *columns("stream_id platform"),
        record("event_dimensions", column("hostname")),
        _ecommerce(),
        _items(),
        _collected_traffic_source(),
        column("is_active_user", "BOOLEAN"),
        *columns("batch_event_index:INTEGER batch_page_id:INTEGER batch_ordering_id:INTEGER"),
        _session_traffic_source(),
        record("publisher", *columns("ad_revenue_in_usd:FLOAT ad_format ad_source_name ad_unit_id")),
    )


def _value(names: str) -> Column:
    return record("value", *columns(names))


def _device() -> Column:
    return record(
        "device",
        *columns("category mobile_brand_name mobile_model_name mobile_marketing_name mobile_os_hardware_model operating_system"),
        *columns("operating_system_version vendor_id advertising_id language is_limited_ad_tracking time_zone_offset_seconds:INTEGER"),
        *columns("browser browser_version"),
        record("web_info", *columns("browser browser_version hostname")),
    )


def _ecommerce() -> Column:
    return record(
        "ecommerce",
        *columns("total_item_quantity:INTEGER purchase_revenue_in_usd:FLOAT purchase_revenue:FLOAT refund_value_in_usd:FLOAT"),
        *columns("refund_value:FLOAT shipping_value_in_usd:FLOAT shipping_value:FLOAT tax_value_in_usd:FLOAT tax_value:FLOAT"),
        *columns("unique_items:INTEGER transaction_id"),
    )


def _items() -> Column:
    return records(
        "items",
        *columns("item_id item_name item_brand item_variant item_category item_category2 item_category3 item_category4 item_category5"),
        *columns("price_in_usd:FLOAT price:FLOAT quantity:INTEGER item_revenue_in_usd:FLOAT item_revenue:FLOAT item_refund_in_usd:FLOAT"),
        *columns("item_refund:FLOAT coupon affiliation location_id item_list_id item_list_name item_list_index promotion_id"),
        *columns("promotion_name creative_name creative_slot"),
        records("item_params", column("key"), _value("string_value int_value:INTEGER float_value:FLOAT double_value:FLOAT")),
    )


def _collected_traffic_source() -> Column:
    return record(
        "collected_traffic_source",
        *columns("manual_campaign_id manual_campaign_name manual_source manual_medium manual_term manual_content"),
        *columns("manual_source_platform manual_creative_format manual_marketing_tactic gclid dclid srsltid"),
    )


def _session_traffic_source() -> Column:
    grouped = "source medium source_platform default_channel_group primary_channel_group"
    names = f"campaign_id campaign_name {grouped}"
    return record(
        "session_traffic_source_last_click",
        record(
            "manual_campaign",
            *columns("campaign_id campaign_name source medium term content source_platform creative_format marketing_tactic"),
        ),
        record("google_ads_campaign", *columns("customer_id account_name campaign_id campaign_name ad_group_id ad_group_name")),
        record("cross_channel_campaign", *columns(names)),
        record(
            "sa360_campaign",
            *columns(f"{names} ad_group_id ad_group_name creative_format engine_account_name engine_account_type manager_account_name"),
        ),
        record(
            "cm360_campaign",
            *columns(f"{names} account_id account_name advertiser_id advertiser_name creative_id creative_format creative_name"),
        ),
        record(
            "dv360_campaign",
            *columns(f"{names} advertiser_id advertiser_name creative_id creative_format exchange_id exchange_name insertion_order_id"),
        ),
    )
