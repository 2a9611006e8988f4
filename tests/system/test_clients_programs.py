"""The daemon lets the clients' own programs look at what they are to get, before any file is replaced."""

import os
from pathlib import Path

import pytest

from tests.servers.clients.programs import bin_dir
from tests.system.conftest import Running
from tests.system.homes import Home, ai
from tests.system.waiting import until

SERVER = {"command": "npx", "args": ["-y", "server"]}
STUBBORN = """#!/bin/sh
if [ "$1" = "--version" ]; then echo "codex-cli 0.169.0"; exit 0; fi
if grep -q "command = .bad." "$CODEX_HOME/config.toml"; then echo "Error: this server is not to my taste" >&2; exit 1; fi
exec "{real}" "$@"
"""


@pytest.fixture
def homes(tmp_path: Path) -> list[Home]:
    found = [Home(tmp_path / name, name) for name in ("claude", "codex", "qwen")]
    for home in found:
        home.folder.mkdir()
    return found


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real programs are on the `PATH` of the daemon."""
    folder = bin_dir()
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), str(folder.parent / "node"), os.environ["PATH"]]))
    return folder


@pytest.mark.timeout(900)
def test_the_real_programs_agree_with_what_they_get(running: Running, homes: list[Home], programs: Path) -> None:
    claude, codex, qwen = homes
    claude.put("a", SERVER)
    syncd = running(ai(homes, validate_with="cli"))

    until(lambda: codex.servers() == qwen.servers() == {"a": SERVER}, "the server has come over")
    listed = [syncd.ctl("clients", "list", "--side", name).stdout for name in ("codex", "qwen")]

    assert "0.169.0" in listed[0]
    assert "0.24.4" in listed[1]
    assert not any("problem" in text or "note" in text for text in listed), listed


@pytest.mark.timeout(900)
def test_a_client_that_does_not_take_it_is_stopped_and_the_others_go_on(
    running: Running, homes: list[Home], programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claude, codex, qwen = homes
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/codex").write_text(STUBBORN.format(real=programs / "codex"))
    (tmp_path / "bin/codex").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]))
    claude.put("good", SERVER)
    syncd = running(ai(homes, validate_with="cli"))
    until(lambda: set(codex.servers()) == set(qwen.servers()) == {"good"}, "the good server has come over")
    before = codex.file.read_bytes()

    claude.put("worse", {"command": "bad"})
    until(lambda: "worse" in qwen.servers(), "the others go on")
    listed = syncd.ctl("clients", "list").stdout
    stopped = codex.file.read_bytes()
    claude.drop("worse")
    claude.put("better", SERVER)
    until(lambda: set(codex.servers()) == {"good", "better"}, "Codex takes part again")

    assert stopped == before
    assert "stopped" in listed
    assert "not to my taste" in listed
