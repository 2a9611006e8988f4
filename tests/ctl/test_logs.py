"""The daemon's log: a search, and following it over a break without a gap."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from syncapi.v1 import logs_pb2 as pb
from tests.ctl.harness import Ctl
from tests.ctl.inside import InsideCtl
from tests.ctl.scripted import BREAK, RUN, SILENCE, World, a_record, serving


@pytest.fixture
def inside(world: World) -> Iterator[InsideCtl]:
    with serving(world) as socket:
        yield InsideCtl(socket)


def clock(sequence: int) -> str:
    return f"{datetime.fromtimestamp(1751306400 + sequence, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def test_records_are_selected_by_everything_there_is(inside: InsideCtl, world: World) -> None:
    filters = ["--level", "warning", "--sync", "products", "--run", RUN, "--event", "refused", "--grep", "door", "-n", "5"]
    times = ["--since", "2025-06-30T18:00Z", "--until", "2025-07-01T00:00:00Z"]

    answer = inside("logs", *filters, *times)

    (request,) = world.requests(pb.SearchLogsRequest)
    assert (request.filter.since.seconds, request.filter.until.seconds) == (1751306400, 1751328000)
    request.filter.ClearField("since")
    request.filter.ClearField("until")
    level = pb.LOG_LEVEL_WARNING
    wanted = pb.LogFilter(least_level=level, sync="products", run=RUN, event="refused", text="door")
    assert request == pb.SearchLogsRequest(filter=wanted, limit=5)
    assert (answer.code, len(answer.out.splitlines())) == (0, 5)


def test_the_newest_records_are_lines_oldest_first(inside: InsideCtl, world: World) -> None:
    trace = 'Traceback:\n  File "x.py"\nValueError: no'
    world.records = [
        a_record(1),
        a_record(2, level=pb.LOG_LEVEL_ERROR, event="job lost", sync="", run="", logger="apscheduler", fields_json="{}", trace=trace),
    ]

    answer = inside("logs")

    assert answer.out.splitlines() == [
        f'{clock(1)}.123 INFO    products: batch applied applied=3 place="left door" run={RUN}',
        f"{clock(2)}.123 ERROR   apscheduler: job lost",
        "    Traceback:",
        '      File "x.py"',
        "    ValueError: no",
    ]
    assert world.requests(pb.SearchLogsRequest) == [pb.SearchLogsRequest(filter=pb.LogFilter(), limit=100)]


def test_a_record_is_a_line_of_json(inside: InsideCtl) -> None:
    answer = inside("logs", "-o", "json", "-n", "10")

    records = [json.loads(line) for line in answer.out.splitlines()]
    assert [record["sequence"] for record in records] == [str(number) for number in range(21, 31)]
    assert (records[0]["level"], records[0]["fieldsJson"]) == ("LOG_LEVEL_INFO", '{"applied":3,"place":"left door"}')


def test_levels_have_colours_on_a_terminal(ctl: Ctl, world: World) -> None:
    world.records = [a_record(1, level=pb.LOG_LEVEL_ERROR, event="job lost")]

    with ctl.on_terminal("logs") as terminal:
        code = terminal.ends()

    assert (code, "\x1b[1;31mjob lost" in terminal.raw) == (0, True)


def test_what_a_record_says_does_not_steer_the_terminal(inside: InsideCtl, world: World) -> None:
    world.records = [a_record(1, event="\x1b[2J", fields_json='{"name":"\\u001b[1m"}')]

    assert "\x1b" not in inside("logs").out


def test_following_goes_on_from_the_cursor_after_a_break_and_tells_what_is_gone(ctl: Ctl, world: World) -> None:
    wanted = pb.LogFilter(sync="products")
    first = pb.TailLogsResponse(records=[a_record(39), a_record(40)], cursor=41)
    later = pb.TailLogsResponse(records=[a_record(52)], cursor=52, gap=pb.LogGap(first=42, last=51))
    world.log_tails += [[pb.TailLogsResponse(cursor=38), first, BREAK], [pb.TailLogsResponse(cursor=41), later, SILENCE]]

    with ctl.started("logs", "-f", "-n", "2", "--sync", "products", "-o", "json") as process:
        assert process.stdout is not None
        lines = [next(process.stdout) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)

    assert [json.loads(line)["sequence"] for line in lines] == ["39", "40", "52"]
    assert process.returncode == 130
    assert "10 records (42 to 51) gone" in told
    assert "Traceback" not in told
    assert world.requests(pb.TailLogsRequest) == [
        pb.TailLogsRequest(filter=wanted, backlog=2),
        pb.TailLogsRequest(filter=wanted, after_sequence=41),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["-f", "--until", "1h"], "--until does not go with -f", id="following until a time that is over"),
        pytest.param(["--level", "loud"], "'loud' is not one of", id="no such level"),
    ],
)
def test_what_makes_no_sense_is_a_wrong_usage(inside: InsideCtl, arguments: list[str], told: str) -> None:
    answer = inside("logs", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err


def test_none_at_all_asks_nobody(inside: InsideCtl, world: World) -> None:
    assert (inside("logs", "-n", "0").code, world.asked) == (0, [])
