"""Errors: one or two lines, an exit code, never a traceback."""

import os
import socket
import subprocess
from pathlib import Path

import grpc
import pytest

from syncapi.v1.control_pb2 import PauseSyncRequest
from syncctl.connection import connect
from syncctl.problems import Problem
from syncctl.session import Session
from tests.ctl.harness import Ctl
from tests.ctl.scripted import Refusal, World, serving


def test_an_unknown_sync_is_not_found(ctl: Ctl) -> None:
    answer = ctl("show", "prodcts")

    assert (answer.code, answer.out) == (4, "")
    assert answer.err == "error: no sync 'prodcts'; did you mean 'products'?\n hint: `syncctl status` lists them\n"


def test_a_sync_that_status_does_not_know_is_not_found(ctl: Ctl) -> None:
    answer = ctl("status", "prodcts")

    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith("error: no sync 'prodcts'; did you mean 'products'?\n")


@pytest.mark.parametrize(
    ("refusal", "code", "said"),
    [
        pytest.param(
            Refusal(grpc.StatusCode.PERMISSION_DENIED, "ada may not pause", "role.missing", {"hint": "ask an operator"}),
            5,
            ("ada may not pause", "ask an operator"),
            id="not allowed",
        ),
        pytest.param(
            Refusal(grpc.StatusCode.UNAUTHENTICATED, "who are you?", "identity.missing"),
            5,
            ("who are you?", ""),
            id="unknown caller",
        ),
        pytest.param(
            Refusal(grpc.StatusCode.FAILED_PRECONDITION, "a run is under way", "sync.busy", {"hint": "cancel it first"}),
            6,
            ("a run is under way", "cancel it first"),
            id="refused",
        ),
        pytest.param(
            Refusal(
                grpc.StatusCode.INVALID_ARGUMENT, "bad input", "request.invalid", fields={"sync": "expected a name", "mode": "no such mode"}
            ),
            2,
            ("bad input\n  sync: expected a name\n  mode: no such mode", ""),
            id="bad input, every field",
        ),
        pytest.param(
            Refusal(grpc.StatusCode.UNAVAILABLE, "the ledger is busy", "ledger.busy", after=4),
            1,
            ("the ledger is busy", "try again in 4 s"),
            id="something that passes",
        ),
        pytest.param(
            Refusal(grpc.StatusCode.INTERNAL, "a bug, noted as 7f3a", "internal"),
            1,
            ("a bug, noted as 7f3a", ""),
            id="a bug of the daemon",
        ),
        pytest.param(
            Refusal(grpc.StatusCode.UNIMPLEMENTED, "Method not implemented!"),
            6,
            ("this daemon does not know the call: it is older than this client", ""),
            id="an older daemon",
        ),
    ],
)
def test_an_error_of_the_daemon_tells_what_to_do_and_has_a_code(world: World, refusal: Refusal, code: int, said: tuple[str, str]) -> None:
    world.refuse["PauseSync"] = refusal

    with serving(world) as socket, connect(Session(f"unix:{socket}")) as daemon, pytest.raises(Problem) as caught:
        daemon.ask(daemon.control.PauseSync, PauseSyncRequest(sync="products"))

    assert (caught.value.code, str(caught.value), caught.value.hint) == (code, *said)


def test_control_characters_of_a_message_do_not_reach_the_terminal(ctl: Ctl, world: World) -> None:
    world.refuse["PauseSync"] = Refusal(grpc.StatusCode.NOT_FOUND, "no sync '\x1b[31mx'", "sync.unknown")

    answer = ctl("pause", "products")

    assert (answer.code, answer.out, answer.err) == (4, "", "error: no sync '\\x1b[31mx'\n")


def test_debug_shows_what_the_wire_said(ctl: Ctl) -> None:
    answer = ctl("show", "prodcts", "--debug")

    assert answer.code == 4
    assert "NOT_FOUND: no sync 'prodcts'" in answer.err
    assert "sync.unknown" in answer.err
    assert "Traceback" not in answer.err


def test_a_missing_daemon_is_unreachable_and_the_places_are_named(tmp_path: Path) -> None:
    answer = Ctl(folder=tmp_path, env={"XDG_RUNTIME_DIR": str(tmp_path)})("status")

    assert (answer.code, answer.out) == (3, "")
    assert answer.err == (
        f"error: no daemon is running here (looked at {tmp_path}/syncd/syncd.sock, /run/syncd/syncd.sock, state/syncd.sock)\n"
        " hint: start it: `systemctl start syncd`, or `syncd --settings FILE`; elsewhere: --address or $SYNCD_ADDRESS\n"
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        pytest.param("/nowhere/syncd.sock", "no daemon answers at unix:/nowhere/syncd.sock: No such file or directory", id="a path"),
        pytest.param("unix:///nowhere/syncd.sock", "no daemon answers at unix:/nowhere/syncd.sock: No such file or directory", id="a URL"),
        pytest.param("127.0.0.1:1", "no daemon answers at 127.0.0.1:1", id="a port where nobody listens"),
    ],
)
def test_an_address_where_nobody_listens_is_unreachable(address: str, said: str) -> None:
    answer = Ctl()("daemon", "info", "--address", address)

    assert answer.code == 3
    assert answer.err.startswith(f"error: {said}\n hint: start it: ")


def test_an_address_that_is_none_is_a_usage_error() -> None:
    answer = Ctl()("status", "--address", "localhost:http")

    assert answer.code == 2
    assert answer.err.startswith("error: address 'localhost:http' is none of unix:PATH, PATH, HOST:PORT\n")


def test_a_daemon_that_does_not_answer_is_unreachable(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "s"))
        deaf.listen()

        answer = Ctl()("version", "--address", str(tmp_path / "s"))

    assert answer.out.endswith("did not answer within 2 s\n")


def test_the_users_own_socket_comes_before_the_one_in_the_folder() -> None:
    theirs, own = World(version="0.1.0"), World(version="0.1.7")
    with serving(theirs) as there, serving(own) as here:
        folder, runtime = there.parent, here.parent
        (folder / "state").mkdir()
        (folder / "state" / "syncd.sock").symlink_to(there)
        (runtime / "syncd").mkdir()
        (runtime / "syncd" / "syncd.sock").symlink_to(here)

        of_user = Ctl(folder=folder, env={"XDG_RUNTIME_DIR": str(runtime)})("version")
        of_folder = Ctl(folder=folder)("version")

    assert (of_user.out, of_folder.out) == ("client  0.1.0\ndaemon  0.1.7\n", "client  0.1.0\ndaemon  0.1.0\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["statsu"], "error: No such command 'statsu'. Did you mean 'status'?\n hint: see `syncctl --help`\n"),
        (["dead-letters", "lst"], "error: No such command 'lst'. Did you mean 'list'?\n hint: see `syncctl dead-letters --help`\n"),
        (["full"], "error: Missing argument 'SYNC'.\n hint: see `syncctl full --help`\n"),
        (["full", "products", "-p", "replace"], "expected KEY=VALUE, got 'replace'\n hint: see `syncctl full --help`\n"),
        (["runs", "--since", "yesterday"], "expected a time such as '5m', '2d' (ago) or '2025-06-30T18:00', got 'yesterday'"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(words: list[str], said: str) -> None:
    answer = Ctl()(*words)

    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_a_reader_that_has_gone_is_no_error(ctl: Ctl) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    command = ctl._command(("audit", "query"))
    answer = subprocess.run(command, env=ctl._env(), stdout=writer, stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    os.close(writer)

    assert (answer.returncode, answer.stderr) == (141, "")


def test_an_answer_that_cannot_be_written_is_told(ctl: Ctl) -> None:
    with Path("/dev/full").open("w") as full:
        command = ctl._command(("status",))
        answer = subprocess.run(command, env=ctl._env(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=20, check=False)

    assert (answer.returncode, answer.stderr) == (1, "error: the answer cannot be written: No space left on device\n")
