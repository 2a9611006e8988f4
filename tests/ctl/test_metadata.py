"""`syncctl metadata`, against the real service in front of a small desk."""

import json
import os
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from syncapi.v1 import control_pb2_grpc, metadata_pb2_grpc
from syncapi.v1.common_pb2 import Failure, Phase, RunState, Sync
from syncd.domain.run import SyncName
from syncd.ports.metadata_control import CacheStatus, DifferenceView, Refreshing, Wanting
from syncd.rpc.metadata import Metadata
from tests.ctl.harness import Ctl
from tests.ctl.inside import InsideCtl
from tests.ctl.scripted import ScriptedControl, World, answering, done
from tests.rpc.metadata_desk import CONTENT, RUN, MetadataDesk, a_cost, a_snapshot, a_status, digest

BINARY = bytes(range(256)) * 20_000
"""5 MB, and no text in any encoding that a terminal might have."""
HOSTILE = "a\x1b[2J\x9b\u202eb"
HARMLESS = "a\\x1b[2J\\x9b\\x202eb"


@pytest.fixture
def desk() -> MetadataDesk:
    return MetadataDesk()


@pytest.fixture
def world() -> World:
    world = World()
    world.syncs["warehouse"] = Sync(name="warehouse", engine="metadata", phase=Phase.PHASE_IDLE)
    world.watches = deque([[ended()]])
    return world


def ended(**values: Any) -> Any:
    return done(**{"sync": "warehouse", "mode": "refresh", "summary": "done", "counters": None, **values})


@pytest.fixture
def socket(world: World, desk: MetadataDesk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("ctl") / "s"
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    control_pb2_grpc.add_ControlServicer_to_server(ScriptedControl(world), server)
    metadata_pb2_grpc.add_MetadataServicer_to_server(answering(Metadata(desk), metadata_pb2_grpc.MetadataServicer), server)
    server.add_insecure_port(f"unix:{path}")
    server.start()
    try:
        yield path
    finally:
        server.stop(0).wait()


@pytest.fixture
def ctl(socket: Path) -> InsideCtl:
    return InsideCtl(socket)


def facts(text: str) -> dict[str, str]:
    """Names on the left, values on the right."""
    return {name.strip(): value.strip() for name, _, value in (line.partition("  ") for line in text.splitlines())}


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(CONTENT, id="no newline at the end"),
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"\xef\xbb\xbf{}\r\n\n", id="a byte order mark and strange newlines"),
        pytest.param(BINARY, id="more than a message can hold"),
    ],
)
def test_get_gives_the_published_bytes_and_nothing_else(ctl: InsideCtl, desk: MetadataDesk, content: bytes) -> None:
    desk.content = content

    answer = ctl("metadata", "get", "warehouse")

    assert answer.raw == content
    assert (answer.code, answer.err) == (0, "")


def test_bytes_in_a_pipe_pass_a_process_whose_locale_is_not_theirs(socket: Path, desk: MetadataDesk) -> None:
    desk.content = BINARY
    client = Ctl(socket, env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})

    answer = subprocess.run(client._command(("metadata", "get")), env=client._env(), capture_output=True, timeout=20, check=False)

    assert (answer.returncode, answer.stdout == BINARY, answer.stderr) == (0, True, b"")


def test_the_bytes_go_to_a_file_in_the_place_of_what_was_there(ctl: InsideCtl, desk: MetadataDesk, tmp_path: Path) -> None:
    file = tmp_path / "cache.json"
    file.write_bytes(b"old, and longer than what is new" * 1000)
    before = file.open("rb")

    answer = ctl("metadata", "get", "-O", str(file))

    with before:
        assert before.read(3) == b"old"
    assert file.read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["cache.json"]
    assert (answer.code, answer.raw, answer.err) == (0, b"", "")


def test_a_link_to_a_file_stays_a_link(ctl: InsideCtl, tmp_path: Path) -> None:
    file, link = tmp_path / "cache.json", tmp_path / "link.json"
    link.symlink_to(file)

    ctl("metadata", "get", "-O", str(link))

    assert (link.is_symlink(), file.read_bytes()) == (True, CONTENT)


def test_the_bytes_go_into_a_pipe_that_has_a_name(ctl: InsideCtl, tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", bytearray()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.extend(pipe.read_bytes()), daemon=True)
    reader.start()

    ctl("metadata", "get", "-O", str(pipe))

    reader.join(20)
    assert (bytes(read), pipe.is_fifo()) == (CONTENT, True)


@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        pytest.param("no/cache.json", 1, "no/cache.json cannot be written: No such file or directory", id="no such folder"),
        pytest.param("file/cache.json", 1, "file/cache.json cannot be written: Not a directory", id="a file for a folder"),
        pytest.param(".", 2, "is a directory", id="a folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_a_clear_problem(ctl: InsideCtl, tmp_path: Path, where: str, code: int, said: str) -> None:
    (tmp_path / "file").touch()

    answer = ctl("metadata", "get", "-O", str(tmp_path / where))

    assert (answer.code, answer.raw) == (code, b"")
    assert said in answer.err
    assert len(answer.err.splitlines()) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_who_has_the_bytes_gets_nothing_on_standard_output(ctl: InsideCtl, tmp_path: Path) -> None:
    file = tmp_path / "cache.json"

    answer = ctl("metadata", "get", "--if-none-match", digest(CONTENT), "-O", str(file))

    assert (answer.code, answer.raw, answer.err, file.exists()) == (0, b"", "not modified\n", False)


def test_who_has_other_bytes_gets_the_published_ones(ctl: InsideCtl) -> None:
    assert ctl("metadata", "get", "--if-none-match", digest(b"older")).raw == CONTENT


def test_an_old_copy_is_given_and_its_age_is_told_on_standard_error(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.stale = f"the store does not answer {HOSTILE}"

    answer = ctl("metadata", "get")

    assert (answer.code, answer.raw) == (0, CONTENT)
    assert answer.err == f"this copy is of 2025-06-30 12:01:00 UTC: the store does not answer {HARMLESS}\n"


def test_bytes_that_are_not_the_announced_ones_are_not_given(ctl: InsideCtl, desk: MetadataDesk, tmp_path: Path) -> None:
    desk.announced = digest(b"other")
    file = tmp_path / "cache.json"

    answer = ctl("metadata", "get", "-O", str(file))

    assert (answer.code, answer.raw, file.exists()) == (1, b"", False)
    assert answer.err == "error: the bytes are not those that the daemon announced\n hint: ask again\n"


def test_programs_get_what_is_known_of_the_bytes_and_can_have_them_in_a_file(ctl: InsideCtl, desk: MetadataDesk, tmp_path: Path) -> None:
    desk.stale = "the store does not answer"
    file = tmp_path / "cache.json"

    answer = ctl("metadata", "get", "-o", "json", "-O", str(file))

    told = json.loads(answer.out)
    assert (told["sha256"], told["generation"], told["notModified"], told["stale"]) == (digest(CONTENT), "7", False, desk.stale)
    assert (answer.code, answer.err, file.read_bytes()) == (0, "", CONTENT)


def test_the_status_tells_freshness_checks_tokens_and_costs(ctl: InsideCtl, desk: MetadataDesk) -> None:
    weeks = {
        name: datetime.now(UTC) - timedelta(days=7 * number, minutes=1)
        for number, name in enumerate(("published_at", "checked_at", "changed_at", "refreshed_at", "full_at"))
    }
    desk.told = a_status(**weeks)

    answer = ctl("metadata", "status")

    head, _, rest = answer.out.partition("\nWant for examples\n")
    assert facts(head) == {
        "object": "metadata_cache.json",
        "published": f"1 m ago  generation 7, 123.5 kB, sha256 {digest(CONTENT)[:12]}…",
        "made": "llm_enhanced",
        "checked": "7 d ago",
        "changed": "14 d ago  published 1 m 24 s after the check began",
        "refreshed": "21 d ago",
        "made anew": "28 d ago",
        "tables": "18, and 1 family of 400 shards",
        "examples": "4 analysed, 30 ran",
        "examples by": "33 model, 1 template",
        "rejected": "2 table.unknown",
        "tokens": "42,000 of 60,000  2,000 examples, 40,000 schema; counted by o200k_base",
        "cost today": "$0.2500  12 requests, 2 failed",
        "cost of the last run": "unknown  1 request",
        "reads": "1 fresh, 2 stale, 3 from the store, 4 unmodified; the copy is 2 m 00 s old",
    }
    wanting, _, costs = rest.partition("\nLeft out to keep the budget\n")
    assert rows(wanting)[1:] == [
        ["orders", "the", "model's", "answer", "was", "cut", "2025-06-30"],
        ["reviews", "the", "day's", "budget", "is", "spent", "none"],
    ]
    assert costs.startswith("  descriptions of columns of reviews\n\nCosts of today\n")
    assert rows(costs)[-1] == ["orders", "model-x", "3", "2", "30,000", "1,500", "0.2500", "+", "unknown", RUN]
    assert (answer.code, answer.err) == (0, "")


def test_where_nothing_is_published_only_that_is_told(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.told = CacheStatus(SyncName("warehouse"), "metadata_cache.json", token_budget=60_000)

    answer = ctl("metadata", "status")

    assert facts(answer.out) == {
        "object": "metadata_cache.json",
        "published": "nothing yet",
        "cost today": "nothing",
        "cost of the last run": "nothing",
        "reads": "0 fresh, 0 stale, 0 from the store, 0 unmodified",
        "`syncctl metadata refresh warehouse` publishes": "",
    }


def test_what_was_spent_in_vain_is_told_though_nothing_is_published(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.told = CacheStatus(SyncName("warehouse"), "metadata_cache.json", cost_today=a_cost(requests=2, failed=2))

    assert facts(ctl("metadata", "status").out)["cost today"] == "$0.2500  2 requests, 2 failed"


def test_a_quiet_status_has_no_empty_sections(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.told = a_status(wanting=(), trimmed=(), costs=(), families=0, shards=0, rejected={}, examples_by_level={}, examples_by_source={})

    told = facts(ctl("metadata", "status").out)

    assert {name: told[name] for name in ("tables", "examples", "rejected")} == {"tables": "18", "examples": "none", "rejected": "none"}
    assert {"examples by", "Want for examples", "Left out to keep the budget", "Costs of today"}.isdisjoint(told)


def test_a_restored_snapshot_is_told_with_what_ends_it(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.told = a_status(pinned="20250630T120000Z-8")

    said = "the snapshot 20250630T120000Z-8 was restored and holds; `syncctl metadata refresh warehouse` ends it\n"
    assert said in ctl("metadata", "status").out


def test_a_price_that_nobody_knows_is_not_told_as_zero(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.told = a_status(cost_today=a_cost(requests=3, failed=0, unpriced=3, dollars=0.0), cost_last=a_cost(unpriced=5))

    told = facts(ctl("metadata", "status").out)

    assert told["cost today"] == "unknown  3 requests"
    assert told["cost of the last run"] == "$0.2500 + unknown  12 requests, 2 failed"


def test_what_a_warehouse_says_does_not_steer_the_terminal(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.told = a_status(
        wanting=(Wanting(HOSTILE, HOSTILE, None),), trimmed=(HOSTILE,), rejected={HOSTILE: 1}, method=HOSTILE, pinned=HOSTILE
    )
    desk.found = (DifferenceView("column", HOSTILE, HOSTILE, HOSTILE, f"{HOSTILE}\n{HOSTILE}"),)

    shown = [ctl("metadata", *words).out for words in (["status"], ["diff"])]

    assert [text.count(HARMLESS) for text in shown] == [6, 7]
    assert not {"\x1b", "\x9b", "\u202e"} & set("".join(shown))


def test_the_status_is_coloured_on_a_terminal(socket: Path, desk: MetadataDesk) -> None:
    desk.told = a_status(token_budget=1)

    with Ctl(socket).on_terminal("metadata", "status") as terminal:
        assert terminal.ends() == 0

    assert "\x1b[33m42,000 of 1" in terminal.raw


@pytest.mark.parametrize("words", [["status"], ["snapshots"], ["diff"], ["context"], ["get"]], ids=" ".join)
def test_programs_get_json_and_yaml_that_say_the_same(ctl: InsideCtl, words: list[str]) -> None:
    as_json, as_yaml = ctl("metadata", *words, "-o", "json"), ctl("metadata", *words, "-o", "yaml")

    assert (as_json.code, as_json.err) == (0, "")
    told, again = json.loads(as_json.out), yaml.safe_load(as_yaml.out)
    for each in (told, again):
        each.pop("age", None)  # it has grown
    assert told == again


def test_snapshots_are_listed_newest_first_and_the_published_one_is_marked(ctl: InsideCtl, desk: MetadataDesk) -> None:
    now = datetime.now(UTC)
    desk.kept = [a_snapshot(2, published_at=now - timedelta(hours=2)), a_snapshot(1, published_at=now - timedelta(days=3), current=True)]

    answer = ctl("metadata", "snapshots")

    assert rows(answer.out)[1:] == [
        ["20250630T120000Z-2", "2", "h", "ago", "1.0", "kB", digest(b"2")],
        ["20250630T120000Z-1", "3", "d", "ago", "published", "now", "1.0", "kB", digest(b"1")],
    ]


def test_no_more_snapshots_than_wanted_are_listed_however_many_pages_they_fill(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.kept = [a_snapshot(number) for number in range(1100, 0, -1)]

    def listed(*words: str) -> list[int]:
        found = json.loads(ctl("metadata", "snapshots", *words, "-o", "json").out)["snapshots"]
        return [int(each["id"].rpartition("-")[2]) for each in found]

    assert listed() == list(range(1100, 1080, -1))
    assert listed("--limit", "1") == [1100]
    assert listed("--limit", "1005") == list(range(1100, 95, -1))
    assert listed("--limit", "9999") == list(range(1100, 0, -1))


def test_without_snapshots_it_is_said_why(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.kept = []

    answer = ctl("metadata", "snapshots")

    assert (answer.code, answer.out) == (0, "no snapshots: nothing was ever replaced\n")


def test_a_diff_shows_values_side_by_side_and_lines_of_long_texts_below(ctl: InsideCtl, desk: MetadataDesk) -> None:
    answer = ctl("metadata", "diff", "--from", "20250630T120000Z-8", "--to", "20250630T120000Z-9")

    table = rows(answer.out)
    assert table[1:3] == [["table", "reviews", "added", "–", "–"], ["column", "orders.total", "changed", "INTEGER", "DECIMAL(18,2)"]]
    assert answer.out.endswith("\nexample How many orders?\n  @@ -1,2 +1,2 @@\n   SELECT 1\n  -FROM a\n  +FROM orders\n")
    assert desk.done == [("diff", "20250630T120000Z-8", "20250630T120000Z-9")]


def test_a_diff_without_snapshots_is_the_last_publication(ctl: InsideCtl, desk: MetadataDesk) -> None:
    desk.found = ()

    answer = ctl("metadata", "diff")

    assert (answer.code, answer.out, desk.done) == (0, "nothing differs\n", [("diff", "", "")])


@pytest.mark.parametrize(
    ("words", "understood"),
    [
        pytest.param([], Refreshing(actor="unix"), id="whatever has changed"),
        pytest.param(
            ["--table", "orders", "--table", "ga.events_*"], Refreshing(("orders", "ga.events_*"), actor="unix"), id="some tables"
        ),
        pytest.param(["--full"], Refreshing(full=True, actor="unix"), id="everything"),
        pytest.param(["-p", "allow_shrink=true"], Refreshing(allow_shrink=True, actor="unix"), id="also what has shrunk"),
        pytest.param(["-p", "allow_shrink=false"], Refreshing(actor="unix"), id="not what has shrunk"),
    ],
)
def test_a_refresh_is_followed_to_its_end(ctl: InsideCtl, desk: MetadataDesk, words: list[str], understood: Refreshing) -> None:
    answer = ctl("metadata", "refresh", "warehouse", *words)

    assert (answer.code, desk.done) == (0, [("refresh", understood, "unix")])
    assert "✓ warehouse refresh  done" in answer.out


def test_a_restored_snapshot_is_followed_to_its_end(ctl: InsideCtl, desk: MetadataDesk, world: World) -> None:
    world.watches = deque([[ended(mode="restore")]])

    answer = ctl("metadata", "restore", "warehouse", "20250630T120000Z-8")

    assert (answer.code, desk.done) == (0, [("restore", "20250630T120000Z-8", "unix")])
    assert "✓ warehouse restore  done" in answer.out


@pytest.mark.parametrize("words", [["refresh"], ["restore", "warehouse", "20250630T120000Z-8"]], ids=" ".join)
def test_a_detached_run_is_named_and_not_followed(ctl: InsideCtl, world: World, words: list[str]) -> None:
    answer = ctl("metadata", *words, "--detach")

    assert (answer.code, answer.out, len(world.watches)) == (0, f"{RUN}\n", 1)


@pytest.mark.parametrize("words", [["refresh"], ["restore", "warehouse", "20250630T120000Z-8"]], ids=" ".join)
def test_a_run_that_fails_gives_the_reason_and_an_exit_code(ctl: InsideCtl, world: World, words: list[str]) -> None:
    failure = Failure(code="sync.shrink_refused", message="18 of 20 tables are gone", hint="add `-p allow_shrink=true`")
    world.watches = deque([[ended(state=RunState.RUN_STATE_FAILED, summary="failed", failure=failure)]])

    answer = ctl("metadata", *words)

    assert answer.code == 1
    assert answer.err.splitlines()[-2:] == ["error: 18 of 20 tables are gone", " hint: add `-p allow_shrink=true`"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["-p", "alow_shrink=true"], 2, "no parameter 'alow_shrink'; did you mean 'allow_shrink'?", id="misspelt"),
        pytest.param(["-p", "full=true"], 2, "no parameter 'full'", id="an option is none"),
        pytest.param(["-p", "allow_shrink=yes"], 2, "allow_shrink is 'yes', expected true or false", id="neither true nor false"),
        pytest.param(["-p", "allow_shrink"], 2, "expected KEY=VALUE", id="no value"),
    ],
)
def test_a_parameter_that_is_none_starts_nothing(ctl: InsideCtl, desk: MetadataDesk, words: list[str], code: int, said: str) -> None:
    answer = ctl("metadata", "refresh", *words)

    assert (answer.code, answer.raw, desk.done) == (code, b"", [])
    assert said in answer.err


def test_a_context_is_given_raw_and_what_did_not_fit_is_told_on_standard_error(ctl: InsideCtl) -> None:
    answer = ctl("metadata", "context", "--table", "orders", "--table", "customers", "--budget", "150")

    assert (answer.code, answer.raw) == (0, '{"schema": {"orders": "größe"}}\n'.encode())
    assert answer.err == "left out: customers\n"


def test_a_context_without_tables_is_of_all_and_leaves_nothing_out(ctl: InsideCtl) -> None:
    answer = ctl("metadata", "context")

    assert (list(json.loads(answer.out)["schema"]), answer.err) == (["customers", "orders"], "")


def test_programs_get_the_tokens_of_a_context_too(ctl: InsideCtl) -> None:
    told = json.loads(ctl("metadata", "context", "--budget", "150", "-o", "json").out)

    assert (told["tokens"], told["counter"], told["leftOut"], told["sha256"]) == (100, "o200k_base", ["orders"], digest(CONTENT))


WORDS = [["get"], ["status"], ["refresh"], ["snapshots"], ["diff"], ["context"]]


@pytest.mark.parametrize("words", [*WORDS, ["restore"]], ids=" ".join)
def test_every_command_says_that_a_sync_is_none_of_its_own(ctl: InsideCtl, desk: MetadataDesk, words: list[str]) -> None:
    rest = ["20250630T120000Z-8"] if words == ["restore"] else []

    unknown, other = (ctl("metadata", *words, sync, *rest) for sync in ("no", "products"))

    assert (unknown.code, unknown.raw, unknown.err) == (4, b"", "error: no sync 'no'\n hint: `syncctl status` lists them\n")
    assert (other.code, other.raw, other.err) == (6, b"", "error: 'products' is no metadata sync\n")
    assert desk.done == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["diff", "--from", "no"], "there is no snapshot 'no'", id="no such snapshot to compare"),
        pytest.param(["restore", "warehouse", "no"], "there is no snapshot 'no'", id="no such snapshot to restore"),
        pytest.param(["context", "--table", "no"], "'warehouse' has no table 'no'", id="no such table"),
    ],
)
def test_what_is_not_there_is_said_in_a_line_or_two(ctl: InsideCtl, desk: MetadataDesk, words: list[str], said: str) -> None:
    answer = ctl("metadata", *words)

    assert (answer.code, answer.raw, desk.done) == (4, b"", [])
    assert answer.err.splitlines()[0] == f"error: {said}"


@pytest.mark.parametrize("words", [["get"], ["context"]], ids=" ".join)
def test_before_anything_is_published_the_way_out_is_told(ctl: InsideCtl, desk: MetadataDesk, words: list[str]) -> None:
    desk.content = None

    answer = ctl("metadata", *words)

    assert (answer.code, answer.raw) == (4, b"")
    assert answer.err == "error: 'warehouse' has published nothing yet\n hint: `syncctl metadata refresh warehouse` publishes\n"


def test_the_only_metadata_sync_need_not_be_named(ctl: InsideCtl, world: World) -> None:
    named, alone = ctl("metadata", "get", "warehouse"), ctl("metadata", "get")
    world.syncs["lake"] = Sync(name="lake", engine="metadata")
    several = ctl("metadata", "get")
    del world.syncs["lake"], world.syncs["warehouse"]
    none = ctl("metadata", "get")

    assert named == alone
    assert (several.code, several.err) == (2, "error: there are 2 metadata syncs\n hint: name one of them: warehouse, lake\n")
    assert (none.code, none.err.splitlines()[0]) == (4, "error: there is no metadata sync")
