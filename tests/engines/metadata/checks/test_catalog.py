from syncd.domain.schema import Column, Table
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.folding.family import Family, Folded, Version
from tests.engines.metadata.folding.warehouses import columns, ga4_columns, record, table


def family(prefix: str, *versions: tuple[Column, ...]) -> Family:
    made = tuple(Version(((f"2025010{day}", f"2025010{day}"),), each) for day, each in enumerate(versions, 1))
    return Family(
        prefix, "YYYYMMDD", tuple(version.ranges[0] for version in made), made, Table(f"{prefix}20250101", versions[-1]), ("a.b_*",)
    )


def catalog(*families: Family) -> Catalog:
    return Catalog.of(Folded((table("shop.orders"),), families), "bigquery", "shop-prod")


def test_tables_and_families_are_found_by_their_names() -> None:
    found = catalog(family("a.events_", ga4_columns()))

    assert set(found.units) == {"shop.orders", "a.events_2*"}
    assert found.units["a.events_2*"].prefix == "a.events_"
    assert found.units["a.events_2*"].also_matched == ("a.b_*",)


def test_a_family_has_the_columns_of_all_its_shards_in_the_newest_type() -> None:
    found = catalog(family("a.x_", columns("id:INTEGER old"), columns("id:STRING new")))

    unit = found.units["a.x_2*"]
    assert {(column.name, column.type) for column in unit.columns} == {("id", "STRING"), ("old", "STRING"), ("new", "STRING")}
    assert unit.conflicting == {"id"}


def test_a_conflict_below_a_record_is_told_by_its_path() -> None:
    old = (record("geo", *columns("code:INTEGER city")),)
    new = (record("geo", *columns("code:STRING city country")),)

    found = catalog(family("a.x_", old, new))

    assert found.units["a.x_2*"].conflicting == {"geo.code"}


def test_a_list_instead_of_one_value_is_a_conflict() -> None:
    found = catalog(family("a.x_", (Column("tags", "STRING"),), (Column("tags", "STRING", repeated=True),)))

    assert found.units["a.x_2*"].conflicting == {"tags"}


def test_exports_of_google_analytics_are_known_by_name_or_by_columns() -> None:
    found = catalog(
        family("a.events_intraday_", columns("event_name event_date")),
        family("a.copied_", ga4_columns()),
        family("a.users_", columns("user_pseudo_id event_date")),
        family("a.logs_", columns("event_name at:TIMESTAMP")),
    )

    assert {name for name, unit in found.units.items() if unit.events} == {"a.events_intraday_2*", "a.copied_2*"}
