"""The indexes of one Meilisearch, and one of them as a target."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import orjson
import pyarrow as pa

from syncd.connectors.meilisearch import rules, shaping
from syncd.connectors.meilisearch.client import Client
from syncd.connectors.meilisearch.loading import Load, Place
from syncd.connectors.meilisearch.settings import Settings
from syncd.connectors.meilisearch.window import Budget
from syncd.domain.batch import Batch, Receipt, Refusal
from syncd.domain.errors import BadCredentials, TargetMismatch, TargetUnavailable
from syncd.kit.text import counted
from syncd.ports.connecting import LISTING, Index, IndexShape, IndexState

_NAME = re.compile(r"[A-Za-z0-9_-]{1,400}", re.ASCII)
_PAGE_BYTES = 8_000_000
_PAGE_ROWS = 10_000
_IDS_A_PAGE = 50_000


class MeilisearchIndex:
    def __init__(self, name: str, client: Client, budget: Budget) -> None:
        self._name = name
        self._client = client
        self._budget = budget
        self._geo = False

    async def prepare(self, shape: IndexShape) -> IndexState:
        known = await shaping.shaped(self._client, self._name, shape)
        self._geo = rules.filters_by_geo(known.settings)
        return known.state(shape)

    async def apply(self, batches: AsyncIterator[Batch], crowded: Callable[[], bool]) -> AsyncGenerator[Receipt, None]:
        known = await self._known()
        self._geo = rules.filters_by_geo(known.settings)
        place = Place(self._name, _primary_key(known), self._geo)
        async with aclosing(Load(self._client, self._budget, place, crowded).receipts(batches)) as receipts:
            async for receipt in receipts:
                yield receipt

    def unfit(self, rows: pa.RecordBatch) -> Sequence[Refusal]:
        return tuple(rules.refusals(rows, geo=self._geo).values())

    async def ids(self) -> AsyncGenerator[pa.StringArray, None]:
        primary_key = _primary_key(await self._known())
        start = 0
        while found := await self._fetch({"fields": [primary_key], "offset": start, "limit": _IDS_A_PAGE}):
            yield pa.array([str(document[primary_key]) for document in found], pa.string())
            start += len(found)

    async def documents(self, ids: Sequence[str] | None = None) -> AsyncGenerator[pa.RecordBatch, None]:
        known = await self._known()
        rows = max(1, min(_PAGE_ROWS, _PAGE_BYTES // max(1, known.document_bytes)))
        if ids is None:
            pages = ({"offset": start, "limit": rows} for start in range(0, known.documents, rows))
        else:
            possible = rules.possible_ids(pa.array(ids, pa.string())).to_pylist()
            pages = ({"ids": possible[start : start + rows], "limit": rows} for start in range(0, len(possible), rows))
        for page in pages:
            if found := await self._fetch(page):
                yield _listing(found, _primary_key(known))

    async def _fetch(self, what: Mapping[str, object]) -> list[dict[str, Any]]:
        with self._client.expected("documents"):
            answer = await self._client.fetch(f"indexes/{self._name}/documents/fetch", what, orjson.loads)
            return list(answer["results"])

    async def _known(self) -> shaping.Known:
        known = await shaping.find(self._client, self._name)
        if known is None:
            raise TargetUnavailable(f"{self._client.place} has no index {self._name}; it is made when it is prepared")
        return known


def _primary_key(known: shaping.Known) -> str:
    if known.primary_key is None:
        raise TargetMismatch("the index has no primary key; it gets one when it is prepared")
    return known.primary_key


def _listing(documents: list[dict[str, Any]], primary_key: str) -> pa.RecordBatch:
    ids = pa.array([str(document[primary_key]) for document in documents], pa.string())
    texts = pa.array([orjson.dumps(document) for document in documents], pa.binary()).cast(pa.string())
    return pa.RecordBatch.from_arrays([ids, texts], schema=LISTING)


class MeilisearchIndexes:
    def __init__(self, client: Client, budget: Budget) -> None:
        self._client = client
        self._budget = budget

    def index(self, name: str) -> Index:
        if not _NAME.fullmatch(name):
            raise TargetMismatch(f"{name!r} cannot be the name of an index; expected 1 to 400 characters, each one of a-z A-Z 0-9 - _")
        return MeilisearchIndex(name, self._client, self._budget)

    async def inspect(self, name: str, shape: IndexShape) -> IndexState | None:
        await shaping.swapped(self._client, [name])
        known = await shaping.find(self._client, name)
        return known.state(shape) if known else None

    async def swap(self, name: str, other: str) -> None:
        await shaping.swapped(self._client, [name, other])
        before = await self._identities(name, other)
        if before == (None, None):
            raise TargetMismatch(f"neither {name} nor {other} exists, so they cannot be swapped")
        pair = [name, other] if before[0] else [other, name]
        uid = self._client.task_uid(await self._client.post("swap-indexes", [{"indexes": pair, "rename": None in before}]))

        async def swapped() -> bool | None:
            """A key that is limited to some indexes does not see the task; then the indexes themselves tell."""
            task = (await self._client.tasks([uid])).get(uid)
            if task is None:
                return await self._identities(name, other) == before[::-1] or None
            if task.over and not task.good:
                task.blame(self._client.place)
                raise TargetMismatch(f"{self._client.place} does not swap {name} and {other}: {task.reason}")
            return task.good or None

        await self._client.until(swapped)

    async def drop(self, name: str) -> None:
        task = await self._client.finish(self._client.task_uid(await self._client.delete(f"indexes/{name}")))
        if task.word == "index_not_found":
            return
        task.blame(self._client.place)
        if not task.good:
            raise TargetMismatch(f"{self._client.place} does not delete index {name}: {task.reason}")

    async def _identities(self, name: str, other: str) -> tuple[str | None, str | None]:
        return await shaping.identity(self._client, name), await shaping.identity(self._client, other)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[MeilisearchIndexes]:
    yield MeilisearchIndexes(Client(settings), Budget(settings))


_RIGHTS = {"version": "version", "indexes?limit=1": "indexes.get", "stats": "stats.get", "tasks?limit=1": "tasks.get"}


async def check(settings: Settings) -> str:
    """Ask with the key for what reading needs; the rights to write cannot be tried without writing."""
    client = Client(settings)
    answers: dict[str, Any] = {}
    denied: dict[str, BadCredentials] = {}
    for path, right in _RIGHTS.items():
        try:
            answers[right] = await client.get(path)
        except BadCredentials as error:
            denied[right] = error
    if denied and not answers:
        raise denied["version"]
    if denied:
        raise BadCredentials(
            f"the key of {client.place} lacks the rights {', '.join(denied)}", hint="give the key these rights, or use another"
        )
    with client.expected("its version"):
        return f"Meilisearch {answers['version']['pkgVersion']}, {counted(answers['indexes.get']['total'], 'index', 'indexes')}"
