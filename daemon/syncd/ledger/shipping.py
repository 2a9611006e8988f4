"""Brings audit entries from the outbox into the monthly files, and answers questions from there.

The outbox is the truth and the files follow it: shipping fills up whatever a file lacks, so an interrupted shipment, a file that lost
its end and a file that was deleted are all mended the same way.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from syncd.domain.audit import Entry, Recorded
from syncd.domain.errors import SyncdError
from syncd.kit.threads import OneThread
from syncd.ledger import outbox
from syncd.ledger.audit import DamagedFile, MonthFiles
from syncd.ledger.outbox import Doubt, Extent, Held
from syncd.ledger.questions import Span
from syncd.ledger.state import State, Transaction
from syncd.ports.ledger import AuditQuery

_GROUP = 5_000
_LINGER_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
_MEMORY = "96MB"
_FIRST_STEP, _WIDENING, _WIDEST_STEP = 20_000, 4, 1_000_000
_TOGETHER = 500

Answer = TypeVar("Answer")
Hit = tuple[int, str]
"""The sequence of an entry that was found, and the month in whose file."""

log = structlog.get_logger()


class AuditLog:
    """`ports.AuditBook`."""

    def __init__(self, state: State, folder: Path) -> None:
        self._state = state
        self.files = MonthFiles(folder, _MEMORY)
        """Only their places are for everybody; all else goes through `on_files`."""
        self._thread = OneThread("ledger-audit")
        self._alone = asyncio.Lock()
        self._shipped = 0
        self._sound: set[str] = set()
        self._appending = False

    async def record(self, entries: Sequence[Entry]) -> None:
        await self._state.write(lambda transaction: transaction.record(*entries))

    async def record_once(self, entry: Entry) -> bool:
        """Write an entry unless one stands there already that says the same of the same; answers whether it was written."""
        if await self._state.read(partial(outbox.stands, entry=entry)):
            return False
        await self.record([entry])
        return True

    async def query(self, query: AuditQuery) -> Sequence[Recorded]:
        async with aclosing(self.search(query)) as groups:
            return [entry async for group in groups for entry in group]

    async def search(self, query: AuditQuery) -> AsyncGenerator[Sequence[Recorded], None]:
        """From the newest entry backwards, in ever wider steps. Between two of them others have their turn at the files."""
        async with self._alone:
            await self._ship()
            upto = self._shipped
        left, wide = query.limit, _FIRST_STEP
        while left > 0 and upto > 0:
            found, upto = await self._step(replace(query, limit=left), upto, wide)
            left, wide = left - len(found), min(wide * _WIDENING, _WIDEST_STEP)
            for start in range(0, len(found), _TOGETHER):
                yield await self._fetched(found[start : start + _TOGETHER])

    async def after(self, sequence: int, limit: int) -> Sequence[Recorded]:
        return await self._state.read(partial(outbox.after, sequence=sequence, limit=limit))

    async def grown(self, sequence: int) -> int:
        return await self._state.growth.beyond(sequence)

    @property
    def unshipped(self) -> int:
        """How many entries the monthly files still lack."""
        return self._state.growth.head - self._shipped

    def busy_for(self) -> timedelta:
        """How long a few more entries have been on their way into a month's file. Nothing else counts: reading one may take its time."""
        return self._thread.busy_for() if self._appending else timedelta(0)

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[None]:
        """Keep everybody else from the files; on entry, they hold everything recorded so far."""
        async with self._alone:
            await self._ship()
            yield

    async def on_files(self, work: Callable[[MonthFiles], Answer]) -> Answer:
        """Do something with the files in their thread. Only inside of `whole`."""
        return await self._thread.call(work, self.files)

    async def rebuild(self, extent: Extent, why: str) -> None:
        """Set a month's file aside and make it anew from the ledger."""
        async with self._alone:
            await self._replaced(extent.month, why)
            await self._fill(extent)

    async def serve(self) -> None:
        """Ship what there is, then whenever there is more, for ever. What cannot be shipped waits in the outbox."""
        failures = 0
        while True:
            await self._state.growth.beyond(self._shipped)
            await asyncio.sleep(min(_LINGER_SECONDS * 2**failures, _LONGEST_WAIT_SECONDS))
            failures = 0 if await self._try_to_ship() else failures + 1

    async def close(self) -> None:
        """Ship the rest and close the files."""
        try:
            if await self._try_to_ship():
                with suppress(SyncdError):  # a full disk; the next start finds out for itself
                    await self._state.write(partial(_keep_shipped, shipped=self._shipped))
        finally:
            await self._thread.call(self.files.close)
            await self._thread.close()

    async def _try_to_ship(self) -> bool:
        try:
            async with self._alone:
                await self._ship()
        except SyncdError as error:
            log.warning("audit entries not shipped", code=error.code, problem=str(error))
            return False
        return True

    async def _ship(self) -> None:
        while self._shipped < (head := self._state.growth.head):
            for extent in await self._state.read(partial(outbox.extents, behind=self._shipped)):
                await self._fill(extent)
            self._shipped = self._state.shipped = head

    async def _fill(self, extent: Extent) -> None:
        held = (await self._opened(extent.month)).last
        if held < extent.last:
            held = (await self._thread.call(self.files.growing, extent.month)).last
        while lines := await self._state.read(partial(outbox.of_month, extent=extent, behind=held, limit=_GROUP)):
            self._appending = True
            try:
                held = await self._thread.call(self.files.append, extent.month, lines)
            finally:
                self._appending = False

    async def _opened(self, month: str) -> Held:
        """What a month's file holds. A damaged one is replaced by an empty one; on first use the file is compared with the outbox."""
        try:
            held = await self._thread.call(self.files.open, month)
        except DamagedFile as error:
            return await self._replaced(month, str(error))
        if month in self._sound:
            return held
        match await self._state.read(partial(outbox.compare, month=month, held=held)):
            case Doubt.DIFFERS:
                return await self._replaced(month, "it does not hold what the ledger wrote")
            case Doubt.LEDGER:
                log.warning("audit file left as it is: the ledger itself is damaged", month=month)
            case Doubt.BEHIND:
                await self._tell_of_rebuilding(month, "its newest entries were lost", "")
            case Doubt.NONE:
                pass
        self._sound.add(month)
        return held

    async def _replaced(self, month: str, why: str) -> Held:
        mark = await self._state.write(lambda transaction: transaction.at.strftime("%Y%m%dT%H%M%S.%fZ"))
        aside = await self._thread.call(self.files.set_aside, month, mark)
        self._sound.add(month)
        await self._tell_of_rebuilding(month, why, aside)
        return await self._thread.call(self.files.open, month)

    async def _tell_of_rebuilding(self, month: str, why: str, aside: str) -> None:
        log.warning("audit file rebuilt from the ledger", month=month, problem=why, set_aside=aside)
        await self.record([Entry("audit.rebuilt", detail={"month": month, "problem": why, "set_aside": aside})])

    async def _step(self, query: AuditQuery, upto: int, wide: int) -> tuple[list[Hit], int]:
        """What matches in a stretch of the log that ends at a sequence, newest first; and where the next stretch ends."""
        found: list[Hit] = []
        async with self._alone:
            kept = await self._state.read(partial(outbox.extents, behind=0))
            asked = [extent for extent in kept if extent.first <= upto and _within(extent.month, query)]
            upto = min(upto, max((extent.last for extent in asked), default=0))
            for extent in asked:
                if extent.last > upto - wide:
                    found += [(each, extent.month) for each in await self._search(extent, query, (upto - wide, upto))]
        return sorted(found, reverse=True)[: query.limit], upto - wide

    async def _search(self, extent: Extent, query: AuditQuery, span: Span) -> list[int]:
        try:
            return await self._thread.call(self.files.search, extent.month, query, span)
        except DamagedFile as error:
            await self._replaced(extent.month, str(error))
        await self._fill(extent)
        return await self._thread.call(self.files.search, extent.month, query, span)

    async def _fetched(self, hits: Sequence[Hit]) -> list[Recorded]:
        """The entries that were found. What the outbox has lost, the files may still have."""
        lines = await self._state.read(partial(outbox.these, sequences=[sequence for sequence, _ in hits]))
        for month in {month for sequence, month in hits if sequence not in lines}:
            lost = [sequence for sequence, of in hits if of == month and sequence not in lines]
            async with self._alone:
                lines |= {line[0]: line for line in await self._thread.call(self.files.these, month, lost)}
        return [outbox.recorded(lines[sequence]) for sequence, _ in hits if sequence in lines]


def _keep_shipped(transaction: Transaction, shipped: int) -> None:
    outbox.mark_shipped(transaction.db, shipped)


def _within(month: str, query: AuditQuery) -> bool:
    since = query.since.astimezone(UTC).strftime("%Y-%m") if query.since else ""
    until = query.until.astimezone(UTC).strftime("%Y-%m") if query.until else "9999-99"
    return since <= month <= until
