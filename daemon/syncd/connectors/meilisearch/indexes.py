"""The indexes of one Meilisearch, and one of them as a target."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pyarrow as pa

from syncd.connectors.meilisearch import rules, shaping
from syncd.connectors.meilisearch.client import Client
from syncd.connectors.meilisearch.loading import Load, Place
from syncd.connectors.meilisearch.settings import Settings
from syncd.connectors.meilisearch.window import Budget
from syncd.domain.batch import Batch, Receipt
from syncd.domain.errors import BadCredentials, TargetMismatch, TargetUnavailable
from syncd.ports import LISTING, Indexes, IndexShape, IndexState, Target

_NAME = re.compile(r"[A-Za-z0-9_-]{1,400}", re.ASCII)
_PAGE_BYTES = 8_000_000
_PAGE_ROWS = 10_000
_IDS_A_PAGE = 50_000


class MeilisearchTarget:
    def __init__(self, name: str, client: Client, budget: Budget) -> None:
        self._name = name
        self._client = client
        self._budget = budget

    async def prepare(self, shape: IndexShape) -> IndexState:
        return await shaping.shaped(self._client, self._name, shape)

    async def apply(self, batches: AsyncIterator[Batch], crowded: Callable[[], bool]) -> AsyncIterator[Receipt]:
        known = await self._known()
        place = Place(self._name, known.primary_key or "id", rules.filters_by_geo(known.settings))
        ...
