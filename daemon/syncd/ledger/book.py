"""The ledger as a whole: what the daemon opens at its start and closes at its end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from syncd.kit.tasks import alongside
from syncd.ledger.auditing import auditing
from syncd.ledger.documents import StoredDocuments
from syncd.ledger.remembered import Sweeper
from syncd.ledger.rows import StoredRows
from syncd.ledger.runs import StoredRuns
from syncd.ledger.state import Clock, open_state
from syncd.ledger.syncs import StoredSyncs
from syncd.ledger.tokens import StoredTokens
from syncd.ports.ledger import Ledger


@asynccontextmanager
async def open_ledger(state_dir: Path, clock: Clock, keep_runs: int = 1000, keep_months: int | None = None) -> AsyncIterator[Ledger]:
    """Open the books in a folder, made if it is missing. On exit, all that was asked for is finished and the audit log is shipped.

    Raises `PermanentError` or `TransientError` with a code `ledger.…` if they cannot be opened. Whoever opens them must be the only one.
    """
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(open_state(state_dir / "state.db", clock))
        audited = await stack.enter_async_context(auditing(state, state_dir / "audit", keep_months))
        sweeper = Sweeper(state)
        await stack.enter_async_context(alongside(sweeper.serve(), "ledger: sweep remembered rows"))
        syncs = StoredSyncs(state, sweeper.wake)
        runs, rows, documents, tokens = StoredRuns(state, keep_runs), StoredRows(state), StoredDocuments(state), StoredTokens(state)
        yield Ledger(
            *(runs, syncs, rows, audited.log, audited.archive, documents, tokens, state_dir),
            unshipped=lambda: audited.log.unshipped,
            busy_for=lambda: max(state.busy_for(), audited.log.busy_for()),
            problems=lambda: audited.checkup.problems,
        )
