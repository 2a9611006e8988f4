"""Rovo Dev's files, beyond what every adapter promises."""

import re
from collections.abc import Mapping
from typing import ClassVar

import pytest

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entry, Kind, Name, Reference, Template
from syncd.engines.clients.adapters.acli import ADAPTER, bash_patterns
from syncd.kit.documents.jsonc import Jsonc
from syncd.kit.documents.yaml import Yaml
from syncd.ports.clients import Adapter, Files, ScopeKind, Unwritable
from tests.contracts.client import ClientContract, written

_MCP = ".rovodev/mcp.json"
_CONFIG = ".rovodev/config.yml"
_SERVERS = """{
    "mcpServers": {
        "files": {
            "command": "npx",
            "args": ["-y", "server-files"],
            "env": {"LEVEL": "debug"},
            "transport": "stdio",
            "cwd": "/srv"
        },
        "bare": {"command": "bare"},
        "web": {"url": "https://web.example/mcp", "headers": {"X-Team": "core"}, "transport": "http"},
        "events": {"url": "https://events.example/sse", "transport": "sse"},
        "idle": {"command": "idle"}
    }
}
"""
_SETTINGS = """version: 1

agent:
  streaming: true # as it was
toolPermissions:
  tools:
    update_file: ask
    open_files: allow
    expand_code_chunks: allow
    expand_folder: allow
    grep: allow
  bash:
    commands:
      - command: ^\\s*git\\s+push(\\s[\\s\\S]*)?\\s*$ # no glob
        permission: deny
      - command: "^\\\\s*rm(\\\\s[\\\\s\\\\S]*)?\\\\s*$"
        permission: deny
  allowedExternalPaths: []
mcp:
  allowedMcpServers:
    - npx -y server-files
  disabledMcpServers:
    - other
    - idle
"""
_MAIN = "Speak plainly.\n\n# Style\n\n- Tabs.\n\n## Tests\n\nRun them.\n"
_USER = {_MCP: _SERVERS.encode(), _CONFIG: _SETTINGS.encode(), ".rovodev/AGENTS.md": _MAIN.encode()}
_OUT_OF_THE_BOX = (
    b"toolPermissions:\n  default: ask\n  bash:\n    default: ask\n    commands:\n    - command: ls.*\n      permission: allow\n"
)


def mcp(name: str) -> Name:
    return Name(Kind.MCP, name)


def may(subject: str) -> Name:
    return Name(Kind.PERMISSIONS, subject)


def commands(content: bytes) -> list[dict[str, str]]:
    return list(Yaml(content).value["toolPermissions"]["bash"]["commands"])


class TestAcli(ClientContract):
    adapter: ClassVar[Adapter] = ADAPTER
    EXAMPLES: ClassVar[Mapping[ScopeKind, Files]] = {ScopeKind.USER: _USER, ScopeKind.PROJECT: {"AGENTS.md": _MAIN.encode()}}

    @pytest.mark.parametrize("scope", ScopeKind)
    def test_the_examples_are_files_of_the_client_and_say_something(self, scope: ScopeKind) -> None:
        """A project has rules alone."""
        snapshot = self.read(scope, self.EXAMPLES[scope])

        assert not snapshot.unreadable
        assert {name.kind for name in snapshot.entries} == (set(Kind) if scope is ScopeKind.USER else {Kind.RULES})


def test_what_the_files_say_is_read_in_the_words_of_nobody() -> None:
    snapshot = ADAPTER.read(ScopeKind.USER, _USER)

    held = {str(name): entry for name, entry in snapshot.entries.items() if name.kind is not Kind.RULES}
    assert held == {
        "mcp/files": {"transport": "stdio", "command": "npx", "args": ("-y", "server-files"), "env.LEVEL": "debug"},
        "mcp/bare": {"transport": "stdio", "command": "bare"},
        "mcp/web": {"transport": "http", "url": "https://web.example/mcp", "headers.X-Team": "core"},
        "mcp/events": {"transport": "sse", "url": "https://events.example/sse"},
        "mcp/idle": {"transport": "stdio", "command": "idle", "enabled": False},
        "permissions/read": {"decision": "allow"},
        "permissions/shell prefix git push": {"decision": "deny"},
        "permissions/shell prefix rm": {"decision": "deny"},
    }
    assert not snapshot.notes


def test_tools_that_do_not_agree_are_left_alone_and_told() -> None:
    files = {_CONFIG: b"toolPermissions:\n  tools:\n    create_file: ask\n    delete_file: deny\n"}

    snapshot = ADAPTER.read(ScopeKind.USER, files)

    assert not snapshot.entries
    assert snapshot.notes == (
        "toolPermissions.tools is left alone for edit: create_file, delete_file, move_file, find_and_replace_code do not agree",
    )


def test_asking_by_default_stays_whatever_else_is_written() -> None:
    files = {_CONFIG: _OUT_OF_THE_BOX}
    entries: dict[Name, Entry] = {
        may("default"): {"decision": "ask"},
        may("shell"): {"decision": "ask"},
        may("shell prefix git"): {"decision": "allow"},
        may("edit"): {"decision": "deny"},
    }
    expressed = ADAPTER.express(ScopeKind.USER, entries)

    after = written(ADAPTER, ScopeKind.USER, files, {**dict.fromkeys(entries), **expressed.entries})

    permissions = Yaml(after[_CONFIG]).value["toolPermissions"]
    assert (permissions["default"], permissions["bash"]["default"]) == ("ask", "ask")
    assert after[_CONFIG].startswith(_OUT_OF_THE_BOX[: _OUT_OF_THE_BOX.index(b"commands")])
    assert may("default") in {loss.name for loss in expressed.losses}


@pytest.mark.parametrize("decision", Decision)
def test_expressions_are_written_where_the_client_wants_no_globs(decision: Decision) -> None:
    wanted: dict[Name, Entry | None] = {may("shell glob git push *--force"): {"decision": decision.value}}

    after = written(ADAPTER, ScopeKind.USER, {}, wanted)

    (written_command,) = commands(after[_CONFIG])
    expression = re.compile(written_command["command"])
    assert expression.fullmatch("git push origin --force")
    assert not expression.search("git push origin")
    assert not expression.search("git pushorigin --force")


def test_asking_is_no_permission_of_the_model_and_deciding_is() -> None:
    asking = ADAPTER.read(ScopeKind.USER, {_CONFIG: _OUT_OF_THE_BOX}).entries
    deciding = ADAPTER.read(ScopeKind.USER, {_CONFIG: _OUT_OF_THE_BOX.replace(b"default: ask", b"default: allow")}).entries

    assert set(asking) == {may("shell regex ls.*")}
    assert deciding == {**asking, may("default"): {"decision": "allow"}, may("shell"): {"decision": "allow"}}


def test_a_denial_of_all_commands_with_exceptions_is_left_alone_and_told() -> None:
    content = _OUT_OF_THE_BOX.replace(b"    default: ask", b"    default: deny")

    snapshot = ADAPTER.read(ScopeKind.USER, {_CONFIG: content})

    assert set(snapshot.entries) == {may("shell regex ls.*")}
    assert snapshot.notes == (
        "toolPermissions.bash.default is left alone: commands are excepted from its denial, which only this client can say",
    )


def test_a_denial_of_all_commands_leaves_no_exception() -> None:
    entries: dict[Name, Entry] = {may("shell"): {"decision": "deny"}, may("shell prefix git"): {"decision": "allow"}}

    expressed = ADAPTER.express(ScopeKind.USER, entries)

    assert expressed.entries == {may("shell"): {"decision": "deny"}}
    assert [(loss.name, loss.code) for loss in expressed.losses] == [(may("shell prefix git"), "shadowed")]


def test_a_denial_comes_ahead_of_the_permissions_that_it_meets_and_the_others_stay() -> None:
    wanted: dict[Name, Entry | None] = {may("shell prefix git status -s"): {"decision": "deny"}}

    after = written(
        ADAPTER,
        ScopeKind.USER,
        {
            _CONFIG: b"toolPermissions:\n  bash:\n    commands:\n"
            + b"".join(f"    - command: ^{command}( .*)?$\n      permission: allow\n".encode() for command in ("git status", "ls"))
        },
        wanted,
    )

    assert [Subject.__str__(bash_patterns.parse(each["command"])) for each in commands(after[_CONFIG])] == [
        "shell prefix ls",
        "shell prefix git status -s",
        "shell prefix git status",
    ]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param({"env.KEY": Template((Reference("KEY"),))}, "reference", id="in a variable"),
        pytest.param({"args": ("--key", Template((Reference("KEY"),)))}, "secret_in_args", id="among the arguments"),
    ],
)
def test_a_server_with_a_reference_is_left_out_and_no_value_is_told(entry: Entry, code: str) -> None:
    expressed = ADAPTER.express(ScopeKind.USER, {mcp("a"): {"transport": "stdio", "command": "x", "env.OTHER": "hunter2", **entry}})

    assert not expressed.entries
    assert [(loss.name, loss.field, loss.code) for loss in expressed.losses] == [(mcp("a"), "", code)]
    assert "hunter2" not in str(expressed.losses)


def test_what_looks_like_a_reference_is_text_for_a_client_that_replaces_none() -> None:
    files = {_MCP: b'{"mcpServers": {"a": {"command": "x", "env": {"KEY": "${KEY}"}}}}'}

    assert ADAPTER.read(ScopeKind.USER, files).entries[mcp("a")]["env.KEY"] == "${KEY}"


def test_what_the_person_trusts_stays() -> None:
    after = written(
        ADAPTER, ScopeKind.USER, _USER, {mcp("idle"): None, mcp("files"): {"transport": "stdio", "command": "npx", "enabled": False}}
    )

    assert Yaml(after[_CONFIG]).value["mcp"] == {"allowedMcpServers": ["npx -y server-files"], "disabledMcpServers": ["other", "files"]}
    assert set(Jsonc(after[_MCP]).value["mcpServers"]) == {"files", "bare", "web", "events"}


def test_servers_in_another_file_are_told() -> None:
    files = {_CONFIG: b"mcp:\n  mcpConfigPath: ~/elsewhere.json\n"}

    assert "mcpConfigPath" in ADAPTER.read(ScopeKind.USER, files).notes[0]


def test_a_project_holds_rules_alone() -> None:
    entries: dict[Name, Entry] = {mcp("a"): {"transport": "stdio", "command": "x"}, may("shell prefix rm"): {"decision": "deny"}}

    expressed = ADAPTER.express(ScopeKind.PROJECT, entries)

    assert not expressed.entries
    assert {loss.code for loss in expressed.losses} == {"project_servers", "project_permissions"}
    with pytest.raises(Unwritable):
        ADAPTER.write(ScopeKind.PROJECT, {}, entries)


@pytest.mark.parametrize(
    ("subject", "decision", "expected"),
    [
        pytest.param("shell exact git status", Decision.ALLOW, "^git status$", id="a command"),
        pytest.param("shell exact a.b|c", Decision.ALLOW, r"^a\.b\|c$", id="every special character is escaped"),
        pytest.param("shell prefix git status", Decision.ALLOW, "^git status( .*)?$", id="a prefix"),
        pytest.param("shell prefix git push", Decision.DENY, r"^\s*git\s+push(\s[\s\S]*)?\s*$", id="a denial of a prefix"),
        pytest.param("shell glob git * -f", Decision.ALLOW, "^git .* -f$", id="a glob"),
        pytest.param("shell regex ^git (a|b)$", Decision.ALLOW, "^git (a|b)$", id="an expression"),
        pytest.param("shell regex ^git .*$", Decision.ALLOW, "^(?:git .*)$", id="an expression that looks like a glob"),
        pytest.param("shell regex (", Decision.DENY, None, id="no expression"),
    ],
)
def test_a_subject_becomes_an_expression_and_back(subject: str, decision: Decision, expected: str | None) -> None:
    spelled = bash_patterns.spell(Subject.parse(subject), decision)

    assert spelled == expected
    assert spelled is None or str(bash_patterns.parse(spelled)) == subject


@pytest.mark.parametrize("command", ["rm -rf /", "  rm -rf /", "rm\t-rf /", "rm \\\n-rf /", "rm  -rf  /", "rm -rf / "])
def test_a_denial_is_not_got_round_with_blanks(command: str) -> None:
    spelled = bash_patterns.spell(Subject.parse("shell prefix rm"), Decision.DENY)

    assert spelled
    assert re.fullmatch(spelled, command)
    assert re.match(spelled, command)
