"""Every feature from every client to every other one: what arrives, what cannot, and that nothing is lost without a word."""

import asyncio
import os

import pytest

from syncd import catalogue
from syncd.domain.unified import Entries, Entry, Kind, Name
from syncd.engines.clients.validating import look_through
from syncd.ports.clients import Adapter, Files, ScopeKind
from tests.engines.clients.features import FEATURES
from tests.servers.clients.programs import bin_dir

CLIENTS = sorted(catalogue.client_kinds())
WITH_PROGRAMS = ("claude", "codex", "gemini", "opencode", "qwen")
USER = ScopeKind.USER

LOSSES: dict[str, dict[str, str]] = {
    "sse": {"codex": "sse", "opencode": "sse"},
    "ws": {"acli": "ws", "codex": "ws", "gemini": "ws", "opencode": "ws", "qwen": "ws"},
    "same_name": {"acli": "reference"},
    "renamed": {"acli": "reference", "codex": "renamed_reference"},
    "default": {"acli": "reference", "codex": "default", "opencode": "default", "qwen": "default"},
    "in_args": {"acli": "secret_in_args", "codex": "secret_in_args"},
    "bearer": {"acli": "reference"},
    "header": {"acli": "reference"},
    "cwd": {"acli": "cwd", "claude": "cwd"},
    "off": {"claude": "enabled"},
    "allowed_tools": {"acli": "tools.allow", "claude": "tools.allow", "opencode": "tools.allow"},
    "denied_tools": {"acli": "tools.deny", "claude": "tools.deny", "opencode": "tools.deny"},
    "startup": dict.fromkeys(("acli", "claude", "gemini", "opencode"), "startup_timeout"),
    "timeout": {"acli": "tool_timeout", "claude": "tool_timeout"},
    "description": dict.fromkeys(("acli", "claude", "codex", "opencode"), "description"),
    "paths": dict.fromkeys(("acli", "codex", "gemini", "opencode"), "paths"),
    "imports": dict.fromkeys(("acli", "codex", "opencode"), "imports"),
    "exact_allow": {"codex": "allow_not_expressible"},
    "exact_ask": {"codex": "stricter"},
    "exact_deny": {"codex": "stricter"},
    **{
        f"{subject}_{decision}": dict.fromkeys(clients, f"{decision}_not_expressible")
        for subject, clients in {
            "glob": ("codex",),
            "regex": ("claude", "codex", "opencode", "qwen"),
            "read_path": ("acli", "codex", "gemini", "opencode"),
            "edit_path": ("acli", "codex", "gemini", "opencode"),
            "domain": ("acli", "codex", "gemini", "opencode"),
            "mcp_server": ("acli", "codex"),
            "mcp_tool": ("acli", "codex"),
        }.items()
        for decision in ("allow", "ask", "deny")
    },
}
# Patterns of paths mean another thing to OpenCode: what limits them is about every file there.
for limit in ("read_path_ask", "read_path_deny", "edit_path_ask", "edit_path_deny"):
    LOSSES[limit]["opencode"] = "stricter"
"""Feature -> client -> code of the loss. What is not named here arrives whole."""


def written(adapter: Adapter, entries: Entries) -> Files:
    """The files of a client that has nothing but some entries."""
    return {path: content for path, content in adapter.write(USER, {}, dict(entries)).items() if content is not None}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("feature", FEATURES)
def test_what_a_client_cannot_hold_is_what_the_matrix_says(feature: str, client: str) -> None:
    expressed = catalogue.client(client).express(USER, FEATURES[feature])

    lost = sorted({loss.code for loss in expressed.losses})
    assert lost == [code for code in [LOSSES.get(feature, {}).get(client)] if code]
    assert lost or expressed.entries == FEATURES[feature]


@pytest.mark.parametrize("source", CLIENTS)
@pytest.mark.parametrize("target", CLIENTS)
def test_each_feature_that_both_know_arrives_whole(source: str, target: str) -> None:
    giving, taking = catalogue.client(source), catalogue.client(target)
    for feature, entries in FEATURES.items():
        if LOSSES.get(feature, {}).get(source):
            continue

        read = giving.read(USER, written(giving, entries)).entries
        expressed = taking.express(USER, read)
        found = taking.read(USER, written(taking, expressed.entries)).entries

        assert read == entries, f"{feature} in {source}"
        assert found == expressed.entries, f"{feature} from {source} to {target}"
        assert expressed.losses or found == entries, f"{feature} from {source} to {target}"


def everything(target: str) -> dict[Name, Entry]:
    """Every feature from every client, in names of their own, as one client can hold it."""
    union: dict[Name, Entry] = {}
    for source in CLIENTS:
        giving = catalogue.client(source)
        for feature, entries in FEATURES.items():
            if not feature.endswith(("_ask", "_deny")):
                for name, entry in giving.read(USER, written(giving, giving.express(USER, entries).entries)).entries.items():
                    union[Name(name.kind, f"{source}-{name.name}") if name.kind is Kind.MCP else name] = entry
    return dict(catalogue.client(target).express(USER, union).entries)


def said_by(client: str, files: Files, entries: Entries, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the real program has against some files."""
    programs = bin_dir()
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), str(programs.parent / "node"), os.defpath]))
    check = catalogue.client(client).check
    assert check
    return asyncio.run(look_through(check, USER, (files, entries), 60))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("client", WITH_PROGRAMS)
def test_the_real_client_reads_everything_from_everybody_as_it_was_meant(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, entries = catalogue.client(client), everything(client)

    problems = said_by(client, written(adapter, entries), entries, monkeypatch)

    assert problems == []
    assert len(entries) > 50


@pytest.mark.timeout(900)
@pytest.mark.parametrize("client", WITH_PROGRAMS)
def test_the_real_client_is_not_content_with_a_file_that_lacks_a_server(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = catalogue.client(client)
    there = {Name(Kind.MCP, "there"): FEATURES["stdio"][Name(Kind.MCP, "f-stdio")]}
    meant = {**there, Name(Kind.MCP, "missing"): FEATURES["http"][Name(Kind.MCP, "f-http")]}

    problems = said_by(client, written(adapter, there), meant, monkeypatch)

    assert any("missing" in problem for problem in problems), problems
