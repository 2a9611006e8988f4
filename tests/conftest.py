"""What tests of several packages share."""

import re
import uuid
from collections.abc import Iterator
from itertools import chain, groupby

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
    """Long tests first, and in both halves: each of two processes begins with one of them, and what is left at the end is short."""
    long = [list(each) for _, each in groupby((item for item in items if _is_long(item)), key=lambda item: item.path)]
    short = [item for item in items if not _is_long(item)]
    middle = len(short) // 2
    items[:] = [*chain(*long[::2]), *short[:middle], *chain(*long[1::2]), *short[middle:]]


def _is_long(item: pytest.Item) -> bool:
    return item.path.parent.name == "system"
