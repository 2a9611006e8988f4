"""Qwen Code's files, beyond what every adapter promises."""

import json
from collections.abc import Mapping
from typing import ClassVar

import pytest

from syncd.domain.unified import Entry, Kind, Name, Reference, Template
from syncd.engines.clients.adapters.qwen import ADAPTER
from syncd.ports.clients import Adapter, Files, Output, ScopeKind
from tests.contracts.client import ClientContract, written

_PATH = ".qwen/settings.json"
_SETTINGS = """{
  // written by hand
  "$version": 4,
  "mcpServers": {
    "github": {
      "httpUrl": "https://api.example/mcp", /* streamable */
      "headers": { "Authorization": "Bearer $GITHUB_TOKEN" },
      "timeout": 2500,
      "discoveryTimeoutMs": 10000,
      "trust": true
    },
    "files": {
      "command": "npx",
      "args": [
        "-y", // no questions
        "server-files"
      ],
      "cwd": "/srv",
      "env": { "KEY": "${FILES_KEY}", "LITERAL": "${FILES_KEY:-x}" },
      "includeTools": ["write", "read"],
      "type": "http"
    },
    "events": { "url": "https://events.example/sse" },
    "off": { "command": "off" }
  },
  "mcp": { "excluded": ["off", "test-*"] },
  "permissions": {
    "allow": ["Bash(git *)", "WebFetch(docs.example)", "Agent(x)"],
    "deny": [
      "Read(.env)",
      "mcp__files__write"
    ]
  },
  "ui": { "theme": "dark" }
}
"""
_MAIN = "Speak plainly.\n\n# Style\n\n- Tabs.\n\n## Tests\n\nRun them.\n"


def mcp(name: str) -> Name:
    return Name(Kind.MCP, name)


def may(subject: str) -> Name:
    return Name(Kind.PERMISSIONS, subject)


class TestQwen(ClientContract):
    adapter: ClassVar[Adapter] = ADAPTER
    EXAMPLES: ClassVar[Mapping[ScopeKind, Files]] = {
        ScopeKind.USER: {
            _PATH: _SETTINGS.encode(),
            ".qwen/QWEN.md": _MAIN.encode(),
            ".qwen/rules/types.md": b"---\npaths: ['src/*.ts']\n---\nNo `any`.\n",
        },
        ScopeKind.PROJECT: {
            _PATH: _SETTINGS.replace("  ", "\t").rstrip().encode(),
            "QWEN.md": _MAIN.encode(),
        },
    }


def test_servers_are_read_in_the_words_of_nobody() -> None:
    entries = ADAPTER.read(ScopeKind.USER, {_PATH: _SETTINGS.encode()}).entries

    assert entries[mcp("github")] == {
        "transport": "http",
        "url": "https://api.example/mcp",
        "headers.Authorization": Template(("Bearer ", Reference("GITHUB_TOKEN"))),
        "tool_timeout": 2.5,
        "startup_timeout": 10,
    }
    assert entries[mcp("files")] == {
        "transport": "stdio",
        "command": "npx",
        "args": ("-y", "server-files"),
        "cwd": "/srv",
        "env.KEY": Template((Reference("FILES_KEY"),)),
        "env.LITERAL": "${FILES_KEY:-x}",
        "tools.allow": ("read", "write"),
    }
    assert entries[mcp("events")] == {"transport": "sse", "url": "https://events.example/sse"}


def test_http_is_never_written_as_what_the_client_takes_for_sse() -> None:
    after = written(ADAPTER, ScopeKind.USER, {}, {mcp("a"): {"transport": "http", "url": "https://a.example/mcp"}})

    assert json.loads(after[_PATH]) == {"mcpServers": {"a": {"httpUrl": "https://a.example/mcp"}}}


def test_a_default_value_is_given_up_and_told() -> None:
    entry: Entry = {"transport": "stdio", "command": "x", "env.A": Template((Reference("A", "fast"),))}

    expressed = ADAPTER.express(ScopeKind.USER, {mcp("a"): entry})

    assert expressed.entries == {mcp("a"): {**entry, "env.A": Template((Reference("A"),))}}
    assert [(loss.field, loss.code) for loss in expressed.losses] == [("env.A", "default")]


def test_a_server_is_switched_off_in_the_list_of_names() -> None:
    files = {_PATH: _SETTINGS.encode()}
    entry = ADAPTER.read(ScopeKind.USER, files).entries[mcp("events")]

    after = written(ADAPTER, ScopeKind.USER, files, {mcp("events"): {**entry, "enabled": False}})[_PATH].decode()

    assert after == _SETTINGS.replace('["off", "test-*"]', '["off", "test-*", "events"]')


def test_a_server_is_switched_on_again() -> None:
    files = {_PATH: _SETTINGS.encode()}

    after = written(ADAPTER, ScopeKind.USER, files, {mcp("off"): {"transport": "stdio", "command": "off"}})[_PATH].decode()

    assert after == _SETTINGS.replace('["off", "test-*"]', '["test-*"]')


def test_a_server_that_goes_leaves_no_name_behind() -> None:
    after = written(ADAPTER, ScopeKind.USER, {_PATH: _SETTINGS.encode()}, {mcp("off"): None})[_PATH].decode()

    assert '"off"' not in after


@pytest.mark.parametrize(
    ("mcp_settings", "note"),
    [
        pytest.param({"excluded": ["a*"]}, "mcp/abc is off: a pattern of mcp.excluded fits it", id="a pattern"),
        pytest.param({"allowed": ["x"]}, "mcp/abc is off: mcp.allowed does not name it", id="a list of others"),
    ],
)
def test_what_else_switches_a_server_off_is_told(mcp_settings: Mapping[str, object], note: str) -> None:
    content = json.dumps({"mcpServers": {"abc": {"command": "x"}}, "mcp": mcp_settings}).encode()

    snapshot = ADAPTER.read(ScopeKind.USER, {_PATH: content})

    assert snapshot.entries == {mcp("abc"): {"transport": "stdio", "command": "x"}}
    assert snapshot.notes == (note,)


def test_a_server_whose_other_members_win_is_not_edited_into_another_one() -> None:
    content = b'{"mcpServers": {"a": {"httpUrl": "https://a.example", "url": "https://b.example", "x": 1}}}'

    after = written(ADAPTER, ScopeKind.USER, {_PATH: content}, {mcp("a"): {"transport": "stdio", "command": "c"}})

    assert json.loads(after[_PATH]) == {"mcpServers": {"a": {"x": 1, "command": "c"}}}


def test_hosts_stand_without_a_word_before_them() -> None:
    after = written(ADAPTER, ScopeKind.USER, {}, {may("fetch domain a.example"): {"decision": "deny"}})

    assert json.loads(after[_PATH]) == {"permissions": {"deny": ["WebFetch(a.example)"]}}


def test_a_comment_beside_what_is_edited_stays() -> None:
    files = {_PATH: _SETTINGS.encode()}
    entry = ADAPTER.read(ScopeKind.USER, files).entries[mcp("github")]

    after = written(ADAPTER, ScopeKind.USER, files, {mcp("github"): {**entry, "url": "https://api.example/v2", "tool_timeout": 3}})

    assert after[_PATH].decode() == _SETTINGS.replace("api.example/mcp", "api.example/v2").replace("2500", "3000")


def test_a_trailing_comma_is_unreadable() -> None:
    assert list(ADAPTER.read(ScopeKind.USER, {_PATH: b'{"mcpServers": {},}'}).unreadable) == [_PATH]


class TestCheck:
    def test_nothing_that_is_staged_starts_or_reaches_anything(self) -> None:
        staged = ADAPTER.check.stage(ScopeKind.USER, {_PATH: _SETTINGS.encode()}).files[f"project/{_PATH}"].decode()

        assert "// written by hand" in staged
        assert "npx" not in staged
        assert ".example/" not in staged
        assert "theme" not in staged
        assert '"github"' in staged

    def test_a_listing_with_all_servers_is_fine(self) -> None:
        listing = (
            "Configured MCP servers:\n\n\x1b[33m…\x1b[0m github: http://127.0.0.1:9/ (http) - Pending\n✗ files: false  (stdio) - Off\n"
        )

        entries: Mapping[Name, Entry] = {mcp("github"): {"transport": "http"}, mcp("files"): {"transport": "stdio"}}

        assert ADAPTER.check.judge(ScopeKind.USER, [Output(0, listing, "")], entries) == []

    def test_a_server_that_the_client_takes_for_sse_is_a_problem(self) -> None:
        listing = "● github: http://127.0.0.1:9/ (sse) - Pending approval\n"

        problems = ADAPTER.check.judge(ScopeKind.USER, [Output(0, listing, "")], {mcp("github"): {"transport": "http"}})

        assert problems == ["mcp/github: the client does not list it as http"]

    def test_a_file_that_the_client_threw_away_is_a_problem(self) -> None:
        problems = ADAPTER.check.judge(
            ScopeKind.USER, [Output(0, "No MCP servers configured.\n", "")], {mcp("github"): {"transport": "http"}}
        )

        assert problems == ["mcp/github: the client does not list it as http"]
