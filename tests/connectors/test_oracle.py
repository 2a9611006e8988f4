"""Oracle keeps the promises of a source."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import oracledb
import pytest

from syncd.connectors.oracle import CONNECTOR, Settings
from syncd.kit.sql import quote
from syncd.ports.connecting import Source
from syncd.settings.secret import SecretReference
from tests.contracts.source import Change, Kind, LookingBackContract, Make, Sample, SourceContract
from tests.servers.oracle.database import Database
from tests.servers.oracle.server import Server

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
