"""Indexes for the engines, and how they are opened."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pyarrow as pa

from syncd.connectors.fts5 import tables
from syncd.connectors.fts5.documents import plain_id, refusal
from syncd.connectors.fts5.file import File, Settings, connect, our_errors
from syncd.domain.batch import Batch, Receipt, Refusal
from syncd.domain.errors import TargetMismatch
from syncd.kit.text import counted
from syncd.kit.threads import OneThread
from syncd.ports.connecting import LISTING, Index, IndexShape, IndexState

_IDS_AT_ONCE = 10_000
_DOCUMENTS_AT_ONCE = 500


class FTS5Index:
    def __init__(self, file: File, name: str) -> None:
        self._file = file
        self._name = name

    async def prepare(self, shape: IndexShape) -> IndexState:
        return await self._file.call(tables.prepare, self._name, shape)

    async def apply(self, batches: AsyncIterator[Batch], crowded: Callable[[], bool]) -> AsyncGenerator[Receipt, None]:  # noqa: ARG002
        """Transactions are short, so others have their turn however much is under way here: `crowded` changes nothing."""
        ahead = _reading(batches)
        try:
            while (batch := await ahead) is not None:
                ahead = _reading(batches)
                yield Receipt(batch, await self._file.call(tables.write, self._name, batch))
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    def unfit(self, rows: pa.RecordBatch) -> Sequence[Refusal]:
        return [refusal(row, text) for row, text in enumerate(rows.column("id").to_pylist()) if plain_id(text) is None]

    async def ids(self) -> AsyncGenerator[pa.StringArray, None]:
        entry = await self._file.call(tables.existing, self._name)
        after = 0
        while page := await self._file.call(tables.page, f"SELECT n, id FROM {entry.rows}", after, _IDS_AT_ONCE):
            after = page[-1][0]
            yield pa.array([plain for _, plain in page], pa.string())

    async def documents(self, ids: Sequence[str] | None = None) -> AsyncGenerator[pa.RecordBatch, None]:
        entry = await self._file.call(tables.existing, self._name)
        if ids is not None:
            for start in range(0, len(ids), _DOCUMENTS_AT_ONCE):
                found = await self._file.call(tables.documents_of, entry, ids[start : start + _DOCUMENTS_AT_ONCE])
                if found:
                    yield _listing(found)
            return
        after = 0
        while page := await self._file.call(tables.page, f"SELECT n, id, document FROM {entry.rows}", after, _DOCUMENTS_AT_ONCE):
            after = page[-1][0]
            yield _listing([(plain, document) for _, plain, document in page])


class FTS5Indexes:
    def __init__(self, file: File) -> None:
        self._file = file

    async def count(self) -> int:
        return await self._file.call(tables.count)

    def index(self, name: str) -> Index:
        if not name or "\0" in name or name.casefold().startswith(("syncd_", "sqlite_")):
            raise TargetMismatch(f"{name!r} cannot be an index", hint="a name is not empty and begins neither with 'syncd_' nor 'sqlite_'")
        return FTS5Index(self._file, name)

    async def inspect(self, name: str, shape: IndexShape) -> IndexState | None:
        entry = await self._file.call(tables.find, name)
        return None if entry is None else tables.state(entry, shape)

    async def swap(self, name: str, other: str) -> None:
        await self._file.call(tables.swap, name, other)

    async def drop(self, name: str) -> None:
        await self._file.call(tables.drop, name)


def _listing(found: Sequence[tuple[str, str]]) -> pa.RecordBatch:
    ids, documents = zip(*found, strict=True)
    return pa.RecordBatch.from_arrays([pa.array(ids, pa.string()), pa.array(documents, pa.string())], schema=LISTING)


def _reading(batches: AsyncIterator[Batch]) -> asyncio.Task[Batch | None]:
    """The next batch is made while the one before it is written."""

    async def read() -> Batch | None:
        return await anext(batches, None)

    return asyncio.create_task(read(), name="fts5 reads ahead")


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[FTS5Indexes]:
    thread = OneThread("fts5")
    try:
        with our_errors(settings.path):
            connection = await thread.call(connect, settings)
        try:
            yield FTS5Indexes(File(settings.path, thread, connection))
        finally:
            await thread.call(connection.close)
    finally:
        await thread.close()


async def check(settings: Settings) -> str:
    version = f"SQLite {sqlite3.sqlite_version}"
    if not await asyncio.to_thread(settings.path.exists):
        return f"{version}, {settings.path} will be made"
    async with opened(settings) as indexes:
        return f"{version}, {counted(await indexes.count(), 'index', 'indexes')}"
