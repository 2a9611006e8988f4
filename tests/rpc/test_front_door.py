"""The front door: it passes everything on, lets nobody in unseen, and leaves nothing behind."""

import asyncio
import contextlib
import socket as sockets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from syncapi.v1 import access_pb2, access_pb2_grpc, clients_pb2, clients_pb2_grpc, control_pb2, control_pb2_grpc
from syncd.domain.access import Role
from syncd.domain.errors import PermanentError
from syncd.kit import systemd
from syncd.ports.ledger import AuditQuery
from syncd.rpc import splice
from syncd.rpc.behind import Behind
from syncd.rpc.server import serving
from syncd.settings.access import AccessSection
from syncd.settings.daemon import ListenSection
from tests.rpc.desk import Desk
from tests.rpc.test_access import STRANGER, a_public_folder
from tests.rpc.test_control_plane import info
from tests.runtime.world import Play, World, opened, sync


@asynccontextmanager
async def served(folder: Path, *listen: ListenSection, access: AccessSection | None = None) -> AsyncIterator[World]:
    async with (
        opened(folder, Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1", clients=Desk()), listen, 1.0, access=access or AccessSection()),
    ):
        yield world


async def refusal(folder: Path, listen: ListenSection) -> PermanentError:
    """Why a daemon cannot listen there."""
    async with opened(folder, Play(), sync("a")) as world:
        with pytest.raises(PermanentError) as caught:
            await serving(Behind(world.daemon, world.ledger, "1"), [listen], 1.0).__aenter__()
    return caught.value


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


async def whoami(socket: Path) -> access_pb2.WhoAmIResponse:
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        me = await access_pb2_grpc.AccessStub(channel).WhoAmI(access_pb2.WhoAmIRequest(), timeout=5)
        assert isinstance(me, access_pb2.WhoAmIResponse)
        return me


async def test_each_socket_has_its_own_highest_role(tmp_path: Path) -> None:
    ops, looks = tmp_path / "ops.sock", tmp_path / "looks.sock"
    async with served(tmp_path, ListenSection(socket=ops), ListenSection(socket=looks, role=Role.VIEWER)):
        roles = [(await whoami(socket)).role for socket in (ops, looks)]

    assert roles == [access_pb2.ROLE_ADMIN, access_pb2.ROLE_VIEWER]


async def test_large_messages_go_through_in_both_directions(tmp_path: Path) -> None:
    socket = tmp_path / "s.sock"
    async with served(tmp_path, ListenSection(socket=socket)), grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        clients = clients_pb2_grpc.ClientsStub(channel)
        text = "x" * 3_000_000

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await clients.ImportClients(clients_pb2.ImportClientsRequest(sync="nope" + text))

    assert info(caught.value).reason == "sync.unknown"


async def test_who_comes_to_the_private_socket_by_itself_is_nobody(tmp_path: Path) -> None:
    async with served(tmp_path, ListenSection(socket=tmp_path / "s.sock")) as world:
        private = world.ledger.folder / "grpc.sock"
        assert private.stat().st_mode & 0o777 == 0o600

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await whoami(private)

    assert (caught.value.code(), info(caught.value).reason) == (grpc.StatusCode.UNAUTHENTICATED, "access.unauthenticated")


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    socket = tmp_path / "s.sock"
    before = descriptors()

    async with served(tmp_path, ListenSection(socket=socket)) as world:
        await whoami(socket)
        folder = world.ledger.folder

    assert not socket.exists()
    assert not (folder / "grpc.sock").exists()
    assert descriptors() <= before + 4  # what gRPC keeps for its next server


async def test_a_stale_socket_gives_way_and_a_used_one_does_not(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    second = tmp_path_factory.mktemp("second")
    stale = tmp_path / "stale.sock"
    with sockets.socket(sockets.AF_UNIX) as dead:
        dead.bind(str(stale))
    async with served(tmp_path, ListenSection(socket=stale)):
        error = await refusal(second, ListenSection(socket=stale))

        assert (error.code, str(error)) == ("listen.failed", f"the socket {stale} cannot be bound: another process listens there")
        assert (await whoami(stale)).role == access_pb2.ROLE_ADMIN


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")

    error = await refusal(tmp_path, ListenSection(socket=file))

    assert error.code == "listen.failed"
    assert file.read_text() == "mine"


async def test_a_folder_where_everybody_may_swap_the_socket_is_refused(tmp_path: Path, open_folder: Path) -> None:
    error = await refusal(tmp_path, ListenSection(socket=open_folder / "s.sock"))

    assert (error.code, error.hint) == ("listen.insecure", f"chmod o-w {open_folder}")


async def test_a_connection_too_many_is_closed_and_root_still_gets_in() -> None:
    with a_public_folder() as folder:
        socket = folder / "s.sock"
        async with served(folder / "world", ListenSection(socket=socket), access=AccessSection(connections=8)), AsyncExitStack() as stack:
            socket.chmod(0o666)
            guests = [await asyncio.open_unix_connection(socket) for _ in range(8)]
            for _, writer in guests:
                stack.callback(writer.close)

            closed = await asyncio.to_thread(_sees_the_door_close, socket)

            assert closed
            assert (await whoami(socket)).role == access_pb2.ROLE_ADMIN


def _sees_the_door_close(socket: Path) -> bool:
    knock = f"import os, socket; os.setuid({STRANGER}); s = socket.socket(socket.AF_UNIX); s.connect({str(socket)!r}); print(s.recv(1))"
    return subprocess.run([sys.executable, "-c", knock], capture_output=True, text=True, check=True).stdout == "b''\n"


async def test_a_socket_of_systemd_is_served_and_stays_when_the_daemon_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.sock"
    with sockets.socket(sockets.AF_UNIX) as theirs:
        theirs.bind(str(path))
        theirs.listen()
        for start in range(2):
            handed = [theirs.dup()]
            monkeypatch.setattr(systemd, "handed_over", lambda handed=handed: handed)

            async with served(tmp_path, ListenSection(socket=path, role=Role.OPERATOR)):
                assert (await whoami(path)).role == access_pb2.ROLE_OPERATOR, start

        assert path.is_socket()


def test_descriptors_of_systemd_are_taken_once(tmp_path: Path) -> None:
    program = (
        "import os, socket; s = socket.socket(socket.AF_UNIX); s.bind('s.sock'); s.listen(); os.dup2(s.fileno(), 3);"
        "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
        "from syncd.kit.systemd import handed_over;"
        "taken = handed_over(); print([each.getsockname() for each in taken], handed_over(), os.get_inheritable(3))"
    )

    said = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert said.stdout == "['s.sock'] [] False\n"


async def test_a_caller_that_reads_nothing_any_more_is_put_out_once_grpc_has_given_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splice, "_LINGER_SECONDS", 0.05)
    loop = asyncio.get_running_loop()
    (guest, frozen), (inner, grpc_end) = sockets.socketpair(), sockets.socketpair()
    out = asyncio.Event()
    side = splice.Side(lambda _: None, lambda _: out.set())
    other = splice.Side(side.join, lambda _: None)
    await loop.create_connection(lambda: side, sock=guest)
    await loop.create_connection(lambda: other, sock=inner)
    grpc_end.settimeout(0)
    with frozen, grpc_end, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await loop.sock_sendall(grpc_end, bytes(10_000_000))
    written = side.transport.get_write_buffer_size()

    async with asyncio.timeout(5):
        await out.wait()

    assert 0 < written < 1_000_000  # it was held back, not piled up


async def test_a_refusal_takes_little_room_in_the_audit_log(tmp_path: Path) -> None:
    socket = tmp_path / "s.sock"
    async with served(tmp_path, ListenSection(socket=socket, role=Role.VIEWER)) as world:
        async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await control_pb2_grpc.ControlStub(channel).PauseSync(control_pb2.PauseSyncRequest(sync="x" * 1_000_000))

        (refused,) = await world.ledger.audit.query(AuditQuery(action="call.refused"))

    assert refused.entry.sync == "x" * 63


async def test_a_stream_lives_on_while_new_callers_come(tmp_path: Path) -> None:
    socket = tmp_path / "s.sock"
    async with served(tmp_path, ListenSection(socket=socket)), grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        control: Any = control_pb2_grpc.ControlStub(channel)
        watch = control.WatchSyncs(control_pb2.WatchSyncsRequest())
        first = await watch.read()

        async with grpc.aio.insecure_channel(f"unix:{socket}", [("grpc.use_local_subchannel_pool", 1)]) as other:
            await control_pb2_grpc.ControlStub(other).PauseSync(control_pb2.PauseSyncRequest(sync="a"))
            health: Any = health_pb2_grpc.HealthStub(other)
            answer = await health.Check(health_pb2.HealthCheckRequest())
        second = await watch.read()
        watch.cancel()

    assert (first.snapshot, [each.name for each in second.syncs]) == (True, ["a"])
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
