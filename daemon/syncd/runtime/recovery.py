"""What the last process left behind."""

from datetime import UTC, datetime

import structlog

from syncd.domain.run import Run, RunId, RunState, Trigger
from syncd.kit.ids import ulid
from syncd.ports.ledger import RunBook, RunQuery

log = structlog.get_logger()

_ALL = 1_000_000


async def recover(runs: RunBook) -> list[Run]:
    """End the runs that a process died under, and answer what is to be done: what goes on with those, and what was still queued."""
    left = await runs.find(RunQuery(states=frozenset({RunState.QUEUED, RunState.RUNNING}), limit=_ALL))
    again = []
    for run in reversed(left):
        if run.state is RunState.QUEUED:
            again.append(run)
            continue
        await runs.end(run.with_state(RunState.INTERRUPTED, datetime.now(UTC)))
        log.warning("run was interrupted", sync=run.sync, run=run.id, mode=run.mode)
        if run.writes:
            again.append(gone_on_with(run))
    return again


def gone_on_with(run: Run) -> Run:
    """A run that goes on where an interrupted one stopped."""
    now = datetime.now(UTC)
    return Run(RunId(ulid()), run.sync, run.mode, Trigger.RECOVERY, RunState.QUEUED, now, parameters=run.parameters)
