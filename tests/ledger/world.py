"""Small values for the ledger's tests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pyarrow as pa

from syncd.domain.audit import GENESIS, Recorded, digest
from syncd.domain.batch import DOCUMENTS, Batch, Checkpoint, Receipt, Refusal
from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.ledger.audit import MonthFiles
from syncd.ledger.outbox import Line, recorded
from syncd.ledger.shipping import AuditLog
from syncd.ports.ledger import AuditQuery, Ledger

SHOP = SyncName("shop")
START = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def a_run(number: int = 1, sync: str = SHOP, **members: Any) -> Run:
    """A queued run; a higher number was queued later."""
    defaults: dict[str, Any] = {"mode": "full", "trigger": Trigger.REQUEST, "state": RunState.QUEUED}
    queued = START + timedelta(seconds=number)
    return Run(id=RunId(f"{number:026d}"), sync=SyncName(sync), queued_at=queued, **{**defaults, **members})


def a_receipt(
    rows: Mapping[str, int], gone: Sequence[str] = (), refused: Sequence[int] = (), reaches: str = "here", text: str = ""
) -> Receipt:
    """Rows by mark with their fingerprints; `refused` are positions, `text` stands in every document."""
    marks = list(rows)
    columns = [marks, [f'["{mark}"]' for mark in marks], marks, [f'{{"text":"{text}"}}'] * len(marks), list(rows.values())]
    batch = Batch(pa.record_batch(columns, schema=DOCUMENTS), pa.array(gone, pa.string()), Checkpoint(reaches))
    return Receipt(batch, tuple(Refusal(row, "invalid_document_id", f"row {row} has no usable id") for row in refused))


async def begun(ledger: Ledger, run: Run) -> Run:
    """Add and begin a run."""
    running = (await ledger.runs.add(run)).with_state(RunState.RUNNING, run.queued_at)
    await ledger.runs.begin(running)
    return running


async def ended(ledger: Ledger, run: Run, state: RunState = RunState.DONE, **members: Any) -> Run:
    """End a run."""
    over = replace(run.with_state(state, run.queued_at + timedelta(seconds=90)), **members)
    await ledger.runs.end(over)
    return over


async def whole_log(ledger: Ledger) -> list[Recorded]:
    """The log as the outbox has it, oldest first."""
    return list(await ledger.audit.after(0, 1_000_000))


async def whole_archive(ledger: Ledger) -> list[Recorded]:
    """The log as the monthly files have it, oldest first. They are asked before, so that those that are damaged are mended."""
    await ledger.audit.query(AuditQuery(limit=1_000_000))
    audit = cast("AuditLog", ledger.audit)
    async with audit.whole():
        lines = await audit.on_files(_all_of)
    return [recorded(line) for line in sorted(lines, key=lambda line: int(line[0]))]


def _all_of(files: MonthFiles) -> list[Line]:
    return [line for month in files.unsealed() for line in files.page(month, 0, 2**62, 1_000_000)]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something becomes true."""
    async with asyncio.timeout(20):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)


def broken_links(log: Sequence[Recorded]) -> list[int]:
    """Sequences of the entries that do not continue the chain that begins at the first entry of all."""
    broken, previous = [], GENESIS
    for place, line in enumerate(log, start=1):
        expected = digest(place, line.at, line.entry, previous)
        if (line.sequence, line.previous, line.hash) != (place, previous, expected):
            broken.append(line.sequence)
        previous = line.hash
    return broken
