"""`syncctl clients` and `syncctl conflicts`, against the real service in front of a small desk."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_status import rpc_status

from syncapi.v1 import clients_pb2_grpc, control_pb2_grpc
from syncapi.v1.common_pb2 import Failure, Phase, RunState, Sync
from syncd.domain.errors import SyncdError
from syncd.domain.unified import Key, Kind
from syncd.ports.clients_control import Answer, Back, ConflictKind, ConflictSide, ConflictState, PlanView, SidePhase
from syncd.rpc.clients import Clients
from syncd.rpc.errors import status_of
from tests.ctl.harness import Ctl
from tests.ctl.scripted import ScriptedControl, World, done
from tests.rpc.desk import CONFLICT, DOCS, GITHUB, PLANNED, PROJECT, RUN, SECRET, STYLE, Desk, a_conflict, a_side


def answering(desk: Desk) -> Any:
    """The service as a server with threads can hold it."""
    service = Clients(desk)
    calls = {name: _blocking(getattr(service, name)) for name in dir(clients_pb2_grpc.ClientsServicer) if name[0].isupper()}
    return type("Answering", (clients_pb2_grpc.ClientsServicer,), calls)()


def _blocking(ask: Callable[..., Any]) -> Callable[..., Any]:
    def asked(_: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return asyncio.run(ask(request, context))
        except SyncdError as error:
            context.abort_with_status(rpc_status.to_status(status_of(error)))

    return asked


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def world() -> World:
    world = World()
    world.syncs["ai"] = Sync(name="ai", engine="clients", phase=Phase.PHASE_IDLE)
    world.watches = deque([[done(sync="ai", mode="sync", summary="done", counters=None)]])
    return world


@pytest.fixture
def ctl(world: World, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ctl]:
    folder = tmp_path_factory.mktemp("ctl")
    socket = folder / "s"
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    control_pb2_grpc.add_ControlServicer_to_server(ScriptedControl(world), server)
    clients_pb2_grpc.add_ClientsServicer_to_server(answering(desk), server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    try:
        yield Ctl(socket, folder)
    finally:
        server.stop(0).wait()


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_the_list_tells_how_each_side_stands_and_what_is_wrong(ctl: Ctl) -> None:
    answer = ctl("clients", "list", "ai")

    head, claude, codex = lines(answer.out)[:3]
    assert head[:5] == ["SIDE", "CLIENT", "STATE", "FILES", "LOSSES"]
    assert claude[:6] == ["claude", "claude", "ok", "1", "0", "10"]
    assert codex[:6] == ["codex", "codex", "waiting", "1", "1", "0"]
    assert "codex  config.toml does not parse\n" in answer.out
    assert "/home/ada/.codex/config.toml: line 3, column 7: no value\n" in answer.out
    assert "1 folder cannot be watched; changes there wait for a rescan\n" in answer.out
    assert answer.code == 0


def test_one_side_is_told_in_full_with_what_it_cannot_hold(ctl: Ctl) -> None:
    answer = ctl("clients", "list", "--side", "codex")

    assert "  writes      mcp, rules\n" in answer.out
    assert "  watching    2 folders, 1 blind, 4 corrections\n" in answer.out
    assert "/home/ada/.codex/AGENTS.md    missing     rules\n" in answer.out
    assert f"codex  {PROJECT}:mcp/docs  cwd    cwd   Codex has no folder for servers of projects\n" in answer.out


def test_a_side_that_is_only_observed_says_so(ctl: Ctl, desk: Desk) -> None:
    desk.views = [a_side("claude", phase=SidePhase.OBSERVING, writes=frozenset())]

    answer = ctl("clients", "list", "--side", "claude")

    assert answer.out.startswith("claude  observing\n")
    assert "nothing: it is only observed\n" in answer.out


def test_an_unknown_side_gets_a_suggestion(ctl: Ctl) -> None:
    answer = ctl("clients", "list", "--side", "codec")

    assert (answer.code, answer.err) == (4, "error: no side 'codec'; did you mean 'codex'?\n hint: there are claude, codex\n")


def test_the_only_clients_sync_need_not_be_named(ctl: Ctl) -> None:
    assert ctl("clients", "list").out == ctl("clients", "list", "ai").out


def test_among_several_clients_syncs_one_has_to_be_named(ctl: Ctl, world: World) -> None:
    world.syncs["work"] = Sync(name="work", engine="clients")

    answer = ctl("clients", "plan")

    assert (answer.code, answer.err) == (2, "error: there are 2 clients syncs\n hint: name one of them: ai, work\n")


def test_without_a_clients_sync_it_is_said_how_to_make_one(ctl: Ctl, world: World) -> None:
    del world.syncs["ai"]

    answer = ctl("clients", "list")

    assert (answer.code, answer.err.splitlines()[0]) == (4, "error: there is no clients sync")
    assert 'engine = "clients"' in answer.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["clients", "list", "no"], 4, "no sync 'no'", id="no such sync"),
        pytest.param(["clients", "list", "products"], 6, "'products' is a search sync", id="a sync of another engine"),
        pytest.param(["clients", "show", "--version", "9"], 4, "no version 9", id="no such version"),
        pytest.param(["clients", "show", "--key", "mcp/no"], 4, "version 3 has no entry 'mcp/no'", id="no such entry"),
        pytest.param(["clients", "show", "--key", "github"], 2, "expected an entry such as 'mcp/github'", id="no entry at all"),
        pytest.param(["clients", "rollback", "ai"], 2, "Missing option '--to'", id="a rollback to nowhere"),
        pytest.param(["clients", "rollback", "--to", "1", "--side", "no"], 4, "no side 'no'", id="a rollback of no side"),
        pytest.param(["conflicts", "show", "no"], 4, "no conflict 'no'", id="no such conflict"),
        pytest.param(["conflicts", "resolve", CONFLICT, "--take", "qwen"], 2, "no side 'qwen' takes part", id="a side that has no say"),
        pytest.param(["conflicts", "resolve", CONFLICT], 2, "Give --take SIDE or --file F", id="no answer"),
        pytest.param(["conflicts", "resolve", CONFLICT, "--take", "claude", "--file", "-"], 2, "only one of them", id="two answers"),
        pytest.param(["clients", "import", "--file", "no.json"], 2, "No such file or directory", id="no such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_or_two(ctl: Ctl, words: list[str], code: int, said: str) -> None:
    answer = ctl(*words)

    assert answer.code == code
    assert said in answer.err
    assert len(answer.err.splitlines()) <= 3
    assert answer.out == ""


def test_the_model_is_shown_by_scope_and_kind_without_secrets(ctl: Ctl) -> None:
    answer = ctl("clients", "show")

    assert answer.out.startswith("version 3  ")
    assert f"\n{PROJECT}:mcp\n  docs\n    url  https://docs.example\n" in answer.out
    assert '    args       -y server-github@2 --name "my server"\n' in answer.out
    assert "    env.TOKEN  ${GITHUB_TOKEN}\n" in answer.out
    assert "    text  # Style  … 3 more lines\n" in answer.out
    assert "\nDeleted\n  mcp/old\n" in answer.out
    assert SECRET not in answer.out


def test_one_entry_is_shown_in_full(ctl: Ctl) -> None:
    answer = ctl("clients", "show", "--version", "1", "--key", "rules/Style", "-o", "json")

    assert [entry["fields"]["text"] for entry in json.loads(json.loads(answer.out)["entriesJson"])] == ["# Style\n\nTabs.\nShort lines.\n"]
    assert "Short lines." in ctl("clients", "show", "--version", "1", "--key", "rules/Style").out


def test_an_entry_of_a_project_is_found_by_its_folder(ctl: Ctl) -> None:
    assert "https://docs.example" in ctl("clients", "show", "--key", f"{PROJECT}:mcp/docs").out
    assert ctl("clients", "show", "--key", "mcp/docs").code == 4


def test_a_plan_is_a_diff_for_each_file_and_changes_no_exit_code(ctl: Ctl, desk: Desk) -> None:
    desk.planned = PLANNED

    answer = ctl("clients", "plan")

    assert answer.code == 0
    assert "codex  /home/ada/.codex/config.toml\n--- /home/ada" in answer.out
    assert '\n-command = "npx"\n+command = "bunx"\n+   env = { KEY = "•••" }\n' in answer.out
    assert "  mcp/github  command  policy  claude  codex   last-write-wins\n" in answer.out
    assert (
        f"\nWaits for a person\n  ID                ENTRY       WHY   FIELDS            SIDES          REASON\n  {CONFLICT}  mcp/github"
        in answer.out
    )
    assert "codex  /home/ada/shop:mcp/docs  all of it  sse   Codex knows no sse; the server is left out\n" in answer.out


def test_a_plan_without_changes_says_so(ctl: Ctl, desk: Desk) -> None:
    desk.planned = PlanView()

    assert ctl("clients", "plan").out == "no file would change\n"


def test_diffs_are_coloured_on_a_terminal_only(ctl: Ctl, desk: Desk) -> None:
    desk.planned = PLANNED

    with ctl.on_terminal("clients", "plan") as terminal:
        assert terminal.ends() == 0

    assert '\x1b[1;31m-command = "npx"' in terminal.raw
    assert '\x1b[32m+command = "bunx"' in terminal.raw
    assert "\x1b" not in ctl("clients", "plan").out


def test_versions_say_who_changed_what(ctl: Ctl) -> None:
    answer = ctl("clients", "versions")

    _, third, second, first = answer.out.splitlines()
    assert third.split()[0] == "3"
    assert "/home/ada/shop:mcp/docs (claude), rules/Style (claude)" in third
    assert "mcp/github (codex), permissions/shell prefix git status (codex)" in second
    assert first.split()[-2:] == ["ada", RUN]


def test_one_version_lists_every_field_it_changed(ctl: Ctl) -> None:
    answer = ctl("clients", "versions", "--version", "2")

    assert answer.out.startswith("version 2  ")
    assert ["mcp/github", "env.KEY", "codex"] in lines(answer.out)


def test_no_more_versions_than_wanted_are_listed(ctl: Ctl) -> None:
    answer = ctl("clients", "versions", "--limit", "1", "-o", "json")

    assert [version["number"] for version in json.loads(answer.out)["versions"]] == ["3"]


def test_a_diff_shows_values_and_lines_of_long_texts(ctl: Ctl) -> None:
    answer = ctl("clients", "diff")

    assert ["/home/ada/shop:mcp/docs", "url", "–", "https://docs.example"] in lines(answer.out)
    assert "\nrules/Style text\n" in answer.out
    assert "\n  -Tabs.\n  +Spaces.\n" in answer.out


def test_a_diff_between_named_versions(ctl: Ctl) -> None:
    answer = ctl("clients", "diff", "ai", "--from", "1", "--to", "2")

    assert ["mcp/github", "env.KEY", "–", "•••"] in lines(answer.out)
    assert ctl("clients", "diff", "--from", "2", "--to", "2").out == "nothing differs\n"


@pytest.mark.parametrize(
    ("words", "understood"),
    [
        pytest.param([], Back(2), id="everything"),
        pytest.param(["--side", "codex"], Back(2, "codex"), id="one side"),
        pytest.param(["--key", f"{PROJECT}:mcp/docs"], Back(2, key=DOCS), id="one entry of a project"),
        pytest.param(["--key", "rules/Style"], Back(2, key=STYLE), id="one entry of the user"),
    ],
)
def test_a_rollback_is_followed_to_its_end(ctl: Ctl, desk: Desk, words: list[str], understood: Back) -> None:
    answer = ctl("clients", "rollback", "--to", "2", *words)

    assert (answer.code, desk.done) == (0, [("rollback", "ai", understood, "unix")])
    assert "✓ ai sync  done" in answer.out


def test_a_detached_run_is_named_and_not_followed(ctl: Ctl, world: World) -> None:
    answer = ctl("clients", "rollback", "--to", "1", "--detach")

    assert (answer.code, answer.out) == (0, f"{RUN}\n")
    assert world.watches


def test_a_run_that_fails_gives_the_reason_and_an_exit_code(ctl: Ctl, world: World) -> None:
    failure = Failure(code="clients.rejected", message="codex rejects the file", hint="see `syncctl clients list`")
    world.watches = deque([[done(sync="ai", state=RunState.RUN_STATE_FAILED, summary="failed", failure=failure)]])

    answer = ctl("conflicts", "resolve", CONFLICT, "--take", "central")

    assert (answer.code, answer.err.splitlines()[-2:]) == (1, ["error: codex rejects the file", " hint: see `syncctl clients list`"])


def test_an_export_goes_to_standard_output_and_tells_what_is_left_out(ctl: Ctl, desk: Desk, tmp_path: Path) -> None:
    exported = ctl("clients", "export")
    file = tmp_path / "ai.json"
    file.write_text(exported.out)

    imported = ctl("clients", "import", "--file", str(file))

    assert json.loads(exported.out)["entries"]
    assert SECRET not in exported.out
    assert exported.err == "left out, as it is a secret as plain text: mcp/github env.KEY\n"
    assert (imported.code, desk.done) == (0, [("import", "ai", 4, "unix")])


def test_an_import_reads_standard_input(ctl: Ctl, desk: Desk) -> None:
    answer = ctl("clients", "import", "--file", "-", stdin='{"syncd": 1, "entries": []}')

    assert (answer.code, desk.done) == (0, [("import", "ai", 0, "unix")])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"\xff\xfe", "is not UTF-8 (byte 1)", id="not UTF-8"),
        pytest.param(b" " * 4_000_001, "is larger than 4 MB", id="too large"),
        pytest.param(b"[", "the text is no JSON", id="no JSON"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused(ctl: Ctl, desk: Desk, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "ai.json"
    file.write_bytes(content)

    answer = ctl("clients", "import", "--file", str(file))

    assert (answer.code, desk.done) == (2, [])
    assert said in answer.err


def test_the_inbox_lists_open_conflicts_of_all_syncs(ctl: Ctl, desk: Desk) -> None:
    desk.held["settled"] = a_conflict(id="settled", state=ConflictState.RESOLVED)

    answer = ctl("conflicts", "list")

    assert answer.code == 0
    assert [row[:3] for row in lines(answer.out)[1:]] == [[CONFLICT, "ai", "open"]]
    assert [row[:3] for row in lines(ctl("conflicts", "list", "ai", "--state", "resolved").out)[1:]] == [["settled", "ai", "resolved"]]
    assert len(lines(ctl("conflicts", "list", "--state", "all").out)) == 3


def test_an_empty_inbox_is_no_error(ctl: Ctl, desk: Desk) -> None:
    desk.held.clear()

    answer = ctl("conflicts", "list")

    assert (answer.code, answer.out) == (0, "no conflicts\n")


def test_a_conflict_is_shown_three_ways_with_the_reason_and_the_way_out(ctl: Ctl) -> None:
    answer = ctl("conflicts", "show", CONFLICT)

    table = [row.split()[:4] for row in answer.out.partition("Three ways\n")[2].splitlines()[:7]]
    assert answer.out.startswith("ai mcp/github  edit  open\n")
    assert "  reason  both sides changed `command`, and manual-review leaves it to you\n" in answer.out
    assert table == [
        ["FIELD", "WHERE", "BASE", "NOW"],
        ["command", "claude", "npx", "bunx"],
        ["codex", "npx", "pnpx", table[2][3]],
        ["central", "npx"],
        ["timeout", "claude", "–", "20"],
        ["codex", "–", "–", table[5][3]],
        ["central", "–"],
    ]
    assert f"  syncctl conflicts resolve {CONFLICT} --take claude|codex|central\n" in answer.out


def test_what_sides_did_to_a_long_text_is_shown_as_a_diff(ctl: Ctl, desk: Desk) -> None:
    base, tabs, spaces = ({"text": json.dumps(f"# Style\n{word}\n")} for word in ("Any.", "Tabs.", "Spaces."))
    sides = (replace(a_conflict().sides[0], base=base, now=tabs), replace(a_conflict().sides[1], base=base, now=spaces))
    desk.held[CONFLICT] = a_conflict(key=STYLE, fields=("text",), sides=sides, central=base)

    answer = ctl("conflicts", "show", CONFLICT)

    assert "\ntext: what claude changed\n  @@ -1,2 +1,2 @@\n   # Style\n  -Any.\n  +Tabs.\n" in answer.out
    assert "\ntext: what codex changed\n" in answer.out


def test_a_side_without_the_entry_is_told_from_one_without_the_field(ctl: Ctl, desk: Desk) -> None:
    sides = (a_conflict().sides[0], replace(a_conflict().sides[1], now=None))
    desk.held[CONFLICT] = a_conflict(sides=sides, fields=("timeout",))

    answer = ctl("conflicts", "show", CONFLICT)

    assert next(row[:4] for row in lines(answer.out) if row[:1] == ["codex"]) == ["codex", "–", "no", "entry"]


def test_a_side_that_lost_everything_is_told_with_what_is_gone_and_what_an_answer_does(ctl: Ctl, desk: Desk) -> None:
    sides = (ConflictSide("codex", None, None),)
    key = Key("", Kind.MCP, "")
    desk.held[CONFLICT] = a_conflict(key=key, kind=ConflictKind.EMPTIED, fields=("docs", "github"), sides=sides, central=None)

    answer = ctl("conflicts", "show", CONFLICT)

    assert answer.out.startswith("ai mcp  emptied  open\n")
    assert "\nGone\n  mcp/docs\n  mcp/github\n" in answer.out
    assert "  the side deletes these everywhere; central keeps them\n" in answer.out
    assert "--file" not in answer.out


def test_a_resolved_conflict_offers_no_way_out(ctl: Ctl, desk: Desk) -> None:
    desk.held[CONFLICT] = a_conflict(state=ConflictState.RESOLVED)

    assert "--take" not in ctl("conflicts", "show", CONFLICT).out
    assert ctl("conflicts", "resolve", CONFLICT, "--take", "claude").code == 6


def test_a_side_is_taken(ctl: Ctl, desk: Desk) -> None:
    answer = ctl("conflicts", "resolve", CONFLICT, "--take", "codex")

    assert (answer.code, desk.done) == (0, [("resolve", "ai", Answer(take="codex"), "unix")])


def test_own_content_is_taken_from_a_file(ctl: Ctl, desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    file.write_text('{"command": "deno"}')

    answer = ctl("conflicts", "resolve", CONFLICT, "--file", str(file))

    assert (answer.code, desk.done) == (0, [("resolve", "ai", Answer(content='{"command": "deno"}'), "unix")])


@pytest.mark.parametrize(
    "words",
    [
        ["clients", "list"],
        ["clients", "list", "--side", "codex"],
        ["clients", "show"],
        ["clients", "plan"],
        ["clients", "versions"],
        ["clients", "diff"],
        ["clients", "export"],
        ["conflicts", "list"],
        ["conflicts", "show", CONFLICT],
    ],
    ids=" ".join,
)
def test_programs_get_json_and_yaml_that_say_the_same(ctl: Ctl, desk: Desk, words: list[str]) -> None:
    desk.planned = PLANNED

    as_json, as_yaml = ctl(*words, "-o", "json"), ctl(*words, "-o", "yaml")

    assert (as_json.code, as_json.err) == (0, "")
    assert json.loads(as_json.out) == yaml.safe_load(as_yaml.out)
    assert SECRET not in as_json.out


def test_what_a_client_says_does_not_steer_the_terminal(ctl: Ctl, desk: Desk) -> None:
    desk.held[CONFLICT] = a_conflict(key=GITHUB._replace(name="a\x1b[2J"), reason="\x1b]0;mine\x07")

    answer = ctl("conflicts", "show", CONFLICT)

    assert "\x1b" not in answer.out
    assert "mcp/a\\x1b[2J" in answer.out
