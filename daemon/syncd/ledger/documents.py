"""Small named documents that syncs keep beside their checkpoint."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial

from syncd.domain.audit import Entry
from syncd.domain.run import SyncName
from syncd.ledger.moments import micros
from syncd.ledger.records import intern
from syncd.ledger.state import State, Transaction

_PUT = """
INSERT INTO documents (sync, name, content, at) VALUES (?, ?, ?, ?)
ON CONFLICT (sync, name) DO UPDATE SET content = excluded.content, at = excluded.at
"""
_GET = "SELECT content FROM documents WHERE name = :name AND sync = (SELECT id FROM syncs WHERE name = :sync)"
_LIST = """
SELECT name, content FROM documents WHERE sync = (SELECT id FROM syncs WHERE name = :sync)
AND name >= :prefix AND name > :after AND name < :prefix || char(0x10ffff) ORDER BY name LIMIT :limit
"""
_FIND = "SELECT syncs.name, content FROM documents JOIN syncs ON syncs.id = sync WHERE documents.name = ? ORDER BY syncs.name"


class StoredDocuments:
    """`ports.DocumentBook`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of(self, sync: SyncName) -> "SyncDocuments":
        return SyncDocuments(self._state, sync)

    async def put(self, sync: SyncName, documents: Mapping[str, str | None], entry: Entry) -> None:
        await self._state.write(partial(_put_with_entry, sync=sync, documents=documents, entry=entry))

    async def find(self, name: str) -> Sequence[tuple[SyncName, str]]:
        return await self._state.read(partial(_find, name=name))


class SyncDocuments:
    """`ports.Documents`."""

    def __init__(self, state: State, sync: SyncName) -> None:
        self._state = state
        self._sync = sync

    async def get(self, name: str) -> str | None:
        return await self._state.read(partial(_get, sync=self._sync, name=name))

    async def list(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[tuple[str, str]]:
        asked: dict[str, str | int] = {"sync": self._sync, "prefix": prefix, "after": after, "limit": limit}
        return await self._state.read(partial(_list, asked=asked))


def put(transaction: Transaction, sync: int, documents: Mapping[str, str | None]) -> None:
    """Write some documents of a sync, and remove those that are None."""
    at = micros(transaction.at)
    transaction.db.executemany(_PUT, [(sync, name, text, at) for name, text in documents.items() if text is not None])
    removed = [(sync, name) for name, text in documents.items() if text is None]
    transaction.db.executemany("DELETE FROM documents WHERE sync = ? AND name = ?", removed)


def reset(db: sqlite3.Connection, sync: int) -> None:
    """Remove what tells where a sync stands; its history and what persons decided stay."""
    db.execute("DELETE FROM documents WHERE sync = ? AND name GLOB 'state/*'", (sync,))


def _put_with_entry(transaction: Transaction, sync: SyncName, documents: Mapping[str, str | None], entry: Entry) -> None:
    put(transaction, intern(transaction.db, sync), documents)
    transaction.record(entry)


def _get(db: sqlite3.Connection, sync: SyncName, name: str) -> str | None:
    row = db.execute(_GET, {"sync": sync, "name": name}).fetchone()
    return str(row["content"]) if row else None


def _list(db: sqlite3.Connection, asked: Mapping[str, str | int]) -> list[tuple[str, str]]:
    return [(row["name"], row["content"]) for row in db.execute(_LIST, asked).fetchall()]


def _find(db: sqlite3.Connection, name: str) -> list[tuple[SyncName, str]]:
    return [(SyncName(row["name"]), row["content"]) for row in db.execute(_FIND, (name,)).fetchall()]
