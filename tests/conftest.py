"""What tests of several packages share."""

import re
import uuid
from collections.abc import Iterator

import pytest

from tests.servers.meilisearch import MeilisearchServer


@pytest.fixture(scope="session")
def meilisearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeilisearchServer]:
    """One server for all tests that neither stop nor kill it."""
    with MeilisearchServer(tmp_path_factory.mktemp("meilisearch")) as server:
        yield server


@pytest.fixture
def index_name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses, and that no index has yet."""
    test = re.sub(r"\W+", "-", request.node.originalname)[:40].strip("-")
    return f"{test}-{uuid.uuid4().hex[:8]}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of whole daemons first: of two processes one has them all, and the other does the small ones beside it."""
    items.sort(key=lambda item: item.path.parent.name != "system")
