"""Gemini CLI's files, beyond what every adapter promises."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import ClassVar

import pytest

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entry, Kind, Name, Reference, Template
from syncd.engines.clients.adapters.gemini import ADAPTER, policy_rules
from syncd.kit.documents.jsonc import Jsonc
from syncd.ports.clients import Adapter, Files, Output, ScopeKind, Unwritable
from tests.contracts.client import ClientContract, written

_PATH = ".gemini/settings.json"
_ENABLEMENT = ".gemini/mcp-server-enablement.json"
_POLICY = ".gemini/policies/team.toml"
_OWN = ".gemini/policies/syncd.toml"
_SETTINGS = """{
  // written by hand
  "mcpServers": {
    "github": {
      "httpUrl": "https://api.example/mcp", /* streamable */
      "headers": { "Authorization": "Bearer ${GITHUB_TOKEN}" },
      "timeout": 2500,
      "trust": true
    },
    "web": { "url": "https://web.example/mcp", "type": "http" },
    "bare": { "url": "https://bare.example/mcp" },
    "events": { "url": "https://events.example/sse", "type": "sse" },
    "files": {
      "command": "npx",
      "args": [
        "-y", // no questions
        "server-files"
      ],
      "cwd": "/srv",
      "env": { "KEY": "${FILES_KEY}", "MODE": "${MODE:-fast}" },
      "includeTools": ["read", "write"],
      "description": "Files of the team"
    },
    "Off": { "command": "off" }
  },
  "mcp": {
    "excluded": [
      " off"
    ]
  },
  "ui": { "theme": "dark" }
}
"""
_RULES = """# of the team
[[rule]]
toolName = "run_shell_command"
commandPrefix = "make"
decision = "allow" # all of it
priority = 700

[[rule]]
toolName = "run_shell_command"
commandPrefix = "curl" # a word
decision = "deny"
deny_message = "Ask first."
priority = 900

[[rule]]
mcpName = "files"
toolName = "write"
decision = "ask_user"
priority = 800

[[rule]]
toolName = "web_fetch"
argsPattern = "internal"
decision = "deny"
priority = 950
"""
_MAIN = "Speak plainly.\n\n# Style\n\n- Tabs.\n\n## Tests\n\nRun them.\n"
_USER = {_PATH: _SETTINGS.encode(), _POLICY: _RULES.encode(), ".gemini/GEMINI.md": _MAIN.encode()}


def mcp(name: str) -> Name:
    return Name(Kind.MCP, name)


def may(subject: str) -> Name:
    return Name(Kind.PERMISSIONS, subject)


def rules(content: bytes) -> list[dict[str, object]]:
    return list(tomllib.loads(content.decode())["rule"])


def policies(text: str) -> Files:
    return {_POLICY: text.encode()}


def rule(about: str, decision: str, priority: int) -> str:
    return f'[[rule]]\n{about}\ndecision = "{decision}"\npriority = {priority}\n\n'


class TestGemini(ClientContract):
    adapter: ClassVar[Adapter] = ADAPTER
    EXAMPLES: ClassVar[Mapping[ScopeKind, Files]] = {
        ScopeKind.USER: _USER,
        ScopeKind.PROJECT: {_PATH: _SETTINGS.replace("  ", "\t").rstrip().encode(), "GEMINI.md": _MAIN.encode()},
    }


def test_servers_are_read_in_the_words_of_nobody() -> None:
    entries = ADAPTER.read(ScopeKind.USER, _USER).entries

    assert entries[mcp("github")] == {
        "transport": "http",
        "url": "https://api.example/mcp",
        "headers.Authorization": Template(("Bearer ", Reference("GITHUB_TOKEN"))),
        "tool_timeout": 2.5,
    }
    assert entries[mcp("files")] == {
        "transport": "stdio",
        "command": "npx",
        "args": ("-y", "server-files"),
        "cwd": "/srv",
        "env.KEY": Template((Reference("FILES_KEY"),)),
        "env.MODE": Template((Reference("MODE", "fast"),)),
        "tools.allow": ("read", "write"),
        "description": "Files of the team",
    }
    assert [entries[mcp(name)]["transport"] for name in ("web", "bare", "events")] == ["http", "http", "sse"]


def test_a_reference_without_braces_is_a_reference_too() -> None:
    files = {_PATH: b'{"mcpServers": {"a": {"command": "x", "args": ["$ONE/${TWO:-2}"]}}}'}

    entries = ADAPTER.read(ScopeKind.USER, files).entries

    assert entries[mcp("a")]["args"] == (Template((Reference("ONE"), "/", Reference("TWO", "2"))),)


def test_a_server_that_a_list_or_the_state_file_switches_off_is_off() -> None:
    files = {**_USER, _ENABLEMENT: b'{"web": {"enabled": false}, "bare": {"enabled": true}}'}

    entries = ADAPTER.read(ScopeKind.USER, files).entries

    assert {name.name for name, entry in entries.items() if entry.get("enabled") is False} == {"Off", "web"}


def test_switching_on_takes_a_server_out_of_both_places() -> None:
    files = {**_USER, _ENABLEMENT: b'{"off": {"enabled": false}, "bare": {"enabled": false}}'}

    after = written(ADAPTER, ScopeKind.USER, files, {mcp("Off"): {"transport": "stdio", "command": "off"}})

    assert Jsonc(after[_ENABLEMENT]).value == {"bare": {"enabled": False}}
    assert Jsonc(after[_PATH]).value["mcp"] == {"excluded": []}


def test_a_comment_that_the_real_client_accepts_is_no_error() -> None:
    snapshot = ADAPTER.read(ScopeKind.USER, {_PATH: b'{\n  // mine\n  "mcpServers": {"a": {"command": "x"}} /* all */\n}\n'})

    assert not snapshot.unreadable
    assert snapshot.entries == {mcp("a"): {"transport": "stdio", "command": "x"}}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'\xef\xbb\xbf{"mcpServers": {}}', id="a byte order mark"),
        pytest.param(b'{"mcpServers": {},}', id="a trailing comma"),
    ],
)
def test_settings_that_stop_the_client_are_unreadable_and_stay(content: bytes) -> None:
    snapshot = ADAPTER.read(ScopeKind.USER, {_PATH: content})

    assert set(snapshot.unreadable) == {_PATH}
    with pytest.raises(Unwritable):
        ADAPTER.write(ScopeKind.USER, {_PATH: content}, {mcp("a"): {"transport": "stdio", "command": "x"}})


def test_an_empty_settings_file_is_told_and_never_written() -> None:
    snapshot = ADAPTER.read(ScopeKind.USER, {_PATH: b""})

    assert snapshot.notes == (".gemini/settings.json is empty, which the client takes for an error",)
    assert ADAPTER.write(ScopeKind.USER, {_PATH: b""}, {mcp("a"): None}) == {}


def test_a_server_outside_of_the_allowed_ones_is_told_and_the_list_stays() -> None:
    files = {_PATH: b'{"mcpServers": {"a": {"command": "x"}}, "mcp": {"allowed": ["b"]}}'}

    after = written(ADAPTER, ScopeKind.USER, files, {mcp("c"): {"transport": "stdio", "command": "x"}})

    assert ADAPTER.read(ScopeKind.USER, files).notes == ("mcp/a is not in mcp.allowed: the client does not load it",)
    assert Jsonc(after[_PATH]).value["mcp"] == {"allowed": ["b"]}


@pytest.mark.parametrize(
    ("named", "path"),
    [
        pytest.param('"AGENTS.md"', ".gemini/AGENTS.md", id="a text"),
        pytest.param('["docs/own.md", "CLAUDE.md", "GEMINI.md"]', ".gemini/CLAUDE.md", id="the first of a list that is known"),
    ],
)
def test_rules_stand_where_the_settings_say(named: str, path: str) -> None:
    files = {_PATH: f'{{"context": {{"fileName": {named}}}}}'.encode(), ".gemini/GEMINI.md": b"# Not mine\n"}

    after = written(ADAPTER, ScopeKind.USER, files, {Name(Kind.RULES, "Style"): {"text": "# Style\n\nTabs."}})

    assert b"Tabs." in after[path]
    assert set(ADAPTER.read(ScopeKind.USER, after).entries) == {Name(Kind.RULES, "Style")}


def test_rules_in_a_file_of_an_unknown_name_are_left_alone() -> None:
    files = {_PATH: b'{"context": {"fileName": ".cursorrules"}}', ".gemini/GEMINI.md": b"# Not mine\n"}

    snapshot = ADAPTER.read(ScopeKind.USER, files)

    assert not snapshot.entries
    assert "context.fileName" in snapshot.notes[0]
    with pytest.raises(Unwritable):
        ADAPTER.write(ScopeKind.USER, files, {Name(Kind.RULES, "Style"): {"text": "# Style"}})


@pytest.mark.parametrize(
    ("about", "subjects"),
    [
        pytest.param('toolName = "run_shell_command"', {"shell"}, id="all commands"),
        pytest.param(
            'toolName = "run_shell_command"\ncommandPrefix = ["git", "ls"]', {"shell prefix git", "shell prefix ls"}, id="several prefixes"
        ),
        pytest.param('toolName = "run_shell_command"\ncommandRegex = \'git status"\'', {"shell exact git status"}, id="one command"),
        pytest.param(
            'toolName = "run_shell_command"\ncommandRegex = "git (a|b)"', {"shell regex ^git (a|b).*$"}, id="an expression without an end"
        ),
        pytest.param('toolName = "run_shell_command"\ncommandRegex = "git .*"', {"shell regex ^git .*$"}, id="an expression with any end"),
        pytest.param('toolName = "run_shell_command"\ncommandRegex = "a|b"', set(), id="an alternative that is found anywhere"),
        pytest.param('toolName = "run_shell_command"\ncommandRegex = "([^a]+)+"', set(), id="an expression that the client drops"),
        pytest.param('toolName = ["write_file", "replace", "save_memory"]', {"edit"}, id="all editing tools and one more"),
        pytest.param('toolName = "write_file"', set(), id="one editing tool"),
        pytest.param('toolName = "*"\nmcpName = "files"', {"mcp server files"}, id="a server"),
        pytest.param('toolName = ["a", "b"]\nmcpName = "files"', {"mcp tool files/a", "mcp tool files/b"}, id="tools of a server"),
        pytest.param('toolName = "*"', {"default"}, id="everything"),
        pytest.param('toolName = "web_fetch"\nmodes = ["yolo"]', set(), id="a mode"),
    ],
)
def test_a_rule_is_about(about: str, subjects: set[str]) -> None:
    snapshot = ADAPTER.read(ScopeKind.USER, policies(rule(about, "deny", 100)))

    assert snapshot.entries == {may(subject): {"decision": "deny"} for subject in subjects}
    assert bool(snapshot.notes) is not bool(subjects)


def test_a_rule_for_everything_that_comes_before_others_is_no_default() -> None:
    snapshot = ADAPTER.read(ScopeKind.USER, policies(rule('toolName = "*"', "deny", 500) + rule('toolName = "web_fetch"', "allow", 400)))

    assert snapshot.entries == {may("fetch"): {"decision": "allow"}}
    assert "rule 1 (deny) is left alone" in snapshot.notes[0]


def test_what_wins_over_something_stricter_is_told() -> None:
    about = 'toolName = "run_shell_command"\ncommandPrefix = "{}"'
    text = rule(about.format("git status"), "allow", 500) + rule(about.format("git"), "deny", 300)

    snapshot = ADAPTER.read(ScopeKind.USER, policies(text))

    assert snapshot.notes == (f"{_POLICY}: rule 1 (allow) comes before {_POLICY}: rule 2 (deny)",)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(rule('toolName = "web_fetch"', "denyy", 5), id="an unknown decision"),
        pytest.param(rule('toolName = "web_fetch"', "deny", 1000), id="a priority of another tier"),
        pytest.param('[[rule]]\ntoolName = "web_fetch"\ndecision = "deny"\n', id="no priority"),
        pytest.param('[[rule]]\ndecision = "deny"\npriority = 1\n', id="no tool"),
        pytest.param('rule = "deny"\n', id="no list of rules"),
        pytest.param("[[rule]\n", id="no TOML"),
        pytest.param("\ufeff" + rule('toolName = "web_fetch"', "deny", 5), id="a byte order mark"),
    ],
)
def test_a_file_of_rules_that_the_client_would_ignore_is_unreadable_and_nothing_is_permitted(text: str) -> None:
    files = policies(text)

    snapshot = ADAPTER.read(ScopeKind.USER, files)

    assert set(snapshot.unreadable) == {_POLICY}
    with pytest.raises(Unwritable) as caught:
        ADAPTER.write(ScopeKind.USER, files, {may("fetch"): {"decision": "allow"}})
    assert caught.value.path == _POLICY


def test_a_denial_has_a_priority_above_a_question_and_that_above_a_permission() -> None:
    wanted: dict[Name, Entry | None] = {
        may("shell prefix git"): {"decision": "allow"},
        may("shell prefix git push"): {"decision": "ask"},
        may("shell glob git push *--force*"): {"decision": "deny"},
        may("default"): {"decision": "ask"},
    }

    after = written(ADAPTER, ScopeKind.USER, {}, wanted)

    assert [each["priority"] for each in rules(after[_OWN])] == [700, 800, 900, 1]


def test_a_permission_never_wins_over_a_denial_of_somebody_else() -> None:
    files = policies(rule('toolName = "run_shell_command"\ncommandPrefix = "git push"', "deny", 200))

    after = written(ADAPTER, ScopeKind.USER, files, {may("shell prefix git"): {"decision": "allow"}})

    assert [each["priority"] for each in rules(after[_OWN])] == [199]


def test_a_denial_wins_over_a_permission_of_somebody_else() -> None:
    files = policies(rule('toolName = "run_shell_command"\ncommandPrefix = "git"', "allow", 950))

    after = written(ADAPTER, ScopeKind.USER, files, {may("shell prefix git push"): {"decision": "deny"}})

    assert [each["priority"] for each in rules(after[_OWN])] == [999]


def test_without_a_priority_that_is_left_nothing_is_written() -> None:
    files = policies(rule('toolName = "run_shell_command"\ncommandPrefix = "git"', "allow", 999))

    with pytest.raises(Unwritable):
        ADAPTER.write(ScopeKind.USER, files, {may("shell prefix git push"): {"decision": "deny"}})


def test_one_prefix_of_several_is_changed_alone() -> None:
    text = rule('toolName = "run_shell_command"\ncommandPrefix = ["git status", "git diff"]', "allow", 700)

    after = written(ADAPTER, ScopeKind.USER, policies(text), {may("shell prefix git diff"): {"decision": "deny"}})

    assert rules(after[_POLICY])[0]["commandPrefix"] == ["git status"]
    (own,) = rules(after[_OWN])
    assert (own["decision"], own["priority"]) == ("deny", 900)
    assert ADAPTER.read(ScopeKind.USER, after).entries == {
        may("shell prefix git status"): {"decision": "allow"},
        may("shell prefix git diff"): {"decision": "deny"},
    }


@pytest.mark.parametrize("blanks", [" ", "  ", "\t", "\n"])
@pytest.mark.parametrize(
    ("subject", "end"),
    [
        pytest.param("shell prefix git push", "", id="a prefix alone"),
        pytest.param("shell prefix git push", ' "x"', id="a prefix and more"),
        pytest.param("shell exact git push", "", id="a command"),
        pytest.param("shell glob git push*--force", " -v --force", id="a glob"),
    ],
)
def test_what_is_denied_is_not_got_round_with_blanks_and_reads_back(subject: str, end: str, blanks: str) -> None:
    after = written(ADAPTER, ScopeKind.USER, {}, {may(subject): {"decision": "deny"}})

    expression = re.compile(f'"command": "{rules(after[_OWN])[0]["commandRegex"]}')
    assert expression.search(json.dumps({"command": f"git{blanks}push{end}"}))
    assert not expression.search(json.dumps({"command": f"git{blanks}pus{end}"}))
    assert ADAPTER.read(ScopeKind.USER, after).entries == {may(subject): {"decision": "deny"}}


def test_a_permission_that_becomes_a_denial_leaves_room_for_blanks() -> None:
    text = rule('toolName = "run_shell_command"\ncommandPrefix = "git push"', "allow", 700)

    after = written(ADAPTER, ScopeKind.USER, policies(text), {may("shell prefix git push"): {"decision": "deny"}})
    back = written(ADAPTER, ScopeKind.USER, after, {may("shell prefix git push"): {"decision": "allow"}})

    assert "commandPrefix" not in rules(after[_POLICY])[0]
    assert rules(back[_POLICY]) == rules(text.encode())


def test_a_subject_of_several_rules_is_changed_in_all_of_them() -> None:
    text = rule('toolName = "web_fetch"', "allow", 100) + rule('toolName = ["web_fetch", "google_web_search"]', "deny", 200)
    files = policies(text)
    before = ADAPTER.read(ScopeKind.USER, files).entries

    after = written(ADAPTER, ScopeKind.USER, files, {may("fetch"): {"decision": "ask"}})

    assert before == {may("fetch"): {"decision": "deny"}, may("search"): {"decision": "deny"}}
    assert ADAPTER.read(ScopeKind.USER, after).entries == {**before, may("fetch"): {"decision": "ask"}}


def test_permissions_of_a_project_are_reported_and_left_out() -> None:
    expressed = ADAPTER.express(ScopeKind.PROJECT, {may("shell prefix rm"): {"decision": "deny"}})

    assert not expressed.entries
    assert [(loss.code, str(loss.name)) for loss in expressed.losses] == [("project_permissions", "permissions/shell prefix rm")]
    assert "deny" in expressed.losses[0].reason
    assert ADAPTER.write(ScopeKind.PROJECT, {}, {may("shell prefix rm"): None}) == {}
    with pytest.raises(Unwritable):
        ADAPTER.write(ScopeKind.PROJECT, {}, {may("shell prefix rm"): {"decision": "deny"}})


@pytest.mark.parametrize(
    ("subject", "decision", "expected"),
    [
        pytest.param("shell exact git status", Decision.ALLOW, 'git status"', id="a whole command"),
        pytest.param('shell exact echo "a*b"', Decision.ALLOW, r'echo \\"a\*b\\""', id="quotes as JSON has them"),
        pytest.param("shell glob git *", Decision.ALLOW, r'git ([^"\\]|\\.)*"', id="any text, up to the end of the command"),
        pytest.param("shell regex ^git (a|b)$", Decision.ALLOW, 'git (a|b)"', id="an expression"),
        pytest.param("shell regex ^git .*x$", Decision.DENY, 'git .*x"', id="a denial may reach beyond the command"),
        pytest.param("shell regex ^git .*x$", Decision.ALLOW, None, id="a permission may not"),
        pytest.param("shell regex ^x[^y]$", Decision.DENY, None, id="a quote is two letters in JSON"),
        pytest.param("shell regex (a*b)*", Decision.DENY, None, id="the client drops what may take long"),
        pytest.param("read path /etc/**", Decision.DENY, None, id="a path"),
        pytest.param("mcp tool files/*", Decision.ALLOW, None, id="a pattern of tools"),
    ],
)
def test_a_subject_becomes_a_command_regex(subject: str, decision: Decision, expected: str | None) -> None:
    members = policy_rules.spell(Subject.parse(subject), decision)

    assert (members["commandRegex"] if members else None) == expected


def test_the_copy_is_looked_at_in_a_folder_that_is_not_trusted_whatever_the_settings_say() -> None:
    check = ADAPTER.check
    assert check

    staged = check.stage(ScopeKind.USER, {_PATH: b'{"security": {"folderTrust": {"enabled": false}}}'})

    assert Jsonc(staged.files[f"home/{_PATH}"]).value == {"security": {"folderTrust": {"enabled": True}}}


_LISTED = """Warning: MCP servers are configured but disabled because this folder is untrusted.

Configured MCP servers:

○ a: npx -y
 x (stdio) - Disabled
⛔ b c.d: https://web.example/mcp (http) - Blocked
"""


@pytest.mark.parametrize(
    ("output", "problems"),
    [
        pytest.param(Output(0, "", _LISTED), [], id="all are listed"),
        pytest.param(Output(0, "", ""), ["mcp/a is not listed as stdio", "mcp/b c.d is not listed as http"], id="none is listed"),
        pytest.param(
            Output(0, "", _LISTED.replace("(http)", "(sse)")), ["mcp/b c.d is not listed as http"], id="one is listed as something else"
        ),
        pytest.param(
            Output(0, "", f"Error in: mcpServers.a.args\n    Expected array, received string\n\n{_LISTED}"),
            [f"{_PATH}: the client finds fault with mcpServers.a.args"],
            id="a member of a wrong type",
        ),
        pytest.param(
            Output(0, "", f"Error in: mcpServers.a\n    Unrecognized key(s) in object: 'disabled'\n\n{_LISTED}"),
            [],
            id="a member of its own",
        ),
        pytest.param(
            Output(0, "", f"[USER] Policy file error in syncd.toml:\n  Schema validation failed\n{_LISTED}"),
            [f"{_OWN}: the client ignores this file of rules"],
            id="rules that are ignored",
        ),
        pytest.param(
            Output(52, "", 'Error in settings.json: "TOKEN": "hunter2"'),
            [f"gemini mcp list ended with 52: it does not understand {_PATH}"],
            id="settings that do not parse",
        ),
    ],
)
def test_the_client_is_judged_by_what_it_says(output: Output, problems: list[str]) -> None:
    check = ADAPTER.check
    assert check
    entries: dict[Name, Entry] = {
        mcp("a"): {"transport": "stdio", "command": "npx"},
        mcp("b c.d"): {"transport": "http", "url": "https://web.example/mcp"},
    }

    assert list(check.judge(ScopeKind.USER, [output], entries)) == problems
