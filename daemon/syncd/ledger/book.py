"""The ledger as a whole: what the daemon opens at its start and closes at its end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from syncd.kit.tasks import alongside
from syncd.ledger.archive import Archive
from syncd.ledger.documents import StoredDocuments
from syncd.ledger.remembered import Sweeper
from syncd.ledger.rows import StoredRows
from syncd.ledger.runs import StoredRuns
from syncd.ledger.sealing import Sealer
from syncd.ledger.shipping import AuditLog
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
        audit = AuditLog(state, state_dir / "audit")
        sweeper = Sweeper(state)
        stack.push_async_callback(audit.close)
        await stack.enter_async_context(alongside(audit.serve(), "ledger: ship audit entries"))
        sealer = Sealer(state, audit, keep_months)
        await stack.enter_async_context(alongside(sealer.serve(), "ledger: tend audit months"))
        await stack.enter_async_context(alongside(sweeper.serve(), "ledger: sweep remembered rows"))
        syncs = StoredSyncs(state, sweeper.wake)
        runs, rows, documents, tokens = StoredRuns(state, keep_runs), StoredRows(state), StoredDocuments(state), StoredTokens(state)
        yield Ledger(
            runs, syncs, rows, audit, Archive(state, audit, sealer), documents, tokens, state_dir, lambda: audit.unshipped, state.busy_for
        )
