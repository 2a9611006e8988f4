"""Every Oracle type, from the column to the document, through the driver, the scan and the mapping; and back as a position."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import oracledb
import pyarrow as pa
import pytest
import pytest_asyncio

from syncd.connectors.oracle import CONNECTOR, Settings
from syncd.domain.errors import SourceMismatch
from syncd.domain.position import positions
from syncd.domain.scan import Position, Relation, Scan, Since
from syncd.engines.search.fields import Fields, fields_of
from syncd.engines.search.mapping import Mapper, Unmapped
from syncd.engines.search.settings import SearchSync
from syncd.ports.connecting import Source
from syncd.settings.secret import SecretReference
from tests.connectors.oracle_values import ASCENDING, BY_SETTING, FORMS
from tests.servers.oracle.database import Database
from tests.servers.oracle.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PASSWORD = "secret"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(Database(), flavour=23) as server:
        yield server


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[oracledb.Connection]:
    with oracledb.connect(user="syncd", password=_PASSWORD, dsn=server.dsn) as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture(scope="module", autouse=True)
def _instance() -> Iterator[None]:
    """Mappers that live at one time share what takes long to make."""
    with Mapper(Fields((), ""), ()):
        yield


Open = Callable[..., Awaitable[Source]]
Store = Callable[[str, Sequence[str]], Relation]
_numbered = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Open]:
    """A source for each set of settings."""
    password = tmp_path_factory.mktemp("oracle") / "password"
    password.write_text(_PASSWORD)
    sources: dict[str, Source] = {}
    async with AsyncExitStack() as stack:

        async def opened(**settings: Any) -> Source:
            name = json.dumps(settings)
            if name not in sources and CONNECTOR.source is not None:
                login: dict[str, Any] = {"dsn": server.dsn, "user": "syncd", "password": SecretReference(file=password), "timezone": "UTC"}
                sources[name] = await stack.enter_async_context(CONNECTOR.source(Settings(**login, **settings)))
            return sources[name]

        yield opened


@pytest.fixture
def stored(database: oracledb.Connection) -> Iterator[Store]:
    """Makes a table of values V, numbered N from 0 in the order in which they are given; they are written backwards."""
    table = Relation(f"T{next(_numbered)}")

    def store(kind: str, values: Sequence[str]) -> Relation:
        with database.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {table.name} (N NUMBER(9) PRIMARY KEY, V {kind})")
            for number, value in reversed([*enumerate(values)]):
                cursor.execute(f"INSERT INTO {table.name} VALUES ({number}, {value})")
        return table

    yield store
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE {table.name}")


async def _scanned(source: Source, key: str, *relations: Relation) -> tuple[pa.RecordBatch, list[str | Unmapped], list[Position]]:
    """The rows of some relations, the member V of their documents or why there is none, and their keys as documents know them."""
    sync = SearchSync.model_validate(
        {"engine": "search", "source": {"connection": "s", "table": "t", "key": [key]}, "target": {"connection": "t", "index": "i"}}
    )
    batches = []
    for relation in relations:
        described = await source.describe(relation)
        batches += [batch async for batch in source.scan(Scan(relation, (key,)), 1000)]
        assert batches[-1].select(described.names).schema == described.schema
    rows = pa.concat_batches(batches)
    with Mapper(fields_of(sync, described.names), sync.source.key) as mapper:
        mapper.bind(described.schema)
        mapped = mapper.documents(rows)
    documents = mapped.rows.to_pylist()
    members = (row["document"].removeprefix(f'{{"N":{row["mark"]},"V":').removesuffix("}") for row in documents)
    forms = [mapped.unmapped.get(row["mark"], member) for row, member in zip(documents, members, strict=True)]
    return rows, forms, [tuple(json.loads(row["key"])) for row in documents]


async def _numbers(source: Source, table: Relation, **bounds: Any) -> list[int]:
    """Numbers of the rows that a scan in the order of their values brings."""
    found: list[int] = []
    async for batch in source.scan(Scan(table, ("V",), ("N",), key=("V",), **bounds), 1000):
        found += batch.column("N").to_pylist()
    return found


@pytest.mark.parametrize("kind", FORMS)
async def test_every_type_arrives_in_documents_without_loss(opened: Open, stored: Store, kind: str) -> None:
    table = stored(kind, list(FORMS[kind]))
    source = await opened()

    _, forms, _ = await _scanned(source, "N", table, Relation(query=f"SELECT * FROM {table.name}"))

    assert dict(zip(FORMS[kind], forms[: len(forms) // 2], strict=True)) == FORMS[kind]
    assert forms[len(forms) // 2 :] == forms[: len(forms) // 2]


@pytest.mark.parametrize(("settings", "column", "expected"), BY_SETTING)
async def test_settings_of_the_connection_say_how_some_types_arrive(
    opened: Open, stored: Store, settings: dict[str, Any], column: tuple[str, str], expected: str | Unmapped
) -> None:
    kind, value = column
    table = stored(kind, [value])
    source = await opened(**settings)

    _, forms, _ = await _scanned(source, "N", table)

    assert forms == [expected]


async def test_a_long_text_arrives_whole(opened: Open, stored: Store, database: oracledb.Connection) -> None:
    table = stored("CLOB", ["'short'"])
    text = "한글 😀\n" * 450_000
    with database.cursor() as cursor:
        cursor.setinputsizes(oracledb.DB_TYPE_CLOB, None)
        cursor.execute(f"UPDATE {table.name} SET V = :1 WHERE N = :2", [text, 0])
    source = await opened()

    _, forms, _ = await _scanned(source, "N", table)

    assert len(text.encode()) > 5_000_000
    assert forms == [json.dumps(text, ensure_ascii=False)]


@pytest.mark.parametrize(
    ("kind", "settings"), [*((kind, {}) for kind in ASCENDING), ("RAW(8)", {"raw": "hex"}), ("CHAR(5)", {"trim_char": False})]
)
async def test_a_position_of_every_comparable_type_is_found_again(opened: Open, stored: Store, kind: str, settings: dict[str, Any]) -> None:
    table = stored(kind, ASCENDING[kind])
    source = await opened(**settings)

    rows, _, keys = await _scanned(source, "V", table)
    places = positions(rows, ("V",))

    numbers = list(range(len(ASCENDING[kind])))
    assert rows.column("N").to_pylist() == numbers
    for number, place in enumerate(places):
        assert await _numbers(source, table, after=place) == numbers[number + 1 :]
        if place[0] is not None:
            assert await _numbers(source, table, since=Since("V", place[0])) == numbers[number:]
            assert await _numbers(source, table, keys=(place, keys[number])) == [number]


async def test_a_column_without_a_form_is_named_with_a_way_out_and_can_be_left_out(opened: Open, stored: Store) -> None:
    table = stored("LONG RAW", ["HEXTORAW('00FF')"])
    source = await opened()

    columns = (await source.describe(table)).columns
    batches = [batch async for batch in source.scan(Scan(table, ("N",), ("N",)), 10)]

    assert [column.obstacle for column in columns] == [
        "",
        "leave it out by a `mapping`, or convert it in a `query`; LONG RAW has no form in a document",
    ]
    assert pa.Table.from_batches(batches).to_pylist() == [{"N": 0}]
    with pytest.raises(SourceMismatch, match=f"column 'V' of '{table.name}' cannot be read"):
        await anext(source.scan(Scan(table, ("N",)), 10))
