"""An HTTP listener that answers one question: what the metrics are now.

Prometheus' own server does its work in threads and looks up its own name when it starts, which takes seconds where the name service is
slow. This one runs on the event loop, where the board is, and only turns the numbers into text in a thread.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Protocol

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from syncd.domain.errors import PermanentError

log = structlog.get_logger()

_HEAD_BYTES = 16 * 1024
_SECONDS = 10.0
_AT_ONCE = 8
"""Readers beyond these are turned away: a scraper reads one after the other."""
_PLAIN = "text/plain; charset=utf-8"
_PATHS = ("/metrics", "/metrics/")


class Look(Protocol):
    def __call__(self) -> Collector:
        """Take the numbers as they are now, on the event loop. They are written out in a thread."""


@asynccontextmanager
async def exposed(host: str, port: int, look: Look) -> AsyncIterator[int]:
    """Answer readers while the block runs; yields the port. Raises `PermanentError` if the address cannot be bound."""
    reading = _Reading(look)
    try:
        server = await asyncio.start_server(reading.serve, host, port, limit=_HEAD_BYTES)
    except OSError as error:
        raise PermanentError(
            f"the metrics cannot be served at {host}:{port}: {error.strerror or error}",
            hint="check `[daemon.metrics] address`: is another program there?",
            code="listen.failed",
        ) from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await reading.end()


class _Reading:
    def __init__(self, look: Callable[[], Collector]) -> None:
        self._look = look
        self._readers: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the server runs each reader in a task of its own
        self._readers.add(task)
        try:
            async with asyncio.timeout(_SECONDS):
                writer.write(await self._answer(reader))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            log.debug("reader of metrics left", error=str(error))
        finally:
            self._readers.discard(task)
            writer.close()

    async def end(self) -> None:
        """Turn away who still reads."""
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        if len(self._readers) > _AT_ONCE:
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, _PLAIN, b"too many readers\n")
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.decode("latin-1").partition("\r\n")[0].partition(" ")
        if method not in ("GET", "HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, _PLAIN, b"only GET\n")
        if rest.partition(" ")[0].partition("?")[0] not in _PATHS:
            return _response(HTTPStatus.NOT_FOUND, _PLAIN, b"the metrics are at /metrics\n")
        try:
            text = await asyncio.to_thread(generate_latest, self._look())
        except Exception as error:
            log.exception("metrics not readable", exc_info=error)
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR, _PLAIN, b"a bug; the daemon's log has more\n")
        return _response(HTTPStatus.OK, CONTENT_TYPE_LATEST, b"" if method == "HEAD" else text, len(text))


def _response(status: HTTPStatus, kind: str, body: bytes, size: int | None = None) -> bytes:
    length = len(body) if size is None else size
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    return head.encode("latin-1") + body
