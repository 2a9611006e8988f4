from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.engines.metadata.folding.folding import fold
from syncd.engines.metadata.folding.rangetexts import read, written
from syncd.engines.metadata.folding.suffixes import FORMS, Form, count, form_of, is_shard, ranges, readings, suffixes
from tests.engines.metadata.folding.warehouses import daily


def read_as(name: str) -> list[tuple[str, str]]:
    return [(reading.prefix, reading.form.name) for reading in readings(name) if reading.position is not None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("a.events_20240229", ("a.events_", "YYYYMMDD"), id="a leap day"),
        pytest.param("a.events_2024022923", ("a.events_", "YYYYMMDDHH"), id="an hour"),
        pytest.param("a.log_2024_02_29", ("a.log_", "YYYY_MM_DD"), id="a day with underscores"),
        pytest.param("a.log-2024-02-29", ("a.log-", "YYYY-MM-DD"), id="a day with dashes"),
        pytest.param("a.sales202412", ("a.sales", "YYYYMM"), id="a month without anything before it"),
        pytest.param("a.sales_2024-12", ("a.sales_", "YYYY-MM"), id="a month with a dash"),
        pytest.param("a.sales_2024_12", ("a.sales_", "YYYY_MM"), id="a month with an underscore"),
        pytest.param("a.budget_2024", ("a.budget_", "YYYY"), id="a year"),
        pytest.param("a.part_0", ("a.part_", "N"), id="a number"),
        pytest.param("a.part_007", ("a.part_", "NNN"), id="a number with zeros before it"),
        pytest.param("p.a.events_20240229", ("p.a.events_", "YYYYMMDD"), id="a name of three parts"),
    ],
)
def test_the_likeliest_reading_comes_first(name: str, expected: tuple[str, str]) -> None:
    assert read_as(name)[0] == expected


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a.events_20230229", id="no such day"),
        pytest.param("a.events_2024010124", id="no such hour"),
        pytest.param("a.phone_01020240101", id="a digit before the date"),
        pytest.param("a.events_20240101x", id="not at the end"),
        pytest.param("a.zip10115", id="five digits"),
        pytest.param("a.20240101", id="nothing but a date"),
        pytest.param("a._20240101", id="no letter before the date"),
        pytest.param("a1.20240101", id="a letter in the schema only"),
        pytest.param("a.tail18991231", id="a year long ago"),
        pytest.param("a.events_٢٠٢٤٠١٠١", id="digits of another script"),
        pytest.param("a.t1", id="a number that nothing parts from the name"),
        pytest.param("a.events_20240101\n", id="a line behind it"),
    ],
)
def test_other_endings_mean_nothing(name: str) -> None:
    assert read_as(name) == []


FIRST = {
    "YYYYMMDDHH": "2023123120",
    "YYYY-MM-DD": "2023-12-27",
    "YYYY_MM_DD": "2024_02_27",
    "YYYYMMDD": "20240227",
    "YYYY-MM": "2023-11",
    "YYYY_MM": "2023_11",
    "YYYYMM": "202311",
    "YYYY": "1997",
    "N": "0",
    "NN": "00",
    "NNN": "000",
    "NNNN": "0000",
    "NNNNN": "00000",
    "NNNNNN": "000000",
}


@pytest.mark.parametrize("form", [pytest.param(form, id=form.name) for form in FORMS])
def test_every_form_reads_what_it_writes_and_sorts_as_time_goes(form: Form) -> None:
    first = form.position(FIRST[form.name])

    written = [form.suffix(at) for at in range(first, first + 9)]

    assert written[0] == FIRST[form.name]
    assert [form.position(suffix) for suffix in written] == list(range(first, first + 9))
    assert all(before < after for before, after in pairwise(written))


@given(form=st.sampled_from(FORMS), steps=st.sets(st.integers(0, 60), min_size=1))
def test_ranges_hold_exactly_what_they_were_made_of(form: Form, steps: set[int]) -> None:
    first = form.position(FIRST[form.name])

    held = ranges(form, {first + step for step in steps})

    assert list(suffixes(form.name, held)) == [form.suffix(first + step) for step in sorted(steps)]
    assert count(form.name, held) == len(steps)


@given(form=st.sampled_from(FORMS), steps=st.sets(st.integers(0, 60), min_size=1))
def test_ranges_as_text_hold_the_same(form: Form, steps: set[int]) -> None:
    first = form.position(FIRST[form.name])
    held = ranges(form, {first + step for step in steps})

    texts = list(written(form.name, held))

    assert list(read(form.name, texts)) == list(suffixes(form.name, held))
    assert len(texts) <= len(held)


def test_a_missing_day_parts_two_ranges_and_the_end_of_february_does_not() -> None:
    form = form_of("YYYYMMDD")

    held = ranges(form, map(form.position, ["20230301", "20230228", "20230303"]))

    assert held == (("20230228", "20230301"), ("20230303", "20230303"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("a.log_20240103", True, id="inside"),
        pytest.param("a.log_20240106", False, id="in a gap"),
        pytest.param("a.log_20240115", True, id="the last one"),
        pytest.param("a.log_20240116", False, id="after the last one"),
        pytest.param("a.log_20240230", False, id="no such day"),
        pytest.param("a.log_202401", False, id="another form"),
        pytest.param("a.log_x_20240103", False, id="another prefix"),
        pytest.param("log_20240103", False, id="without the schema"),
    ],
)
def test_a_shard_is_what_has_a_suffix_in_the_ranges(name: str, expected: bool) -> None:
    (family,) = fold([*daily("a.log_", "2024-01-01", 5), *daily("a.log_", "2024-01-10", 6)]).families

    assert is_shard(name, family) is expected
