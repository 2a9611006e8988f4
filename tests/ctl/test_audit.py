"""The audit log: a query, the tail, and following it without a gap."""

import json
import signal

from syncapi.v1.audit_pb2 import QueryAuditRequest, TailAuditRequest, TailAuditResponse
from tests.ctl.harness import Ctl
from tests.ctl.scripted import BREAK, RUN, SILENCE, World, an_entry


def test_a_query_selects_by_everything_there_is(ctl: Ctl, world: World) -> None:
    filters = ["--actor", "ada", "--action", "run", "--sync", "products", "--run", RUN, "--outcome", "ok", "--text", "full", "--limit", "5"]
    times = ["--since", "2025-06-30T18:00Z", "--until", "2025-07-01T00:00:00Z"]

    answer = ctl("audit", "query", *filters, *times)

    (request,) = world.requests(QueryAuditRequest)
    assert (request.since.seconds, request.until.seconds) == (1751306400, 1751328000)
    request.ClearField("since")
    request.ClearField("until")
    assert request == QueryAuditRequest(actor="ada", action="run", sync="products", run=RUN, outcome="ok", text="full", limit=5)
    assert [line.split()[0] for line in answer.out.splitlines()] == ["SEQ", "40", "39", "38", "37", "36"]
    assert f"run.started  products  ada    ok       mode=full stored=49940  {RUN}" in answer.out


def test_an_entry_is_a_line_of_json(ctl: Ctl) -> None:
    answer = ctl("audit", "query", "-o", "json", "--limit", "10")

    entries = [json.loads(line) for line in answer.out.splitlines()]
    assert [entry["sequence"] for entry in entries] == [str(number) for number in range(40, 30, -1)]
    assert entries[0]["detailJson"] == '{"mode":"full","stored":49940}'


def test_the_tail_is_told_oldest_first_and_ends(ctl: Ctl) -> None:
    newest, behind, none = ctl("audit", "tail", "-n", "3"), ctl("audit", "tail", "--after", "38"), ctl("audit", "tail", "--after", "40")

    assert [line.split()[0] for line in newest.out.splitlines()] == ["38", "39", "40"]
    assert [line.split()[0] for line in behind.out.splitlines()] == ["39", "40"]
    assert (none.code, none.out) == (0, "")


def test_following_the_log_goes_on_from_the_cursor_after_a_break(ctl: Ctl, world: World) -> None:
    first = TailAuditResponse(entries=[an_entry(39), an_entry(40)], cursor=40)
    later = TailAuditResponse(entries=[an_entry(41, action="run.ended", outcome="source.unavailable")], cursor=41)
    world.tails += [[first, BREAK], [TailAuditResponse(cursor=40), later, SILENCE]]

    with ctl.started("audit", "tail", "-f", "-n", "2") as process:
        assert process.stdout is not None
        lines = [next(process.stdout) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.wait(20)

    assert [line.split()[0] for line in lines] == ["39", "40", "41"]
    assert "run.ended" in lines[2]
    assert "source.unavailable" in lines[2]
    assert process.returncode == 130
    assert world.requests(TailAuditRequest) == [TailAuditRequest(backlog=2), TailAuditRequest(after_sequence=40)]
