"""Claude Code's files, beyond what every adapter promises."""

import json
from collections.abc import Mapping
from typing import ClassVar

import pytest

from syncd.domain.unified import Entry, Kind, Name, Reference, Template
from syncd.engines.clients.adapters.claude import ADAPTER
from syncd.ports.clients import Adapter, Files, Output, ScopeKind, Unwritable
from tests.contracts.client import ClientContract, written

_STATE = """{
  "numStartups": 12,
  "userID": "0f3a",
  "mcpServers": {
    "github": {
      "type": "http",
      "url": "https://api.example/mcp",
      "headers": {
        "Authorization": "Bearer ${GITHUB_TOKEN}"
      },
      "headersHelper": "~/bin/headers"
    },
    "files": {
      "type": "stdio",
      "command": "npx",
      "args": ["-y", "server-files", "${HOME:-/root}"],
      "env": { "DEBUG": "1", "KEY": "${FILES_KEY}" }
    },
    "docs": {
      "type": "streamable-http",
      "url": "https://docs.example/mcp",
      "alwaysAllow": ["search"]
    },
    "nowhere": {
      "url": "https://untyped.example/mcp"
    }
  },
  "projects": {
    "/srv/shop": { "hasTrustDialogAccepted": true, "mcpServers": {} }
  }
}
"""
_PROJECT = """{
\t"mcpServers": {
\t\t"db": {"command": "uvx", "args": ["server-db"], "env": {"DSN": "${DSN}"}},
\t\t"events": {"type": "sse", "url": "https://events.example/sse", "timeout": 5000},
\t\t"broken": {"command": "x", "args": "y"}
\t},
\t"_note": "kept"
}"""
_SETTINGS = """{
  "model": "opus",
  "permissions": {
    "allow": [
      "Bash(git status)",
      "Bash(git log:*)",
      "Bash(npm run *)",
      "Bash(git * main)",
      "Read(~/.zshrc)",
      "WebFetch(domain:docs.example)",
      "mcp__github",
      "mcp__files__read_file",
      "Skill(deploy)",
      "WebSearch"
    ],
    "ask": ["Bash(git push:*)"],
    "deny": ["Read(./.env)", "Edit(/secrets/**)", "Bash(curl:*)"],
    "defaultMode": "acceptEdits"
  },
  "hooks": {}
}
"""
_MAIN = """Speak plainly.

# Style

- Tabs, not spaces.

## Tests

Run `make check`.

```sh
# not a heading
```
"""
_SCOPED = """---
# who it is for
paths:
  - "src/**/*.ts"
description: Types
---

# Types

No `any`.
"""


def mcp(name: str) -> Name:
    return Name(Kind.MCP, name)


def may(subject: str) -> Name:
    return Name(Kind.PERMISSIONS, subject)


class TestClaude(ClientContract):
    adapter: ClassVar[Adapter] = ADAPTER
    EXAMPLES: ClassVar[Mapping[ScopeKind, Files]] = {
        ScopeKind.USER: {
            ".claude.json": _STATE.encode(),
            ".claude/settings.json": _SETTINGS.encode(),
            ".claude/CLAUDE.md": _MAIN.encode(),
            ".claude/rules/types.md": _SCOPED.encode(),
            ".claude/rules/plain.md": b"Be kind.\n",
        },
        ScopeKind.PROJECT: {
            ".mcp.json": _PROJECT.encode(),
            ".claude/settings.json": _SETTINGS.encode(),
            "CLAUDE.md": _MAIN.encode(),
            ".claude/rules/types.md": _SCOPED.encode(),
        },
    }


def test_servers_are_read_in_the_words_of_nobody() -> None:
    entries = ADAPTER.read(ScopeKind.USER, {".claude.json": _STATE.encode()}).entries

    assert entries[mcp("github")] == {
        "transport": "http",
        "url": "https://api.example/mcp",
        "headers.Authorization": Template(("Bearer ", Reference("GITHUB_TOKEN"))),
    }
    assert entries[mcp("files")]["args"] == ("-y", "server-files", Template((Reference("HOME", "/root"),)))
    assert entries[mcp("docs")] == {"transport": "http", "url": "https://docs.example/mcp"}


def test_a_server_that_the_client_skips_is_told_and_not_read() -> None:
    snapshot = ADAPTER.read(ScopeKind.USER, {".claude.json": _STATE.encode()})

    assert mcp("nowhere") not in snapshot.entries
    assert any("nowhere" in note for note in snapshot.notes)


def test_a_server_of_wrong_types_stays_and_is_never_overwritten() -> None:
    files = {".mcp.json": _PROJECT.encode()}

    snapshot = ADAPTER.read(ScopeKind.PROJECT, files)

    assert mcp("broken") not in snapshot.entries
    assert snapshot.notes == ("mcp/broken is left alone: args is no list of texts",)
    with pytest.raises(Unwritable):
        ADAPTER.write(ScopeKind.PROJECT, files, {mcp("broken"): {"transport": "stdio", "command": "z"}})


def test_notes_hold_no_values() -> None:
    files = {".mcp.json": b'{"mcpServers": {"a": {"command": "x", "env": {"KEY": ["hunter2"]}}, "b": "hunter2"}}'}

    notes = ADAPTER.read(ScopeKind.PROJECT, files).notes

    assert len(notes) == 2
    assert "hunter2" not in "".join(notes)


@pytest.mark.parametrize(
    ("rule", "subject"),
    [
        pytest.param("Bash", "shell", id="the whole shell"),
        pytest.param("Bash(*)", "shell", id="any command"),
        pytest.param("Bash(git status)", "shell exact git status", id="one command"),
        pytest.param("Bash(git status:*)", "shell prefix git status", id="a prefix with a colon"),
        pytest.param("Bash(git status *)", "shell prefix git status", id="a prefix with a blank"),
        pytest.param("Bash(git * main)", "shell glob git * main", id="a pattern in the middle"),
        pytest.param("Bash(npm run test*)", "shell glob npm run test*", id="a pattern inside a word"),
        pytest.param("Bash(echo (a) b)", "shell exact echo (a) b", id="parentheses in a command"),
        pytest.param("Read", "read", id="reading at all"),
        pytest.param("Read(//etc/**)", "read path //etc/**", id="reading below a folder"),
        pytest.param("Edit(src/*.ts)", "edit path src/*.ts", id="editing some files"),
        pytest.param("WebFetch(domain:a.example)", "fetch domain a.example", id="one host"),
        pytest.param("WebSearch", "search", id="searching"),
        pytest.param("mcp__files", "mcp server files", id="a server"),
        pytest.param("mcp__files__*", "mcp server files", id="a server with a star"),
        pytest.param("mcp__my_server__read_file", "mcp tool my_server/read_file", id="a tool of a server"),
    ],
)
def test_a_rule_is_read_as_its_subject(rule: str, subject: str) -> None:
    files = {".claude/settings.json": json.dumps({"permissions": {"ask": [rule]}}).encode()}

    assert ADAPTER.read(ScopeKind.USER, files).entries == {may(subject): {"decision": "ask"}}


@pytest.mark.parametrize(
    "rule",
    [
        "Write(x)",
        "Skill(deploy)",
        "bash(ls)",
        "Bash()",
        "Bash(",
        "Bash(git * :*)",
        "WebFetch(https://a.example)",
        "mcp__*",
        "mcp__a__b*",
        "",
    ],
)
def test_a_rule_without_words_for_it_is_not_read_and_stays(rule: str) -> None:
    content = json.dumps({"permissions": {"allow": [rule, 7]}}).encode()

    after = written(ADAPTER, ScopeKind.USER, {".claude/settings.json": content}, {may("search"): {"decision": "allow"}})

    assert ADAPTER.read(ScopeKind.USER, {".claude/settings.json": content}).entries == {}
    assert json.loads(after[".claude/settings.json"]) == {"permissions": {"allow": [rule, 7, "WebSearch"]}}


def test_of_one_rule_in_two_lists_the_strictest_counts_and_a_note_says_so() -> None:
    files = {".claude/settings.json": b'{"permissions": {"allow": ["Bash(rm:*)"], "deny": ["Bash(rm *)"]}}'}

    snapshot = ADAPTER.read(ScopeKind.USER, files)

    assert snapshot.entries == {may("shell prefix rm"): {"decision": "deny"}}
    assert snapshot.notes == ("'shell prefix rm' is also in the list 'allow'; 'deny' counts",)


def test_a_new_decision_moves_one_element() -> None:
    files = {".claude/settings.json": _SETTINGS.encode()}

    after = written(ADAPTER, ScopeKind.USER, files, {may("shell prefix git push"): {"decision": "deny"}})

    expected = _SETTINGS.replace('["Bash(git push:*)"]', "[]").replace('"Bash(curl:*)"]', '"Bash(curl:*)", "Bash(git push:*)"]')
    assert after[".claude/settings.json"].decode() == expected


def test_a_server_that_is_off_is_left_out_and_never_marked_as_disabled() -> None:
    entry: Entry = {"transport": "stdio", "command": "x", "enabled": False}

    expressed = ADAPTER.express(ScopeKind.USER, {mcp("a"): entry})

    assert expressed.entries == {}
    assert [(loss.field, loss.code) for loss in expressed.losses] == [("", "enabled")]


def test_denied_tools_become_denied_permissions() -> None:
    entry: Entry = {"transport": "stdio", "command": "x", "tools.deny": ("drop", "wipe")}

    expressed = ADAPTER.express(ScopeKind.USER, {mcp("my db"): entry, may("mcp tool my_db/drop"): {"decision": "allow"}})

    assert expressed.entries == {
        mcp("my db"): {"transport": "stdio", "command": "x"},
        may("mcp tool my_db/drop"): {"decision": "deny"},
        may("mcp tool my_db/wipe"): {"decision": "deny"},
    }


def test_a_server_with_few_tools_is_not_allowed_as_a_whole() -> None:
    entry: Entry = {"transport": "stdio", "command": "x", "tools.allow": ("look",)}

    expressed = ADAPTER.express(ScopeKind.USER, {mcp("db"): entry, may("mcp server db"): {"decision": "allow"}})

    assert expressed.entries == {mcp("db"): {"transport": "stdio", "command": "x"}, may("mcp tool db/look"): {"decision": "allow"}}
    assert {(str(loss.name), loss.code) for loss in expressed.losses} == {
        ("mcp/db", "tools.allow"),
        ("permissions/mcp server db", "tools.allow"),
    }


def test_text_that_the_client_would_replace_cannot_be_written() -> None:
    entry: Entry = {"transport": "stdio", "command": "x", "env.A": "${NOT_MEANT}"}

    expressed = ADAPTER.express(ScopeKind.USER, {mcp("a"): entry})

    assert expressed.entries == {}
    assert [loss.code for loss in expressed.losses] == ["looks_like_reference"]


def test_one_edit_in_the_clients_own_state_touches_one_line() -> None:
    files = {".claude.json": _STATE.encode()}
    entry = dict(ADAPTER.read(ScopeKind.USER, files).entries[mcp("github")])

    after = written(ADAPTER, ScopeKind.USER, files, {mcp("github"): {**entry, "url": "https://api.example/v2"}})

    assert after[".claude.json"].decode() == _STATE.replace("api.example/mcp", "api.example/v2")


def test_from_one_transport_to_another_what_is_not_understood_stays() -> None:
    files = {".claude.json": _STATE.encode()}

    after = written(ADAPTER, ScopeKind.USER, files, {mcp("docs"): {"transport": "stdio", "command": "docs", "args": ("-v",)}})

    server = json.loads(after[".claude.json"])["mcpServers"]["docs"]
    assert server == {"alwaysAllow": ["search"], "command": "docs", "args": ["-v"]}


@pytest.mark.parametrize("damaged", [b'{"mcpServers": {} // no\n}', b'{"mcpServers": {},}'], ids=["a comment", "a comma too many"])
def test_what_the_client_cannot_parse_is_unreadable(damaged: bytes) -> None:
    assert list(ADAPTER.read(ScopeKind.PROJECT, {".mcp.json": damaged}).unreadable) == [".mcp.json"]


def test_rules_go_where_the_only_main_file_is() -> None:
    hidden = {".claude/CLAUDE.md": b"# Style\n\nTabs.\n"}
    rule: Mapping[Name, Entry] = {Name(Kind.RULES, "Tests"): {"text": "# Tests\n\nMany."}}

    assert list(ADAPTER.write(ScopeKind.PROJECT, hidden, rule)) == [".claude/CLAUDE.md"]
    assert list(ADAPTER.write(ScopeKind.PROJECT, {**hidden, "CLAUDE.md": b"Hello.\n"}, rule)) == ["CLAUDE.md"]
    assert list(ADAPTER.write(ScopeKind.PROJECT, {}, rule)) == ["CLAUDE.md"]


def test_paths_of_a_rule_file_are_edited_inside_its_front_matter() -> None:
    files = {".claude/rules/types.md": _SCOPED.encode()}
    name = Name(Kind.RULES, "file/types")
    entry: Entry = {"text": "# Types\n\nNo `any`.", "paths": ("src/**/*.ts", "lib/*.ts")}

    after = written(ADAPTER, ScopeKind.USER, files, {name: entry})[".claude/rules/types.md"].decode()

    assert ADAPTER.read(ScopeKind.USER, {".claude/rules/types.md": after.encode()}).entries == {name: entry}
    assert "# who it is for\n" in after
    assert "description: Types\n---\n\n# Types\n\nNo `any`.\n" in after


def test_paths_may_be_one_text_with_commas() -> None:
    files = {".claude/rules/a.md": b"---\npaths: src/**/*.{ts,tsx}, lib/*.js\n---\nText.\n"}

    entry = ADAPTER.read(ScopeKind.USER, files).entries[Name(Kind.RULES, "file/a")]

    assert entry == {"text": "Text.", "paths": ("src/**/*.{ts,tsx}", "lib/*.js")}


@pytest.mark.parametrize("name", ["file/../../.zshrc", "file/a/b", "file/.hidden", "file/a\nb", "file/"])
def test_a_rule_never_leaves_its_folder(name: str) -> None:
    rule: Mapping[Name, Entry] = {Name(Kind.RULES, name): {"text": "x"}}

    assert ADAPTER.express(ScopeKind.USER, rule).entries == {}
    with pytest.raises(Unwritable):
        ADAPTER.write(ScopeKind.USER, {}, rule)


def test_a_rule_file_that_begins_like_front_matter_reads_back() -> None:
    rule: Mapping[Name, Entry] = {Name(Kind.RULES, "file/odd"): {"text": "---\npaths: x\n---\nText."}}

    after = written(ADAPTER, ScopeKind.USER, {}, rule)

    assert ADAPTER.read(ScopeKind.USER, after).entries == rule


def test_removing_a_rule_file_removes_the_file() -> None:
    files = {".claude/rules/plain.md": b"Be kind.\n"}

    assert ADAPTER.write(ScopeKind.USER, files, {Name(Kind.RULES, "file/plain"): None}) == {".claude/rules/plain.md": None}


def test_the_users_state_is_edited_under_the_clients_own_lock() -> None:
    locks = {spec.pattern: spec.lock for spec in ADAPTER.files(ScopeKind.USER)}

    assert locks[".claude.json"] == ".claude.json.lock"


class TestCheck:
    def test_only_servers_and_permissions_are_staged(self) -> None:
        files = {".claude.json": _STATE.encode(), ".claude/settings.json": _SETTINGS.encode()}

        staged = ADAPTER.check.stage(ScopeKind.USER, files).files

        assert set(json.loads(staged["project/.mcp.json"])) == {"mcpServers"}
        assert set(json.loads(staged["home/.claude/settings.json"])) == {"permissions"}

    def test_a_projects_file_is_staged_as_it_is(self) -> None:
        assert ADAPTER.check.stage(ScopeKind.PROJECT, {".mcp.json": _PROJECT.encode()}).files["project/.mcp.json"] == _PROJECT.encode()

    def test_a_listing_with_all_servers_is_fine(self) -> None:
        listing = "db: uvx server-db - ⏸ Pending approval\nmy docs: https://d.example (HTTP) - ⏸ Pending approval\n"
        entries: Mapping[Name, Entry] = {mcp("db"): {"transport": "stdio"}, mcp("my docs"): {"transport": "http"}}

        assert ADAPTER.check.judge(ScopeKind.PROJECT, [Output(0, listing, ""), Output(0, "", "")], entries) == []

    def test_a_server_that_is_not_listed_is_a_problem(self) -> None:
        listing = "db-two: uvx server-db - ⏸ Pending approval\n"

        problems = ADAPTER.check.judge(ScopeKind.PROJECT, [Output(0, listing, ""), Output(0, "", "")], {mcp("db"): {"transport": "stdio"}})

        assert problems == ["mcp/db: the client does not list it as stdio"]

    def test_a_server_that_is_listed_with_another_transport_is_a_problem(self) -> None:
        listing = "docs: https://d.example (SSE) - ⏸ Pending approval\n"

        problems = ADAPTER.check.judge(ScopeKind.PROJECT, [Output(0, listing, ""), Output(0, "", "")], {mcp("docs"): {"transport": "http"}})

        assert problems == ["mcp/docs: the client does not list it as http"]

    def test_an_error_is_a_problem_without_its_secrets_and_a_warning_is_none(self) -> None:
        listing = "MCP config diagnostics\n[Error] mcpServers.a: bad hunter2\n[Warning] [a] Missing environment variables: T\na: x - ⏸\n"
        entries: Mapping[Name, Entry] = {mcp("a"): {"transport": "stdio", "env.K": "hunter2"}}

        problems = ADAPTER.check.judge(ScopeKind.PROJECT, [Output(0, listing, ""), Output(0, "", "")], entries)

        assert problems == ["claude mcp list: mcpServers.a: bad …"]

    def test_a_skipped_rule_is_a_problem_if_it_is_ours(self) -> None:
        doctor = (
            "Invalid settings\n"
            '- settings.json › permissions.allow: Invalid permission rule "mcp__*" was skipped: no\n'
            '- settings.json › permissions.deny: Invalid permission rule "Bash(ls:*)" was skipped: no\n'
        )
        entries: Mapping[Name, Entry] = {may("shell prefix ls"): {"decision": "deny"}}

        problems = ADAPTER.check.judge(ScopeKind.USER, [Output(0, "", ""), Output(0, doctor, "")], entries)

        assert problems == ["permissions/shell prefix ls: the client skips the rule"]
