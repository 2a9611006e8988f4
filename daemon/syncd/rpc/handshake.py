"""The beginning of a TLS connection, before anything is known of who is there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

_SECONDS = 5.0


class Handshake(asyncio.Protocol):
    """Stands at the door while keys are agreed on; then somebody else takes its place."""

    def __init__(self, begin: Callable[[Handshake, asyncio.Transport], None]) -> None:
        self._begin = begin
        self._early = b""

    async def shake(self, raw: asyncio.Transport, context: ssl.SSLContext, then: asyncio.Protocol) -> None:
        """Agree on keys, then let `then` go on with what is said under them. Raises `OSError` if that comes to nothing.

        It must be called as the first thing in a task that begins with the connection: the first bytes are for TLS.
        """
        try:
            async with asyncio.timeout(_SECONDS):
                secured = await asyncio.get_running_loop().start_tls(raw, self, context, server_side=True)
        except TimeoutError:
            raw.abort()
            raise
        if secured is None or secured.get_extra_info("ssl_object") is None:
            raise ConnectionResetError(None, "gone before keys were agreed on")
        secured.set_protocol(then)
        then.connection_made(secured)
        if self._early:
            then.data_received(self._early)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what asyncio promises for streams
        self._begin(self, transport)

    def data_received(self, data: bytes) -> None:
        self._early += data
