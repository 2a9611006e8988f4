import json
import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.folding.family import Family
from syncd.engines.metadata.folding.folding import FoldingRules, fold
from syncd.engines.metadata.folding.records import expand, record
from syncd.engines.metadata.folding.suffixes import FORMS
from syncd.engines.metadata.folding.typetexts import typetext
from tests.engines.metadata.folding.adversarial import adversarial
from tests.engines.metadata.folding.warehouses import column, columns, daily, ga4_columns, table
from tests.engines.metadata.folding.warehouses import record as nested
from tests.engines.metadata.folding.warehouses import records as repeated

Flat = dict[str, dict[str, str]]


def told(tables: list[Table]) -> dict[str, object]:
    (family,) = fold(tables).families
    return record(family)


def flat(tables: list[Table]) -> Flat:
    return {each.name: {column.name: typetext(column) for column in each.columns} for each in tables}


def expanded(tables: list[Table], rules: FoldingRules) -> Flat:
    """What is left after folding, writing as JSON and reading again."""
    found = fold(tables, rules)
    units: list[Table | Family] = [*found.tables, *found.families]
    records = json.loads(json.dumps({unit.name: record(unit) for unit in units}))
    return {name: dict(columns) for unit, each in records.items() for name, columns in expand(unit, each).items()}


NAMES = st.sampled_from(["id", "at", "geo", "geo.city", "city", "a b", "items", "x`y", "별", "", "STRUCT<a", "b, c INT64>"])


def _columns(fields: st.SearchStrategy[tuple[Column, ...]]) -> st.SearchStrategy[tuple[Column, ...]]:
    one = st.builds(Column, NAMES, st.sampled_from(["STRING", "INT64", "NUMERIC(10, 2)"]), repeated=st.booleans(), fields=fields)
    return st.lists(one, max_size=5, unique_by=lambda column: column.name).map(tuple)


COLUMNS = _columns(_columns(_columns(st.just(()))))


@st.composite
def warehouses(draw: st.DrawFn) -> list[Table]:
    """A few prefixes and schemas, many suffixes of all forms."""
    shapes = draw(st.lists(COLUMNS, min_size=1, max_size=4))
    firsts = st.sampled_from(["2024022811", "2024-02-28", "2024_02_28", "20240228", "2024-02", "2024_11", "202411", "2024", *"0123456"])
    tables: dict[str, Table] = {}
    for prefix in draw(st.lists(st.sampled_from(["a.events_", "a.events_intraday_", "a.log", "b.x_", "b."]), max_size=4)):
        first, shape = draw(firsts), draw(st.sampled_from(shapes))
        form = next((form for form in FORMS if form.shape.search(f"{prefix}{first}")), FORMS[-1])
        for step in draw(st.sets(st.integers(0, 40), max_size=12)):
            name = f"{prefix}{form.suffix(form.position(first) + step)}"
            kind = draw(st.sampled_from([TableKind.TABLE] * 5 + [TableKind.VIEW]))
            tables[name] = Table(name, draw(st.sampled_from([shape] * 3 + shapes)), kind=kind)
    return list(tables.values())


class TestNothingIsLost:
    @given(tables=warehouses(), force=st.sampled_from([(), ("*",), ("a.*",)]))
    @settings(max_examples=1000 if os.environ.get("SYNCD_SOAK") else 60, deadline=None)
    @pytest.mark.timeout(600)
    def test_expanding_all_records_gives_every_table_with_all_its_columns(self, tables: list[Table], force: tuple[str, ...]) -> None:
        assert expanded(tables, FoldingRules(force=force)) == flat(tables)

    @pytest.mark.parametrize(
        "others",
        [
            pytest.param((), id="a name with a dot"),
            pytest.param((column("geo.city.zip"),), id="a name that looks like a path"),
        ],
    )
    def test_a_dot_in_a_name_is_no_path(self, others: tuple[Column, ...]) -> None:
        shapes = [
            (nested("geo.city", *columns(names)), nested("geo", nested("city", *columns(names))), *others) for names in ("at", "at zip")
        ]
        tables = [*daily("a.log_", "2024-01-01", 3, shapes[0]), *daily("a.log_", "2024-01-04", 3, shapes[1])]

        assert expanded(tables, FoldingRules(force=("*",))) == flat(tables)

    def test_also_of_561_tables_named_to_mislead(self) -> None:
        tables = adversarial()

        assert expanded(tables, FoldingRules()) == flat(tables)


class TestARecordIsShort:
    def test_a_family_of_google_analytics_takes_less_than_5000_characters_whatever_the_number_of_shards(self) -> None:
        texts = [json.dumps(told(daily("ga.events_", "2023-01-01", many, ga4_columns()))) for many in (1, 400, 800)]

        assert all(len(text) < 5000 for text in texts)
        assert len(texts[2]) - len(texts[1]) < 5

    def test_a_field_that_older_shards_lack_is_told_by_its_path(self) -> None:
        new = (column("id"), repeated("items", column("sku"), nested("price", *columns("net:FLOAT tax:FLOAT"))), column("source"))
        old = (new[0], repeated("items", column("sku"), nested("price", *columns("net:FLOAT"))))

        versions = told([*daily("a.log_", "2024-01-01", 3, old), *daily("a.log_", "2024-01-04", 1, new)])["shards"]

        assert versions == {
            "form": "YYYYMMDD",
            "count": 4,
            "ranges": ["20240101..20240104"],
            "versions": [{"ranges": ["20240101..20240103"], "without": ["source", "items.price.tax"]}],
        }

    def test_what_only_older_shards_have_is_told_whole(self) -> None:
        old = (*columns("id at"), nested("geo", *columns("city metro")), column("gone", "INTEGER"))
        new = (*columns("id at:TIMESTAMP"), nested("geo", *columns("city")))

        shards = told([*daily("a.log_", "2024-01-01", 3, old), *daily("a.log_", "2024-01-05", 1, new)])["shards"]

        assert shards == {
            "form": "YYYYMMDD",
            "count": 4,
            "ranges": ["20240101..20240103", "20240105"],
            "versions": [
                {
                    "ranges": ["20240101..20240103"],
                    "with": {"gone": "INTEGER"},
                    "types": {"at": "STRING", "geo": "STRUCT<city STRING, metro STRING>"},
                }
            ],
        }

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            pytest.param(lambda at: at % 7 == 6, ["20240107 every 7 until 20250126"], id="every Sunday"),
            pytest.param(lambda at: at % 7 < 5, ["20240101..20240105 every 7 until 20250131"], id="every day of work"),
            pytest.param(lambda at: at in (0, 1, 5, 9, 20), ["20240101..20240102", "20240106", "20240110", "20240121"], id="no rule"),
        ],
    )
    def test_shards_that_come_regularly_are_told_by_their_rule(self, wanted: Callable[[int], bool], expected: list[str]) -> None:
        tables = [each for at, each in enumerate(daily("a.log_", "2024-01-01", 397)) if wanted(at)]

        shards = told(tables)["shards"]

        assert shards == {"form": "YYYYMMDD", "count": len(tables), "ranges": expected}

    def test_of_many_names_that_a_wildcard_would_match_the_first_twelve_are_told(self) -> None:
        others = [table(f"a.log_of_{letter}") for letter in "abcdefghijklmnop"]

        shards = told([*daily("a.log_", "2024-01-01", 3), *others])["shards"]

        assert isinstance(shards, dict)
        assert shards["also_matched"] == [*(each.name for each in others[:12]), "and 4 more"]


def test_a_record_says_what_there_is_to_say_in_a_fixed_order() -> None:
    unit = Table(
        "a.places",
        (column("id", "INTEGER", comment="its number"), repeated("geo", column("city", comment="by its local name"), column("zip code"))),
        primary_key=("id",),
        comment="where we are",
        kind=TableKind.MATERIALIZED,
        partitioning="DAY(at)",
        clustering=("id",),
        labels={"team": "sales", "cost": "low"},
    )

    written = json.dumps(record(unit))

    assert written == (
        '{"kind": "materialized view", "description": "where we are",'
        ' "columns": {"id": "INTEGER", "geo": "ARRAY<STRUCT<city STRING, `zip code` STRING>>"},'
        ' "comments": {"id": "its number", "geo.city": "by its local name"}, "primary_key": ["id"], "partitioning": "DAY(at)",'
        ' "clustering": ["id"], "labels": {"cost": "low", "team": "sales"}}'
    )


def test_what_is_not_there_is_not_told() -> None:
    assert record(table("a.t", "id")) == {"columns": {"id": "STRING"}}


def test_a_family_is_described_in_the_words_of_its_newest_shard() -> None:
    *older, newest = daily("a.log_", "2024-01-01", 4)
    tables = [*(replace(each, comment="old words") for each in older), replace(newest, comment="new words")]

    assert told(tables)["description"] == "new words"
