"""Meilisearch as a target, tried on the real server."""

from collections.abc import AsyncIterator

import pytest

from syncd.connectors.meilisearch import CONNECTOR
from syncd.connectors.meilisearch.settings import Settings
from syncd.ports import Indexes
from tests.contracts.target import TargetContract
from tests.servers.meilisearch import MeilisearchServer


@pytest.fixture
def settings(meilisearch: MeilisearchServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MEILI_TEST_KEY", meilisearch.key)
    return Settings.model_validate({"url": meilisearch.url, "key": {"env": "MEILI_TEST_KEY"}, "timeout": "10s"})


@pytest.fixture
async def indexes(settings: Settings) -> AsyncIterator[Indexes]:
    assert CONNECTOR.indexes is not None
    async with CONNECTOR.indexes(settings) as opened:
        yield opened


@pytest.fixture
def name(index_name: str) -> str:
    return index_name


class TestMeilisearchAsTarget(TargetContract):
    pass
