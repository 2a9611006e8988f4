"""A caller that goes away while it is being told something is a call that was cancelled, and no bug."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from syncd.domain.errors import NotFound
from syncd.observe.metrics.counting import Counts
from syncd.rpc.interceptors import ErrorsAsStatuses
from syncd.rpc.metering import Metered

_METHODS = {"One": "unary_unary", "Many": "unary_stream"}


class Stubborn:
    """Notices that its caller has gone, and refuses the call all the same, as if it had been about to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def one(self, _request: bytes, _context: Any) -> bytes:
        try:
            self.asked.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise NotFound("there is no such thing", code="thing.unknown") from None
        return b""

    async def many(self, request: bytes, context: Any) -> AsyncGenerator[bytes, None]:
        yield await self.one(request, context)


@asynccontextmanager
async def served(socket: Path, stubborn: Stubborn, counts: Counts) -> AsyncIterator[grpc.aio.Channel]:
    def read(request: bytes) -> bytes:
        return request

    server = grpc.aio.server(interceptors=(Metered(counts), ErrorsAsStatuses()))
    handlers = {
        "One": grpc.unary_unary_rpc_method_handler(stubborn.one, read, read),
        "Many": grpc.unary_stream_rpc_method_handler(stubborn.many, read, read),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("syncapi.v1.Test", handlers),))
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
            yield channel
    finally:
        await server.stop(None)


@pytest.mark.parametrize("method", _METHODS)
async def test_a_refusal_that_nobody_hears_counts_as_cancelled(method: str, tmp_path: Path) -> None:
    stubborn, counts, wrong = Stubborn(), Counts(), []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: wrong.append(context))
    async with served(tmp_path / "s", stubborn, counts) as channel:
        call = getattr(channel, _METHODS[method])(f"/syncapi.v1.Test/{method}")(b"")
        await stubborn.asked.wait()

        call.cancel()

        for _ in range(500):
            if _ended(counts, method):
                break
            await asyncio.sleep(0.01)
    assert _ended(counts, method) == {"CANCELLED": 1.0}
    assert wrong == []


def _ended(counts: Counts, method: str) -> dict[str, float]:
    samples = [sample for family in counts.registry.collect() for sample in family.samples if sample.name == "syncd_calls_total"]
    return {sample.labels["code"]: sample.value for sample in samples if sample.labels["method"].endswith(method) and sample.value}
