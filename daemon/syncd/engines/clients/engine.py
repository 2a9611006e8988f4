"""The clients engine: hands a run over to the mode that was asked for."""

from syncd.domain.run import SyncName
from syncd.engines.clients.modes import MODES, RUN
from syncd.engines.clients.settings import ClientsSync
from syncd.engines.clients.work import opened
from syncd.kit.threads import in_thread
from syncd.ports.connecting import Connections
from syncd.ports.running import EngineKind, Report, RunContext


class ClientsEngine:
    """One run over all sides of one sync. Files are replaced all together or not at all, and the commit follows them."""

    def __init__(self, sync: SyncName, settings: ClientsSync, connections: Connections) -> None:  # noqa: ARG002 - it needs none
        self._sync = sync
        self._settings = settings

    async def run(self, context: RunContext) -> Report:
        """Carry out the mode of the run."""
        work = await opened(self._settings, context)
        return await RUN[context.run.mode](work)

    async def abandon(self, context: RunContext) -> None:
        """Put back what a run that has failed may have left half done."""
        work = await opened(self._settings, context)
        await in_thread(lambda: work.journal.recover(work.mark.deployment))


ENGINE = EngineKind(settings=ClientsSync, modes=MODES, scheduled_mode="sync", build=ClientsEngine, watches=ClientsSync.watched)
"""Keeps the configurations of AI coding clients equal."""
