"""Ways to make a call: as it is meant, and as no well-behaved client would."""

import asyncio
import importlib
import pkgutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from syncapi import v1

Metadata = Sequence[tuple[str, str | bytes]]
SECONDS = 50.0
_STREAM_SECONDS = 0.1
_MOST = 4 << 20
"""The bytes that gRPC takes in one message."""
_UNSENT = 'Failed "execute_batch": (<grpc._cython.cygrpc.Send'
"""What the client's own library says where the call ends under what it is about to send; it calls that INTERNAL, too."""
_REFUSED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNAVAILABLE,
}


@dataclass
class Heard:
    """What came back: how often each status, and every answer that should not have been."""

    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: "Heard") -> Self:
        self.codes += other.codes
        self.wrong += other.wrong
        return self

    def refusal(self, request: bytes, error: grpc.aio.AioRpcError, method: MethodDescriptor) -> None:
        """A refusal by the daemon: one of those that are promised, and with its reason."""
        self.codes[error.code().name] += 1
        if error.code() not in _REFUSED or not reason(error):
            self.wrong.append(f"{method.full_name} {request[:200]!r}: {error.code().name} {error.details()}")

    def allowed(self, error: grpc.aio.AioRpcError, *codes: grpc.StatusCode) -> bool:
        """Whether it is one of the statuses that this way of calling brings upon itself."""
        if error.code() not in codes:
            return False
        self.codes[error.code().name] += 1
        return True


def reason(error: grpc.aio.AioRpcError) -> str:
    """What stands in the status of an error as its reason; nothing if there is none."""
    status, info = rpc_status.from_call(error), error_details_pb2.ErrorInfo()  # type: ignore[arg-type] # the same in asyncio
    found = status is not None and any(detail.Unpack(info) for detail in status.details if detail.Is(info.DESCRIPTOR))
    return str(info.reason) if found else ""


async def methods_of(channel: Any) -> list[MethodDescriptor]:
    """All calls of ours that the daemon says it serves."""
    for module in pkgutil.iter_modules(v1.__path__, f"{v1.__name__}."):
        importlib.import_module(module.name)  # this is what brings its definitions into the pool

    async def asked() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    [answer] = [answer async for answer in stub.ServerReflectionInfo(asked())]
    names = [each.name for each in answer.list_services_response.service if each.name.startswith("syncapi.")]
    return [method for name in names for method in descriptor_pool.Default().FindServiceByName(name).methods]


class Pest:
    """Calls over one channel, always as the same caller."""

    def __init__(self, channel: Any, metadata: Metadata) -> None:
        self._channel = channel
        self._metadata = metadata

    Way = Callable[["Pest", str, bytes], Awaitable[str | None]]

    def ways(self, method: MethodDescriptor) -> Sequence[tuple[Way, tuple[grpc.StatusCode, ...]]]:
        """How this method can be called, most often as it is meant to, with what may come of it besides answers and refusals."""
        return _MANY if method.server_streaming else _ONE

    async def call(self, method: MethodDescriptor, request: bytes, heard: Heard, way: tuple[Way, tuple[grpc.StatusCode, ...]]) -> None:
        service, _, name = method.full_name.rpartition(".")
        act, brought = way
        try:
            heard.codes[await act(self, f"/{service}/{name}", request) or "OK"] += 1
        except grpc.aio.AioRpcError as error:
            if (error.debug_error_string() or "").startswith(_UNSENT):
                heard.codes["UNSENT"] += 1
            elif not heard.allowed(error, *brought):
                heard.refusal(request, error, method)

    async def asks(self, path: str, request: bytes) -> None:
        await self._channel.unary_unary(path)(request, metadata=self._metadata, timeout=SECONDS)

    async def listens(self, path: str, request: bytes) -> None:
        async for _ in self._channel.unary_stream(path)(request, metadata=self._metadata, timeout=_STREAM_SECONDS):
            pass

    async def leaves_after_the_first_message(self, path: str, request: bytes) -> None:
        call = self._channel.unary_stream(path)(request, metadata=self._metadata, timeout=_STREAM_SECONDS)
        try:
            await call.read()
        finally:
            call.cancel()

    async def leaves_at_once(self, path: str, request: bytes) -> str:
        self._channel.unary_stream(path)(request, metadata=self._metadata, timeout=SECONDS).cancel()
        return "LEFT"

    async def has_no_patience(self, path: str, request: bytes) -> None:
        await self._channel.unary_unary(path)(request, metadata=self._metadata, timeout=0.002)

    async def sends_far_too_much(self, path: str, request: bytes) -> None:
        await self._channel.unary_unary(path)(request + b"\x00" * _MOST, metadata=self._metadata, timeout=SECONDS)

    async def never_ends_its_request(self, path: str, request: bytes) -> None:
        call = self._channel.stream_stream(path)(metadata=self._metadata, timeout=_STREAM_SECONDS)
        await _written(call, request, ended=False)
        await call.read()
        call.cancel()

    async def asks_twice_in_one_call(self, path: str, request: bytes) -> None:
        call = self._channel.stream_stream(path)(metadata=self._metadata, timeout=_STREAM_SECONDS)
        await _written(call, request, request)
        async for _ in call:
            pass

    async def says_nothing(self, path: str, request: bytes) -> None:
        del request
        call = self._channel.stream_stream(path)(metadata=self._metadata, timeout=_STREAM_SECONDS)
        await _written(call)
        await call.read()
        call.cancel()


async def _written(call: Any, *requests: bytes, ended: bool = True) -> None:
    """Write what the daemon still takes: if it has answered already, reading tells what."""
    with suppress(grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
        for request in requests:
            await call.write(request)
        if ended:
            await call.done_writing()


_LATE = (grpc.StatusCode.DEADLINE_EXCEEDED,)
_HALF = (*_LATE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNIMPLEMENTED)
_RARE = (
    (Pest.has_no_patience, _LATE),
    (Pest.sends_far_too_much, (grpc.StatusCode.RESOURCE_EXHAUSTED,)),
    (Pest.never_ends_its_request, _HALF),
    (Pest.asks_twice_in_one_call, _HALF),
    (Pest.says_nothing, _HALF),
    (Pest.leaves_at_once, ()),
)
_ONE = (*[(Pest.asks, ())] * 34, *_RARE)
_MANY = (*[(Pest.listens, _LATE)] * 20, *[(Pest.leaves_after_the_first_message, _LATE)] * 10, *_RARE)
