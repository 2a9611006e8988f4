"""Every rule about documents, held against the real server: what a rule refuses, the server refuses, and nothing else."""

import json
from collections.abc import AsyncIterator
from typing import cast

import meilisearch as official
import pytest

from syncd.connectors.meilisearch import CONNECTOR, rules
from syncd.connectors.meilisearch.settings import Settings
from syncd.ports.connecting import Indexes, IndexShape
from tests.contracts.target import Row, batch_of_rows, contents, drain
from tests.servers.meilisearch import MeilisearchServer

GEO = IndexShape("id", {"filterableAttributes": ["_geo"]})


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


def member(text: str) -> Row:
    """A good id, and a document with something odd beside it."""
    return "1", f'{{"id":1,{text}}}'


def known_as(json_id: str) -> Row:
    return json_id, f'{{"id":{json_id},"name":"somebody"}}'


BAD = [
    pytest.param(("null", '{"name":"nobody"}'), "missing_document_id", id="no id"),
    pytest.param(known_as("null"), "missing_document_id", id="id is null"),
    pytest.param(known_as('""'), "invalid_document_id", id="empty id"),
    pytest.param(known_as('"a b"'), "invalid_document_id", id="id with a space"),
    pytest.param(known_as('"a.b"'), "invalid_document_id", id="id with a dot"),
    pytest.param(known_as('"a/b"'), "invalid_document_id", id="id with a slash"),
    pytest.param(known_as('"한국"'), "invalid_document_id", id="id in Korean"),
    pytest.param(known_as('"a\\n"'), "invalid_document_id", id="id with a line break"),
    pytest.param(known_as("1.5"), "invalid_document_id", id="id is a fraction"),
    pytest.param(known_as("1.0"), "invalid_document_id", id="id is a whole float"),
    pytest.param(known_as("1e2"), "invalid_document_id", id="id with an exponent"),
    pytest.param(known_as("-0"), "invalid_document_id", id="id is minus zero"),
    pytest.param(known_as("true"), "invalid_document_id", id="id is a boolean"),
    pytest.param(known_as("[1]"), "invalid_document_id", id="id is a list"),
    pytest.param(known_as('{"a":1}'), "invalid_document_id", id="id is an object"),
    pytest.param(known_as(str(2**64)), "invalid_document_id", id="id is 2^64"),
    pytest.param(known_as(str(-(2**63) - 1)), "invalid_document_id", id="id is below -2^63"),
    pytest.param(known_as(f'"{"x" * 512}"'), "invalid_document_id", id="id of 512 bytes"),
    pytest.param(member('"_vectors":"x"'), "invalid_vectors_type", id="vectors are a text"),
    pytest.param(member('"_vectors":null'), "invalid_vectors_type", id="vectors are null"),
    pytest.param(member('"_vectors": [1]'), "invalid_vectors_type", id="vectors are a list"),
    pytest.param(member('"x":"\\ud800"'), "lone_surrogate", id="first half of a surrogate pair"),
    pytest.param(member('"x":[{"y":"a \\uDFFF b"}]'), "lone_surrogate", id="second half of a surrogate pair"),
    pytest.param(member('"x":1e400'), "number_out_of_range", id="large exponent"),
    pytest.param(member('"x":[-1.5E+309]'), "number_out_of_range", id="large negative exponent"),
    pytest.param(member(f'"x":{"9" * 309}'), "number_out_of_range", id="309 digits"),
    pytest.param(member(f'"x":{"9" * 5000}'), "number_out_of_range", id="5000 digits"),
    pytest.param(member(f'"x":{deep(128)}'), "nested_too_deep", id="128 levels below a field"),
    pytest.param(member(f'"x":{deep(5000)}'), "nested_too_deep", id="5000 levels below a field"),
    pytest.param(member(",".join(f'"f{n}":1' for n in range(65_536))), "max_fields_limit_exceeded", id="65537 fields"),
    pytest.param(("1", "[1]"), "malformed_payload", id="not an object"),
    *(
        pytest.param(member(f'"_geo":{geo}'), "invalid_document_geo_field", id=f"geo {geo}")
        for geo in (
            '"1,2"',
            "[1,2]",
            "{}",
            '{"lat":1}',
            '{"lat":1,"lng":2,"alt":3}',
            '{"lat":"north","lng":2}',
            '{"lat":null,"lng":2}',
            '{"lat":true,"lng":2}',
            '{"lat":"nan","lng":2}',
            '{"lat":" 1","lng":2}',
            '{"lat":"1e400","lng":2}',
        )
    ),
]

BAD_ROWS = [cast("Row", case.values[0]) for case in BAD]

GOOD = [
    *map(known_as, ["0", "-5", str(2**64 - 1), str(-(2**63)), '"007"', '"Abc"', '"abc"', f'"{"x" * 511}"', '"a\\u002db"', '"-"', '"_"']),
    ("100", '{"id":100,"_vectors":{"m":[1,2]}}'),
    ("101", '{"id":101,"inner":{"_vectors":"x","_geo":"y"}}'),
    ("102", '{"id":102,"pair":"\\ud83d\\ude00","escaped":"\\\\ud800"}'),
    ("103", '{"id":103,"large":1.7e308,"tiny":1e-400,"zero":0e999,"text":"1e400 and \\"_vectors\\":1"}'),
    ("104", f'{{"id":104,"digits":{"9" * 308}}}'),
    ("105", f'{{"id":105,"deep":{deep(127)}}}'),
    ("106", '{"id":106,"wide":' + json.dumps([[]] * 300) + "}"),
    *(
        (str(200 + n), f'{{"id":{200 + n},"_geo":{geo}}}')
        for n, geo in enumerate(
            [
                "null",
                '{"lat":1,"lng":2}',
                '{"lng":2,"lat":1}',
                '{"lat":"1.5","lng":"-2"}',
                '{"lat":91,"lng":500}',
                '{"lat":"+1","lng":".5e1"}',
                '{"lat":1e3,"lng":0}',
            ]
        )
    ),
]


@pytest.fixture
async def indexes(meilisearch: MeilisearchServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Indexes]:
    monkeypatch.setenv("MEILI_TEST_KEY", meilisearch.key)
    assert CONNECTOR.indexes is not None
    async with CONNECTOR.indexes(Settings.model_validate({"url": meilisearch.url, "key": {"env": "MEILI_TEST_KEY"}})) as opened:
        yield opened


@pytest.mark.parametrize(("bad", "code"), BAD)
def test_a_bad_document_is_refused_by_rule(bad: Row, code: str) -> None:
    refused = rules.refusals(batch_of_rows([("7", '{"id":7}'), bad, ("8", '{"id":8}')]).rows, geo=True)

    assert [(row, refusal.row, refusal.code) for row, refusal in refused.items()] == [(1, 1, code)]
    assert refused[1].reason


def test_a_good_document_is_refused_by_no_rule() -> None:
    assert rules.refusals(batch_of_rows(GOOD).rows, geo=True) == {}


def test_a_document_may_have_any_geo_where_nobody_looks_at_it() -> None:
    assert rules.refusals(batch_of_rows([member('"_geo":"somewhere"')]).rows, geo=False) == {}


async def test_the_server_refuses_what_the_rules_refuse(meilisearch: MeilisearchServer, indexes: Indexes, index_name: str) -> None:
    await indexes.index(index_name).prepare(GEO)
    index = official.Client(meilisearch.url, meilisearch.key).index(index_name)

    accepted = [document[:200] for _, document in BAD_ROWS if is_accepted(index, document)]

    assert accepted == []


def is_accepted(index: official.index.Index, document: str) -> bool:
    try:
        task = index.add_documents_ndjson(document.encode(), "id")
    except official.errors.MeilisearchApiError:
        return False
    return index.wait_for_task(task.task_uid, 30_000, 5).status == "succeeded"


async def test_the_server_takes_what_the_rules_let_pass(indexes: Indexes, index_name: str) -> None:
    index = indexes.index(index_name)
    await index.prepare(GEO)

    (receipt,) = await drain(index, batch_of_rows(GOOD))

    assert receipt.refused == ()
    assert len(await contents(index)) == len(GOOD)


async def test_all_bad_documents_of_a_batch_are_refused_and_all_good_ones_stored(indexes: Indexes, index_name: str) -> None:
    index = indexes.index(index_name)
    await index.prepare(GEO)
    (receipt,) = await drain(index, batch_of_rows([each for pair in zip(BAD_ROWS, GOOD * 3, strict=False) for each in pair]))

    assert [refusal.row for refusal in receipt.refused] == list(range(0, 2 * len(BAD), 2))
    assert len(await contents(index)) == len(GOOD)


async def test_the_id_7_is_one_document_whether_number_or_text(indexes: Indexes, index_name: str) -> None:
    index = indexes.index(index_name)
    await index.prepare(IndexShape("id"))

    await drain(index, batch_of_rows([("7", '{"id":7,"turn":1}'), ('"7"', '{"id":"7","turn":2}'), ('"07"', '{"id":"07"}')]))

    assert await contents(index) == {"7": {"id": "7", "turn": 2}, "07": {"id": "07"}}


async def test_deleting_and_reading_ids_that_no_document_can_have_does_nothing(indexes: Indexes, index_name: str) -> None:
    index = indexes.index(index_name)
    await index.prepare(IndexShape("id"))

    (receipt,) = await drain(index, batch_of_rows([("1", '{"id":1}')], gone=["a b", "", "한국", "x" * 2000]))

    assert receipt.refused == ()
    assert await contents(index, ["a b", "", "한국", "x" * 2000, "1"]) == {"1": {"id": 1}}
