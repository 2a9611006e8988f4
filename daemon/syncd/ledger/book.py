"""The ledger as a whole: what the daemon opens at its start and closes at its end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from syncd.ledger.documents import StoredDocuments
from syncd.ledger.remembered import Sweeper
from syncd.ledger.rows import StoredRows
from syncd.ledger.runs import StoredRuns
from syncd.ledger.shipping import AuditLog
from syncd.ledger.state import Clock, open_state
from syncd.ledger.syncs import StoredSyncs
from syncd.ports.ledger import Ledger


@asynccontextmanager
async def open_ledger(state_dir: Path, clock: Clock, keep_runs: int = 1000) -> AsyncIterator[Ledger]:
    """Open the books in a folder, made if it is missing. On exit, all that was asked for is finished and the audit log is shipped.

    Raises `PermanentError` or `TransientError` with a code `ledger.…` if they cannot be opened. Whoever opens them must be the only one.
    """
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(open_state(state_dir / "state.db", clock))
        audit = AuditLog(state, state_dir / "audit")
        sweeper = Sweeper(state)
        stack.push_async_callback(audit.close)
        await stack.enter_async_context(_beside(audit.serve(), "ledger: ship audit entries"))
        await stack.enter_async_context(_beside(sweeper.serve(), "ledger: sweep remembered rows"))
        syncs = StoredSyncs(state, sweeper.wake)
        yield Ledger(StoredRuns(state, keep_runs), syncs, StoredRows(state), audit, StoredDocuments(state), state_dir)


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Do some endless work until the block ends. A task group would wrap every error of the block into a group."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
