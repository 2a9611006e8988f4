"""`top` on a terminal: keys reach the daemon, and the terminal is as it was on every way out."""

import os
import signal

import grpc

from syncapi.v1.control_pb2 import CancelRunRequest, PauseSyncRequest, StartRunRequest, WatchSyncsResponse
from tests.ctl.harness import Ctl, Terminal
from tests.ctl.scripted import BREAK, SILENCE, Refusal, World

LEFT = "\x1b[?25h\x1b[?1049l"


def as_it_was(terminal: Terminal) -> bool:
    return terminal.raw.rstrip().endswith(LEFT) and terminal.echoes() and "Traceback" not in terminal.raw


def test_keys_steer_and_answers_are_told(ctl: Ctl, world: World) -> None:
    with ctl.on_terminal("top", columns=140) as terminal:
        assert terminal.shows("3 syncs", "▸ customers", "Meilisearch rejects the key")
        terminal.type("jp")
        assert terminal.shows("products is paused")
        terminal.type("f")
        assert terminal.shows("bring over everything of products? y/n")
        terminal.type("y")
        assert terminal.shows("products full: run 01JEXAMPLE")
        terminal.type("Gc")
        assert terminal.shows("ends after its current batch")
        terminal.type("?")
        assert terminal.shows("choose a sync; PgUp")
        terminal.raw = ""
        terminal.type("q")
        assert terminal.shows("▸")
        terminal.process.send_signal(signal.SIGTSTP)
        os.waitpid(terminal.process.pid, os.WUNTRACED)
        assert terminal.echoes()
        terminal.raw = ""
        terminal.process.send_signal(signal.SIGCONT)
        assert terminal.shows("▸")
        terminal.type("q")
        code = terminal.ends()
        assert as_it_was(terminal)

    assert code == 0
    assert [request.sync for request in world.requests(PauseSyncRequest)] == ["products"]
    assert [(request.sync, request.mode) for request in world.requests(StartRunRequest)] == [("products", "full")]
    assert len(world.requests(CancelRunRequest)) == 1


def test_a_refusal_is_a_line_and_a_smaller_window_is_filled_anew(ctl: Ctl, world: World) -> None:
    world.refuse["StartRun"] = Refusal(
        grpc.StatusCode.PERMISSION_DENIED, "the role viewer may not start runs", "role.denied", {"hint": "ask an admin"}
    )

    with ctl.on_terminal("top", columns=140) as terminal:
        assert terminal.shows("▸ customers")
        terminal.type("r")
        assert terminal.shows("the role viewer may not start runs   → ask an admin")
        terminal.resize(70, 12)
        assert terminal.shows("(no room for:")
        terminal.process.send_signal(signal.SIGINT)
        code = terminal.ends()
        assert as_it_was(terminal)

    assert code == 130


def test_it_waits_for_a_daemon_that_is_gone_and_ends_in_order_by_a_signal(ctl: Ctl, world: World) -> None:
    snapshot = WatchSyncsResponse(snapshot=True, syncs=world.syncs.values())
    world.boards += [[snapshot, BREAK], [BREAK], [BREAK], [snapshot, SILENCE]]

    with ctl.on_terminal("top", columns=140) as terminal:
        assert terminal.shows("connection lost, trying again")
        terminal.raw = ""
        assert terminal.shows("connected", "▸ customers")
        terminal.process.send_signal(signal.SIGTERM)
        code = terminal.ends()
        assert as_it_was(terminal)

    assert code == 128 + signal.SIGTERM


def test_what_cannot_be_watched_ends_it_with_the_reason(ctl: Ctl) -> None:
    with ctl.on_terminal("top", "nothing") as terminal:
        code = terminal.ends()
        assert terminal.echoes()

    assert code == 4
    assert "no sync 'nothing'" in terminal.text.partition(LEFT)[2]


def test_without_a_terminal_it_is_refused(ctl: Ctl) -> None:
    answer = ctl("top")

    assert answer.code == 2
    assert "needs a terminal" in answer.err
