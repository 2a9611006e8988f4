"""The metrics as a whole: counted while the daemon runs, and read over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from syncd.domain.audit import Recorded
from syncd.domain.status import RunView, SyncStatus
from syncd.observe.following import follow, head
from syncd.observe.loop_lag import LoopLag
from syncd.observe.metrics.counting import Counts
from syncd.observe.metrics.exposition import exposed
from syncd.observe.metrics.looking import View, families
from syncd.observe.parts import Parts
from syncd.ports.ledger import Ledger
from syncd.settings.addresses import host_and_port
from syncd.settings.metrics import MetricsSection

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seen:
    """Where to look for what is not in the audit log."""

    version: str
    statuses: Callable[[], Sequence[SyncStatus]]
    runs: Callable[[], Sequence[RunView]]


@dataclass(frozen=True, slots=True)
class Taken:
    """Numbers of one moment, and counters that go on counting. Implements `Collector`."""

    now: Sequence[Metric]
    counted: CollectorRegistry

    def collect(self) -> Iterator[Metric]:
        yield from self.now
        for metric in self.counted.collect():
            # When each series began, which no rule or panel asks for, would be a third of the text.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


@asynccontextmanager
async def measuring(settings: MetricsSection, ledger: Ledger, seen: Seen, parts: Parts) -> AsyncIterator[Counts | None]:
    """Measure and answer readers while the block runs; without an address, do nothing. Yields who counts the calls."""
    if settings.address is None:
        yield None
        return
    counts, lag, cursor = Counts(), LoopLag(), await head(ledger.audit)

    async def take(entries: Sequence[Recorded]) -> None:
        nonlocal cursor
        for entry in entries:
            cursor = entry.sequence  # before it is counted: an entry that cannot be is not met again
            counts.take(entry)
        await asyncio.sleep(0)

    def look() -> Taken:
        statuses = seen.statuses()
        counts.look(statuses)
        view = View(datetime.now(UTC), seen.version, statuses, seen.runs(), ledger.unshipped(), len(ledger.problems()), lag.worst)
        return Taken(families(view), counts.registry)

    async with (
        exposed(*host_and_port(settings.address), look) as port,
        parts.kept_up("metrics: follow the audit log", lambda: follow(ledger.audit, cursor, take)),
        parts.kept_up("metrics: measure the event loop", lag.measure),
    ):
        log.info("metrics served", address=settings.address, port=port)
        yield counts
