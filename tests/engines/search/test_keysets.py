"""Sets of ids are compared, whatever their size."""

import pyarrow as pa

from syncd.engines.search.keysets import KeySets, Side


def ids(*values: object) -> pa.StringArray:
    return pa.array([str(value) for value in values], pa.string())


def listed(chunks: object) -> list[str]:
    return sorted(value for chunk in chunks for value in chunk.to_pylist())  # type: ignore[attr-defined]


def test_what_only_one_side_has_is_told() -> None:
    with KeySets() as sets:
        sets.add(Side.SOURCE, ids(1, 2, 3))
        sets.add(Side.INDEX, ids(2, 3, 4))

        assert listed(sets.only_in(Side.SOURCE)) == ["1"]
        assert listed(sets.only_in(Side.INDEX)) == ["4"]
        assert sets.count_only_in(Side.INDEX) == 1


def test_what_both_sides_have_with_different_content_is_told() -> None:
    with KeySets() as sets:
        sets.add(Side.SOURCE, ids(1, 2), pa.array([10, 20]))
        sets.add(Side.INDEX, ids(1, 2), pa.array([10, 21]))

        assert listed(sets.different()) == ["2"]


def test_an_id_added_twice_counts_once_and_is_reported() -> None:
    with KeySets() as sets:
        sets.add(Side.SOURCE, ids(1, 1, 2))

        assert sets.count(Side.SOURCE) == 2
        assert sets.doubled(Side.SOURCE) == 1


def test_a_side_that_is_empty_lacks_everything() -> None:
    with KeySets() as sets:
        sets.add(Side.INDEX, ids(*range(5000)))

        assert len(listed(sets.only_in(Side.INDEX, rows=1000))) == 5000
        assert listed(sets.only_in(Side.SOURCE)) == []
