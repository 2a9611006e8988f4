"""The search engine: hands a run over to the mode that was asked for."""

from syncd.domain.errors import MomentGone
from syncd.domain.run import SyncName
from syncd.engines.search.modes import ASKING, MODES, WRITING
from syncd.engines.search.opening import opened
from syncd.engines.search.quiet import nothing_new
from syncd.engines.search.replacing import discard_shadow
from syncd.engines.search.settings import SearchSync
from syncd.engines.search.standing import find_standing
from syncd.ports.connecting import Connections
from syncd.ports.running import EngineKind, Report, RunContext


class SearchEngine:
    """One run of one sync from a table to an index. A batch is committed only after the index holds it durably."""

    def __init__(self, sync: SyncName, settings: SearchSync, connections: Connections) -> None:
        self._sync = sync
        self._settings = settings
        self._connections = connections

    async def run(self, context: RunContext) -> Report:
        """Carry out the mode of the run. Where the source cannot look back any more, go on behind the last commit without."""
        if await nothing_new(self._settings, self._connections, context):
            return Report()
        try:
            return await self._carry_out(context, lost="")
        except MomentGone as gone:
            lost = str(gone)
        return await self._carry_out(context, lost)

    async def _carry_out(self, context: RunContext, lost: str) -> Report:
        async with opened(self._settings, self._connections, context) as work:
            work.lost = lost
            if not context.run.writes:
                return await ASKING[context.run.mode](work)
            await find_standing(work)
            return await WRITING[context.run.mode](work)

    async def abandon(self, context: RunContext) -> None:
        """Remove a half-built shadow index; a full run in place is gone on with by the next run."""
        async with opened(self._settings, self._connections, context) as work:
            await discard_shadow(work)


ENGINE = EngineKind(settings=SearchSync, modes=MODES, scheduled_mode="incremental", build=SearchEngine)
