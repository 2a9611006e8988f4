"""The present status of every sync and every run under way: the newest truth, not a queue."""

import asyncio
from dataclasses import replace

from syncd.domain.run import RunId, SyncName
from syncd.domain.status import RunView, SyncStatus
from syncd.kit.ids import ulid
from syncd.ports.control import BoardView


class Board:
    """Written by the runtime, read by watchers; one event loop. A slow reader skips what it missed, memory stays constant."""

    def __init__(self) -> None:
        self.epoch = ulid()
        """Revisions of different epochs do not compare."""
        self._revision = 0
        self._syncs: dict[SyncName, SyncStatus] = {}
        self._removed: dict[SyncName, int] = {}
        self._runs: dict[RunId, RunView] = {}
        self._changed = asyncio.Event()

    @property
    def revision(self) -> int:
        return self._revision

    def post(self, status: SyncStatus) -> None:
        """Show a sync's new state."""
        self._revision += 1
        self._removed.pop(status.sync, None)
        self._syncs.pop(status.sync, None)  # behind all others: the order of the dictionary is the order of change
        self._syncs[status.sync] = replace(status, revision=self._revision)
        self._wake()

    def post_run(self, view: RunView) -> None:
        """Show how a run is getting on; one that has ended leaves the board."""
        if view.run.state.ended:
            self._runs.pop(view.run.id, None)
        else:
            self._runs[view.run.id] = view
        self._wake()

    def remove(self, sync: SyncName) -> None:
        self._revision += 1
        if self._syncs.pop(sync, None):
            self._removed[sync] = self._revision
        self._wake()

    def sync(self, name: SyncName) -> SyncStatus | None:
        return self._syncs.get(name)

    def run(self, run: RunId) -> RunView | None:
        return self._runs.get(run)

    def runs(self) -> list[RunView]:
        return list(self._runs.values())

    def names(self) -> list[SyncName]:
        return sorted(self._syncs)

    def since(self, revision: int) -> BoardView:
        """Everything that changed behind a revision; 0 gives the whole board."""
        changed: list[SyncStatus] = []
        for status in reversed(self._syncs.values()):
            if status.revision <= revision:
                break
            changed.append(status)
        removed = tuple(name for name, at in self._removed.items() if at > revision) if revision else ()
        return BoardView(self._revision, tuple(reversed(changed)), removed)

    def changed(self) -> asyncio.Event:
        """An event that the next change sets; take it before looking, so that no change can slip between."""
        return self._changed

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
