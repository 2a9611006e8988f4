"""What a family of dated shards costs a prompt: the same for a week and for years, and little."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from syncd.domain.schema import Column, Table
from syncd.engines.metadata.cache import Cache
from syncd.engines.metadata.folding.folding import FoldingRules
from syncd.engines.metadata.rendering import written
from syncd.engines.metadata.templates import insight_for
from syncd.engines.metadata.tokens import counter
from syncd.engines.metadata.warehouse import Warehouse
from tests.engines.metadata.folding.warehouses import column, daily, ga4_columns, table

_MOST = 1_400
_MORE = 10
_SHARDS = (13, 30, 90, 400, 800)


def events(count: int, prefix: str = "analytics.events_") -> list[Table]:
    return daily(prefix, "2024-01-01", count, ga4_columns())


def tokens(tables: Sequence[Table]) -> int:
    """Of a file that tells of these tables, with an insight of each unit."""
    warehouse = Warehouse.of(tables, FoldingRules(), "bigquery")
    insights = {name: insight_for(unit) for name, unit in warehouse.units.items()}
    return counter().count(written(Cache("", "", warehouse.records, (), tuple(warehouse.names), insights)).decode())


def nested(columns: Sequence[Column]) -> list[dict[str, object]]:
    return [{"name": each.name, "type": each.type, "fields": nested(each.fields)} for each in columns]


@pytest.mark.parametrize("count", _SHARDS)
def test_a_family_of_185_fields_is_at_most_1400_tokens_however_many_shards_it_has(count: int) -> None:
    assert tokens(events(count)) <= _MOST


def test_400_more_shards_add_at_most_10_tokens() -> None:
    assert tokens(events(800)) - tokens(events(400)) <= _MORE


def test_of_400_shards_more_than_999_in_1000_tokens_are_saved() -> None:
    one = events(1)[0]
    unfolded = 400 * counter().count(json.dumps({one.name: nested(one.columns)}, indent=2))

    folded = tokens(events(400))

    assert folded <= unfolded / 1000


@pytest.mark.parametrize(
    ("missing", "most"),
    [
        pytest.param({100}, 40, id="a day without a shard"),
        pytest.param({day for day in range(400) if day % 7 in (5, 6)}, 130, id="no shards at weekends"),
        pytest.param(set(range(50, 350)), 40, id="ten months without shards"),
    ],
)
def test_gaps_are_told_in_few_tokens(missing: set[int], most: int) -> None:
    whole = events(400)

    told = tokens([each for day, each in enumerate(whole) if day not in missing])

    assert told <= tokens(whole) + most


@pytest.mark.parametrize(
    ("field", "most"),
    [
        pytest.param(column("batch_of_the_day", "INTEGER"), 80, id="a column"),
        pytest.param(column("consent", "RECORD", *(column(f"purpose_{number}") for number in range(20))), 260, id="a record of 20 fields"),
    ],
)
def test_what_came_with_a_later_shard_is_told_once_and_not_for_each_shard(field: Column, most: int) -> None:
    whole = events(400)

    later = tokens([*whole[:300], *(replace(each, columns=(*each.columns, field)) for each in whole[300:])])

    assert later <= tokens(whole) + most


def test_a_streaming_table_beside_the_daily_ones_is_a_family_of_its_own_and_costs_about_the_same_again() -> None:
    whole = events(90)

    both = tokens([*whole, *events(1, "analytics.events_intraday_")])

    assert tokens(whole) * 1.5 < both < tokens(whole) * 2.2


def test_a_table_that_is_no_shard_costs_the_same_with_and_without_shards_beside_it() -> None:
    other = table("analytics.orders", "id:INTEGER customer amount:FLOAT at:TIMESTAMP")
    whole = events(400)

    beside = tokens([*whole, other]) - tokens(whole)

    assert beside == pytest.approx(tokens([other]) - tokens([]), abs=2)
