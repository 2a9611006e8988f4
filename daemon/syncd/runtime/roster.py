"""The syncs of the settings in force, and how a reload changes them."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from syncd.domain.audit import Entry
from syncd.domain.run import Run, RunState, SyncName
from syncd.ports.control import Reloaded
from syncd.ports.ledger import Ledger
from syncd.runtime.connections import SharedConnections
from syncd.runtime.recovery import gone_on_with, recover
from syncd.runtime.supervised import Supervised
from syncd.runtime.supervisor import Supervisor
from syncd.settings.difference import difference
from syncd.settings.dump import fingerprint
from syncd.settings.load import Settings


class Roster:
    """Hands syncs to the supervisor, and takes them back."""

    def __init__(self, settings: Settings, ledger: Ledger, supervisor: Supervisor, reread: Callable[[], Settings]) -> None:
        self.settings = settings
        self._ledger = ledger
        self._supervisor = supervisor
        self._reread = reread
        self._reloading = asyncio.Lock()

    async def start(self) -> None:
        """Take all syncs on, and deal with the runs that the last process left behind."""
        again = await recover(self._ledger, self.settings.syncs)
        await self._take_on(self.settings.syncs)
        self._supervisor.scheduler.start()
        await self._go_on(again)

    async def reload(self, actor: str) -> Reloaded:
        """Read the settings anew and apply what changed. Raises `SettingsInvalid`, and changes nothing then."""
        async with self._reloading:  # a signal may ask while a caller does
            return await self._reload(actor)

    async def _reload(self, actor: str) -> Reloaded:
        new = await asyncio.to_thread(self._reread)
        changes = difference(self.settings, new)
        unfinished = [run for name in sorted(changes.removed | changes.changed) for run in await self._supervisor.remove(name)]
        self.settings = new
        await self._take_on(changes.added | changes.changed)
        await self._go_on([run if run.state is RunState.QUEUED else gone_on_with(run) for run in unfinished])
        told = Reloaded(_sorted(changes.added), _sorted(changes.removed), _sorted(changes.changed), changes.restart)
        await self._ledger.audit.record([Entry("settings.reloaded", actor=actor, detail=asdict(told))])
        return told

    async def _take_on(self, names: Collection[SyncName]) -> None:
        connections = SharedConnections.of(self.settings.connections)
        records = await self._ledger.syncs.load(sorted(names))
        for name in sorted(names):
            sync = self.settings.syncs[name]
            used = {use.connection for use in sync.section.uses()} & self.settings.connections.keys()
            connected = {each: fingerprint(self.settings.connections[each].section) for each in sorted(used)}
            self._supervisor.add(Supervised(name, sync.kind, sync.section, connections, records[name], connected=connected))

    async def _go_on(self, runs: Sequence[Run]) -> None:
        for run in runs:
            if run.sync in self.settings.syncs:
                self._supervisor.enqueue(await self._ledger.runs.add(run))
            elif run.state is RunState.QUEUED:
                await self._ledger.runs.end(run.with_state(RunState.INTERRUPTED, datetime.now(UTC)))


def _sorted(names: Collection[SyncName]) -> tuple[str, ...]:
    return tuple(sorted(names))
