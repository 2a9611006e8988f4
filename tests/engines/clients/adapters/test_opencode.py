"""OpenCode's files: the contract of all adapters, and where OpenCode is unlike the others."""

import json
from typing import Any, ClassVar

import pytest

from syncd.domain.unified import Entry, Kind, Name, Reference, Template
from syncd.engines.clients.adapters.opencode import ADAPTER
from syncd.kit.documents.jsonc import Jsonc
from syncd.ports.clients import Output, ScopeKind, Unwritable
from tests.contracts.client import ClientContract

USER, PROJECT = ScopeKind.USER, ScopeKind.PROJECT
CONFIG = "opencode.json"
SERVER = Name(Kind.MCP, "s")
STDIO: Entry = {"transport": "stdio", "command": "npx"}

USER_CONFIG = b"""\
{
  "$schema": "https://opencode.ai/config.json",
  // What may be done without asking.
  "permission": {
    "*": "allow",
    "bash": {
      "*": "ask", // everything else
      "git status *": "allow",
      "npm run*": "allow",
      "git diff": "allow",
      "rm *": "deny",
    },
    "edit": "ask",
    "read": { "~/.ssh/**": "deny" },
    "local_*": "allow",
  },
  "mcp": {
    "local": {
      "type": "local",
      "command": ["npx", "-y", "srv", "{env:API_KEY}"],
      "environment": { "LEVEL": "debug", "TOKEN": "{env:LOCAL_TOKEN}" },
      "cwd": "/srv",
      "enabled": true,
      "timeout": 5000,
    },
    "web": {
      "type": "remote", "url": "https://web.example/mcp",
      "headers": { "Authorization": "Bearer {env:WEB_TOKEN}", "X-Team": "core" },
      "oauth": false, "enabled": false,
    },
  },
}
"""
PROJECT_CONFIG = b'{"mcp": {"here": {"type": "local", "command": ["make", "serve"]}}, "permission": {"webfetch": "ask"}, "model": "m"}'
AGENTS = b"Be brief.\n\n# Style\n\nUse tabs.\n\n## Tests\n\n```sh\n# all\nmake test\n```\n"


class TestOpenCode(ClientContract):
    adapter = ADAPTER
    EXAMPLES: ClassVar = {
        USER: {".config/opencode/opencode.jsonc": USER_CONFIG, ".config/opencode/AGENTS.md": AGENTS},
        PROJECT: {CONFIG: PROJECT_CONFIG, "AGENTS.md": AGENTS},
    }


def said(permission: object) -> dict[str, str]:
    entries = ADAPTER.read(PROJECT, {CONFIG: json.dumps({"permission": permission}).encode()}).entries
    return {name.name: str(entry["decision"]) for name, entry in entries.items()}


def permission(subject: str, decision: str | None) -> dict[Name, Entry | None]:
    return {Name(Kind.PERMISSIONS, subject): {"decision": decision} if decision else None}


def edited(held: object, subject: str, decision: str | None) -> Any:
    content = json.dumps({"permission": held}).encode() if held is not None else b"{}"
    after = ADAPTER.write(PROJECT, {CONFIG: content}, permission(subject, decision)).get(CONFIG, content)
    return Jsonc(after or b"").value.get("permission")


@pytest.mark.parametrize(
    ("held", "means"),
    [
        pytest.param("ask", {}, id="one word for all, which is OpenCode's own"),
        pytest.param({"*": "ask", "edit": "allow"}, {"edit": "allow"}, id="one word for all others"),
        pytest.param({"edit": "allow", "*": "ask"}, {}, id="a word for all at the end overrides everything"),
        pytest.param({"bash": "deny"}, {"shell": "deny"}, id="a tool"),
        pytest.param({"bash": {"git *": "allow"}}, {"shell prefix git": "allow"}, id="a prefix"),
        pytest.param({"bash": {"git status": "allow"}}, {"shell exact git status": "allow"}, id="an exact command"),
        pytest.param({"bash": {"git status*": "ask"}}, {"shell glob git status*": "ask"}, id="a glob"),
        pytest.param({"bash": {"gi?": "deny"}}, {}, id="one letter of any kind, which others cannot say"),
        pytest.param({"bash": {"*": "ask", "ls *": "allow"}}, {"shell prefix ls": "allow"}, id="asking at first is what all clients do"),
        pytest.param({"bash": {"*": "allow", "rm *": "deny"}}, {"shell": "allow", "shell prefix rm": "deny"}, id="deny behind allow"),
        pytest.param({"bash": {"rm *": "deny", "*": "allow"}}, {"shell": "allow"}, id="a deny that a later allow overrides denies nothing"),
        pytest.param({"bash": {"git push *": "deny", "git *": "allow"}}, {"shell prefix git": "allow"}, id="a longer prefix overridden"),
        pytest.param({"bash": {"git *": "allow", "git pu?h": "deny"}}, {}, id="an allow with an exception that others cannot say"),
        pytest.param(
            {"bash": {"rm *": "deny", "rmdir *": "allow"}},
            {"shell prefix rm": "deny", "shell prefix rmdir": "allow"},
            id="words are whole words",
        ),
        pytest.param({"bash": {"*": "deny", "ls *": "allow"}}, {"shell prefix ls": "allow"}, id="denying all but something"),
        pytest.param(
            {"read": {"~/.ssh/**": "deny", "*.pem": "deny", "src/*.ts": "deny", ".env": "deny"}},
            {"read path ~/.ssh/**": "deny", "read path *.pem": "deny"},
            id="paths that mean the same everywhere",
        ),
        pytest.param({"webfetch": "ask", "websearch": "allow"}, {"fetch": "ask", "search": "allow"}, id="the web"),
        pytest.param(
            {"gh_*": "ask", "gh_drop_all": "deny"}, {"mcp server gh": "ask", "mcp tool gh/drop_all": "deny"}, id="tools of servers"
        ),
        pytest.param({"doom_loop": "deny", "external_directory": "ask", "task": "deny"}, {}, id="what is about no tool of others"),
        pytest.param({"b*": "allow"}, {}, id="a pattern of tools"),
        pytest.param({"bash": "deny", "b*": "allow"}, {}, id="a tool overridden by a pattern of tools"),
        pytest.param({"bash": {"ls *": "maybe"}, "edit": 1}, {}, id="what OpenCode refuses"),
    ],
)
def test_permissions_are_read_as_they_take_effect(held: object, means: dict[str, str]) -> None:
    assert said(held) == means


@pytest.mark.parametrize(
    ("held", "subject", "decision", "after"),
    [
        pytest.param(None, "shell", "ask", {"bash": "ask"}, id="the first of all"),
        pytest.param(None, "shell prefix git", "allow", {"bash": {"git *": "allow"}}, id="the first pattern"),
        pytest.param("ask", "edit", "deny", {"*": "ask", "edit": "deny"}, id="beside one word for all"),
        pytest.param({"*": "deny"}, "edit", "allow", {"*": "deny", "edit": "allow"}, id="beside one word for all others"),
        pytest.param({"bash": "ask"}, "shell prefix rm", "deny", {"bash": {"?*": "ask", "rm *": "deny"}}, id="deny behind the whole tool"),
        pytest.param(
            {"bash": "deny"}, "shell prefix ls", "allow", {"bash": {"ls *": "allow", "?*": "deny"}}, id="allow before the whole tool"
        ),
        pytest.param(
            {"bash": {"git push *": "deny"}},
            "shell prefix git",
            "allow",
            {"bash": {"git *": "allow", "git push *": "deny"}},
            id="allow before a deny that it would override",
        ),
        pytest.param(
            {"bash": {"*": "ask", "git *": "allow"}},
            "shell exact make",
            "allow",
            {"bash": {"*": "ask", "git *": "allow", "make": "allow"}},
            id="behind what is asked for otherwise",
        ),
        pytest.param({"bash": {"git *": "allow"}}, "shell prefix git", "deny", {"bash": {"git *": "deny"}}, id="another word in its place"),
        pytest.param(
            {"bash": {"git *": "allow", "git push *": "ask"}},
            "shell prefix git",
            "deny",
            {"bash": {"git push *": "ask", "git *": "deny"}},
            id="a stricter word moves behind",
        ),
        pytest.param(
            {"bash": {"rm *": "deny", "ls *": "allow"}},
            "shell",
            "ask",
            {"bash": {"ls *": "allow", "?*": "ask", "rm *": "deny"}},
            id="in order of strictness if there is no other way",
        ),
        pytest.param({"bash": {"git *": "allow"}}, "shell prefix git", None, None, id="the last of all goes with what holds it"),
    ],
)
def test_permissions_are_written_where_the_strictest_decides(held: object, subject: str, decision: str | None, after: object) -> None:
    found = edited(held, subject, decision)

    assert found == after
    assert json.dumps(found) == json.dumps(after)


@pytest.mark.parametrize(
    "held",
    [
        pytest.param({"bash": {"*": "deny", "git *": "allow"}}, id="everything but something is denied"),
        pytest.param({"bash": {"ls *": "ask"}, "*": "ask"}, id="one word at the end decides"),
        pytest.param({"bash": {"ma?e *": "deny"}}, id="a deny that only OpenCode understands"),
    ],
)
def test_an_allow_that_would_have_to_override_a_deny_is_refused(held: object) -> None:
    with pytest.raises(Unwritable):
        edited(held, "shell prefix make", "allow")


def test_a_rule_that_is_put_before_another_takes_a_line_of_its_own() -> None:
    content = b'{\n  "permission": {\n    "bash": {\n      // never\n      "git push *": "deny"\n    }\n  }\n}\n'

    after = ADAPTER.write(PROJECT, {CONFIG: content}, permission("shell prefix git", "allow"))[CONFIG]

    assert after == content.replace(b'      "git push *"', b'      "git *": "allow",\n      "git push *"')


@pytest.mark.parametrize(
    ("subject", "held"),
    [
        pytest.param("read path .env", "read path *.env", id="a name anywhere"),
        pytest.param("edit path ./secrets/**", "edit path secrets/**", id="a folder here"),
        pytest.param("shell glob git *", "shell prefix git", id="a glob that OpenCode reads as a prefix"),
    ],
)
def test_a_deny_may_cover_more_and_an_allow_may_not(subject: str, held: str) -> None:
    denied = ADAPTER.express(PROJECT, {Name(Kind.PERMISSIONS, subject): {"decision": "deny"}})
    allowed = ADAPTER.express(PROJECT, {Name(Kind.PERMISSIONS, subject): {"decision": "allow"}})

    assert denied.entries == permission(held, "deny")
    assert [loss.code for loss in denied.losses] == ["stricter"]
    assert allowed.entries == {}
    assert allowed.losses


def test_a_server_is_one_list_of_words() -> None:
    entry: Entry = {**STDIO, "args": ("-k", Template((Reference("K"),))), "env.A": "b", "tool_timeout": 2.5, "enabled": False}

    after = ADAPTER.write(PROJECT, {}, ADAPTER.express(PROJECT, {SERVER: entry}).entries)[CONFIG]

    assert json.loads(after or b"")["mcp"]["s"] == {
        "type": "local",
        "command": ["npx", "-k", "{env:K}"],
        "environment": {"A": "b"},
        "timeout": 2500,
        "enabled": False,
    }


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param({"transport": "sse", "url": "https://s.example/sse"}, "sse", id="server-sent events"),
        pytest.param({"transport": "ws", "url": "wss://s.example"}, "ws", id="a web socket"),
        pytest.param({**STDIO, "args": ("{file:~/.netrc}",)}, "looks_like_reference", id="text that would become a file"),
        pytest.param({**STDIO, "args": ("{env:HOME}",)}, "looks_like_reference", id="text that would become a variable"),
    ],
)
def test_a_server_that_would_be_another_one_is_left_out(entry: Entry, code: str) -> None:
    expressed = ADAPTER.express(USER, {SERVER: entry})

    assert expressed.entries == {}
    assert [(loss.name, loss.field, loss.code) for loss in expressed.losses] == [(SERVER, "", code)]


def test_a_server_that_takes_text_from_a_file_is_left_alone() -> None:
    files = {CONFIG: b'{"mcp": {"s": {"type": "local", "command": ["x", "{file:./token}"]}}}'}

    snapshot = ADAPTER.read(PROJECT, files)

    assert snapshot.entries == {}
    assert snapshot.notes == ("mcp/s is left alone: it takes text from a file",)
    with pytest.raises(Unwritable):
        ADAPTER.write(PROJECT, files, {SERVER: STDIO})


def test_the_file_with_comments_is_the_one_if_both_are_there() -> None:
    files = {CONFIG: b"{}", "opencode.jsonc": b"// mine\n{}"}

    assert set(ADAPTER.write(PROJECT, files, {SERVER: STDIO})) == {"opencode.jsonc"}
    assert ADAPTER.read(PROJECT, files).notes


SHOWN = {
    "permission": {"*": "allow", "bash": {"*": "ask", "git status *": "allow", "npm run*": "allow", "git diff": "allow", "rm *": "deny"}}
    | {"edit": "ask", "read": {"~/.ssh/**": "deny"}, "local_*": "allow"},
    "mcp": {
        "local": {
            "type": "local",
            "command": ["npx", "-y", "srv", ""],
            "environment": {"LEVEL": "debug", "TOKEN": ""},
            "cwd": "/srv",
            "enabled": True,
            "timeout": 5000,
        },
        "web": {
            "type": "remote",
            "url": "https://web.example/mcp",
            "headers": {"Authorization": "***", "X-Team": "***"},
            "oauth": False,
            "enabled": False,
        },
    },
}


def judged(shown: object, code: int = 0, stderr: str = "") -> list[str]:
    assert ADAPTER.check
    entries = ADAPTER.read(USER, {".config/opencode/opencode.jsonc": USER_CONFIG}).entries
    return list(ADAPTER.check.judge(USER, [Output(code, json.dumps(shown), stderr)], entries))


def test_a_view_that_says_the_same_is_fine() -> None:
    assert judged(SHOWN) == []


def test_what_opencode_reads_as_something_else_is_a_problem_without_its_values() -> None:
    other = json.loads(json.dumps(SHOWN))
    other["mcp"]["local"]["cwd"] = "/s3cret"
    del other["permission"]["edit"]

    assert sorted(judged(other)) == ["OpenCode does not see permissions/edit", "OpenCode reads mcp/local differently: cwd"]


def test_permissions_are_not_compared_where_opencode_hides_a_part_of_them() -> None:
    hidden = json.loads(json.dumps(SHOWN))
    hidden["permission"]["read"]["~/.ssh/**"] = "***"

    assert judged(hidden) == []


def test_what_opencode_refuses_is_told_by_its_place_alone() -> None:
    stderr = 'Error: Configuration is invalid at /x/opencode.json\n↳ Expected array, got "s3cret" mcp.x.command\n'

    assert judged({}, code=1, stderr=stderr) == ["OpenCode refuses the configuration: mcp.x.command"]


def test_the_copy_asks_for_no_files() -> None:
    assert ADAPTER.check

    staged = ADAPTER.check.stage(PROJECT, {CONFIG: b'{"agent": {"a": {"prompt": "{file:./a.md}"}}}'})

    assert b"{file:" not in staged.files[f"work/{CONFIG}"]
