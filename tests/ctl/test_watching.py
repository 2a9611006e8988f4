"""`status -w`, and what is different on a terminal."""

import json
import signal

from syncapi.v1.common_pb2 import Phase, Sync
from syncapi.v1.control_pb2 import WatchSyncsResponse
from tests.ctl.harness import Ctl
from tests.ctl.scripted import BREAK, SILENCE, World, loading


def changed(world: World, **values: object) -> WatchSyncsResponse:
    sync = Sync()
    sync.CopyFrom(world.syncs["products"])
    sync.MergeFrom(Sync(**values))  # type: ignore[arg-type]
    return WatchSyncsResponse(epoch="01JEPOCH", revision=9, syncs=[sync])


def snapshot(world: World) -> WatchSyncsResponse:
    return WatchSyncsResponse(epoch="01JEPOCH", revision=8, snapshot=True, syncs=world.syncs.values())


def test_in_a_pipe_every_change_is_a_line(ctl: Ctl, world: World) -> None:
    world.boards += [
        [snapshot(world), BREAK],
        [changed(world, phase=Phase.PHASE_PAUSED), WatchSyncsResponse(removed=["products"]), SILENCE],
    ]

    with ctl.started("status", "-w") as process:
        assert process.stdout is not None
        lines = [next(process.stdout) for _ in range(5)]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)

    assert "customers  halted  incremental failed  0  Meilisearch rejects the key" in lines[0]
    assert "products  idle  full done, 60 refused  +49,940" in lines[1]
    assert "주문  running loading, 62%, 2 s left" in lines[2]
    assert "products  paused" in lines[3]
    assert lines[4].endswith("products  removed\n")
    assert process.returncode == 130
    assert "trying again" in err


def test_for_programs_every_message_is_a_line_of_json(ctl: Ctl, world: World) -> None:
    world.boards.append([snapshot(world), WatchSyncsResponse(revision=9), SILENCE])

    with ctl.started("status", "-w", "-o", "json") as process:
        assert process.stdout is not None
        first, bookmark = (json.loads(next(process.stdout)) for _ in range(2))

    assert (first["snapshot"], len(first["syncs"])) == (True, 3)
    assert (bookmark["snapshot"], bookmark["syncs"], bookmark["revision"]) == (False, [], "9")


def test_watching_an_unknown_sync_is_not_found(ctl: Ctl) -> None:
    answer = ctl("status", "-w", "nothing")

    assert answer.code == 4
    assert "no sync 'nothing'" in answer.err


def test_on_a_terminal_the_view_is_live_until_ctrl_c(ctl: Ctl, world: World) -> None:
    world.boards.append([snapshot(world), SILENCE])

    with ctl.on_terminal("status", "-w", columns=140) as terminal:
        assert terminal.shows("3 syncs", "1 halted", "customers", "Meilisearch rejects the key", "Ctrl-C to leave")
        terminal.process.send_signal(signal.SIGINT)
        code = terminal.ends()

    assert code == 130
    assert "Traceback" not in terminal.text


def test_the_screen_is_left_in_order_when_the_program_is_ended(ctl: Ctl, world: World) -> None:
    world.boards.append([snapshot(world), SILENCE])

    with ctl.on_terminal("status", "-w", columns=140) as terminal:
        assert terminal.shows("3 syncs")
        terminal.process.send_signal(signal.SIGTERM)
        code = terminal.ends()

    assert code == 128 + signal.SIGTERM
    assert "\x1b[?1049l" in terminal.raw
    assert "\x1b[?25h" in terminal.raw.rpartition("\x1b[?25l")[2]


def test_the_live_view_says_that_the_daemon_is_gone(ctl: Ctl, world: World) -> None:
    world.boards.append([snapshot(world), BREAK])
    world.boards.extend([BREAK] for _ in range(500))

    with ctl.on_terminal("status", "-w", columns=140) as terminal:
        assert terminal.shows("connection lost")
        assert terminal.shows("products")


def test_on_a_terminal_a_bar_moves_and_vanishes(ctl: Ctl, world: World) -> None:
    world.watches.append([loading(31_000), SILENCE])

    with ctl.on_terminal("full", "products", columns=80) as terminal:
        assert terminal.shows("products full  loading", "━━━", "62%  2 s left  31,000 of 50,000 rows  14,705 rows/s")
        terminal.process.send_signal(signal.SIGINT)
        code = terminal.ends()

    assert code == 130
    assert "\x1b[2K" in terminal.raw.rpartition("━")[2]  # its line is erased


def test_tables_fit_the_terminal_and_keep_ids_whole(ctl: Ctl, world: World) -> None:
    with ctl.on_terminal("runs", columns=80) as terminal:
        terminal.ends()

    lines = terminal.text.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(any(line.startswith(run) for line in lines) for run in world.runs)
    assert "(no room for: why, read, stored, deleted)" in lines


def test_colour_is_for_terminals_that_want_it(ctl: Ctl) -> None:
    with ctl.on_terminal("status") as coloured, ctl.on_terminal("status", env={"NO_COLOR": "1"}) as sober:
        coloured.ends()
        sober.ends()
    piped = ctl("status", env={"FORCE_COLOR": "1"})

    assert "\x1b[1;31mhalted" in coloured.raw
    assert "31m" not in sober.raw
    assert "\x1b" not in piped.out


def test_a_person_is_asked_before_a_reset(ctl: Ctl) -> None:
    with ctl.on_terminal("reset", "products") as terminal:
        assert terminal.shows("Forget where products stands", "[y/N]")
        terminal.type("n\n")
        code = terminal.ends()

    assert code == 1
    assert "next run" not in terminal.text
