import random
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.folding.family import Family
from syncd.engines.metadata.folding.folding import FoldingRules, fold
from syncd.engines.metadata.folding.suffixes import count, shards
from tests.engines.metadata.folding.adversarial import FAMILIES, adversarial
from tests.engines.metadata.folding.warehouses import columns, daily, days, ga4_columns, table


def families(tables: Sequence[Table], rules: FoldingRules | None = None) -> dict[str, Family]:
    return {family.name: family for family in fold(tables, rules or FoldingRules()).families}


class TestAmong561TablesNamedToMislead:
    def test_every_true_family_is_found_and_no_false_one(self) -> None:
        tables = adversarial()

        found = fold(tables)

        assert len({each.name for each in tables}) == 561
        assert {family.name: count(family.form, family.ranges) for family in found.families} == FAMILIES

    def test_every_table_is_in_exactly_one_unit(self) -> None:
        tables = adversarial()

        found = fold(tables)

        folded = [name for family in found.families for name in shards(family)]
        assert sorted([*folded, *(each.name for each in found.tables)]) == sorted(each.name for each in tables)

    def test_the_order_of_the_tables_makes_no_difference(self) -> None:
        tables = adversarial()
        expected = fold(tables)

        for seed in range(5):
            random.Random(seed).shuffle(tables)
            assert fold(tables) == expected

    def test_folding_takes_less_than_a_tenth_of_a_second(self) -> None:
        tables = adversarial()

        def measured() -> float:
            began = time.process_time()
            fold(tables)
            return time.process_time() - began

        assert min(measured() for _ in range(3)) < 0.1


class TestHowManyMakeAFamily:
    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            pytest.param("log_20240101 log_20240102", [], id="two days are none"),
            pytest.param("log_20240101 log_20240102 log_20240301", ["a.log_2*"], id="three are one, with gaps"),
            pytest.param("events_20240101", ["a.events_2*"], id="one of a prefix of Google Analytics is one"),
            pytest.param(
                "events_20240101 events_live_20240101 events_live_20240102",
                ["a.events_2*", "a.events_live_2*"],
                id="two that extend it are one, though they are more",
            ),
            pytest.param("events_2024", [], id="but not if it is a year"),
            pytest.param(
                "hits_20240101 hits_20240102 hits_20240103 hits_live_20240104",
                ["a.hits_2*", "a.hits_live_2*"],
                id="one of a longer prefix is",
            ),
            pytest.param(
                "hits_20240101 hits_20240102 hits_20240103 hits_live_2024010407",
                ["a.hits_2*"],
                id="one of a longer prefix and another form is not",
            ),
            pytest.param("part_0 part_1 part_2", [], id="three numbers are none"),
            pytest.param("part_0 part_1 part_2 part_3", ["a.part_*"], id="four from zero are one"),
            pytest.param("part_1 part_2 part_3 part_4", ["a.part_*"], id="four from one are one"),
            pytest.param("part_2 part_3 part_4 part_5", [], id="four from two are none"),
            pytest.param("part_1 part_2 part_3 part_5", [], id="four with a gap are none"),
            pytest.param(" ".join(f"part_{each}" for each in range(8, 13)), [], id="numbers that begin late are none"),
            pytest.param(" ".join(f"part_{each:02}" for each in range(12)), ["a.part_*"], id="numbers of one width are one"),
            pytest.param(" ".join(f"part_{each}" for each in range(12)), ["a.part_*"], id="numbers of two widths are one"),
            pytest.param("plan_2020 plan_2021 plan_2022", ["a.plan_2*"], id="three years are one"),
            pytest.param("plan_1920 plan_1977 plan_2022", [], id="years far apart are none"),
            pytest.param("plan_1999 plan_2000 plan_2001", ["a.plan_*"], id="years of two millennia are one"),
            pytest.param("s_2024_01 s_2024_02 s_2024_03 s_2024_04", ["a.s_2*"], id="months are no numbers of a year"),
            pytest.param("s_2024_01_01 s_2024_01_02 s_2024_01_03 s_2024_01_04", ["a.s_2*"], id="days are no numbers of a month"),
            pytest.param("S_20240101 S_20240102 S_20240103", ["a.S_2*"], id="upper case is as good"),
            pytest.param("s_20240101 s_20240102 s_20241301 s_20240230", [], id="as few days as other numbers"),
            pytest.param("s_202401 s_202402 s_202403 s_202413", [], id="months with one that is none"),
        ],
    )
    def test_by_their_names(self, names: str, expected: list[str]) -> None:
        assert sorted(families([table(f"a.{name}") for name in names.split()])) == expected

    def test_two_schemas_do_not_share_a_family(self) -> None:
        assert families([*daily("a.log_", "2024-01-01", 2), *daily("b.log_", "2024-01-03", 2)]) == {}


class TestWhatIsNeverFolded:
    def test_dated_backups_of_a_table(self) -> None:
        assert families([table("a.orders"), *daily("a.orders_", "2024-01-01", 30)]) == {}

    def test_a_view_over_all_shards_does_not_make_them_backups(self) -> None:
        found = families([table("a.orders", kind=TableKind.VIEW), *daily("a.orders_", "2024-01-01", 30)])

        assert list(found) == ["a.orders_2*"]

    @pytest.mark.parametrize("kind", [kind for kind in TableKind if kind is not TableKind.TABLE])
    def test_what_is_no_table(self, kind: TableKind) -> None:
        assert families([table(f"a.log_{day}", kind=kind) for day in days("2024-01-01", 10)]) == {}

    def test_a_view_with_a_date_stays_out_of_the_family_and_is_told(self) -> None:
        tables = [*daily("a.log_", "2024-01-01", 5), table("a.log_20240106", kind=TableKind.VIEW)]

        found = fold(tables)

        assert [each.name for each in found.tables] == ["a.log_20240106"]
        assert found.families[0].also_matched == ("a.log_20240106",)

    def test_tables_that_have_little_in_common(self) -> None:
        kinds = [columns("id name mail"), columns("id sku price")]

        assert families([table(f"a.export_{day}", kinds[at % 2]) for at, day in enumerate(days("2024-01-01", 12))]) == {}

    def test_tables_that_have_only_half_in_common(self) -> None:
        kinds = [columns("id at name mail"), columns("id at sku price")]

        assert families([table(f"a.export_{day}", kinds[at % 2]) for at, day in enumerate(days("2024-01-01", 12))]) == {}

    def test_tables_of_which_each_is_different(self) -> None:
        shapes = [columns(f"id name mail extra{at}") for at in range(12)]

        assert families([table(f"a.export_{day}", shape) for day, shape in zip(days("2024-01-01", 12), shapes, strict=True)]) == {}

    def test_one_odd_table_among_many_shards_which_is_told(self) -> None:
        tables = [*daily("a.log_", "2024-01-01", 5), table("a.log_20240106", "quite different"), *daily("a.log_", "2024-01-07", 2)]

        found = fold(tables)

        assert [each.name for each in found.tables] == ["a.log_20240106"]
        assert found.families[0].ranges == (("20240101", "20240105"), ("20240107", "20240108"))
        assert found.families[0].also_matched == ("a.log_20240106",)


class TestAFamily:
    def test_tells_its_versions_the_one_of_the_newest_shard_last(self) -> None:
        old, new = columns("id at"), columns("id at source")
        tables = [*daily("a.log_", "2024-01-01", 3, old), *daily("a.log_", "2024-01-04", 2, new), *daily("a.log_", "2024-01-06", 2, old)]

        (family,) = families([*tables, *daily("a.log_", "2024-01-08", 1, new)]).values()

        assert [(version.since, version.columns) for version in family.versions] == [("20240101", old), ("20240104", new)]
        assert family.versions[0].ranges == (("20240101", "20240103"), ("20240106", "20240107"))
        assert family.versions[1].ranges == (("20240104", "20240105"), ("20240108", "20240108"))
        assert family.newest.name == "a.log_20240108"

    def test_has_one_version_whatever_the_comments_and_the_order_of_columns(self) -> None:
        plain = columns("id at")
        told = (replace(plain[1], comment="when"), plain[0])

        (family,) = families([*daily("a.log_", "2024-01-01", 3, plain), *daily("a.log_", "2024-01-04", 1, told)]).values()

        assert [version.columns for version in family.versions] == [told]

    def test_tells_the_other_families_that_its_wildcard_would_match(self) -> None:
        tables = [
            *daily("a.events_", "2024-01-01", 3),
            *daily("a.events_intraday_", "2024-01-04", 1),
            table("a.events_all"),
            table("a.event"),
        ]

        found = families(tables)

        assert found["a.events_2*"].also_matched == ("a.events_all", "a.events_intraday_2*")
        assert found["a.events_intraday_2*"].also_matched == ()

    def test_keeps_its_name_when_a_shard_comes(self) -> None:
        numbers = [table(f"a.part_{number}") for number in range(101)]
        years = [table(f"a.plan_{year}") for year in range(1996, 2003)]

        names = {tuple(families([*numbers[:few], *years[: few % 7]])) for few in range(10, 101) if few % 7 > 2}

        assert names == {("a.part_*", "a.plan_*")}

    def test_of_two_forms_behind_one_prefix_the_one_with_more_shards_is_folded(self) -> None:
        months = [table(f"a.log_2024{month:02}") for month in range(1, 13)]

        found = fold([*daily("a.log_", "2024-01-01", 30), *months])

        assert [(family.name, family.form) for family in found.families] == [("a.log_2*", "YYYYMMDD")]
        assert len(found.tables) == 12


class TestWhatTheOperatorKnowsBetter:
    def test_a_forced_prefix_is_a_family_however_few_and_different_its_tables_are(self) -> None:
        tables = [table("a.log"), table("a.log_20240101", "x"), table("a.log_20240102", "y")]

        assert list(families(tables, FoldingRules(force=("a.l*_",)))) == ["a.log_2*"]

    def test_a_forbidden_prefix_is_none_even_if_it_is_forced_too(self) -> None:
        tables = daily("a.log_", "2024-01-01", 30)

        assert families(tables, FoldingRules(force=("a.*",), forbid=("a.log_",))) == {}

    def test_force_does_not_reach_views(self) -> None:
        assert families([table("a.log_20240101", kind=TableKind.VIEW)], FoldingRules(force=("*",))) == {}


def test_shards_of_google_analytics_may_differ_by_what_was_added_over_the_years() -> None:
    now = ga4_columns()
    grown: list[tuple[Column, ...]] = [now[:22], now[:25], now]

    (family,) = families([each for at, shape in enumerate(grown) for each in daily("ga.events_", f"202{at}-01-01", 90, shape)]).values()

    assert [version.since for version in family.versions] == ["20200101", "20210101", "20220101"]


def test_an_empty_warehouse_folds_to_nothing() -> None:
    assert not list(fold([]).names)
