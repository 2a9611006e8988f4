"""Codex's files: the contract of all adapters, and where Codex is unlike the others."""

import json
import tomllib
from typing import Any, ClassVar

import pytest

from syncd.domain.unified import Entry, Kind, Name, Reference, Template
from syncd.engines.clients.adapters.codex import ADAPTER
from syncd.ports.clients import Output, ScopeKind, Unwritable
from tests.contracts.client import ClientContract

USER, PROJECT = ScopeKind.USER, ScopeKind.PROJECT
CONFIG, RULES, OWN = ".codex/config.toml", ".codex/rules/default.rules", ".codex/rules/syncd.rules"
SERVER = Name(Kind.MCP, "s")
STDIO: Entry = {"transport": "stdio", "command": "npx"}
HTTP: Entry = {"transport": "http", "url": "https://s.example/mcp"}

USER_CONFIG = b"""\
# My settings.
model = "gpt"          # the large one
approval_policy = "on-request"

[mcp_servers.files]
command = "npx"
args = ["-y", "files"]   # latest
env = { "LEVEL" = "debug" }
env_vars = ["FILES_TOKEN", { name = "OTHER", source = "remote" }]
cwd = "/srv"
startup_timeout_sec = 20
required = false
enabled_tools = ["read"]

[mcp_servers.files.tools.read]
approval_mode = "approve"

# Reached by its address.
[mcp_servers."web site"]
url = "https://web.example/mcp"
bearer_token_env_var = "WEB_TOKEN"
http_headers = { "X-Team" = "core" }
env_http_headers = { "X-Tenant" = "TENANT" }
enabled = false

[projects."/srv/app"]
trust_level = "trusted"
"""
PROJECT_CONFIG = b"""\
[mcp_servers.here]
command = "make"
args = ["serve"]
tool_timeout_sec = 2.5

[mcp_servers.files]
enabled = false
"""
AGENTS = b"Be brief.\n\n# Style\n\nUse tabs.\n\n## Tests\n\n```sh\n# all\nmake test\n```\n"
DEFAULT_RULES = b"""\
# Asked for in sessions.
prefix_rule(
    pattern = ["git", "status"],
    decision = "allow",  # reads
    justification = "It only reads.",
)
prefix_rule(pattern=["git", "push"], decision="prompt")
prefix_rule(pattern=["rm"], decision="forbidden", match=["rm -rf x"])
"""


class TestCodex(ClientContract):
    adapter = ADAPTER
    EXAMPLES: ClassVar = {
        USER: {CONFIG: USER_CONFIG, ".codex/AGENTS.md": AGENTS, RULES: DEFAULT_RULES},
        PROJECT: {CONFIG: PROJECT_CONFIG, "AGENTS.md": AGENTS},
    }


def server_of(config: bytes) -> Entry:
    return ADAPTER.read(USER, {CONFIG: config}).entries[SERVER]


def written(config: bytes, entry: Entry | None) -> dict[str, Any]:
    files = {CONFIG: config} if config else {}
    content = ADAPTER.write(USER, files, {SERVER: entry}).get(CONFIG, config)
    servers = tomllib.loads((content or b"").decode()).get("mcp_servers", {})
    return dict(servers.get("s", {}))


def whole(variable: str, default: str | None = None) -> Template:
    return Template((Reference(variable, default),))


@pytest.mark.parametrize(
    ("entry", "members"),
    [
        pytest.param({**STDIO, "env.T": whole("T")}, {"command": "npx", "env_vars": ["T"]}, id="a variable of the same name"),
        pytest.param({**STDIO, "env.A": "b"}, {"command": "npx", "env": {"A": "b"}}, id="a literal variable"),
        pytest.param(
            {**HTTP, "headers.Authorization": Template(("Bearer ", Reference("T")))},
            {"url": HTTP["url"], "bearer_token_env_var": "T"},
            id="a bearer token",
        ),
        pytest.param(
            {**HTTP, "headers.X": whole("T")}, {"url": HTTP["url"], "env_http_headers": {"X": "T"}}, id="a header from a variable"
        ),
        pytest.param({**HTTP, "headers.X": "y"}, {"url": HTTP["url"], "http_headers": {"X": "y"}}, id="a literal header"),
        pytest.param(
            {**STDIO, "startup_timeout": 2, "tool_timeout": 1.5, "enabled": False, "tools.deny": ("a",)},
            {"command": "npx", "startup_timeout_sec": 2, "tool_timeout_sec": 1.5, "enabled": False, "disabled_tools": ["a"]},
            id="how it is treated",
        ),
        pytest.param(
            {**STDIO, "env.P": "${P} $P"}, {"command": "npx", "env": {"P": "${P} $P"}}, id="text, which Codex never takes for a reference"
        ),
    ],
)
def test_a_server_is_written_in_codex_own_words(entry: Entry, members: dict[str, Any]) -> None:
    expressed = ADAPTER.express(USER, {SERVER: entry})

    assert not expressed.losses
    assert written(b"", expressed.entries[SERVER]) == members


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param({**STDIO, "env.KEY": whole("TOKEN")}, "renamed_reference", id="a variable of another name"),
        pytest.param({**STDIO, "env.KEY": Template(("x", Reference("KEY")))}, "reference", id="a part of a variable's value"),
        pytest.param({**STDIO, "args": ("--key", whole("KEY"))}, "secret_in_args", id="an argument"),
        pytest.param({**STDIO, "command": whole("SHELL")}, "reference", id="a command"),
        pytest.param({**HTTP, "url": Template(("https://", Reference("HOST")))}, "reference", id="an address"),
        pytest.param({**HTTP, "headers.X-Key": Template(("Key ", Reference("K")))}, "reference", id="a part of a header"),
        pytest.param({"transport": "sse", "url": "https://s.example/sse"}, "sse", id="server-sent events, which Codex would POST to"),
        pytest.param({"transport": "ws", "url": "wss://s.example"}, "ws", id="a web socket"),
    ],
)
def test_a_server_that_would_lack_its_secret_or_speak_another_protocol_is_left_out(entry: Entry, code: str) -> None:
    expressed = ADAPTER.express(USER, {SERVER: entry})

    assert expressed.entries == {}
    assert [(loss.name, loss.field, loss.code) for loss in expressed.losses] == [(SERVER, "", code)]


def test_a_reference_loses_its_default_and_the_loss_says_so() -> None:
    expressed = ADAPTER.express(USER, {SERVER: {**STDIO, "env.MODE": whole("MODE", "fast")}})

    assert expressed.entries == {SERVER: {**STDIO, "env.MODE": whole("MODE")}}
    assert [(loss.field, loss.code) for loss in expressed.losses] == [("env.MODE", "default")]


def test_members_that_make_codex_fail_are_never_written() -> None:
    entry = {**HTTP, "env.A": "b", "cwd": "/srv", "description": "d"}

    expressed = ADAPTER.express(USER, {SERVER: entry})

    assert expressed.entries == {SERVER: HTTP}
    assert {(loss.field, loss.code) for loss in expressed.losses} == {
        ("env.A", "transport"),
        ("cwd", "transport"),
        ("description", "description"),
    }


def test_a_timeout_in_milliseconds_is_read_and_replaced_when_it_changes() -> None:
    config = b'[mcp_servers.s]\ncommand = "npx"\nstartup_timeout_ms = 2500\n'

    assert server_of(config) == {**STDIO, "startup_timeout": 2.5}
    assert written(config, {**STDIO, "startup_timeout": 2.5, "enabled": False})["startup_timeout_ms"] == 2500
    assert written(config, {**STDIO, "startup_timeout": 3}) == {"command": "npx", "startup_timeout_sec": 3}
    assert written(config, STDIO) == {"command": "npx"}


def test_variables_of_other_machines_stay_beside_the_names_of_ours() -> None:
    config = b'[mcp_servers.s]\ncommand = "npx"\nenv_vars = [{ name = "FAR", source = "remote" }, "A"]\n'

    assert server_of(config) == {**STDIO, "env.A": whole("A")}
    assert written(config, {**STDIO, "env.B": whole("B")})["env_vars"] == [{"name": "FAR", "source": "remote"}, "B"]
    assert written(config, STDIO)["env_vars"] == [{"name": "FAR", "source": "remote"}]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param("enabled = false", id="an overlay of the user's server"),
        pytest.param('command = "npx"\nurl = "https://s.example"', id="a command and an address"),
        pytest.param('command = "npx"\nargs = "x"', id="arguments that are no list"),
        pytest.param(
            'url = "https://s.example"\nbearer_token_env_var = "T"\nhttp_headers = { authorization = "x" }', id="two headers of a name"
        ),
        pytest.param('command = "npx"\ntool_timeout_sec = -1', id="a duration below zero"),
    ],
)
def test_a_table_that_is_no_sound_server_is_left_alone(members: str) -> None:
    files = {CONFIG: f"[mcp_servers.s]\n{members}\n".encode()}

    snapshot = ADAPTER.read(USER, files)

    assert snapshot.entries == {}
    assert any("mcp/s is left alone" in note for note in snapshot.notes)
    with pytest.raises(Unwritable):
        ADAPTER.write(USER, files, {SERVER: STDIO})


def test_a_project_that_changes_a_server_which_the_user_removes_is_found() -> None:
    project = {CONFIG: PROJECT_CONFIG}

    assert ADAPTER.together({CONFIG: USER_CONFIG}, project) == []
    (problem,) = ADAPTER.together({CONFIG: b""}, project)
    assert "mcp_servers.files" in problem


def test_rules_that_an_override_hides_are_noted() -> None:
    files = {".codex/AGENTS.md": AGENTS, ".codex/AGENTS.override.md": b"Only this.\n"}

    snapshot = ADAPTER.read(USER, files)

    assert Name(Kind.RULES, "Style") in snapshot.entries
    assert any("instead of .codex/AGENTS.md" in note for note in snapshot.notes)


def test_rules_of_a_project_beyond_what_codex_reads_are_left_out_with_a_loss() -> None:
    entries = {Name(Kind.RULES, name): {"text": f"# {name}\n\n{'x' * 12_000}"} for name in ("A", "B", "C")}

    project, user = ADAPTER.express(PROJECT, entries), ADAPTER.express(USER, entries)

    assert set(project.entries) == set(entries) - {Name(Kind.RULES, "C")}
    assert [(loss.name.name, loss.code) for loss in project.losses] == [("C", "rules_too_long")]
    assert user.entries == entries


def permission(subject: str, decision: str) -> dict[Name, Entry]:
    return {Name(Kind.PERMISSIONS, subject): {"decision": decision}}


@pytest.mark.parametrize("decision", ["ask", "deny"])
def test_an_exact_command_is_limited_by_a_rule_about_more(decision: str) -> None:
    expressed = ADAPTER.express(USER, permission("shell exact rm x", decision))

    assert expressed.entries == permission("shell prefix rm x", decision)
    assert [loss.code for loss in expressed.losses] == ["stricter"]


@pytest.mark.parametrize(
    "subject",
    [
        "shell",
        "shell exact git status",
        "shell glob git *",
        "shell regex ^git$",
        "shell prefix git $(x)",
        "shell prefix a && b",
        "read",
        "fetch",
    ],
)
def test_what_no_rule_of_words_says_is_never_allowed(subject: str) -> None:
    expressed = ADAPTER.express(USER, permission(subject, "allow"))

    assert expressed.entries == {}
    assert expressed.losses


def test_globs_never_become_words() -> None:
    expressed = ADAPTER.express(USER, permission("shell glob rm -rf *", "deny"))

    assert expressed.entries == {}
    assert expressed.losses


def test_one_of_several_alternatives_changes_alone() -> None:
    files = {RULES: b'prefix_rule(pattern=["git", ["status", "diff"]], decision="allow", justification="reads")\n'}

    changed = ADAPTER.write(USER, files, permission("shell prefix git diff", "deny"))

    assert changed == {
        RULES: b'prefix_rule(pattern=["git", ["status"]], decision="allow", justification="reads")\n',
        OWN: b'prefix_rule(pattern=["git", "diff"], decision="forbidden")\n',
    }


def test_the_last_rule_of_our_own_file_takes_the_file_with_it() -> None:
    files = {OWN: b'prefix_rule(pattern=["ls"], decision="allow")\n'}

    assert ADAPTER.write(USER, files, {Name(Kind.PERMISSIONS, "shell prefix ls"): None}) == {OWN: None}


def test_words_that_a_shell_would_read_as_more_stay_in_codex_alone() -> None:
    files = {RULES: b'prefix_rule(pattern=["bash", "-c", "rm *"], decision="allow")\nprefix_rule(pattern=["git", "commit", "a b"])\n'}

    snapshot = ADAPTER.read(USER, files)

    assert snapshot.entries == permission("shell prefix git commit 'a b'", "allow")
    assert any("stays in Codex alone" in note for note in snapshot.notes)


def test_what_is_allowed_but_for_words_that_others_cannot_be_told_stays_in_codex_alone() -> None:
    files = {RULES: b'prefix_rule(pattern=["bash"], decision="allow")\nprefix_rule(pattern=["bash", "-c", "rm *"], decision="forbidden")\n'}

    snapshot = ADAPTER.read(USER, files)

    assert snapshot.entries == {}
    assert len(snapshot.notes) == 2
    with pytest.raises(Unwritable):
        ADAPTER.write(USER, files, permission("shell prefix bash -c", "allow"))


def listed(name: str, transport: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"name": name, "enabled": True, "startup_timeout_sec": None, "tool_timeout_sec": None, "transport": transport, **members}


LISTING = [
    listed(
        "files",
        {
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "files"],
            "env": {"LEVEL": "debug"},
            "env_vars": ["FILES_TOKEN", {"name": "OTHER", "source": "remote"}],
            "cwd": "/srv",
        },
        startup_timeout_sec=20.0,
    ),
    listed(
        "web site",
        {
            "type": "streamable_http",
            "url": "https://web.example/mcp",
            "bearer_token_env_var": "WEB_TOKEN",
            "http_headers": {"X-Team": "core"},
            "env_http_headers": {"X-Tenant": "TENANT"},
            "http_headers_helper": None,
        },
        enabled=False,
    ),
]


def judged(listing: object, code: int = 0, stderr: str = "") -> list[str]:
    assert ADAPTER.check
    entries = ADAPTER.read(USER, {CONFIG: USER_CONFIG}).entries
    return list(ADAPTER.check.judge(USER, [Output(code, json.dumps(listing), stderr)], entries))


def test_a_listing_that_says_the_same_is_fine() -> None:
    assert judged(LISTING) == []


def test_a_server_that_codex_reads_as_another_one_is_a_problem_without_its_values() -> None:
    baked = json.loads(json.dumps(LISTING))
    baked[0]["transport"]["env"]["LEVEL"] = "s3cret"

    assert judged(baked) == ["Codex reads mcp/files differently: env.LEVEL"]
    assert judged(LISTING[1:]) == ["Codex does not list mcp/files"]


def test_what_codex_refuses_is_told_without_the_text_of_the_file() -> None:
    stderr = 'Error: failed to load\n\nCaused by:\n    invalid type: string "s3cret"\n  |\n3 | env = "s3cret"\nStack backtrace:\n  0: x'

    (problem,) = judged([], code=1, stderr=stderr)

    assert "invalid type" in problem
    assert "s3cret" not in problem


def test_a_project_is_checked_without_the_tables_that_need_the_users_file() -> None:
    assert ADAPTER.check

    staged = ADAPTER.check.stage(PROJECT, {CONFIG: PROJECT_CONFIG})

    assert set(tomllib.loads(staged.files[f"home/{CONFIG}"].decode())["mcp_servers"]) == {"here"}
