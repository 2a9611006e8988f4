"""Streams live as long as the token that they were opened with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from syncd.domain.errors import NotIdentified, SyncdError

log = structlog.get_logger()

_LOOK_SECONDS: Final = 1.0
_END: Final = object()


class Leases:
    """The tokens on which streams are open. While there are any, each is looked at every second."""

    def __init__(self, ended: Callable[[str], Awaitable[NotIdentified | None]]) -> None:
        """`ended` says why a token opens nothing any more."""
        self._ended = ended
        self._held: dict[str, set[_Lease]] = {}

    async def keep(self, token: str, messages: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        """Yield the messages. Raises `NotIdentified` in the middle of them when the token has ended."""
        with self._lease(token) as lease:
            while (message := await lease.next(messages)) is not _END:
                yield message

    async def watch(self) -> None:
        """Look at the tokens, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for token in tuple(self._held):
                await self._look_at(token)

    async def _look_at(self, token: str) -> None:
        try:
            error = await self._ended(token)
        except SyncdError as failure:
            log.warning("token of a stream cannot be looked at", token=token, error=str(failure))
            return
        if error is not None:
            for lease in self._held.get(token, ()):
                lease.end(error)

    @contextmanager
    def _lease(self, token: str) -> Iterator[_Lease]:
        lease = _Lease()
        self._held.setdefault(token, set()).add(lease)
        try:
            yield lease
        finally:
            self._held[token].discard(lease)
            if not self._held[token]:
                del self._held[token]


class _Lease:
    """One stream's. The wait for a message is what its end interrupts."""

    def __init__(self) -> None:
        self._over: NotIdentified | None = None
        self._waiting: asyncio.Timeout | None = None

    def end(self, error: NotIdentified) -> None:
        self._over = error
        if self._waiting:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def next(self, messages: AsyncIterator[Any]) -> Any:
        try:
            async with asyncio.timeout(None) as self._waiting:
                if self._over is None:
                    return await anext(messages, _END)
        except TimeoutError:
            if self._over is None:
                raise
        finally:
            self._waiting = None
        raise self._over
