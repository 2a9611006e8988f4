"""The audit log as a whole: who ships, seals, notes down and checks it, each for as long as the books are open."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from syncd.kit.tasks import alongside
from syncd.ledger.archive import Archive
from syncd.ledger.checkup import Checkup
from syncd.ledger.noting import HeadNotes
from syncd.ledger.sealing import Sealer
from syncd.ledger.shipping import AuditLog
from syncd.ledger.state import State


@dataclass(frozen=True, slots=True)
class Audited:
    """What others need of it."""

    log: AuditLog
    archive: Archive
    checkup: Checkup


@asynccontextmanager
async def auditing(state: State, folder: Path, keep_months: int | None) -> AsyncIterator[Audited]:
    """Keep the audit log in a folder. On exit, everything is shipped and the head is noted down."""
    log = AuditLog(state, folder)
    sealer, notes = Sealer(state, log, keep_months), HeadNotes(state)
    archive = Archive(state, log, sealer)
    checkup = Checkup(state, log, archive)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(notes.note)
        stack.push_async_callback(log.close)
        for work, name in (
            (log.serve, "ledger: ship audit entries"),
            (sealer.serve, "ledger: tend audit months"),
            (notes.serve, "ledger: note the audit head"),
            (checkup.serve, "ledger: check the audit log"),
        ):
            await stack.enter_async_context(alongside(work(), name))
        yield Audited(log, archive, checkup)
