"""The audit log: a query, the tail, and following it without a gap."""

import json
import signal
from pathlib import Path

from syncapi.v1.audit_pb2 import (
    AuditFault,
    AuditFinding,
    AuditFormat,
    ExportAuditRequest,
    QueryAuditRequest,
    QueryAuditResponse,
    TailAuditRequest,
    TailAuditResponse,
    VerifyAuditRequest,
)
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
    assert [line.split()[0] for line in answer.out.splitlines()] == ["40", "39", "38", "37", "36"]


def test_what_was_asked_for_is_a_table_and_a_text_is_told_line_by_line_as_it_is_found(ctl: Ctl) -> None:
    table, lines = ctl("audit", "query", "--limit", "2"), ctl("audit", "query", "--limit", "2", "--text", "full")

    assert [line.split()[0] for line in table.out.splitlines()] == ["SEQ", "40", "39"]
    assert f"run.started  products  ada    ok       mode=full stored=49940  {RUN}" in table.out
    assert [line.split()[0] for line in lines.out.splitlines()] == ["40", "39"]
    assert f"mode=full stored=49940  {RUN}" in lines.out


def test_a_hit_is_told_before_the_search_is_over(ctl: Ctl, world: World) -> None:
    world.found.append([QueryAuditResponse(entries=[an_entry(40)]), SILENCE])

    with ctl.started("audit", "query", "--text", "rare") as process:
        assert process.stdout is not None
        line = next(process.stdout)
        process.send_signal(signal.SIGINT)

    assert line.split()[0] == "40"


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


def test_a_log_that_is_whole_is_told_with_what_to_note_down(ctl: Ctl, world: World) -> None:
    answer = ctl("audit", "verify", "--noted", f"12:{'CD' * 32}")

    assert world.requests(VerifyAuditRequest) == [VerifyAuditRequest(noted_sequence=12, noted_hash="cd" * 32)]
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == ["whole: 40 entries, from 1 to 40", f"40:{'ab' * 32}"]


def test_a_log_that_was_changed_is_told_with_the_places_and_an_exit_code(ctl: Ctl, world: World) -> None:
    world.findings = [
        AuditFinding(place="2026-10.duckdb", fault=AuditFault.AUDIT_FAULT_EDITED, first=14, last=14),
        AuditFinding(place="2026-10.duckdb", fault=AuditFault.AUDIT_FAULT_TRUNCATED, first=19, last=20),
    ]

    answer, for_programs = ctl("audit", "verify"), ctl("audit", "verify", "-o", "json")

    assert (answer.code, for_programs.code) == (1, 1)
    assert "2026-10.duckdb  14       edited: contents are not those that were hashed" in answer.out
    assert "2026-10.duckdb  19–20    truncated: the newest ones are gone" in answer.out
    assert json.loads(for_programs.out)["findings"][1]["fault"] == "AUDIT_FAULT_TRUNCATED"


def test_what_is_no_entry_to_have_noted_is_refused(ctl: Ctl) -> None:
    answer = ctl("audit", "verify", "--noted", "12")

    assert (answer.code, answer.out) == (2, "")
    assert "SEQ:HASH" in answer.err


def test_a_copy_is_written_with_its_manifest_or_goes_to_standard_output(ctl: Ctl, world: World, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"

    written = ctl("audit", "export", "--format", "csv", "-O", str(file), "--since", "2025-06-30T18:00Z")
    shown = ctl("audit", "export", "--format", "csv")

    assert (written.code, shown.code) == (0, 0)
    assert file.read_bytes() == b"one\ntwo\n"
    assert json.loads((tmp_path / "log.csv.manifest.json").read_text())["rows"] == 2
    assert (shown.out, shown.err) == ("one\ntwo\n", "")
    first = world.requests(ExportAuditRequest)[0]
    assert (first.format, first.since.seconds) == (AuditFormat.AUDIT_FORMAT_CSV, 1751306400)


def test_a_copy_that_is_not_what_was_announced_is_not_kept(ctl: Ctl, world: World, tmp_path: Path) -> None:
    world.exported = [b"one\n"]

    answer = ctl("audit", "export", "--format", "csv", "-O", str(tmp_path / "log.csv"))

    assert answer.code == 1
    assert "not those that the daemon announced" in answer.err
    assert list(tmp_path.iterdir()) == []
