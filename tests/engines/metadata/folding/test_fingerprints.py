from dataclasses import replace

import pytest

from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.folding.family import Family
from syncd.engines.metadata.folding.fingerprints import Difference, Prints, compare, paths, structure, text, touched
from syncd.engines.metadata.folding.folding import fold
from tests.engines.metadata.folding.warehouses import column, columns, daily, record, records, table

PLACES = table("a.places", (column("id", "INTEGER"), record("geo", *columns("city country"))))


def with_column(at: int, new: Column) -> Table:
    return replace(PLACES, columns=tuple(new if number == at else each for number, each in enumerate(PLACES.columns)))


def family(*groups: list[Table]) -> Family:
    (found,) = fold([each for group in groups for each in group]).families
    return found


class TestStructure:
    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param(with_column(0, column("id")), id="another type"),
            pytest.param(with_column(0, column("number", "INTEGER")), id="another name"),
            pytest.param(with_column(0, column("id", "INTEGER", repeated=True)), id="repeated"),
            pytest.param(with_column(0, Column("id", "INTEGER", nullable=False)), id="never null"),
            pytest.param(with_column(1, record("geo", *columns("city"))), id="a field less"),
            pytest.param(with_column(1, record("geo", *columns("city country:INTEGER"))), id="another type inside"),
            pytest.param(with_column(1, records("geo", *columns("city country"))), id="a list of records"),
            pytest.param(replace(PLACES, columns=(*PLACES.columns, column("new"))), id="a column more"),
            pytest.param(replace(PLACES, kind=TableKind.VIEW), id="a view now"),
        ],
    )
    def test_changes_with_names_types_modes_and_kind(self, changed: Table) -> None:
        assert structure(changed) != structure(PLACES)

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param(replace(PLACES, columns=PLACES.columns[::-1]), id="the order of columns"),
            pytest.param(with_column(0, column("id", "INTEGER", comment="its number")), id="a comment"),
            pytest.param(replace(PLACES, comment="where we are"), id="the description"),
            pytest.param(replace(PLACES, labels={"team": "sales"}), id="a label"),
            pytest.param(replace(PLACES, version="ORA_ROWSCN"), id="how it is read"),
        ],
    )
    def test_does_not_change_with_anything_else(self, changed: Table) -> None:
        assert structure(changed) == structure(PLACES)

    def test_of_a_family_does_not_change_with_a_new_shard(self) -> None:
        assert structure(family(daily("a.log_", "2024-01-01", 30))) == structure(family(daily("a.log_", "2024-01-02", 31)))

    def test_of_a_family_changes_with_the_form_of_its_suffixes(self) -> None:
        months = [table(f"a.log_2024{month:02}") for month in range(1, 13)]

        assert structure(family(months)) != structure(family(daily("a.log_", "2024-01-01", 30)))

    def test_of_a_family_changes_with_a_new_version(self) -> None:
        old = daily("a.log_", "2024-01-01", 30)

        assert structure(family(old)) != structure(family(old, daily("a.log_", "2024-01-31", 1, "id:INTEGER at:TIMESTAMP source")))


class TestText:
    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param(with_column(0, column("id", "INTEGER", comment="its number")), id="a comment"),
            pytest.param(with_column(1, record("geo", column("city", comment="x"), column("country"))), id="a comment inside"),
            pytest.param(with_column(0, Column("id", "INTEGER", flagged=True)), id="a flag"),
            pytest.param(replace(PLACES, comment="where we are"), id="the description"),
            pytest.param(replace(PLACES, labels={"team": "sales"}), id="a label"),
            pytest.param(replace(PLACES, primary_key=("id",)), id="the key"),
            pytest.param(replace(PLACES, partitioning="DAY(at)"), id="the partitions"),
            pytest.param(replace(PLACES, clustering=("id",)), id="the clusters"),
        ],
    )
    def test_changes_with_what_is_told_beside_the_structure(self, changed: Table) -> None:
        assert text(changed) != text(PLACES)

    def test_of_a_family_does_not_change_with_a_new_shard(self) -> None:
        assert text(family(daily("a.log_", "2024-01-01", 30))) == text(family(daily("a.log_", "2024-01-02", 31)))


def test_comparing_tells_what_came_what_went_and_what_is_different() -> None:
    before = {name: Prints("s", "t") for name in ("same", "gone", "rebuilt", "both", "reworded")}
    after = before | {"rebuilt": Prints("S", "t"), "both": Prints("S", "T"), "reworded": Prints("s", "T"), "new": Prints("s", "t")}
    del after["gone"]

    difference = compare(before, after)

    assert difference == Difference(added=("new",), removed=("gone",), restructured=("both", "rebuilt"), reworded=("reworded",))


def test_comparing_the_same_tells_nothing() -> None:
    prints = {"a.places": Prints.of(PLACES)}

    assert not compare(prints, prints)


class TestWhatAChangeTouches:
    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            pytest.param(PLACES, set(), id="nothing"),
            pytest.param(with_column(0, column("id")), {"id"}, id="another type"),
            pytest.param(with_column(1, record("geo", *columns("city nation"))), {"geo.country"}, id="a new name inside"),
            pytest.param(with_column(1, record("geo", *columns("city country zip"))), set(), id="a field more"),
            pytest.param(replace(PLACES, columns=PLACES.columns[:1]), {"geo", "geo.city", "geo.country"}, id="a record less"),
            pytest.param(with_column(1, records("geo", *columns("city country"))), {"geo"}, id="a list of records"),
            pytest.param(with_column(1, column("geo")), {"geo", "geo.city", "geo.country"}, id="text instead of a record"),
        ],
    )
    def test_are_the_paths_that_are_gone_or_of_another_type(self, changed: Table, expected: set[str]) -> None:
        assert touched(paths(PLACES), paths(changed)) == expected

    def test_in_a_family_a_column_that_new_shards_lack_is_gone(self) -> None:
        old = daily("a.log_", "2024-01-01", 30, "id at source")

        assert touched(paths(family(old)), paths(family(old, daily("a.log_", "2024-01-31", 1, "id at")))) == {"source"}
