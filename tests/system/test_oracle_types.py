"""Every type of Oracle, with its edges, from the table into the index, character by character."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracledb
import orjson
import pytest

from syncapi.v1.common_pb2 import RUN_STATE_DONE
from syncd.engines.search.mapping import Unmapped
from tests.connectors.oracle_values import FORMS
from tests.servers.oracle.database import Database
from tests.servers.oracle.server import Server
from tests.system.client import told
from tests.system.conftest import Running
from tests.system.searching import Local, Search

CASES = [(column, value, form) for column, values in enumerate(FORMS.values()) for value, form in values.items()]
"""One row for each value, in the column of its type; all other columns of the row are NULL."""
LONG_TEXT = "한글 😀\n" * 450_000
"""More than five million bytes."""
LONG_ROW = len(CASES)


@pytest.fixture(params=[19, 23])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(Database(), flavour=request.param) as server:
        with oracledb.connect(user="syncd", password="secret", dsn=server.dsn) as connection, connection.cursor() as cursor:
            columns = ", ".join(f"C{number} {kind}" for number, kind in enumerate(FORMS))
            cursor.execute(f"CREATE TABLE ALL_TYPES (ID NUMBER(9) PRIMARY KEY, {columns}, BIG CLOB)")
            for row, (column, value, _) in enumerate(CASES):
                cursor.execute(f"INSERT INTO ALL_TYPES (ID, C{column}) VALUES ({row}, {value})")
            cursor.setinputsizes(oracledb.DB_TYPE_CLOB)
            cursor.execute(f"INSERT INTO ALL_TYPES (ID, BIG) VALUES ({LONG_ROW}, :1)", [LONG_TEXT])
            connection.commit()
        yield server


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["meilisearch", "fts5"])
def test_every_value_of_every_type_arrives_in_the_index_exactly(  # noqa: PLR0917 - fixtures
    request: pytest.FixtureRequest, running: Running, server: Server, index_name: str, tmp_path: Path, kind: str
) -> None:
    target: Search | Local = Local(tmp_path / "search.db") if kind == "fts5" else request.getfixturevalue("steady")
    password = tmp_path / "password"
    password.write_text("secret")
    sync = {
        "engine": "search",
        "manual": True,
        "source": {"connection": "erp", "table": "ALL_TYPES", "key": ["ID"]},
        "target": {"connection": "search", "index": index_name},
    }
    erp = {"kind": "oracle", "dsn": server.dsn, "user": "syncd", "password": {"file": password}}
    client = running({"connections": {"erp": erp, "search": target.connection}, "syncs": {"types": sync}}).client

    run = client.run("types", "full")
    letters = {json.loads(letter.key_json)[0]: (letter.code, letter.reason) for letter in client.letters("types")}
    documents = target.documents(index_name, "ID")

    assert run.state == RUN_STATE_DONE, told(run)
    assert documents.pop(str(LONG_ROW))["BIG"] == LONG_TEXT
    for row, (column, value, form) in enumerate(CASES):
        where = f"{list(FORMS)[column]} {value}"
        if isinstance(form, Unmapped):
            assert letters.pop(str(row)) == (form.code, form.reason.replace("column V", f"column C{column}")), where
        else:
            document = documents.pop(str(row))
            assert equal(document.pop(f"C{column}"), json.loads(form)), where
            assert {found for name, found in document.items() if name != "ID"} == {None}, where
    assert (documents, letters) == ({}, {})


def equal(found: Any, expected: Any) -> bool:
    """The same to the last digit; a whole number may have become one with a point, and inside a JSON, one beyond 64 bits a double."""
    if isinstance(expected, dict):
        return bool(orjson.loads(json.dumps(found)) == orjson.loads(json.dumps(expected)))
    if isinstance(expected, float) and not isinstance(found, str):
        return Decimal(repr(float(found))) == Decimal(repr(expected))
    return type(found) is type(expected) and bool(found == expected)
