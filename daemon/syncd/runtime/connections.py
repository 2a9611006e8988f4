"""The connections of the settings: opened on first use, shared while in use, closed after the last or, where that costs much, later."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from syncd.ports.connecting import Indexes, Source
from syncd.ports.models import TextModel
from syncd.ports.objects import ObjectStore
from syncd.ports.warehouse import SchemaReader
from syncd.settings.load import ConnectionSettings
from syncd.settings.sync import Offer

KEEP_SECONDS = 60.0
"""How long a connection that is worth keeping waits for who needs it next; at most twice as long."""


@dataclass(frozen=True, slots=True)
class Opener:
    """How a connection is opened. `stays` says what is the same as long as it may be kept; without it, it is not kept at all."""

    open: Callable[[], AbstractAsyncContextManager[Any]]
    stays: Callable[[], str] | None = None


@dataclass(slots=True)
class _Shared:
    """One opened connection. `users` counts those who hold it or wait for it, `uses` all there ever were."""

    users: int = 0
    uses: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    stack: AsyncExitStack | None = None
    opened: Any = None
    found: str | None = None
    """What `stays` said when it was opened; None if somebody's use of it ended in an error since."""
    keeping: asyncio.Task[None] | None = None


class SharedConnections:
    """Implements the port `Connections` over openers by name."""

    def __init__(self, openers: Mapping[tuple[Offer, str], Opener], keep_seconds: float = KEEP_SECONDS) -> None:
        self._openers = openers
        self._keep_seconds = keep_seconds
        self._shared: dict[tuple[Offer, str], _Shared] = {}

    @classmethod
    def of(cls, connections: Mapping[str, ConnectionSettings]) -> Self:
        """Over all connections of some settings, each in the roles that its kind can play."""
        openers: dict[tuple[Offer, str], Opener] = {}
        for name, connection in connections.items():
            connector, section = connection.connector, connection.section
            stays = connector.stays and partial(connector.stays, section)
            for offer in Offer:
                if open_it := getattr(connector, offer.value):
                    openers[offer, name] = Opener(partial(open_it, section), stays)
        return cls(openers)

    def source(self, name: str) -> AbstractAsyncContextManager[Source]:
        return self._share((Offer.ROWS, name))

    def indexes(self, name: str) -> AbstractAsyncContextManager[Indexes]:
        return self._share((Offer.INDEXES, name))

    def schemas(self, name: str) -> AbstractAsyncContextManager[SchemaReader]:
        return self._share((Offer.SCHEMAS, name))

    def objects(self, name: str) -> AbstractAsyncContextManager[ObjectStore]:
        return self._share((Offer.OBJECTS, name))

    def model(self, name: str) -> AbstractAsyncContextManager[TextModel]:
        return self._share((Offer.MODEL, name))

    @asynccontextmanager
    async def _share(self, place: tuple[Offer, str]) -> AsyncIterator[Any]:
        opener = self._openers[place]
        shared = self._shared.setdefault(place, _Shared())
        shared.users += 1
        shared.uses += 1
        try:
            async with shared.lock:
                await self._open(shared, opener)
            yield shared.opened
        except BaseException:
            shared.found = None
            raise
        finally:
            shared.users -= 1
            if opener.stays is None:
                await self._close_if_unused(place, shared)
            elif shared.keeping is None:
                shared.keeping = asyncio.create_task(self._keep(place, shared), name=f"keep {place[1]} open")

    async def _open(self, shared: _Shared, opener: Opener) -> None:
        found = opener.stays() if opener.stays else ""
        if shared.stack is not None and shared.users == 1 and shared.found != found:
            await _close(shared)
        if shared.stack is None:
            stack = AsyncExitStack()
            shared.opened = await stack.enter_async_context(opener.open())
            shared.stack, shared.found = stack, opener.stays() if opener.stays else ""

    async def _keep(self, place: tuple[Offer, str], shared: _Shared) -> None:
        """Close a connection once nobody has used it for a while, or when the daemon ends."""
        seen = -1
        try:
            while shared.users or shared.uses != seen:
                seen = shared.uses
                await asyncio.sleep(self._keep_seconds)
        finally:
            shared.keeping = None
            await self._close_if_unused(place, shared)

    async def _close_if_unused(self, place: tuple[Offer, str], shared: _Shared) -> None:
        async with shared.lock:
            if shared.users == 0 and shared.stack is not None:
                await _close(shared)
        if shared.users == 0:
            self._shared.pop(place, None)


async def _close(shared: _Shared) -> None:
    if shared.stack is not None:
        stack, shared.stack, shared.opened = shared.stack, None, None
        await stack.aclose()
