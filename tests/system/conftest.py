"""What tests of real processes share."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.meilisearch import MeilisearchServer
from tests.servers.oracle.database import Database
from tests.servers.oracle.server import Server
from tests.system.duckdb_shop import DuckDBShop
from tests.system.harness import Settings, SyncdProcess
from tests.system.oracle_shop import OracleShop
from tests.system.searching import Search, differences
from tests.system.shop import Document, Shop, synced

Running = Callable[[Settings], SyncdProcess]

SHOPS = os.environ.get("SYNCD_SHOPS", "duckdb").split()
"""The databases that tests read from: `duckdb`, `oracle19`, `oracle23`."""
IN_ORACLE = pytest.mark.parametrize("shop", ["oracle19", "oracle23"], indirect=True)
IN_DUCKDB = pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
ANYWHERE = pytest.mark.parametrize("shop", ["duckdb", "oracle19", "oracle23"], indirect=True)


@dataclass
class Stage:
    """A shop, a place for an index, and what it takes to put a daemon between them."""

    running: Running
    shop: Shop
    search: Search
    index: str

    def settings(self, connection: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """Settings of a daemon whose only sync keeps the index in step with the shop; `connection` goes over those of the target."""
        return synced(self.shop, {**self.search.connection, **(connection or {})}, index=self.index, **changes)

    def syncd(self, connection: Mapping[str, Any] | None = None, **changes: Any) -> SyncdProcess:
        """Start that daemon."""
        return self.running(self.settings(connection, **changes))

    def documents(self) -> dict[str, Document]:
        """What stands in the index."""
        return self.search.documents(self.index)

    def differences(self) -> str:
        """How the index differs from the shop; empty if they are equal."""
        return differences(self.shop.documents(), self.documents())


@pytest.fixture
def stage(running: Running, shop: Shop, steady: Search, index_name: str) -> Stage:
    return Stage(running, shop, steady, index_name)


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    match request.param:
        case "duckdb":
            yield DuckDBShop(tmp_path / "shop.duckdb")
        case flavour:
            with Server(Database(), flavour=int(flavour.removeprefix("oracle"))) as server:
                yield OracleShop(server, tmp_path)


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    """A Meilisearch for all tests of a module, which nobody stops: each test has indexes of its own."""
    with MeilisearchServer(tmp_path_factory.mktemp("steady")) as server:
        yield Search(server)


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[Search]:
    """A Meilisearch for one test, which may stop and kill it."""
    folder = tmp_path / "frail"
    folder.mkdir()
    with MeilisearchServer(folder) as server:
        yield Search(server)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Starts daemons, and ends them after the test."""
    started: list[SyncdProcess] = []

    def start(settings: Settings) -> SyncdProcess:
        syncd = SyncdProcess(tmp_path / f"syncd{len(started)}", settings)
        started.append(syncd)
        syncd.start()
        return syncd

    yield start
    for syncd in started:
        syncd.kill()
        print(syncd.told())  # noqa: T201 - pytest shows it if the test fails
