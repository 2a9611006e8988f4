"""What the servicers ask of the daemon."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from syncd.domain.dead_letter import DeadLetter
from syncd.domain.run import Run, RunId, SyncName
from syncd.domain.status import RunView, SyncStatus
from syncd.ports.control import BoardView, Checked, Reloaded, Shown, Wish
from syncd.ports.ledger import LetterQuery, RunQuery


class ControlBoard(Protocol):
    """The newest state of everything."""

    epoch: str

    @property
    def revision(self) -> int:
        """Of the newest change."""

    def since(self, revision: int) -> BoardView:
        """Everything that changed behind a revision; 0 gives the whole board."""

    def changed(self) -> asyncio.Event:
        """An event that the next change sets."""

    def names(self) -> Sequence[SyncName]: ...

    def runs(self) -> Sequence[RunView]: ...


class ControlDaemon(Protocol):
    """All that clients may ask for; as wide as the service it stands behind. Raises `SyncdError`s."""

    started_at: datetime
    going_away: asyncio.Event

    @property
    def board(self) -> ControlBoard: ...

    @property
    def settings_file(self) -> Path: ...

    @property
    def ailing(self) -> Callable[[], Sequence[str]]: ...

    def statuses(self) -> Sequence[SyncStatus]: ...

    def know(self, name: SyncName) -> None: ...

    async def show(self, name: SyncName) -> Shown: ...

    async def reload(self, actor: str) -> Reloaded: ...

    async def pause(self, name: SyncName, actor: str) -> SyncStatus: ...

    async def resume(self, name: SyncName, actor: str) -> SyncStatus: ...

    async def reset(self, name: SyncName, actor: str) -> SyncStatus: ...

    async def begin(self, wish: Wish) -> Run: ...

    async def cancel(self, run: RunId, actor: str) -> Run: ...

    async def run(self, run: RunId) -> RunView: ...

    async def runs(self, query: RunQuery) -> Sequence[RunView]: ...

    async def check_connections(self, names: Collection[str]) -> Sequence[Checked]: ...

    async def letters(self, query: LetterQuery) -> Sequence[DeadLetter]: ...

    async def discard(self, name: SyncName, ids: Sequence[int], actor: str) -> int: ...
