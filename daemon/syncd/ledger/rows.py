"""What the ledger remembers of rows, and their dead letters."""

import sqlite3
from collections.abc import Sequence
from functools import partial

import pyarrow as pa

from syncd.domain.dead_letter import DeadLetter
from syncd.domain.run import SyncName
from syncd.ledger import letters, remembered
from syncd.ledger.remembered import Place
from syncd.ledger.state import State
from syncd.ports.ledger import LetterQuery
from syncd.ports.running import RowTrace, Scope


class StoredRows:
    """`ports.RowBook`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def rows(self, sync: SyncName) -> "SyncRows":
        return SyncRows(self._state, sync)

    async def letters(self, query: LetterQuery) -> Sequence[DeadLetter]:
        return await self._state.read(partial(letters.find, query=query))

    async def discard(self, sync: SyncName, ids: Sequence[int], actor: str) -> int:
        return await self._state.write(partial(letters.discard, sync=sync, ids=ids, actor=actor))


class SyncRows:
    """`ports.Rows`."""

    def __init__(self, state: State, sync: SyncName) -> None:
        self._state = state
        self._sync = sync

    async def known(self, marks: pa.StringArray, scope: Scope = Scope.LIVE) -> pa.Int64Array:
        return await self._state.read(lambda db: remembered.known(db, Place(self._number(db), scope), marks))

    async def trace(self, mark: str) -> RowTrace | None:
        return await self._state.read(lambda db: remembered.trace(db, self._number(db), mark))

    async def letters(self, after: int = 0, limit: int = 1000) -> Sequence[DeadLetter]:
        return await self._state.read(partial(letters.find, query=LetterQuery(sync=self._sync, after=after, limit=limit)))

    async def drop_letters(self, ids: Sequence[int]) -> None:
        await self._state.write(partial(letters.drop, sync=self._sync, ids=ids))

    def _number(self, db: sqlite3.Connection) -> int:
        """The sync's number; one that no sync has if it is not known yet."""
        row = db.execute("SELECT id FROM syncs WHERE name = ?", (self._sync,)).fetchone()
        return int(row["id"]) if row else 0
