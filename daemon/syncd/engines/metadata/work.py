"""What every run of a metadata sync works with, and its look at the warehouse."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.domain.audit import Entry
from syncd.engines.metadata import remembering, standing
from syncd.engines.metadata.folding.folding import FoldingRules, fold
from syncd.engines.metadata.publishing import Publisher
from syncd.engines.metadata.remembering import Remembered
from syncd.engines.metadata.settings import MetadataSync
from syncd.engines.metadata.standing import Standing
from syncd.engines.metadata.tokens import Counter, counter
from syncd.engines.metadata.warehouse import Warehouse
from syncd.kit.threads import in_thread
from syncd.ports.connecting import Connections
from syncd.ports.models import TextModel
from syncd.ports.running import Advance, Progress, RunContext
from syncd.ports.warehouse import SchemaReader

Clock = Callable[[], datetime]
"""Aware moments."""


@dataclass(frozen=True, slots=True)
class Look:
    """The warehouse as it is now."""

    warehouse: Warehouse
    remembered: Remembered
    stamp: str


@dataclass(slots=True)
class Work:
    """One run at work."""

    settings: MetadataSync
    context: RunContext
    reader: SchemaReader
    publisher: Publisher
    model: TextModel | None
    counter: Counter
    standing: Standing
    began: datetime
    now: Clock
    writing: asyncio.Lock

    @property
    def rules(self) -> FoldingRules:
        return FoldingRules(force=self.settings.fold.force, forbid=self.settings.fold.forbid)

    async def look(self, *, everything: bool = False) -> Look:
        """List the tables, and describe those that may have changed."""
        self.context.tell(Progress(doing="looking at the warehouse"))
        stamp = await self.reader.stamp()
        remembered = remembering.read(await self.context.documents.get(remembering.NAME))
        listed = await self.reader.list(self.settings.source.schemas)
        folded = await in_thread(lambda: fold(list(remembered.tables.values()), self.rules))
        names = remembering.to_describe(listed, remembered, folded, everything=everything)
        self.context.tell(Progress(doing=f"describing {len(names):,} of {len(listed):,} tables", total=len(listed)))
        described = await self.reader.describe(names) if names else ()
        known = remembering.together(listed, remembered, described)
        warehouse = await in_thread(lambda: Warehouse.of(known.tables.values(), self.rules, self.reader.dialect))
        return Look(warehouse, known, stamp)

    async def write(self, now: Standing, entries: tuple[Entry, ...] = (), documents: Mapping[str, str] | None = None) -> None:
        """Write down where the sync stands, one writer at a time."""
        async with self.writing:
            self.standing = now
            kept = {standing.NAME: now.written(), **(documents or {})}
            await self.context.advance(Advance(now.checkpoint, entries=entries, documents=kept))

    async def seen(self, look: Look | None = None) -> None:
        """Write down that the warehouse was looked at, and nothing was to be done."""
        now = replace(self.standing, checked_at=self.began.isoformat(), stamp=look.stamp if look else self.standing.stamp)
        await self.write(now, documents={remembering.NAME: remembering.written(look.remembered)} if look else None)


@asynccontextmanager
async def opened(settings: MetadataSync, connections: Connections, context: RunContext, now: Clock) -> AsyncIterator[Work]:
    """Open what the run needs, and read where the sync stands."""
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(connections.schemas(settings.source.connection))
        store = await stack.enter_async_context(connections.objects(settings.target.connection))
        model = await stack.enter_async_context(connections.model(settings.model)) if settings.model else None
        yield Work(
            settings,
            context,
            reader,
            Publisher(store, settings.target.object),
            model,
            await in_thread(counter),
            Standing.read(await context.documents.get(standing.NAME)),
            now(),
            now,
            asyncio.Lock(),
        )
