"""The service `Access`: who calls, and tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from syncapi.v1 import access_pb2 as pb
from syncapi.v1 import access_pb2_grpc
from syncd.domain.access import Role, Token
from syncd.domain.errors import InvalidRequest
from syncd.kit import secret_tokens
from syncd.ports.access import NewToken, TokenBook
from syncd.rpc import identity, paging, wire

Context = Any

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_GIVEN = {pb.ROLE_VIEWER: Role.VIEWER, pb.ROLE_OPERATOR: Role.OPERATOR, pb.ROLE_ADMIN: Role.ADMIN}
_LONGEST = timedelta(days=3660)


class Access(access_pb2_grpc.AccessServicer):
    def __init__(self, book: TokenBook) -> None:
        self._book = book

    async def WhoAmI(self, request: pb.WhoAmIRequest, context: Context) -> pb.WhoAmIResponse:
        caller = identity.current()
        answer = pb.WhoAmIResponse(actor=caller.actor, role=_role(caller.role), token=caller.token)
        if caller.peer:
            answer.uid, answer.gid, answer.process_id = caller.peer.uid, caller.peer.gid, caller.peer.pid
        return answer

    async def CreateToken(self, request: pb.CreateTokenRequest, context: Context) -> pb.CreateTokenResponse:
        lifetime = _checked(request)
        made = secret_tokens.mint()
        token = await self._book.add(
            NewToken(made.id, request.name, _GIVEN[request.role], made.hash, lifetime, wire.caller(context)),
        )
        return pb.CreateTokenResponse(token=_token(token), secret=made.text)

    async def ListTokens(self, request: pb.ListTokensRequest, context: Context) -> pb.ListTokensResponse:
        size, after = paging.read(request.page_size, request.page_token, default=100)
        tokens = await self._book.page(after, size + 1)
        token = paging.token(tokens[size - 1].id) if len(tokens) > size else ""
        return pb.ListTokensResponse(tokens=map(_token, tokens[:size]), next_page_token=token)

    async def RevokeToken(self, request: pb.RevokeTokenRequest, context: Context) -> pb.RevokeTokenResponse:
        return pb.RevokeTokenResponse(token=_token(await self._book.revoke(request.id, wire.caller(context))))


def _checked(request: pb.CreateTokenRequest) -> timedelta | None:
    """The lifetime that was asked for. Raises `InvalidRequest` with everything that is wrong."""
    seconds = request.lifetime.seconds + request.lifetime.nanos / 1e9
    wrong = {}
    if not _NAME.fullmatch(request.name):
        wrong["name"] = "1 to 64 letters, digits, '.', '_', '-' and '@'"
    if request.role not in _GIVEN:
        wrong["role"] = "ROLE_VIEWER, ROLE_OPERATOR or ROLE_ADMIN"
    if request.HasField("lifetime") and not 0 < seconds <= _LONGEST.total_seconds():
        wrong["lifetime"] = f"more than nothing and at most {_LONGEST.days} days"
    if wrong:
        raise InvalidRequest("no such token can be made", fields=wrong)
    return timedelta(seconds=seconds) if request.HasField("lifetime") else None


def _token(token: Token) -> pb.Token:
    return pb.Token(
        id=token.id,
        name=token.name,
        role=_role(token.role),
        created_at=wire.moment(token.created_at),
        created_by=token.created_by,
        expires_at=wire.moment(token.expires_at),
        last_used_at=wire.moment(token.last_used_at),
        revoked_at=wire.moment(token.revoked_at),
    )


def _role(role: Role) -> pb.Role.ValueType:
    return pb.Role.Value(f"ROLE_{role.name}")
