"""The connections of the settings: opened on first use, shared while in use, closed after the last."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from syncd.ports.connecting import Indexes, Source
from syncd.settings.load import ConnectionSettings

Opener = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(slots=True)
class _Shared:
    """One opened connection. `users` counts those who hold it or wait for it."""

    users: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    stack: AsyncExitStack | None = None
    opened: Any = None


class SharedConnections:
    """Implements the port `Connections` over openers by name."""

    def __init__(self, sources: dict[str, Opener], indexes: dict[str, Opener]) -> None:
        self._sources = sources
        self._indexes = indexes
        self._shared: dict[tuple[str, str], _Shared] = {}

    @classmethod
    def of(cls, connections: Mapping[str, ConnectionSettings]) -> Self:
        """Over all connections of some settings, each in the roles that its kind can play."""
        sources: dict[str, Opener] = {}
        indexes: dict[str, Opener] = {}
        for name, connection in connections.items():
            connector = connection.connector
            if connector.source:
                sources[name] = partial(connector.source, connection.section)
            if connector.indexes:
                indexes[name] = partial(connector.indexes, connection.section)
        return cls(sources, indexes)

    def source(self, name: str) -> AbstractAsyncContextManager[Source]:
        return self._share(("source", name), self._sources[name])

    def indexes(self, name: str) -> AbstractAsyncContextManager[Indexes]:
        return self._share(("indexes", name), self._indexes[name])

    @asynccontextmanager
    async def _share(self, place: tuple[str, str], opener: Opener) -> AsyncIterator[Any]:
        shared = self._shared.setdefault(place, _Shared())
        shared.users += 1
        try:
            async with shared.lock:
                if shared.stack is None:
                    stack = AsyncExitStack()
                    shared.opened = await stack.enter_async_context(opener())
                    shared.stack = stack
            yield shared.opened
        finally:
            shared.users -= 1
            await self._close_if_last(place, shared)

    async def _close_if_last(self, place: tuple[str, str], shared: _Shared) -> None:
        async with shared.lock:
            if shared.users == 0 and shared.stack is not None:
                stack, shared.stack, shared.opened = shared.stack, None, None
                await stack.aclose()
        if shared.users == 0:
            self._shared.pop(place, None)
