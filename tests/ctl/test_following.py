"""Starting runs, following them, and how that ends."""

import json
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

from syncapi.v1.common_pb2 import Run, RunState
from syncapi.v1.control_pb2 import RetryDeadLettersRequest, StartRunRequest, WatchRunRequest
from syncctl import follow
from tests.ctl.harness import Ctl
from tests.ctl.scripted import BREAK, GOING_AWAY, RUN, SILENCE, Refusal, World, a_run, done, failed, found, loading, serving


def test_a_run_is_followed_line_by_line_and_summed_up(ctl: Ctl, world: World) -> None:
    world.watches.append([a_run(doing="reading the settings"), loading(1000), loading(31_000), done()])

    answer = ctl("full", "products")

    assert answer.code == 0
    assert [line.split("  ", 1)[1] for line in answer.err.splitlines()] == [
        "products full: waits for its turn",
        "products full: reading the settings",
        "products full: loading, 1,000 of 50,000 rows, 14,705 rows/s, 2%, 2 s left",
    ]
    first, counts, letters = answer.out.splitlines()
    assert first.startswith("✓ products full  done, 60 refused in ")
    assert first.endswith(RUN)
    assert counts.startswith("  50,000 read · 0 unchanged · 49,940 stored · 60 refused · 0 deleted · 12.3 MB · ")
    assert counts.endswith(" rows/s")
    assert letters == "  see them: syncctl dead-letters list products"


def test_json_is_the_run_as_it_ended_and_nothing_else(ctl: Ctl, world: World) -> None:
    world.watches.append([loading(1000), done()])

    answer = ctl("full", "products", "-o", "json")

    run = json.loads(answer.out)["run"]
    assert (run["state"], run["counters"]["refused"], run["drifted"]) == ("RUN_STATE_DONE", "60", False)
    assert answer.err == ""


def test_a_run_is_asked_for_as_the_options_say(ctl: Ctl, world: World) -> None:
    ctl("run", "products", "--mode", "full", "-p", "replace=true", "-p", "where=a=b", "--queue", "--request-id", "nightly-1")

    assert world.requests(StartRunRequest) == [
        StartRunRequest(sync="products", mode="full", parameters={"replace": "true", "where": "a=b"}, queue=True, request_id="nightly-1")
    ]


@pytest.mark.parametrize("mode", ["incremental", "verify", "plan", "doctor"])
def test_the_shorthands_name_the_mode(ctl: Ctl, world: World, mode: str) -> None:
    answer = ctl(mode, "products", "--detach")

    assert (answer.code, answer.out) == (0, f"{RUN}\n")
    assert world.requests(StartRunRequest) == [StartRunRequest(sync="products", mode=mode)]
    assert not world.requests(WatchRunRequest)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        pytest.param(["7"], ["7"], id="a number stays text"),
        pytest.param(["--", "KR", "-5", "의자 7"], ["KR", "-5", "의자 7"], id="several words make a composite key"),
    ],
)
def test_a_row_is_explained_by_its_key(ctl: Ctl, world: World, words: list[str], key: list[str]) -> None:
    world.watches.append([found({"state": "indexed", "source_row": {"modified_date": "2025-06-30", "name": "의자 "}, "document": None})])

    answer = ctl("explain-row", "products", *words)

    (request,) = world.requests(StartRunRequest)
    assert (request.mode, json.loads(request.parameters["key"])) == ("explain", key)
    assert answer.out.endswith('\nstate     indexed\ndocument  null\n\nsource row\n  modified_date  2025-06-30\n  name           "의자 "\n')


@pytest.mark.parametrize(
    ("last", "code"),
    [
        pytest.param(done(), 0, id="done, although rows were refused"),
        pytest.param(done(drifted=True), 1, id="drift"),
        pytest.param(done(state=RunState.RUN_STATE_CANCELLED), 1, id="cancelled by somebody"),
        pytest.param(done(state=RunState.RUN_STATE_INTERRUPTED), 1, id="the daemon ended under it"),
    ],
)
def test_the_exit_code_tells_how_a_run_ended(last: Run, code: int) -> None:
    assert follow.ended(last) == code


def test_drift_is_told_and_fails(ctl: Ctl, world: World) -> None:
    world.runs[RUN] = done(drifted=True, summary="done, drift found")

    answer = ctl("follow", RUN)

    assert answer.code == 1
    assert answer.out.startswith("✗ products full  done, drift found in ")


def test_a_failed_run_ends_with_the_reason_and_what_to_do(ctl: Ctl, world: World) -> None:
    world.watches.append([loading(10), failed()])

    answer = ctl("incremental", "products")

    assert answer.code == 1
    assert answer.out.startswith("✗ products full  failed in ")
    assert answer.err.endswith("error: Meilisearch rejects the key\n hint: check `key` in the settings\n")


@pytest.mark.parametrize(("severity", "code"), [("problem", 1), ("warning", 0)])
def test_the_doctor_fails_if_something_will_give_trouble(ctl: Ctl, world: World, severity: str, code: int) -> None:
    world.watches.append([found({"findings": [{"severity": severity, "code": "ids.unfit", "message": "60 ids cannot be document ids"}]})])

    answer = ctl("doctor", "products")

    assert answer.code == code
    assert f"  {severity}" in answer.out


def test_a_stream_that_breaks_is_taken_up_again(ctl: Ctl, world: World) -> None:
    world.watches += [[loading(1000), BREAK], [loading(2000), GOING_AWAY], [], [done()]]

    answer = ctl("full", "products")

    assert answer.code == 0
    assert answer.out.startswith("✓ products full  done")
    assert [line.split("  ", 1)[1] for line in answer.err.splitlines() if "onnect" in line] == [
        f"connection lost (the connection to unix:{ctl.socket} broke); trying again",
        "connected again",
        "connection lost (the daemon is going away); trying again",
        "connected again",
    ]
    assert len(world.requests(WatchRunRequest)) == 4


def test_a_daemon_that_restarts_is_waited_for() -> None:
    before, after = World(), World()
    before.watches.append([loading(1000), SILENCE])

    with tempfile.TemporaryDirectory(prefix="ctl") as folder, ExitStack() as stack:
        place = Path(folder, "syncd.sock")
        daemon = stack.enter_context(ExitStack())
        daemon.enter_context(serving(before, place))
        process = stack.enter_context(Ctl(place).started("full", "products"))
        assert process.stderr is not None
        assert any("1,000 of 50,000" in line for line in process.stderr)
        daemon.close()
        assert any("trying again" in line for line in process.stderr)
        stack.enter_context(serving(after, place))
        out, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert "✓ products full  done" in out


def test_a_daemon_that_stays_away_ends_the_following_but_not_the_run(ctl: Ctl, world: World) -> None:
    world.watches.append([loading(1000), BREAK])
    world.watches.extend([BREAK] for _ in range(50))

    answer = ctl("full", "products", "--reconnect", "300ms")

    assert answer.code == 3
    assert f"while run {RUN} was under way\n hint: follow it: `syncctl follow {RUN}`; end it: `syncctl cancel {RUN}`\n" in answer.err


def test_a_timeout_leaves_the_run_going(ctl: Ctl, world: World) -> None:
    world.watches.append([loading(1000), SILENCE])

    answer = ctl("full", "products", "--timeout", "4s")

    assert (answer.code, answer.out) == (124, "")
    assert f"error: run {RUN} is not over after 4.0 s; it goes on\n hint: follow it: `syncctl follow {RUN}`" in answer.err


def test_ctrl_c_leaves_the_run_going_and_says_how_to_come_back(ctl: Ctl, world: World) -> None:
    world.watches.append([loading(1000), SILENCE])

    with ctl.started("full", "products") as process:
        assert process.stderr is not None
        assert any("1,000 of 50,000" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (130, ""), err
    assert err.endswith(
        f"stopped: following run {RUN}, which goes on\n hint: follow it: `syncctl follow {RUN}`; end it: `syncctl cancel {RUN}`\n"
    )


def test_a_running_sync_refuses_and_tells_how_to_wait(ctl: Ctl, world: World) -> None:
    busy = Refusal(grpc.StatusCode.FAILED_PRECONDITION, "products is running already", "run.already_running", {"run": RUN})
    world.refuse["StartRun"] = busy

    answer = ctl("full", "products")

    assert (answer.code, answer.out) == (6, "")
    assert answer.err == (
        f"error: products is running already\n hint: follow it: `syncctl follow {RUN}`; or wait for its end and run then: add --queue\n"
    )


def test_retrying_dead_letters_follows_the_run(ctl: Ctl, world: World) -> None:
    world.watches.append([done(mode="retry", summary="done")])

    answer = ctl("dead-letters", "retry", "products")

    assert answer.code == 0
    assert "✓ products retry  done" in answer.out
    assert world.requests(RetryDeadLettersRequest)[0].sync == "products"
