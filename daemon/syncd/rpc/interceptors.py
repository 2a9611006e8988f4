"""What happens around every call: it ends in time, and errors become statuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
import structlog
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from syncd.domain.errors import InvalidRequest, SyncdError
from syncd.kit.ids import ulid
from syncd.rpc.errors import bug, ended, status_of

if TYPE_CHECKING:
    from google.rpc import status_pb2

log = structlog.get_logger()

_UNARY_SECONDS = 60.0
_WRITE_SECONDS = 10.0
_FELL_BEHIND = "this reader fell behind; call again, the first message is complete"
_GONE = "the caller went away"

Context = Any
"""`grpc.aio.ServicerContext`, whose type parameters differ from call to call."""


class ErrorsAsStatuses(grpc.aio.ServerInterceptor):
    """Maps everything that a servicer raises; gRPC itself would hand the text of any exception to the client."""

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith("/syncapi."):
            return handler
        read, write = _reading(handler.request_deserializer), handler.response_serializer
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(_unary(handler.unary_unary, read), response_serializer=write)
        return grpc.unary_stream_rpc_method_handler(_stream(handler.unary_stream, read), response_serializer=write)


def _reading(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Reads a request where its errors are mapped: gRPC itself would log a traceback for each and answer UNKNOWN."""

    def read(request: bytes) -> Any:
        try:
            return deserialize(request)
        except DecodeError as error:
            hint = "use the .proto files of this version, or reflection"
            raise InvalidRequest("the request cannot be read as what this call takes", code="request.unreadable", hint=hint) from error

    return read


def _unary(behave: Callable[[Any, Context], Awaitable[Any]], read: Callable[[bytes], Any]) -> Any:
    async def behaved(request: bytes, context: Context) -> Any:
        try:
            async with asyncio.timeout(_UNARY_SECONDS):
                return await behave(read(request), context)
        except Exception as error:  # noqa: BLE001 - the border: nothing unmapped may leave
            await _abort(context, error)

    return behaved


def _stream(behave: Callable[[Any, Context], AsyncGenerator[Any, None]], read: Callable[[bytes], Any]) -> Any:
    async def behaved(request: bytes, context: Context) -> None:
        try:
            async with aclosing(behave(read(request), context)) as messages:
                async for message in messages:
                    async with asyncio.timeout(_WRITE_SECONDS):
                        await context.write(message)
        except TimeoutError:
            await _tell(context, ended(grpc.StatusCode.RESOURCE_EXHAUSTED, "reader.slow", _FELL_BEHIND))
        except Exception as error:  # noqa: BLE001 - the border: nothing unmapped may leave
            await _abort(context, error)

    return behaved


async def _abort(context: Context, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if isinstance(error, grpc.aio.InternalError):  # only writing raises this
        raise asyncio.CancelledError(_GONE) from error
    if isinstance(error, TimeoutError):
        await _tell(context, ended(grpc.StatusCode.DEADLINE_EXCEEDED, "call.too_long", f"no answer within {_UNARY_SECONDS:g} s"))
    await _tell(context, _status(error))


async def _tell(context: Context, status: status_pb2.Status) -> NoReturn:
    """End the call with a status. If nobody is left to be told, the call is cancelled: that is no bug."""
    try:
        await context.abort_with_status(rpc_status.to_status(status))
    except grpc.aio.InternalError as error:
        raise asyncio.CancelledError(_GONE) from error
    raise AssertionError("a call goes on after its end")


def _status(error: Exception) -> status_pb2.Status:
    if isinstance(error, SyncdError):
        return status_of(error)
    number = ulid()
    log.error("call met a bug", error_id=number, exc_info=error)
    return bug(number)
