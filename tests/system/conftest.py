"""What tests of real processes share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.meilisearch import MeilisearchServer
from tests.system.harness import Settings, SyncdProcess
from tests.system.searching import Search
from tests.system.shop import Shop

Running = Callable[[Settings], SyncdProcess]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop.duckdb")


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
