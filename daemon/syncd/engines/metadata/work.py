"""What every run of a metadata sync works with."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.domain.audit import Entry
from syncd.engines.metadata import standing
from syncd.engines.metadata.publishing import Publisher
from syncd.engines.metadata.settings import MetadataSync
from syncd.engines.metadata.standing import Standing
from syncd.engines.metadata.tokens import Counter, counter
from syncd.kit.threads import in_thread
from syncd.ports.connecting import Connections
from syncd.ports.models import TextModel
from syncd.ports.running import Advance, Progress, RunContext
from syncd.ports.warehouse import SchemaReader

Clock = Callable[[], datetime]
"""Aware moments."""


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

    def say(self, doing: str) -> None:
        """Tell people what the run does."""
        self.context.tell(Progress(doing=doing))

    async def write(self, now: Standing, entries: tuple[Entry, ...] = (), documents: Mapping[str, str] | None = None) -> None:
        """Write down where the sync stands, one writer at a time."""
        async with self.writing:
            self.standing = now
            kept = {standing.NAME: now.written(), **(documents or {})}
            await self.context.advance(Advance(now.checkpoint, entries=entries, documents=kept))

    async def seen(self) -> None:
        """Write down that the warehouse was looked at, and nothing was to be done."""
        await self.write(replace(self.standing, checked_at=self.began.isoformat()))


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
