"""Real files of other people, edited, as the real programs read them: those of the folder `SYNCD_CORPUS`, none without it."""

import asyncio
import os
from pathlib import Path

import pytest

from syncd import catalogue
from syncd.domain.unified import Entries, Entry, Kind, Name
from syncd.engines.clients.validating import look_through
from syncd.ports.clients import Files, ScopeKind
from tests.contracts.client import corpus, homes, origins
from tests.servers.clients.programs import bin_dir

CLIENTS = ("claude", "codex", "gemini", "opencode", "qwen")
ADDED: dict[Name, Entry] = {
    Name(Kind.MCP, "corpus-added"): {"transport": "stdio", "command": "npx", "args": ("-y", "added")},
    Name(Kind.RULES, "Corpus Added"): {"text": "# Corpus Added\n\n- tabs"},
    Name(Kind.PERMISSIONS, "shell prefix corpus-added run"): {"decision": "deny"},
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("client", "real"), [(client, real) for client in CLIENTS for real in corpus(client)], ids=lambda each: getattr(each, "name", each)
)
def test_the_real_program_has_nothing_against_an_edited_file_that_it_had_not_before(
    client: str, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = bin_dir()
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), str(programs.parent / "node"), os.defpath]))
    adapter, content = catalogue.client(client), real.read_bytes()
    scope, path = homes(adapter, origins().get(f"{client}/{real.name}", real.name))[0]
    before = adapter.read(scope, {path: content})
    if before.unreadable:
        return
    wanted = {name: entry for name, entry in ADDED.items() if adapter.express(scope, {name: entry}).entries}
    removed = dict.fromkeys(list(before.entries)[:1])

    for edit in (wanted, removed):
        changed = adapter.write(scope, {path: content}, edit)
        files = {each: text for each, text in {path: content, **changed}.items() if text is not None}
        meant = {name: entry for name, entry in {**before.entries, **edit}.items() if entry is not None}
        known = said_by(client, scope, {path: content}, before.entries)
        assert [problem for problem in said_by(client, scope, files, meant) if problem not in known] == []


def said_by(client: str, scope: ScopeKind, files: Files, entries: Entries) -> list[str]:
    check = catalogue.client(client).check
    assert check
    return asyncio.run(look_through(check, scope, (files, entries), 60))
