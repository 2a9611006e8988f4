"""Every call by everybody: who is let in, who is refused, and that each refusal stands in the audit log."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from syncd.domain.access import Role
from syncd.kit import secret_tokens
from syncd.ports.access import NewToken
from syncd.ports.ledger import AuditQuery
from syncd.rpc import entrance
from syncd.rpc.behind import Behind
from syncd.rpc.rights import RIGHTS
from syncd.rpc.server import serving
from syncd.rpc.tries import Tries
from syncd.settings.access import AccessSection
from syncd.settings.daemon import ListenSection, TlsSection
from tests.rpc import knocking
from tests.rpc.authority import Authority, Pair
from tests.rpc.desk import Desk
from tests.rpc.metadata_desk import MetadataDesk
from tests.runtime.world import Play, World, opened, sync
from tests.servers.ports import free_port

STRANGER, MEMBER, LISTED, OWNER = 41_001, 41_002, 41_003, 41_004
GROUP = 42_001
DENIED, UNKNOWN, CUT = "PERMISSION_DENIED", "UNAUTHENTICATED", "UNAVAILABLE"
pytestmark = pytest.mark.timeout(180)  # the first test waits for some hundred calls, on a busy machine
AUTHORITY, STRANGE = Authority(), Authority("another authority")
ACCESS = AccessSection(viewers=(str(LISTED),), operators=("cert:grafana.example",))
HERE = "127.0.0.1"
AS_ROOT = os.geteuid() == 0
"""Only root can call as somebody else; for others there are no such cases."""


@dataclass(frozen=True)
class House:
    world: World
    socket: Path
    address: str


Statuses = dict[str, str]
Knock = Callable[[House], Coroutine[Any, Any, Statuses]]


@dataclass(frozen=True)
class Identity:
    """Somebody who makes every call: what role that one has, and what the audit log calls it."""

    knock: Knock
    role: Role | None
    """None: not even who it is may be asked."""
    refusal: str = DENIED
    actor: str = ""
    code: str = "access.denied"


def user(uid: int, *groups: int) -> Knock:
    """A user of this machine, in a process of its own."""

    async def knock(house: House) -> Statuses:
        listed = ",".join(map(str, groups))
        command = [sys.executable, knocking.__file__, str(uid), str(uid), listed, str(house.socket), "", *RIGHTS]
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await child.communicate()
        statuses: Statuses = json.loads(out)
        return statuses

    return knock


def over_tcp(pair: Pair | None = None, token: Callable[[House], Awaitable[str]] | None = None) -> Knock:
    credentials = grpc.ssl_channel_credentials(AUTHORITY.cert, *((pair.key, pair.cert) if pair else (None, None)))

    async def knock(house: House) -> Statuses:
        metadata = (("authorization", f"Bearer {await token(house)}"),) if token else ()

        def call_all() -> Statuses:
            own = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.secure_channel(house.address, credentials, own) as channel:
                return {call: knocking.ended(channel, call, metadata) for call in RIGHTS}

        return await asyncio.to_thread(call_all)

    return knock


def token(name: str, role: Role, *, lifetime: timedelta | None = None, revoked: bool = False) -> Callable[[House], Awaitable[str]]:
    async def make(house: House) -> str:
        made, book = secret_tokens.mint(), house.world.ledger.tokens
        await book.add(NewToken(made.id, name, role, made.hash, lifetime, "ada"))
        if revoked:
            await book.revoke(made.id, "ada")
        return made.text

    return make


LOCAL = {
    "root does everything": Identity(user(0), Role.ADMIN),
    "so does the daemon's own user": Identity(user(OWNER), Role.ADMIN),
    "a member of the socket's group operates": Identity(user(MEMBER, GROUP), Role.OPERATOR, actor=f"uid {MEMBER}"),
    "a listed viewer reads": Identity(user(LISTED), Role.VIEWER, actor=f"uid {LISTED}"),
    "a stranger may ask who it is": Identity(user(STRANGER), Role.NONE, actor=f"uid {STRANGER}"),
}
REMOTE = {
    f"a token for {role.value} is good for that": Identity(
        over_tcp(token=token(role.value, role)), role, actor=f"token {role.value} ({HERE})"
    )
    for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
} | {
    "an expired token opens nothing": Identity(
        over_tcp(token=token("old", Role.ADMIN, lifetime=timedelta(0))), None, UNKNOWN, HERE, "token.expired"
    ),
    "a revoked token opens nothing": Identity(
        over_tcp(token=token("lost", Role.ADMIN, revoked=True)), None, UNKNOWN, HERE, "token.revoked"
    ),
    "without a token one may ask who one is": Identity(over_tcp(), Role.NONE, UNKNOWN, HERE, "access.unauthenticated"),
    "a certificate with a role is good for that": Identity(
        over_tcp(AUTHORITY.issues("grafana.example")), Role.OPERATOR, actor=f"grafana.example (certificate) from {HERE}"
    ),
    "a certificate without a role may ask who it is": Identity(
        over_tcp(AUTHORITY.issues("mallory.example")), Role.NONE, actor=f"mallory.example (certificate) from {HERE}"
    ),
    "a certificate of another authority opens no connection": Identity(over_tcp(STRANGE.issues("grafana.example")), None, CUT),
}
IDENTITIES = (LOCAL if AS_ROOT else {}) | REMOTE


@dataclass(frozen=True)
class Heard:
    statuses: dict[str, Statuses]
    entries: list[Any]


@pytest.fixture(scope="module")
def heard() -> Heard:
    """What everybody was told, and what the audit log said afterwards."""
    with pytest.MonkeyPatch.context() as here, _public_folder() as folder:
        # How many refusals an address may cause is another test's matter; all of these come from one.
        here.setattr(entrance, "Tries", lambda clock, _=0: Tries(clock, 10_000))
        if AS_ROOT:
            here.setattr(os, "geteuid", lambda: OWNER)
        return asyncio.run(_everybody_calls(folder))


@contextmanager
def _public_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "world").mkdir()
        yield folder


async def _everybody_calls(folder: Path) -> Heard:
    (folder / "ca.pem").write_bytes(AUTHORITY.cert)
    cert, key = AUTHORITY.for_this_machine().keep(folder, "syncd")
    socket, address = folder / "s.sock", f"{HERE}:{free_port()}"
    listen = [
        ListenSection(socket=socket, group=str(GROUP if AS_ROOT else os.getgid())),
        ListenSection(address=address, tls=TlsSection(cert=cert, key=key, client_ca=folder / "ca.pem")),
    ]
    async with (
        opened(folder / "world", Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1", clients=Desk(), metadata=MetadataDesk()), listen, 1.0, access=ACCESS),
    ):
        socket.chmod(0o666)
        house = House(world, socket, address)
        local = {name: asyncio.create_task(each.knock(house)) for name, each in IDENTITIES.items() if name in LOCAL}
        remote = {name: await each.knock(house) for name, each in REMOTE.items()}
        statuses = {name: await task for name, task in local.items()} | remote
        entries = [each.entry for each in await world.ledger.audit.query(AuditQuery(limit=10_000))]
    return Heard(statuses, entries)


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in IDENTITIES])
def test_of_all_calls_exactly_those_that_the_role_reaches_are_let_in(heard: Heard, name: str) -> None:
    identity = IDENTITIES[name]

    refused = {call for call, status in heard.statuses[name].items() if status in (DENIED, UNKNOWN, CUT, "UNIMPLEMENTED")}

    assert refused == _beyond(identity.role)
    assert {heard.statuses[name][call] for call in refused} <= {identity.refusal}


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in IDENTITIES])
def test_each_refused_call_stands_in_the_audit_log_under_who_made_it(heard: Heard, name: str) -> None:
    identity = IDENTITIES[name]
    reached_a_call = identity.refusal != CUT

    entries = [
        entry
        for entry in heard.entries
        if entry.action == "call.refused" and (entry.actor, entry.detail["code"]) == (identity.actor, identity.code)
    ]

    assert {f"/{entry.detail['call']}" for entry in entries} == (_beyond(identity.role) if reached_a_call else set())
    assert {entry.outcome for entry in entries} <= {"refused"}


def test_a_connection_that_was_turned_away_stands_there_too(heard: Heard) -> None:
    entries = [entry for entry in heard.entries if entry.action == "connection.refused"]

    assert entries
    assert {entry.actor for entry in entries} == {HERE}


def _beyond(role: Role | None) -> set[str]:
    return {call for call, least in RIGHTS.items() if role is None or role < least}
