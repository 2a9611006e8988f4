"""Callers over TCP: with TLS, with certificates and tokens, and as they should not come."""

import asyncio
import socket as sockets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from syncapi.v1 import access_pb2 as pb
from syncapi.v1 import access_pb2_grpc, control_pb2, control_pb2_grpc
from syncd.domain.access import Role
from syncd.domain.errors import PermanentError
from syncd.kit import secret_tokens, systemd
from syncd.ports.access import NewToken
from syncd.ports.ledger import AuditQuery
from syncd.rpc import entrance
from syncd.rpc.behind import Behind
from syncd.rpc.identity import Remote, introduce
from syncd.rpc.server import serving
from syncd.settings.access import AccessSection
from syncd.settings.daemon import ListenSection, TlsSection
from tests.rpc.authority import Authority, Pair
from tests.rpc.test_control_plane import info
from tests.runtime.world import Play, World, opened, sync
from tests.servers.ports import free_port

AUTHORITY, STRANGE = Authority(), Authority("another authority")
SPIFFE = "spiffe://example.org/grafana"
ACCESS = AccessSection(viewers=("cert:grafana.example",), operators=(f"cert:{SPIFFE}",))


@dataclass
class Port:
    world: World
    target: str
    folder: Path

    def channel(self, pair: Pair | None = None, authority: Authority = AUTHORITY) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(authority.cert, *((pair.key, pair.cert) if pair else (None, None)))
        return grpc.aio.secure_channel(self.target, credentials)

    def in_the_clear(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self.target)

    async def token(self, name: str = "robot", role: Role = Role.OPERATOR, lifetime: timedelta | None = None) -> str:
        made = secret_tokens.mint()
        await self.world.ledger.tokens.add(NewToken(made.id, name, role, made.hash, lifetime, "ada"))
        return made.text

    async def entries(self, action: str) -> list[Any]:
        return [recorded.entry for recorded in await self.world.ledger.audit.query(AuditQuery(action=action))]

    async def turned_away(self) -> Any:
        """What the audit log says of a connection; the caller may hear of it earlier."""
        async with asyncio.timeout(5):
            await self.world.ledger.audit.grown(await self._before())
        (entry, *_) = await self.entries("connection.refused")
        return entry

    async def _before(self) -> int:
        first = await self.world.ledger.audit.after(0, 1000)
        return next((each.sequence - 1 for each in first if each.entry.action == "connection.refused"), len(first))


@asynccontextmanager
async def port(folder: Path, host: str = "127.0.0.1", *, tls: bool = True, role: Role = Role.ADMIN) -> AsyncIterator[Port]:
    (folder / "ca.pem").write_bytes(AUTHORITY.cert)
    cert, key = AUTHORITY.for_this_machine().keep(folder, "syncd")
    address = f"[{host}]:{free_port(host)}" if ":" in host else f"{host}:{free_port(host)}"
    section = TlsSection(cert=cert, key=key, client_ca=folder / "ca.pem")
    listen = ListenSection(address=address, tls=section if tls else None, role=role)
    async with (
        opened(folder / "world", Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1"), [listen], 1.0, access=ACCESS),
    ):
        yield Port(world, address, folder)


def bearing(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


async def who(channel: grpc.aio.Channel, token: str = "") -> tuple[str, pb.Role.ValueType]:
    stub = access_pb2_grpc.AccessStub(channel)
    me = await stub.WhoAmI(pb.WhoAmIRequest(), timeout=10, metadata=bearing(token))
    return me.actor, me.role


async def refused(channel: grpc.aio.Channel, token: str = "") -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await control_pb2_grpc.ControlStub(channel).PauseSync(control_pb2.PauseSyncRequest(sync="a"), timeout=10, metadata=bearing(token))
    return caught.value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "world").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("pair", "actor", "role"),
    [
        pytest.param(AUTHORITY.issues("grafana.example"), "grafana.example", pb.ROLE_VIEWER, id="its common name"),
        pytest.param(AUTHORITY.issues("", "grafana.example"), "grafana.example", pb.ROLE_VIEWER, id="a host name"),
        pytest.param(AUTHORITY.issues("", SPIFFE), SPIFFE, pb.ROLE_OPERATOR, id="a SPIFFE id"),
        pytest.param(AUTHORITY.issues("x", "grafana.example", SPIFFE), SPIFFE, pb.ROLE_OPERATOR, id="the name that gives most"),
        pytest.param(AUTHORITY.issues("mallory", "mallory.example"), "mallory", pb.ROLE_NONE, id="no name that is listed"),
    ],
)
async def test_a_client_certificate_says_who_calls_by(folder: Path, pair: Pair, actor: str, role: pb.Role.ValueType) -> None:
    async with port(folder) as door, door.channel(pair) as channel:
        assert await who(channel) == (f"{actor} (certificate) from 127.0.0.1", role)


async def test_a_token_over_tls_gives_its_role_and_without_one_nobody_is_known(folder: Path) -> None:
    async with port(folder, "::1") as door, door.channel() as channel:
        token = await door.token()

        known, unknown, error = await who(channel, token), await who(channel), await refused(channel)

        assert (known, unknown) == (("token robot (::1)", pb.ROLE_OPERATOR), ("::1", pb.ROLE_NONE))
        assert (error.code(), info(error).reason) == (grpc.StatusCode.UNAUTHENTICATED, "access.unauthenticated")
        assert [(entry.actor, entry.detail["role"]) for entry in await door.entries("call.refused")] == [("::1", "none")]


async def test_over_loopback_without_tls_a_token_is_needed_and_the_listener_caps_it(folder: Path) -> None:
    async with port(folder, tls=False, role=Role.VIEWER) as door, door.in_the_clear() as channel:
        token = await door.token(role=Role.ADMIN)

        assert await who(channel, token) == ("token robot (127.0.0.1)", pb.ROLE_VIEWER)
        assert (await refused(channel)).code() is grpc.StatusCode.UNAUTHENTICATED
        assert (await refused(channel, token)).code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_certificate_of_another_authority_is_turned_away_and_that_is_audited(folder: Path) -> None:
    async with port(folder) as door, door.channel(STRANGE.issues("grafana.example")) as channel:
        error = await refused(channel)

        assert error.code() is grpc.StatusCode.UNAVAILABLE
        entry = await door.turned_away()
        assert (entry.actor, entry.outcome) == ("127.0.0.1", "refused")
        assert "issuer certificate" in entry.detail["error"]


async def test_an_expired_client_certificate_is_turned_away(folder: Path) -> None:
    old = AUTHORITY.issues("grafana.example", life=(timedelta(days=-2), timedelta(days=-1)))
    async with port(folder) as door, door.channel(old) as channel:
        assert (await refused(channel)).code() is grpc.StatusCode.UNAVAILABLE

        assert "expired" in (await door.turned_away()).detail["error"]


async def test_who_does_not_speak_tls_gets_no_answer_and_harms_nobody(folder: Path) -> None:
    async with port(folder) as door, door.channel() as other:
        async with door.in_the_clear() as channel:
            assert (await refused(channel)).code() is grpc.StatusCode.UNAVAILABLE

        assert (await who(other))[0] == "127.0.0.1"


async def test_wrong_tokens_are_counted_by_address(folder: Path) -> None:
    async with port(folder) as door, door.channel() as channel, door.channel(AUTHORITY.issues("grafana.example")) as same_address:
        for _ in range(10):
            await refused(channel, "wrong")

        error = await refused(same_address, await door.token())

        assert info(error).reason == "token.slow_down"


async def test_whoever_is_unknown_cannot_fill_the_audit_log(folder: Path) -> None:
    async with port(folder) as door, door.channel() as channel:
        await asyncio.gather(*(refused(channel) for _ in range(120)))

        assert 100 <= len(await door.entries("call.refused")) <= 102


async def test_new_callers_see_the_new_certificate_and_who_is_inside_stays(folder: Path) -> None:
    async with port(folder) as door, door.channel() as inside:
        before, serial = await who(inside), await shown(door)

        AUTHORITY.for_this_machine().keep(folder, "syncd")
        await asyncio.sleep(entrance._LOOK_SECONDS + 0.5)

        assert await shown(door) != serial
        assert await who(inside) == before


async def shown(door: Port) -> str:
    """The number of the certificate that a new caller sees."""
    context = ssl.create_default_context(cadata=AUTHORITY.cert.decode())
    host, _, number = door.target.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(number), ssl=context)
    found: str = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    await writer.wait_closed()
    return found


async def test_connections_that_never_end_their_handshake_take_places_too_and_none_for_long(folder: Path) -> None:
    cert, key = AUTHORITY.for_this_machine().keep(folder, "syncd")
    listen = ListenSection(address=f"127.0.0.1:{free_port()}", tls=TlsSection(cert=cert, key=key))
    few = AccessSection(connections=8)
    async with (
        opened(folder / "world", Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1"), [listen], 1.0, access=few),
    ):
        host, _, number = listen.place.rpartition(":")
        silent = [await asyncio.open_connection(host, int(number)) for _ in range(9)]

        reader, _ = silent[8]
        turned_away = await asyncio.wait_for(_is_cut(reader), 5)
        for _, writer in silent:
            writer.close()

    assert turned_away


async def _is_cut(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("how", [pytest.param("revoked", id="is revoked"), pytest.param("expired", id="expires")])
async def test_an_open_stream_ends_when_its_token(folder: Path, how: str) -> None:
    async with port(folder) as door, door.channel() as channel:
        token = await door.token("robot", lifetime=timedelta(seconds=0.5) if how == "expired" else None)
        watch, other = await watching(channel, token), await watching(channel, await door.token("other"))
        if how == "revoked":
            await door.world.ledger.tokens.revoke(token.split("_")[1], "ada")

        error = await asyncio.wait_for(end_of(watch), 4)

        assert (error.code(), info(error).reason) == (grpc.StatusCode.UNAUTHENTICATED, f"token.{how}")
        assert not other.done()
        other.cancel()


async def watching(channel: grpc.aio.Channel, token: str) -> Any:
    control: Any = control_pb2_grpc.ControlStub(channel)
    watch = control.WatchSyncs(control_pb2.WatchSyncsRequest(), metadata=bearing(token))
    assert (await watch.read()).snapshot
    return watch


async def end_of(watch: Any) -> grpc.aio.AioRpcError:
    try:
        while await watch.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the stream ended well")


async def test_an_address_that_is_taken_is_refused(folder: Path) -> None:
    with sockets.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = ListenSection(address=f"127.0.0.1:{taken.getsockname()[1]}")
        async with opened(folder / "world", Play(), sync("a")) as world:
            with pytest.raises(PermanentError, match="cannot be bound: Address already in use") as caught:
                await serving(Behind(world.daemon, world.ledger, "1"), [listen], 1.0).__aenter__()

    assert caught.value.code == "listen.failed"


async def test_an_address_of_systemd_is_served_as_its_listen_says_and_refused_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sockets.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        address = f"127.0.0.1:{theirs.getsockname()[1]}"
        monkeypatch.setattr(systemd, "handed_over", lambda: [theirs.dup()])
        async with opened(folder / "world", Play(), sync("a")) as world:
            listen = [ListenSection(address=address)]
            async with serving(Behind(world.daemon, world.ledger, "1"), listen, 1.0), grpc.aio.insecure_channel(address) as channel:
                assert await who(channel) == ("127.0.0.1", pb.ROLE_NONE)

            with pytest.raises(PermanentError) as caught:
                await serving(Behind(world.daemon, world.ledger, "1"), [ListenSection(socket=folder / "s.sock")], 1.0).__aenter__()

    assert caught.value.code == "listen.insecure"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        pytest.param("10.0.0.5", "10.0.0.5", id="an address"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="a network of IPv6, all of which one person has"),
        pytest.param("::1", "::1", id="this machine"),
    ],
)
def test_failures_are_counted_by(host: str, origin: str) -> None:
    assert introduce(Remote(host), AccessSection(), 0, Role.ADMIN).origin == origin
