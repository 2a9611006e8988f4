"""A hundred thousand rows, sixty of them bad, in every way in which a row can be bad."""

import json
from typing import Any

import pytest

from syncapi.v1.common_pb2 import RUN_STATE_DONE
from tests.system.client import told
from tests.system.conftest import IN_DUCKDB, Running, Stage
from tests.system.duckdb_shop import DuckDBShop
from tests.system.searching import Search, differences
from tests.system.shop import FAST, Document

ROWS = 100_000

NO_ID, BAD_ID = "missing_document_id", "invalid_document_id"
POISON = [
    ("key", NO_ID, (None, None, None)),
    ("key", NO_ID, ("null",)),
    ("key", BAD_ID, ('""', '" "', '"a b"')),
    ("key", BAD_ID, ('"a.1"', '"."', '"1.5"')),
    ("key", BAD_ID, ('"a/1"', '"/"', '"a/"')),
    ("key", BAD_ID, ('"é"', '"ﬁ-1"', '"½"')),
    ("key", BAD_ID, ('"김치"', '"１"', '"🌶"')),
    ("key", BAD_ID, ("0.5", "-1.25", "7.0")),
    ("key", BAD_ID, ("true", "false")),
    ("key", BAD_ID, ("[]", "[1]", '["a"]')),
    ("key", BAD_ID, ("{}", '{"a": 1}', '{"id": 7}')),
    ("key", BAD_ID, ("18446744073709551616", "18446744073709551617", "1" + "0" * 30)),
    ("key", BAD_ID, (f'"{"x" * 512}"', f'"{"y" * 513}"', f'"{"z" * 5000}"')),
    ("geo", "invalid_document_geo_field", ('{"lat": 1}', '{"lng": 1}', "{}")),
    ("geo", "invalid_document_geo_field", ('{"lat": "north", "lng": "east"}', '{"lat": true, "lng": 1}', '{"lat": [1], "lng": 1}')),
    ("geo", "invalid_document_geo_field", ('{"lat": 1, "lng": 1, "height": 1}', "[1, 1]", '"1, 1"')),
    ("vectors", "invalid_vectors_type", ("[0.5, 0.5]", '"none"', "7")),
    ("more", "number_out_of_range", ('{"n": 1e400}', '{"n": -1e400}', "[9e999]")),
    ("more", "nested_too_deep", ("[" * 200 + "]" * 200, '{"a":' * 200 + "1" + "}" * 200, '[{"a":' * 100 + "1" + "}]" * 100)),
    ("price", "mapping_failed", ("a lot", "1,5", "12 €")),
    ("price", "mapping_failed", ("--1", "0x", "1e")),
]
"""Column, what the dead letter is to say, and values."""

SETTINGS = {**FAST, "filterableAttributes": ["_geo"]}
MAPPING = {"id": "key", "n": "n", "price": "cast(price as double)", "_geo": "geo", "_vectors": "vectors", "more": "more"}
MAKE = f"""
CREATE TABLE poisoned (key JSON, n BIGINT, price VARCHAR, geo JSON, vectors JSON, more JSON);
INSERT INTO poisoned
SELECT CASE WHEN n % 2 = 0 THEN n::VARCHAR ELSE '"row-' || n || '"' END, n, n || '.25', '{{"lat": 37.5, "lng": 127}}', '{{}}', '{{"n": 1}}'
FROM range({ROWS}) AS numbers(n)
"""


@pytest.fixture
def poisoned(shop: DuckDBShop) -> DuckDBShop:
    """The table, with poison at some places in it."""
    with shop.writing() as db:
        db.execute(MAKE)
        doses = [(column, value) for column, _, values in POISON for value in values]
        for number, (column, value) in enumerate(doses):
            db.execute(f"UPDATE poisoned SET {column} = ? WHERE n = ?", [value, number * 1613])
    return shop


def mend(shop: DuckDBShop) -> None:
    """Bad keys become new ones, bad values become good ones."""
    good = {"key": """'"new-' || n || '"'""", "price": "'1'", "geo": "NULL", "vectors": "'{}'", "more": "'[]'"}
    doses = [column for column, _, values in POISON for _ in values]
    with shop.writing() as db:
        for number, column in enumerate(doses):
            db.execute(f"UPDATE poisoned SET {column} = {good[column]} WHERE n = ?", [number * 1613])


def documents(shop: DuckDBShop) -> dict[str, Document]:
    """What the mapping says, in plain Python. The server does not show vectors."""
    rows = shop.execute("SELECT key, n, price, geo, more FROM poisoned")
    made = [
        {"id": json.loads(key), "n": n, "price": float(price), "_geo": _json(geo), "more": _json(more)} for key, n, price, geo, more in rows
    ]
    return {str(document["id"]): document for document in made}


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


@pytest.mark.timeout(300)
@IN_DUCKDB
def test_sixty_bad_rows_in_a_hundred_thousand_become_dead_letters_until_they_are_mended(
    running: Running, poisoned: DuckDBShop, steady: Search
) -> None:
    sync = {
        "engine": "search",
        "manual": True,
        "source": {"connection": "shop", "table": "poisoned", "key": ["key"]},
        "target": {"connection": "search", "index": "poisoned", "settings": SETTINGS},
        "mapping": MAPPING,
    }
    connections = {"shop": poisoned.connection, "search": steady.connection}
    syncd = running({"connections": connections, "syncs": {"poisoned": sync}})

    run = syncd.client.run("poisoned", "full")

    assert (run.state, run.summary) == (RUN_STATE_DONE, "done, 60 refused"), told(run)
    letters = syncd.client.letters("poisoned")
    assert sorted(letter.code for letter in letters) == sorted(code for _, code, values in POISON for _ in values)
    assert len(letters) == 60
    assert all(letter.reason for letter in letters)
    assert len(steady.documents("poisoned")) == ROWS - 60

    mend(poisoned)
    retried = syncd.ctl("dead-letters", "retry", "poisoned")

    assert retried.returncode == 0, retried.stdout + retried.stderr
    assert not syncd.client.letters("poisoned")
    assert differences(documents(poisoned), steady.documents("poisoned")) == ""


@pytest.mark.timeout(120)
def test_a_row_that_is_mended_loses_its_dead_letter_with_the_next_run(stage: Stage) -> None:
    stage.shop.create(100)
    stage.shop.execute("ALTER TABLE products ADD weight VARCHAR(10) DEFAULT '1.5'")
    stage.shop.execute("UPDATE products SET weight = 'heavy' WHERE id IN (7, 8, 9)")
    client = stage.syncd(mapping={"weight": "cast(weight as double)"}).client
    first = client.done("products", "full")
    letters = client.letters("products")

    stage.shop.execute("UPDATE products SET weight = '2' WHERE id = 7")
    stage.shop.edit([7])
    stage.shop.bury([8])
    second = client.done("products", "incremental")
    left = client.letters("products")
    third = client.done("products", "full")

    assert (first.summary, second.summary, third.summary) == ("done, 3 refused", "done", "done, 1 refused")
    assert [letter.key_json for letter in letters] == ['["7"]', '["8"]', '["9"]']
    assert all("weight" in letter.reason and "heavy" in letter.reason for letter in letters)
    assert [letter.key_json for letter in left] == ['["9"]']
    assert client.status("products").dead_letters == 1
    assert set(stage.documents()) == {str(number) for number in range(1, 101)} - {"8", "9"}
