"""Who may call what: real users of this machine, real tokens, and what the audit log says of those who may not."""

import asyncio
import importlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from syncapi.v1 import access_pb2 as pb
from syncapi.v1 import access_pb2_grpc, control_pb2, control_pb2_grpc
from syncd.domain.access import Role
from syncd.kit import secret_tokens
from syncd.ports.access import NewToken
from syncd.ports.ledger import AuditQuery
from syncd.rpc.behind import Behind
from syncd.rpc.identity import Peer, introduce, role_of
from syncd.rpc.rights import RIGHTS, needed
from syncd.rpc.server import serving
from syncd.settings.access import AccessSection
from syncd.settings.daemon import ListenSection
from tests.rpc import knocking
from tests.rpc.desk import Desk
from tests.rpc.metadata_desk import MetadataDesk
from tests.rpc.test_control_plane import info
from tests.runtime.world import Play, World, opened, sync

STRANGER, MEMBER, LISTED = 41_001, 41_002, 41_003
GROUP = 42_001
ACCESS = AccessSection(viewers=(str(LISTED),))
CHECK = "/syncapi.v1.Control/CheckConnections"


@dataclass
class House:
    world: World
    socket: Path

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"unix:{self.socket}")

    async def calls(self, uid: int, groups: tuple[int, ...] = (), token: str = "", only: str = "") -> dict[str, str]:
        """The status of every call, or of one, made by a user."""
        listed = ",".join(map(str, groups))
        wanted = [only] if only else list(RIGHTS)
        command = [sys.executable, knocking.__file__, str(uid), str(uid), listed, str(self.socket), token, *wanted]
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await child.communicate()
        assert child.returncode == 0
        found: dict[str, str] = json.loads(out)
        return found

    async def refusals(self) -> list[Any]:
        return [recorded.entry for recorded in await self.world.ledger.audit.query(AuditQuery(action="call.refused", limit=1000))]

    async def token(self, name: str, role: pb.Role.ValueType, **more: Any) -> pb.CreateTokenResponse:
        async with self.channel() as channel:
            made = await access_pb2_grpc.AccessStub(channel).CreateToken(pb.CreateTokenRequest(name=name, role=role, **more))
            assert isinstance(made, pb.CreateTokenResponse)
            return made


@contextmanager
def a_public_folder() -> Iterator[Path]:
    """A folder that everybody may enter, with `world` in it for the daemon."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "world").mkdir()
        yield folder


@asynccontextmanager
async def open_house(most: Role = Role.ADMIN, access: AccessSection = ACCESS) -> AsyncIterator[House]:
    """A daemon whose socket everybody can open, as one of systemd can be: roles alone decide."""
    with a_public_folder() as folder:
        socket = folder / "syncd.sock"
        async with opened(folder / "world", Play(), sync("a")) as world:
            listen = [ListenSection(socket=socket, role=most, group=str(GROUP))]
            async with serving(
                Behind(world.daemon, world.ledger, "1", clients=Desk(), metadata=MetadataDesk()), listen, 1.0, access=access
            ):
                socket.chmod(0o666)
                yield House(world, socket)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def test_every_call_of_every_service_has_its_place_in_the_table() -> None:
    services = [service for each in _descriptors() for service in each.services_by_name.values()]

    declared = {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}

    assert declared == RIGHTS.keys()


def _descriptors() -> list[Any]:
    folder = Path(pb.__file__).parent
    return [importlib.import_module(f"syncapi.v1.{path.stem}").DESCRIPTOR for path in sorted(folder.glob("*_pb2.py"))]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(f"/syncapi.v1.{call}", id=call)
        for call in (
            "Control/ResetSync",
            "Control/ReloadSettings",
            "Clients/RollbackClients",
            "Metadata/RestoreSnapshot",
            "Access/CreateToken",
            "Access/ListTokens",
            "Access/RevokeToken",
        )
    ],
)
def test_what_forgets_goes_back_or_gives_rights_is_for_admins(call: str) -> None:
    assert RIGHTS[call] is Role.ADMIN


@pytest.mark.parametrize(
    ("request_", "least"),
    [
        pytest.param(control_pb2.StartRunRequest(mode="full"), Role.OPERATOR, id="a full run is for operators"),
        pytest.param(control_pb2.StartRunRequest(mode="rollback"), Role.ADMIN, id="a rollback by its mode is a rollback"),
        pytest.param(control_pb2.StartRunRequest(mode="restore"), Role.ADMIN, id="so is a restoration"),
        pytest.param(control_pb2.StartRunRequest(mode="full", parameters={"rollback": "true"}), Role.ADMIN, id="and one by a parameter"),
    ],
)
def test_going_back_needs_the_same_role_by_every_way(request_: control_pb2.StartRunRequest, least: Role) -> None:
    assert needed("/syncapi.v1.Control/StartRun", request_) is least


def test_a_call_that_nobody_thought_of_is_for_admins() -> None:
    assert needed("/syncapi.v1.Control/NewCall", None) is Role.ADMIN


async def test_a_refusal_names_the_call_both_roles_and_the_caller_to_the_caller() -> None:
    async with open_house() as house, house.channel() as channel:
        made = await house.token("reader", pb.ROLE_VIEWER)

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await control_pb2_grpc.ControlStub(channel).ResetSync(control_pb2.ResetSyncRequest(sync="a"), metadata=bearer(made.secret))

        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert caught.value.details() == "ResetSync needs the role admin, token reader (root (uid 0)) has viewer"
        assert info(caught.value).reason == "access.denied"
        assert [(entry.sync, entry.detail["role"]) for entry in await house.refusals()] == [("a", "viewer")]


async def test_a_mutation_is_audited_under_the_real_user() -> None:
    async with open_house() as house:
        async with house.channel() as channel:
            await control_pb2_grpc.ControlStub(channel).PauseSync(control_pb2.PauseSyncRequest(sync="a"))

        paused = [recorded.entry.actor for recorded in await house.world.ledger.audit.query(AuditQuery(action="sync.paused"))]
        assert paused == ["root (uid 0)"]


async def test_a_caller_is_told_who_it_is() -> None:
    async with open_house() as house, house.channel() as channel:
        me = await access_pb2_grpc.AccessStub(channel).WhoAmI(pb.WhoAmIRequest())

    assert (me.actor, me.role, me.uid, me.gid, me.process_id) == ("root (uid 0)", pb.ROLE_ADMIN, 0, 0, os.getpid())


@pytest.mark.parametrize(
    ("most", "status"),
    [
        pytest.param(Role.ADMIN, "OK", id="a token raises a stranger"),
        pytest.param(Role.VIEWER, "PERMISSION_DENIED", id="but not above the listener"),
    ],
)
async def test_a_token_gives_its_role_to_whoever_has_it(most: Role, status: str) -> None:
    async with open_house(most) as house:
        made = secret_tokens.mint()
        await house.world.ledger.tokens.add(NewToken(made.id, "robot", Role.OPERATOR, made.hash, None, "ada"))

        ended = await house.calls(STRANGER, token=made.text, only=CHECK)

        assert ended == {CHECK: status}


async def test_a_token_lowers_root_too() -> None:
    async with open_house() as house:
        made = await house.token("reader", pb.ROLE_VIEWER)

        assert await house.calls(0, token=made.secret, only=CHECK) == {CHECK: "PERMISSION_DENIED"}


async def test_health_and_reflection_are_open_to_whoever_can_connect() -> None:
    health = "/grpc.health.v1.Health/Check"
    async with open_house() as house:
        assert await house.calls(STRANGER, only=health) == {health: "OK"}


def test_a_listed_user_has_the_highest_of_its_roles_and_lists_go_before_the_socket_s_group() -> None:
    access = AccessSection(operators=("7",), viewers=("7", "@8"), group=Role.ADMIN)

    assert role_of({"7", "@8"}, access, member=False) is Role.OPERATOR
    assert role_of({"9", "@8"}, access, member=True) is Role.VIEWER
    assert role_of({"9"}, access, member=True) is Role.ADMIN
    assert role_of({"9"}, access, member=False) is Role.NONE


def test_a_user_is_named_as_people_know_it_and_without_a_name_by_its_number() -> None:
    nobody = introduce(Peer(65534, 65534, 1), AccessSection(), 0, Role.ADMIN)
    nameless = introduce(Peer(STRANGER, STRANGER, 1), AccessSection(), 0, Role.ADMIN)

    assert (nobody.actor, nameless.actor) == ("nobody (uid 65534)", f"uid {STRANGER}")
