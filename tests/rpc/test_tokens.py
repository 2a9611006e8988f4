"""Tokens: shown once, good until they end, and not to be guessed."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from syncapi.v1 import access_pb2 as pb
from syncapi.v1 import access_pb2_grpc
from syncd.domain.access import Role
from syncd.kit import secret_tokens
from syncd.kit.secret_tokens import SecretToken
from syncd.ports.access import NewToken
from syncd.ports.ledger import AuditQuery
from syncd.rpc.tries import Tries
from tests.rpc.test_control_plane import Wire, detail, info, wired
from tests.runtime.world import Play, sync


@dataclass
class Door:
    wire: Wire

    @property
    def access(self) -> Any:
        return access_pb2_grpc.AccessStub(self.wire.channel)

    async def create(self, name: str = "robot", role: pb.Role.ValueType = pb.ROLE_OPERATOR, **more: Any) -> pb.CreateTokenResponse:
        made = await self.access.CreateToken(pb.CreateTokenRequest(name=name, role=role, **more))
        assert isinstance(made, pb.CreateTokenResponse)
        return made

    async def who(self, authorization: str) -> pb.WhoAmIResponse:
        me = await self.access.WhoAmI(pb.WhoAmIRequest(), metadata=(("authorization", authorization),))
        assert isinstance(me, pb.WhoAmIResponse)
        return me

    async def refused(self, authorization: str) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.who(authorization)
        return caught.value

    async def entries(self, action: str) -> list[Any]:
        return [recorded.entry for recorded in await self.wire.world.ledger.audit.query(AuditQuery(action=action))]


def whole_book(folder: Path) -> str:
    with closing(sqlite3.connect(next(folder.rglob("state.db")))) as book:
        return "\n".join(book.iterdump())


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with wired(tmp_path, Play(), sync("a")) as wire:
        yield Door(wire)


async def test_a_token_works_at_once_and_names_its_bearer(door: Door) -> None:
    made = await door.create()

    me = await door.who(f"Bearer {made.secret}")

    assert (me.actor, me.role, me.token) == ("token robot (root (uid 0))", pb.ROLE_OPERATOR, made.token.id)


async def test_of_a_token_only_a_hash_is_kept(door: Door, tmp_path: Path) -> None:
    made = await door.create()
    secret = made.secret.split("_", 2)[2]

    await door.who(f"Bearer {made.secret}")

    everything = whole_book(tmp_path)
    assert made.token.id in everything
    assert secret not in everything
    listed = await door.access.ListTokens(pb.ListTokensRequest())
    assert secret not in str(listed)


async def test_a_token_s_life_stands_in_the_audit_log(door: Door) -> None:
    made = await door.create(lifetime=Duration(seconds=3600))
    await door.who(f"Bearer {made.secret}")
    await door.who(f"Bearer {made.secret}")
    await door.access.RevokeToken(pb.RevokeTokenRequest(id=made.token.id))
    await door.access.RevokeToken(pb.RevokeTokenRequest(id=made.token.id))

    entries = await door.entries("token")

    assert [(entry.action, entry.actor, entry.detail["token"]) for entry in reversed(entries)] == [
        ("token.created", "root (uid 0)", made.token.id),
        ("token.used", "token robot (root (uid 0))", made.token.id),
        ("token.revoked", "root (uid 0)", made.token.id),
    ]


async def test_the_list_tells_use_and_end(door: Door) -> None:
    made = await door.create(lifetime=Duration(seconds=3600))
    await door.who(f"Bearer {made.secret}")

    (token,) = (await door.access.ListTokens(pb.ListTokensRequest())).tokens

    assert (token.name, token.role, token.created_by) == ("robot", pb.ROLE_OPERATOR, "root (uid 0)")
    assert token.expires_at.ToDatetime() - token.created_at.ToDatetime() == timedelta(hours=1)
    assert token.HasField("last_used_at")
    assert not token.HasField("revoked_at")


async def test_the_list_is_told_in_pages(door: Door) -> None:
    made = sorted([(await door.create(name)).token.id for name in ("one", "two", "three")])

    first = await door.access.ListTokens(pb.ListTokensRequest(page_size=2))
    second = await door.access.ListTokens(pb.ListTokensRequest(page_size=2, page_token=first.next_page_token))

    assert [token.id for token in (*first.tokens, *second.tokens)] == made
    assert second.next_page_token == ""


async def expired(door: Door) -> str:
    made = secret_tokens.mint()
    await door.wire.world.ledger.tokens.add(NewToken(made.id, "old", Role.ADMIN, made.hash, timedelta(0), "ada"))
    return f"Bearer {made.text}"


async def revoked(door: Door) -> str:
    made = await door.create()
    await door.access.RevokeToken(pb.RevokeTokenRequest(id=made.token.id))
    return f"Bearer {made.secret}"


async def unknown(door: Door) -> str:
    return f"Bearer {secret_tokens.mint().text}"


async def with_another_secret(door: Door) -> str:
    made = await door.create()
    return f"Bearer {SecretToken(made.token.id, secret_tokens.mint().secret).text}"


async def malformed(door: Door) -> str:
    return "Bearer let-me-in"


async def of_another_scheme(door: Door) -> str:
    return f"Basic {(await door.create()).secret}"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(expired, "token.expired", id="expired"),
        pytest.param(revoked, "token.revoked", id="revoked"),
        pytest.param(unknown, "token.invalid", id="unknown"),
        pytest.param(with_another_secret, "token.invalid", id="with another secret"),
        pytest.param(malformed, "token.invalid", id="malformed"),
        pytest.param(of_another_scheme, "token.invalid", id="of another scheme"),
    ],
)
async def test_a_token_that_opens_nothing_is_refused_even_for_root_and_the_refusal_is_audited(door: Door, make: Any, reason: str) -> None:
    authorization = await make(door)

    error = await door.refused(authorization)

    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert info(error).reason == reason
    (entry,) = await door.entries("call.refused")
    assert (entry.actor, entry.outcome, entry.detail["code"]) == ("root (uid 0)", "refused", reason)
    assert authorization.rpartition("_")[2] not in str(entry)


async def test_after_too_many_wrong_tokens_even_a_good_one_has_to_wait(door: Door) -> None:
    made = await door.create()
    for _ in range(10):
        await door.refused("Bearer wrong")

    error = await door.refused(f"Bearer {made.secret}")

    assert (error.code(), info(error).reason) == (grpc.StatusCode.UNAVAILABLE, "token.slow_down")
    assert len(await door.entries("call.refused")) == 10


def test_tries_come_back_one_by_one_and_each_origin_has_its_own() -> None:
    now = [0.0]
    tries = Tries(lambda: now[0])
    for _ in range(10):
        assert tries.wait("mallory") == 0
        tries.failed("mallory")

    assert tries.wait("mallory") == 6.0
    assert tries.wait("ada") == 0
    now[0] = 6.0
    assert tries.wait("mallory") == 0
    tries.failed("mallory")
    assert tries.wait("mallory") == 6.0


def test_tries_do_not_grow_with_the_number_of_origins() -> None:
    tries = Tries(lambda: 0.0)

    for number in range(5000):
        tries.failed(str(number))

    assert len(tries._spent) == 1000


async def test_two_live_tokens_have_different_names_and_an_ended_one_gives_its_name_back(door: Door) -> None:
    made = await door.create("ci")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await door.create("ci")

    await door.access.RevokeToken(pb.RevokeTokenRequest(id=made.token.id))

    assert info(caught.value).reason == "token.exists"
    assert (await door.create("ci")).token.name == "ci"


async def test_what_is_wrong_with_a_wish_for_a_token_is_told_at_once(door: Door) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await door.create("no blanks", pb.ROLE_NONE, lifetime=Duration(seconds=-1))

    fields = [violation.field for violation in detail(caught.value, error_details_pb2.BadRequest()).field_violations]
    assert fields == ["name", "role", "lifetime"]


async def test_an_unknown_token_cannot_be_revoked(door: Door) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await door.access.RevokeToken(pb.RevokeTokenRequest(id="nope"))

    assert (caught.value.code(), info(caught.value).reason) == (grpc.StatusCode.NOT_FOUND, "token.unknown")


def test_a_token_is_read_back_from_its_text_and_hides_its_secret() -> None:
    made = secret_tokens.mint()

    assert secret_tokens.parse(made.text) == made
    assert made.secret not in repr(made)
    assert made.opens(made.hash)
    assert not secret_tokens.mint().opens(made.hash)
    assert secret_tokens.parse(f"{made.text} ") is None
