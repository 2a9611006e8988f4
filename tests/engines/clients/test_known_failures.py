"""What other tools do wrong with these files, each as a test that we do not."""

import json
import tomllib
from collections.abc import Mapping

import pytest

from syncd import catalogue
from syncd.domain.permission import Decision
from syncd.domain.unified import Entry, Kind, Name, Reference, Template
from syncd.ports.clients import Files, ScopeKind

USER = ScopeKind.USER
TOKEN = Reference("TOKEN")
A = Name(Kind.MCP, "a")
REMOTE: Entry = {"transport": "http", "url": "https://example.com/mcp", "headers.Authorization": Template(("Bearer ", TOKEN))}
LOCAL: Entry = {"transport": "stdio", "command": "npx", "env.TOKEN": Template((TOKEN,))}


def brought(client: str, entries: Mapping[Name, Entry], files: Files | None = None) -> dict[str, bytes]:
    """The files of a client once it has got some entries, as far as it can hold them."""
    adapter, before = catalogue.client(client), dict(files or {})
    changed = adapter.write(USER, before, dict(adapter.express(USER, entries).entries))
    return {path: content for path, content in {**before, **changed}.items() if content is not None}


@pytest.mark.parametrize("client", ["qwen", "gemini"])
def test_a_comment_that_the_client_accepts_is_no_reason_to_stop_and_stays(client: str) -> None:
    path = f".{client}/settings.json"
    before = b'{\n  // mine\n  "mcpServers": {\n    "mine": {"command": "x"} // and this\n  }\n}\n'

    after = brought(client, {A: LOCAL}, {path: before})[path]

    assert b"// mine" in after
    assert b'"mine": {"command": "x"}' in after
    assert b"// and this" in after
    assert set(catalogue.client(client).read(USER, {path: after}).entries) == {A, Name(Kind.MCP, "mine")}


def test_qwen_gets_http_under_the_name_that_means_http_there() -> None:
    server = json.loads(brought("qwen", {A: REMOTE})[".qwen/settings.json"])["mcpServers"]["a"]

    assert server["httpUrl"] == "https://example.com/mcp"
    assert "url" not in server


def test_codex_gets_names_of_variables_and_no_text_that_it_would_take_literally() -> None:
    text = brought("codex", {A: LOCAL, Name(Kind.MCP, "b"): REMOTE})[".codex/config.toml"].decode()
    servers = tomllib.loads(text)["mcp_servers"]

    assert "$" not in text
    assert servers["a"]["env_vars"] == ["TOKEN"]
    assert servers["b"]["bearer_token_env_var"] == "TOKEN"
    assert not {"headers", "type"} & set(servers["b"])


@pytest.mark.parametrize("client", sorted(catalogue.client_kinds()))
def test_a_server_that_is_off_is_never_marked_by_a_member_that_the_client_ignores(client: str) -> None:
    entries: dict[Name, Entry] = {A: {"transport": "stdio", "command": "npx", "enabled": False}}

    files = brought(client, entries)

    assert not any(b'"disabled"' in content for content in files.values())
    held = catalogue.client(client).read(USER, files).entries
    assert A not in held or held[A].get("enabled") is False


def test_rovo_dev_keeps_its_default_and_gets_no_globs() -> None:
    before = (
        b"toolPermissions:\n  default: ask\n  bash:\n    default: ask\n    commands:\n      - command: ^ls$\n        permission: allow\n"
    )
    rules = {Name(Kind.PERMISSIONS, "shell prefix git status"): {"decision": "allow"}}

    after = brought("acli", rules, {".rovodev/config.yml": before})[".rovodev/config.yml"]

    assert after.startswith(before)
    assert b"git *" not in after
    assert b"^git" in after


def test_a_denied_glob_does_not_become_a_rule_about_the_star() -> None:
    rules = {
        Name(Kind.PERMISSIONS, "shell glob rm -rf *"): {"decision": "deny"},
        Name(Kind.PERMISSIONS, "shell prefix rm"): {"decision": "allow"},
    }

    expressed = catalogue.client("codex").express(USER, rules)

    assert not any("*" in name.name for name in expressed.entries)
    assert all(entry["decision"] != Decision.ALLOW.value for entry in expressed.entries.values())
    assert "deny_not_expressible" in {loss.code for loss in expressed.losses}


@pytest.mark.parametrize("client", ["claude", "codex", "qwen", "gemini", "opencode"])
def test_what_the_user_wrote_himself_is_still_there(client: str) -> None:
    adapter = catalogue.client(client)
    mine = brought(client, {Name(Kind.MCP, "mine"): {"transport": "stdio", "command": "x"}})

    after = brought(client, {A: LOCAL}, mine)

    assert set(adapter.read(USER, after).entries) == {A, Name(Kind.MCP, "mine")}
