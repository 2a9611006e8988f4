"""The bytes that readers get, and old files that nobody remembers writing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from syncd.domain.errors import TargetMismatch
from syncd.engines.metadata.cache import Cache, Example
from syncd.engines.metadata.rendering import GENERAL, read, written

SHOP = Cache(
    generated_at="2026-11-21T02:00:00+09:00",
    generation_method="deterministic",
    schema={
        "main.orders": {"description": "주문", "columns": {"id": "INTEGER", "status": "VARCHAR"}, "primary_key": ["id"]},
        "main.events_2*": {
            "columns": {"event_name": "VARCHAR"},
            "shards": {"form": "YYYYMMDD", "count": 2, "ranges": ["20250101..20250102"]},
        },
    },
    examples=(Example('How many "orders"?', "SELECT COUNT(*) AS n\nFROM main.orders"), Example("Wie viele?", "SELECT 1")),
    events_tables=("main.events_2*",),
    schema_insights={"main.orders": "Rows are never deleted.", "main.events_2*": "2 daily shards."},
)

GOLDEN = """{
"generated_at":"2026-11-21T02:00:00+09:00",
"generation_method":"deterministic",
"schema":{
"main.events_2*":{"columns":{"event_name":"VARCHAR"},"shards":{"form":"YYYYMMDD","count":2,"ranges":["20250101..20250102"]}},
"main.orders":{"description":"주문","columns":{"id":"INTEGER","status":"VARCHAR"},"primary_key":["id"]}
},
"examples":[
{"question":"How many \\"orders\\"?","sql":"SELECT COUNT(*) AS n\\nFROM main.orders"},
{"question":"Wie viele?","sql":"SELECT 1"}
],
"events_tables":["main.events_2*"],
"schema_insights":{
"main.events_2*":"2 daily shards.",
"main.orders":"Rows are never deleted."
}
}
"""

KEYS = ["generated_at", "generation_method", "schema", "examples", "events_tables", "schema_insights"]

texts = some.text(some.characters(), max_size=30)
records = some.dictionaries(
    texts, some.recursive(texts | some.integers() | some.booleans(), lambda each: some.lists(each, max_size=3)), max_size=3
)
queries = some.builds(Example, texts, texts.filter(str.strip))
caches = some.builds(
    Cache,
    generated_at=texts,
    generation_method=texts,
    schema=some.dictionaries(texts.filter(lambda name: name != "tables"), records, max_size=4),
    examples=some.lists(queries, max_size=4).map(tuple),
    events_tables=some.lists(texts.filter(bool), max_size=3).map(tuple),
    schema_insights=some.dictionaries(texts, texts.filter(bool), max_size=3),
)
anything = some.recursive(
    some.none() | some.booleans() | some.floats() | some.integers() | texts,
    lambda each: (
        some.lists(each, max_size=3) | some.dictionaries(texts | some.sampled_from(["sql", "question", "name", "tables"]), each, max_size=3)
    ),
    max_leaves=10,
)


def turned(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mapping[name] for name in reversed(list(mapping))}


def test_a_fixed_content_has_these_bytes() -> None:
    assert written(SHOP).decode() == GOLDEN


def test_the_order_in_which_tables_were_found_does_not_show() -> None:
    other = replace(SHOP, schema=turned(SHOP.schema), schema_insights=turned(SHOP.schema_insights))

    assert written(other) == written(SHOP)


def test_a_reader_that_knows_only_the_six_keys_reads_it() -> None:
    told = json.loads(written(SHOP))

    assert list(told) == KEYS
    assert told["schema"]["main.orders"]["columns"] == {"id": "INTEGER", "status": "VARCHAR"}
    assert told["examples"][1] == {"question": "Wie viele?", "sql": "SELECT 1"}


def test_an_empty_content_still_has_all_keys() -> None:
    assert list(json.loads(written(Cache("", "")))) == KEYS


@settings(max_examples=40)
@given(caches)
def test_what_was_written_is_read_back(cache: Cache) -> None:
    assert read(written(cache)) == cache
    assert written(read(written(cache))) == written(cache)


@settings(max_examples=40)
@given(some.dictionaries(some.sampled_from(KEYS) | texts, anything, max_size=6))
def test_any_json_object_is_read_as_something_that_can_be_written(told: dict[str, Any]) -> None:
    cache = read(json.dumps(told).encode())

    assert read(written(cache)) == replace(cache, schema=read(written(cache)).schema)
    assert json.loads(written(cache), parse_constant=pytest.fail)


SIX: dict[str, Any] = {"generated_at": "2025-06-01T02:00:04.123456", "generation_method": "llm_enhanced"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({}, Cache("", ""), id="all keys are missing"),
        pytest.param(SIX | {"version": 3}, Cache("2025-06-01T02:00:04.123456", "llm_enhanced"), id="naive local time and an unknown key"),
        pytest.param({"generated_at": 1700000000, "examples": None}, Cache("1700000000", ""), id="a number and null"),
        pytest.param(
            {"schema": [{"table_name": "d.a", "columns": ["x"]}, "d.b", {"columns": ["nobody's"]}, 7]},
            Cache("", "", {"d.a": {"columns": ["x"]}, "d.b": {}}),
            id="schema as a list",
        ),
        pytest.param(
            {"schema": {"tables": [{"name": "a", "rows": 5}]}}, Cache("", "", {"a": {"rows": 5}}), id="schema below a key of its own"
        ),
        pytest.param({"schema": {"tables": {"a": {"rows": 5}}}}, Cache("", "", {"a": {"rows": 5}}), id="schema below a key, by name"),
        pytest.param(
            {"schema": {"tables": {"columns": {"a": "INT"}}}},
            Cache("", "", {"tables": {"columns": {"a": "INT"}}}),
            id="a table named tables",
        ),
        pytest.param(
            {"schema": {"a": ["x", "y"], "b": "of people", "c": None}},
            Cache("", "", {"a": {"columns": ["x", "y"]}, "b": {"description": "of people"}, "c": {}}),
            id="tables as lists and texts",
        ),
        pytest.param(
            {"examples": ["SELECT 1", {"query": "SELECT 2", "description": "two?"}, {"input": "3?", "output": "SELECT 3"}, {"q": 1}, 4]},
            Cache("", "", examples=(Example("", "SELECT 1"), Example("two?", "SELECT 2"), Example("3?", "SELECT 3"))),
            id="examples as texts and under other names",
        ),
        pytest.param(
            {"examples": {"orders": [{"question": "n?", "sql": "SELECT 1"}], "how many?": "SELECT 2"}},
            Cache("", "", examples=(Example("n?", "SELECT 1"), Example("how many?", "SELECT 2"))),
            id="examples by table, or by question",
        ),
        pytest.param(
            {"examples": [["n?", "SELECT 1"], ["SELECT 2", "SELECT 3"]]},
            Cache("", "", examples=(Example("n?", "SELECT 1"), Example("", "SELECT 2"), Example("", "SELECT 3"))),
            id="examples as pairs",
        ),
        pytest.param(
            {"events_tables": [{"table": "e.a"}, "e.b", None]},
            Cache("", "", events_tables=("e.a", "e.b")),
            id="tables of events as objects",
        ),
        pytest.param({"events_tables": "e.a"}, Cache("", "", events_tables=("e.a",)), id="one table of events"),
        pytest.param(
            {"schema_insights": {"a": ["x", 1], "b": None}}, Cache("", "", schema_insights={"a": '["x",1]'}), id="an insight that is a list"
        ),
        pytest.param({"schema_insights": "joins by id"}, Cache("", "", schema_insights={GENERAL: "joins by id"}), id="one insight for all"),
        pytest.param(
            {"schema_insights": [{"table": "a", "insight": "x"}, {"text": "y"}]},
            Cache("", "", schema_insights={"a": "x", GENERAL: "y"}),
            id="insights as a list of objects",
        ),
    ],
)
def test_an_old_file_of_an_odd_shape_is_read(told: Any, expected: Cache) -> None:
    assert read(json.dumps(told).encode()) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_does_not_matter(encoding: str) -> None:
    assert read(GOLDEN.encode(encoding)) == SHOP


def test_bytes_that_are_no_text_and_numbers_that_are_none_do_not_matter() -> None:
    cache = read(b'{"generated_at":"\xff","schema":{"a":{"rows":NaN,"size":1e999}}}')

    assert cache == Cache("\ufffd", "", {"a": {"rows": None, "size": None}})


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b'{"schema":', id="cut"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="a number too long"),
        pytest.param(b"\x00\x01\x02\x03", id="bytes"),
    ],
)
def test_what_is_no_object_is_refused_without_showing_it(content: bytes) -> None:
    with pytest.raises(TargetMismatch, match="expected an object") as caught:
        read(content)

    assert "restore" in caught.value.hint
