"""Who calls, whether it may, and the audit entry if not: before every call of ours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

import grpc

from syncd.domain.access import Role
from syncd.domain.errors import NotIdentified, NotPermitted, RequestError
from syncd.rpc import identity
from syncd.rpc.bearer import Bearers
from syncd.rpc.identity import Caller
from syncd.rpc.leases import Leases
from syncd.rpc.refusals import Refusals
from syncd.rpc.rights import needed

Context = Any

_NAME_LETTERS = 63


class Gate(grpc.aio.ServerInterceptor):
    """Lets a call through to its servicer only if the caller's role reaches. Health and reflection are open to all who can connect."""

    def __init__(self, callers: Callable[[str], Caller | None], bearers: Bearers, leases: Leases, refusals: Refusals) -> None:
        self._callers = callers
        self._bearers = bearers
        self._leases = leases
        self._refusals = refusals

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None or not method.startswith("/syncapi."):
            return handler
        coding = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._unary(method, handler.unary_unary), *coding)
        return grpc.unary_stream_rpc_method_handler(self._stream(method, handler.unary_stream), *coding)

    def _unary(self, method: str, behave: Callable[[Any, Context], Awaitable[Any]]) -> Any:
        async def behaved(request: Any, context: Context) -> Any:
            await self._admit(method, request, context)
            return await behave(request, context)

        return behaved

    def _stream(self, method: str, behave: Callable[[Any, Context], AsyncGenerator[Any, None]]) -> Any:
        async def behaved(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            caller = await self._admit(method, request, context)
            async with aclosing(behave(request, context)) as messages, aclosing(self._while_it_may(caller, messages)) as allowed:
                async for message in allowed:
                    yield message

        return behaved

    def _while_it_may(self, caller: Caller, messages: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        return self._leases.keep(caller.token, messages) if caller.token else messages

    async def _admit(self, method: str, request: Any, context: Context) -> Caller:
        """Settle who calls. Raises, with an audit entry, if it may not make this call."""
        caller = self._callers(context.peer()) or identity.NOBODY
        try:
            caller = await self._identified(caller, dict(context.invocation_metadata() or ()))
            _check(caller, needed(method, request), method)
        except RequestError as error:
            detail = {"call": method.removeprefix("/"), "role": caller.role.value, "code": error.code}
            await self._refusals.call(caller, _sync(request), detail)
            raise
        identity.settle(caller)
        return caller

    async def _identified(self, caller: Caller, metadata: Mapping[str, str | bytes]) -> Caller:
        if caller is identity.NOBODY:
            raise NotIdentified("nobody knows who calls", hint="connect to a socket of the daemon itself")
        authorization = metadata.get("authorization")
        return caller if authorization is None else await self._bearers.bearing(caller, str(authorization))


def _check(caller: Caller, least: Role, method: str) -> None:
    if caller.role >= least:
        return
    if caller.anonymous:
        hint = "send a token as `authorization: Bearer TOKEN`, or show a certificate if the `[[listen]]` has a `client_ca`"
        raise NotIdentified(f"nobody knows who calls {method.rpartition('/')[2]} from {caller.actor}", hint=hint)
    hint = "see `syncctl whoami`; roles are given by `[daemon.access]`, by a token, and at most by `role` of the `[[listen]]`"
    message = f"{method.rpartition('/')[2]} needs the role {least.value}, {caller.actor} has {caller.role.value}"
    raise NotPermitted(message, hint=hint)


def _sync(request: Any) -> str:
    """The sync that was meant, at most as long as a name can be: who may do nothing may not fill the audit log either."""
    named = getattr(request, "sync", "")
    return named[:_NAME_LETTERS] if isinstance(named, str) else ""
