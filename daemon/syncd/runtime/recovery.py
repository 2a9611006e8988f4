"""What the last process left behind."""

from collections.abc import Collection
from datetime import UTC, datetime

import structlog

from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.kit.ids import ulid
from syncd.ports.ledger import Ledger, RunQuery

log = structlog.get_logger()

_ALL = 1_000_000


async def recover(ledger: Ledger, syncs: Collection[SyncName]) -> list[Run]:
    """End the runs that a process died under, and answer what is to be done, in this order.

    What goes on with the last writing run of each sync if it was interrupted, by a signal or by a crash, and what was still queued.
    """
    left = await ledger.runs.find(RunQuery(states=frozenset({RunState.QUEUED, RunState.RUNNING}), limit=_ALL))
    for run in reversed(left):
        if run.state is RunState.RUNNING:
            await ledger.runs.end(run.with_state(RunState.INTERRUPTED, datetime.now(UTC)))
            log.warning("run was interrupted", sync=run.sync, run=run.id, mode=run.mode)
    queued = [run for run in reversed(left) if run.state is RunState.QUEUED]
    going_on = {run.sync for run in queued if run.trigger is Trigger.RECOVERY}
    last = [record.last for name, record in (await ledger.syncs.load(sorted(syncs))).items() if name not in going_on]
    return [gone_on_with(run) for run in last if run and run.state is RunState.INTERRUPTED] + queued


def gone_on_with(run: Run) -> Run:
    """A run that goes on where an interrupted one stopped."""
    now = datetime.now(UTC)
    return Run(RunId(ulid()), run.sync, run.mode, Trigger.RECOVERY, RunState.QUEUED, now, parameters=run.parameters)
