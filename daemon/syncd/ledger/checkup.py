"""The whole log is looked over once after a start, for it may have been damaged while nobody was there.

A month's file that is not what the ledger holds is made anew from it. What the ledger itself has lost cannot be mended, so it is told:
once, and until the months expire as something that is wrong with the books. Where the ledger is at fault, the file of that month is left
alone: it may be the better copy.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from functools import partial

import structlog

from syncd.domain.audit import Entry
from syncd.domain.errors import SyncdError
from syncd.domain.verdict import Finding, Verdict
from syncd.ledger import outbox
from syncd.ledger.archive import Archive
from syncd.ledger.outbox import Extent
from syncd.ledger.sealing import BROKEN
from syncd.ledger.shipping import AuditLog
from syncd.ledger.state import State
from syncd.ledger.verifying import BOOK

_MOST_TOLD = 20
_SETTLE_SECONDS = 3.0
_REST_SECONDS = 60.0
_FOREVER = 1e9

log = structlog.get_logger()


class Checkup:
    """One look over the log, at a pace that leaves half of the time to others."""

    def __init__(self, state: State, audit: AuditLog, archive: Archive) -> None:
        self._state = state
        self._audit = audit
        self._archive = archive
        self.problems: tuple[str, ...] = ()
        """What was found and could not be mended, for people."""

    async def serve(self) -> None:
        """Look once, and then rest for ever. What keeps it from looking passes, or a person is told of it anyway."""
        rest = _SETTLE_SECONDS
        while True:
            await asyncio.sleep(rest)
            rest = _FOREVER if await self._looked() else _REST_SECONDS

    async def look(self) -> None:
        """Check everything, mend what can be mended, and tell the rest."""
        verdict = await self._checked()
        extents = {extent.month: extent for extent in await self._state.read(partial(outbox.extents, behind=0))}
        lost = [finding for finding in verdict.findings if finding.place == BOOK]
        for month in sorted({finding.place[: len("2026-11")] for finding in verdict.findings} & extents.keys()):
            if not _touched(extents[month], lost):
                await self._audit.rebuild(extents[month], _named(month, verdict.findings))
        if lost:
            await self._tell(lost)

    async def _looked(self) -> bool:
        try:
            await self.look()
        except SyncdError as error:
            log.warning("audit log not checked", code=error.code, problem=str(error))
            return False
        return True

    async def _checked(self) -> Verdict:
        last, began = Verdict(0, 0), time.monotonic()
        async with aclosing(self._archive.verify(None)) as steps:
            async for verdict in steps:
                last = verdict
                await asyncio.sleep(time.monotonic() - began)
                began = time.monotonic()
        return last

    async def _tell(self, lost: Sequence[Finding]) -> None:
        self.problems = tuple(f"audit log: {_words(finding)}" for finding in lost[:_MOST_TOLD])
        places = [f"{finding.first}-{finding.last}" for finding in lost[:_MOST_TOLD]]
        if await self._audit.record_once(Entry(BROKEN, outcome=BROKEN, detail={"entries": places, "place": BOOK})):
            log.error("audit log damaged", entries=places, problem="; ".join(map(_words, lost[:_MOST_TOLD])))
        else:
            log.warning("audit log is still damaged", entries=places)


def _touched(extent: Extent, findings: Iterable[Finding]) -> bool:
    """Whether any finding concerns a month."""
    return any(finding.first <= extent.last and finding.last >= extent.first for finding in findings)


def _named(month: str, findings: Iterable[Finding]) -> str:
    return "; ".join(_words(finding) for finding in findings if finding.place.startswith(month))


def _words(finding: Finding) -> str:
    entries = f"entry {finding.first}" if finding.first == finding.last else f"entries {finding.first} to {finding.last}"
    return f"{finding.place}: {entries} {finding.fault.value}{f', {finding.note}' if finding.note else ''}"
