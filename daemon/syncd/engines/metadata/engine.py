"""The metadata engine: hands a run over to the mode that was asked for."""

from datetime import UTC, datetime

from syncd.domain.run import SyncName
from syncd.engines.metadata.modes import MODES, RUN
from syncd.engines.metadata.settings import MetadataSync
from syncd.engines.metadata.work import Clock, opened
from syncd.ports.connecting import Connections
from syncd.ports.running import EngineKind, Report, RunContext


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MetadataEngine:
    """One run of one sync from a warehouse to its description. The object is published first, and the commit follows it."""

    def __init__(self, sync: SyncName, settings: MetadataSync, connections: Connections, now: Clock = _utc_now) -> None:
        self._sync = sync
        self._settings = settings
        self._connections = connections
        self._now = now

    async def run(self, context: RunContext) -> Report:
        """Carry out the mode of the run."""
        async with opened(self._settings, self._connections, context, self._now) as work:
            return await RUN[context.run.mode](work)

    async def abandon(self, context: RunContext) -> None:
        """Nothing of a run is half done: the object is replaced at once or not at all."""


ENGINE = EngineKind(settings=MetadataSync, modes=MODES, scheduled_mode="check", build=MetadataEngine)
"""Keeps the description of a warehouse in step with it."""
