"""What a content does without to fit into a prompt."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from syncd.engines.metadata.budget import Fitted, fit, sections
from syncd.engines.metadata.cache import Cache, Example
from syncd.engines.metadata.rendering import written
from syncd.engines.metadata.tokens import ESTIMATE, Counter, counter
from syncd.engines.metadata.trimming import steps, without

EVENTS = "web.events_2*"
LONG = "Orders are written once and never deleted. " * 20
COUNTED = Counter("letters", exact=True, count=len)


def query(table: str, number: int = 1) -> Example:
    return Example(f"{number} of {table}?", f"SELECT {number} FROM {table}")


SHOP = Cache(
    "2026-11-21T02:00:00+09:00",
    "deterministic",
    schema={
        "shop.orders": {
            "description": "One row for each order.",
            "columns": {"id": "INTEGER", "buyer": "STRUCT<name STRING>"},
            "comments": {"id": "Never used twice.", "buyer.name": "As on the invoice."},
            "shapes": {"id": ["9999…"]},
        },
        "shop.items": {"description": "Lines of orders.", "columns": {"order_id": "INTEGER"}},
        EVENTS: {"description": "From the web.", "columns": {"event_name": "STRING"}, "comments": {"event_name": "As sent."}},
    },
    examples=(query("shop.orders"), query("shop.orders", 2), query("shop.items"), query("web.events_20250101"), query("elsewhere.x")),
    events_tables=(EVENTS,),
    schema_insights={"shop.orders": LONG, "shop.items": "Few.", EVENTS: LONG},
)

ORDER = [
    "shortened the insight of shop.orders",
    f"shortened the insight of {EVENTS}",
    "dropped the shapes of values of shop.orders",
    "dropped comments of columns of shop.orders",
    f"dropped comments of columns of {EVENTS}",
    "dropped 1 example of shop.orders",
    "dropped 1 example of tables that are not described",
    "dropped the description of shop.items",
    "dropped the description of shop.orders",
    f"dropped the description of {EVENTS}",
    "dropped the insight of shop.orders",
    "dropped the insight of shop.items",
    f"dropped the insight of {EVENTS}",
    "dropped shop.items as a whole",
    "dropped shop.orders as a whole",
]


def size(cache: Cache, measure: Counter) -> int:
    return measure.count(written(cache).decode())


def fitted(budget: int, cache: Cache = SHOP) -> Fitted:
    return fit(cache, budget, COUNTED)


@pytest.mark.parametrize("measure", [COUNTED, ESTIMATE, counter()], ids=lambda measure: measure.name)
def test_sections_are_the_six_keys_and_add_up_to_the_whole(measure: Counter) -> None:
    found = sections(SHOP, measure)

    assert list(found) == list(json.loads(written(SHOP)))
    assert sum(found.values()) == size(SHOP, measure)


def test_what_fits_stays_as_it_is() -> None:
    assert fitted(size(SHOP, COUNTED)) == Fitted(SHOP, sections(SHOP, COUNTED), ())


def test_things_go_in_a_fixed_order_and_tables_of_events_last() -> None:
    found = fitted(1)

    assert list(found.trimmed[:-1]) == ORDER
    assert list(found.cache.schema) == [EVENTS]
    assert found.cache.events_tables == (EVENTS,)


def test_no_more_goes_than_has_to() -> None:
    everything = size(SHOP, COUNTED)

    found = fitted(everything - 1)

    assert found.trimmed == (ORDER[0],)
    assert found.cache == replace(
        SHOP, schema_insights=dict(SHOP.schema_insights) | {"shop.orders": found.cache.schema_insights["shop.orders"]}
    )


def test_a_long_insight_ends_with_a_sentence() -> None:
    text = fitted(size(SHOP, COUNTED) - 1).cache.schema_insights["shop.orders"]

    assert text == LONG[: len(text)]
    assert text.endswith("deleted.")
    assert len(text) <= 240


def test_a_long_insight_of_one_sentence_ends_with_a_word() -> None:
    endless = replace(SHOP, schema_insights={"shop.items": "word " * 200})

    text = fit(endless, size(endless, COUNTED) - 1, COUNTED).cache.schema_insights["shop.items"]

    assert text.endswith("word…")
    assert len(text) <= 240


def each_after_the_other(cache: Cache) -> Iterator[Cache]:
    """The content without the first thing, without the first two, and so on."""
    possible = steps(cache)
    yield from (without(cache, possible[: count + 1]) for count in range(len(possible)))


def test_comments_of_the_deepest_fields_go_first() -> None:
    comments = [each.schema["shop.orders"].get("comments") for each in each_after_the_other(SHOP) if "shop.orders" in each.schema]

    assert list(dict.fromkeys(map(str, comments))) == [
        "{'id': 'Never used twice.', 'buyer.name': 'As on the invoice.'}",
        "{'id': 'Never used twice.'}",
        "None",
    ]


def test_of_each_table_one_example_stays_as_long_as_the_table() -> None:
    smallest = [each for each in each_after_the_other(SHOP) if len(each.schema) == len(SHOP.schema)][-1]

    assert smallest.examples == (SHOP.examples[0], SHOP.examples[2], SHOP.examples[3])
    assert all(list(record) == ["columns"] for record in smallest.schema.values())


def test_of_the_tables_with_most_examples_the_last_examples_go_first() -> None:
    many = replace(SHOP, examples=tuple(query(table, number) for table in ("shop.items", "shop.orders") for number in range(5))[:8])

    left = next(each for each in each_after_the_other(many) if len(each.examples) == 6)

    assert left.examples == tuple(query(table, number) for table in ("shop.items", "shop.orders") for number in range(3))


def test_a_budget_that_nothing_fits_in_is_told() -> None:
    found = fitted(10)

    over = sum(found.sections.values()) - 10
    assert over > 0
    assert found.trimmed[-1] == f"{over:,} tokens are still more than the budget of 10: raise `token_budget`, or name fewer schemas"


tables = some.sampled_from(["a.x", "a.y", "b.z", EVENTS])
contents = some.builds(
    Cache,
    generated_at=some.just("2026"),
    generation_method=some.just("deterministic"),
    schema=some.dictionaries(
        tables,
        some.fixed_dictionaries(
            {"columns": some.just({"a": "INT"})},
            optional={
                "description": some.text(max_size=20),
                "comments": some.dictionaries(some.sampled_from(["a", "a.b", "a.b.c"]), some.text()),
            },
        ),
    ),
    examples=some.lists(some.builds(query, tables, some.integers(0, 9)), max_size=6).map(tuple),
    events_tables=some.just((EVENTS,)),
    schema_insights=some.dictionaries(tables, some.text(max_size=300)),
)


@settings(max_examples=60)
@given(contents, some.integers(1, 1500))
def test_the_result_is_within_the_budget_or_says_that_it_is_not(cache: Cache, budget: int) -> None:
    found = fit(cache, budget, COUNTED)

    over = size(found.cache, COUNTED) > budget
    assert sum(found.sections.values()) == size(found.cache, COUNTED)
    assert over == any("still more than the budget" in line for line in found.trimmed)
    assert not over or len(found.cache.schema) <= 1
    assert fit(cache, budget, COUNTED) == found


def test_hundreds_of_tables_are_fitted_at_once() -> None:
    names = [f"shop.table_{number}" for number in range(400)]
    record = {"columns": {f"column_{number}": "STRING" for number in range(20)}, "comments": {"column_1": "a comment " * 5}}
    large = Cache(
        "", "", dict.fromkeys(names, record), tuple(query(name, n) for name in names for n in range(4)), (), dict.fromkeys(names, LONG)
    )
    began = time.process_time()

    found = fit(large, 30_000, counter())

    assert sum(found.sections.values()) <= 30_000
    assert time.process_time() - began < 5
