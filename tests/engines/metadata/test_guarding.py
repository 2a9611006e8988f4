import pytest

from syncd.domain.errors import ShrinkRefused
from syncd.engines.metadata.cache import Cache, Example
from syncd.engines.metadata.guarding import refuse_shrinking


def cache(tables: int, columns: int = 4, examples: int = 3) -> Cache:
    schema = {f"main.t{number}": {"columns": {f"c{each}": "INTEGER" for each in range(columns)}} for number in range(tables)}
    return Cache("", "", schema, tuple(Example(f"q{each}", "SELECT 1") for each in range(examples)))


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        pytest.param(cache(10), cache(4), "6 of 10 tables", id="most tables"),
        pytest.param(cache(1), cache(0), "1 of 1 tables", id="the only table"),
        pytest.param(cache(2, columns=10), cache(2, columns=3), "14 of 20 columns", id="most columns"),
        pytest.param(cache(2), cache(2, examples=0), "3 of 3 examples", id="all examples"),
    ],
)
def test_what_loses_most_of_itself_is_not_published(before: Cache, now: Cache, words: str) -> None:
    with pytest.raises(ShrinkRefused, match=words) as raised:
        refuse_shrinking(before, now, 0.5)

    assert "allow_shrink=true" in raised.value.hint


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(cache(10), cache(5), id="half of the tables"),
        pytest.param(cache(2), cache(2, examples=1), id="most examples"),
        pytest.param(cache(0), cache(0), id="nothing from nothing"),
        pytest.param(cache(1, examples=0), cache(5, examples=0), id="growing"),
    ],
)
def test_what_loses_less_is_published(before: Cache, now: Cache) -> None:
    refuse_shrinking(before, now, 0.5)
