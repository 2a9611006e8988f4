"""Counts calls and the streams under way, by the status that each ended with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from syncd.ports.metering import Meter

Context = Any
"""`grpc.aio.ServicerContext`, whose type parameters differ from call to call."""

_CODES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}


class Metered(grpc.aio.ServerInterceptor):
    """Stands around everything that may refuse a call, so that the refusal is counted."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith("/syncapi."):
            return handler
        name = method.removeprefix("/syncapi.v1.")
        coding = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._counted(name, handler.unary_unary), *coding)
        return grpc.unary_stream_rpc_method_handler(self._under_way(name, self._counted(name, handler.unary_stream)), *coding)

    def _counted(self, method: str, behave: Callable[[Any, Context], Awaitable[Any]]) -> Any:
        async def behaved(request: Any, context: Context) -> Any:
            code = "UNKNOWN"
            try:
                answer = await behave(request, context)
                code = _CODES.get(_number(context.code()), "OK")
            except asyncio.CancelledError:
                code = "CANCELLED"
                raise
            except Exception:
                code = _CODES.get(_number(context.code()), "UNKNOWN")
                raise
            finally:
                self._meter.answered(method, code)
            return answer

        return behaved

    def _under_way(self, method: str, behave: Callable[[Any, Context], Awaitable[Any]]) -> Any:
        async def behaved(request: Any, context: Context) -> Any:
            self._meter.stream_began(method)
            try:
                return await behave(request, context)
            finally:
                self._meter.stream_ended(method)

        return behaved


def _number(code: Any) -> int:
    """A context gives its code as a number or as a member of the enum, depending on who set it."""
    return int(code.value[0]) if isinstance(code, grpc.StatusCode) else int(code or 0)
