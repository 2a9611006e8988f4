"""Oracle keeps the promises of a source."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import oracledb
import pytest

from syncd.connectors.oracle import CONNECTOR, Settings
from syncd.domain.errors import SourceMismatch
from syncd.domain.scan import Relation
from syncd.kit.sql import quote
from syncd.ports.connecting import Source
from syncd.ports.warehouse import SchemaReader
from syncd.settings.secret import SecretReference
from tests.contracts import schema_reader
from tests.contracts.schema_reader import SchemaReaderContract
from tests.contracts.source import NOON, STOCK, Change, Kind, LookingBackContract, Make, Sample, SourceContract
from tests.servers.oracle.database import Database
from tests.servers.oracle.dictionary import VIEWS
from tests.servers.oracle.server import Server
from tests.servers.oracle.storage import Storage

_TYPES = {Kind.INTEGER: "NUMBER(18)", Kind.TEXT: "VARCHAR2(400 CHAR)", Kind.MOMENT: "TIMESTAMP(6)"}
_PASSWORD = "secret"


@pytest.fixture(params=[19, 23])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(Database(), flavour=request.param) as server:
        yield server


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> Settings:
    password = tmp_path / "password"
    password.write_text(_PASSWORD)
    return Settings(dsn=server.dsn, user="syncd", password=SecretReference(file=password), timezone="UTC", range_rows=500)


@pytest.fixture
async def make(settings: Settings) -> AsyncIterator[Make]:
    assert CONNECTOR.source is not None
    async with AsyncExitStack() as stack:

        async def create(*samples: Sample) -> Source:
            assert CONNECTOR.source is not None
            with oracledb.connect(user="syncd", password=_PASSWORD, dsn=settings.dsn) as connection:
                for sample in samples:
                    _create(connection, sample)
                connection.commit()
            return await stack.enter_async_context(CONNECTOR.source(settings))

        yield create


@pytest.fixture
def change(settings: Settings) -> Change:
    async def change(rows: list[tuple[Any, ...]] = [], removed: list[Any] = []) -> None:  # noqa: B006
        with oracledb.connect(user="syncd", password=_PASSWORD, dsn=settings.dsn) as connection, connection.cursor() as cursor:
            for key in removed:
                cursor.execute('DELETE FROM "products" WHERE "id" = :1', [key])
            for key, name, changed in rows:
                cursor.setinputsizes(None, oracledb.DB_TYPE_TIMESTAMP, None)
                cursor.execute('UPDATE "products" SET "name" = :1, "changed" = :2 WHERE "id" = :3', [name, changed, key])
                if not cursor.rowcount:
                    _insert(cursor, "products", [(key, name, changed)])
            connection.commit()

    return change


def _create(connection: oracledb.Connection, sample: Sample) -> None:
    required = {*sample.required, *sample.primary_key}
    columns = [f"{quote(name)} {_TYPES[kind]}{' NOT NULL' if name in required else ''}" for name, kind in sample.columns.items()]
    key = [f"PRIMARY KEY ({', '.join(map(quote, sample.primary_key))})"] if sample.primary_key else []
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {quote(sample.name)} ({', '.join(columns + key)}) ROWDEPENDENCIES")
        if sample.rows:
            _insert(cursor, sample.name, list(sample.rows))


def _insert(cursor: oracledb.Cursor, table: str, rows: list[tuple[Any, ...]]) -> None:
    """A date is bound with its fraction, which the driver would cut."""
    moments = [any(isinstance(row[n], datetime) for row in rows) for n in range(len(rows[0]))]
    cursor.setinputsizes(*(oracledb.DB_TYPE_TIMESTAMP if moment else None for moment in moments))
    cursor.executemany(f"INSERT INTO {quote(table)} VALUES ({', '.join(f':{n + 1}' for n in range(len(rows[0])))})", rows)


class TestOracle(SourceContract):
    pass


class TestLookingBack(LookingBackContract):
    pass


class OracleWarehouse:
    """The stand-in as the warehouse that tests change."""

    schema = "SYNCD"

    def __init__(self, settings: Settings, reader: SchemaReader) -> None:
        self._settings = settings
        self.reader = reader

    def listed(self, table: str) -> str:
        return f"SYNCD.{table.upper()}"

    def spelt(self, column: str) -> str:
        return column.upper()

    def sql(self, table: str) -> str:
        return table

    async def create(self, *samples: schema_reader.Sample) -> None:
        with oracledb.connect(user="syncd", password=_PASSWORD, dsn=self._settings.dsn) as connection:
            for sample in samples:
                columns = {name.upper(): kind for name, kind in sample.columns.items()}
                required = tuple(name.upper() for name in sample.required)
                _create(connection, Sample(columns, sample.rows, required=required, name=sample.name.upper()))
            connection.commit()
        for sample in samples:
            self.run(f"COMMENT ON TABLE {sample.name} IS {_literal(sample.comment)}")
            for column, comment in sample.comments.items():
                await self.comment(sample.name, column, comment)

    async def create_view(self, name: str, of: str) -> None:
        self.run(f"CREATE VIEW {name} AS SELECT * FROM {of}")

    async def insert(self, table: str, row: tuple[object, ...]) -> None:
        with oracledb.connect(user="syncd", password=_PASSWORD, dsn=self._settings.dsn) as connection, connection.cursor() as cursor:
            _insert(cursor, table.upper(), [row])
            connection.commit()

    async def add(self, table: str, column: str) -> None:
        self.run(f"ALTER TABLE {table} ADD ({column} VARCHAR2(50))")

    async def rename(self, table: str, column: str, to: str) -> None:
        self.run(f"ALTER TABLE {table} RENAME COLUMN {column} TO {to}")

    async def drop_column(self, table: str, column: str) -> None:
        self.run(f"ALTER TABLE {table} DROP COLUMN {column}")

    async def comment(self, table: str, column: str, comment: str) -> None:
        self.run(f"COMMENT ON COLUMN {table}.{column} IS {_literal(comment)}")

    async def drop(self, table: str) -> None:
        self.run(f"DROP TABLE {table}")

    async def rows(self, table: str) -> int:
        with oracledb.connect(user="syncd", password=_PASSWORD, dsn=self._settings.dsn) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            [[rows]] = cursor.fetchall()
        return int(rows)

    def run(self, *statements: str) -> None:
        with oracledb.connect(user="syncd", password=_PASSWORD, dsn=self._settings.dsn) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture
async def warehouse(settings: Settings) -> AsyncIterator[OracleWarehouse]:
    assert CONNECTOR.schemas is not None
    async with CONNECTOR.schemas(settings) as reader:
        yield OracleWarehouse(settings, reader)


class TestSchemaReader(SchemaReaderContract):
    pass


Synonyms = Callable[..., None]
"""Lets ALL_SYNONYMS tell of some: owner, name, owner of the table, table."""


@pytest.fixture
def synonyms(monkeypatch: pytest.MonkeyPatch) -> Synonyms:
    def told(*rows: tuple[str, str, str, str]) -> None:
        known = replace(VIEWS["ALL_SYNONYMS"], rows=lambda _: ((*row, None) for row in rows))
        monkeypatch.setitem(VIEWS, "ALL_SYNONYMS", known)

    return told


@pytest.mark.parametrize("owner", ["SYNCD", "PUBLIC"])
async def test_a_synonym_is_described_as_its_table(make: Make, synonyms: Synonyms, owner: str) -> None:
    source = await make(STOCK)
    synonyms((owner, "STOCK", "SYNCD", "products"))

    table = await source.describe(Relation(table="stock"))

    assert table.names == ("id", "name", "changed")
    assert table.primary_key == ("id",)


@pytest.mark.parametrize(
    ("known", "written"),
    [
        pytest.param([("PUBLIC", "ITEMS", "ERP", "ITEMS")], "ITEMS", id="its table may not be seen"),
        pytest.param([("SYNCD", "A", "SYNCD", "B"), ("SYNCD", "B", "SYNCD", "A")], "A", id="it leads back to itself"),
        pytest.param([("PUBLIC", "STOCK", "SYNCD", "products")], "ERP.STOCK", id="a public one, but an owner is named"),
    ],
)
async def test_a_synonym_that_leads_to_no_table_is_a_mismatch(
    make: Make, synonyms: Synonyms, known: list[tuple[str, str, str, str]], written: str
) -> None:
    source = await make(STOCK)
    synonyms(*known)

    with pytest.raises(SourceMismatch, match="there is no table"):
        await source.describe(Relation(table=written))


@pytest.mark.parametrize("flavour", [19, 23])
async def test_a_run_starts_again_no_later_than_a_transaction_that_is_open_even_without_a_margin(tmp_path: Path, flavour: int) -> None:
    """The server tells the start of a transaction in whole seconds."""
    assert CONNECTOR.source is not None
    password = tmp_path / "password"
    password.write_text(_PASSWORD)
    second = int(NOON.replace(microsecond=0, tzinfo=UTC).timestamp()) * 10**9
    now = second + 10**8
    database = Database()
    database.storage.close()
    database.storage = Storage(None, lambda: now)
    with Server(database, flavour=flavour) as server:
        secret = SecretReference(file=password)
        settings = Settings(dsn=server.dsn, user="syncd", password=secret, timezone="UTC", clock_margin=timedelta(0))
        with (
            oracledb.connect(user="syncd", password=_PASSWORD, dsn=server.dsn) as late,
            oracledb.connect(user="syncd", password=_PASSWORD, dsn=server.dsn) as prompt,
        ):
            prompt.cursor().execute("CREATE TABLE t (id NUMBER(9) PRIMARY KEY, changed TIMESTAMP(6))")
            late.cursor().execute("INSERT INTO t VALUES (1, SYSTIMESTAMP)")
            now = second + 9 * 10**8
            prompt.cursor().execute("INSERT INTO t VALUES (2, SYSTIMESTAMP)")
            prompt.commit()

            async with CONNECTOR.source(settings) as source:
                horizon = await source.horizon(Relation(table="T"), "CHANGED")

    assert horizon.exact
    assert horizon.reaches is not None
    assert datetime.fromisoformat(horizon.reaches) <= NOON.replace(microsecond=100_000)
