"""How long after an edit of one AI coding client the others have it, with and without asking their own programs first."""

import json
import os
import random
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

from tests.bench.daemon import Daemon
from tests.bench.report import Report
from tests.servers.clients.programs import bin_dir

EDITS = 200
EDITS_CHECKED = 40
SERVERS = 30
_LIMIT = 2.0
_PAUSES = (0.3, 1.0)
_LOOK_SECONDS = 0.005
_PATIENCE = 60.0
_SETTINGS = """
[syncs.ai]
engine = "clients"
validate_with = "{check}"
[syncs.ai.sides.claude]
client = "claude"
home = "{folder}/homes/claude"
[syncs.ai.sides.codex]
client = "codex"
home = "{folder}/homes/codex"
[syncs.ai.sides.qwen]
client = "qwen"
home = "{folder}/homes/qwen"
"""


def bench(folder: Path) -> Report:
    programs = bin_dir()
    path = {"PATH": os.pathsep.join([str(programs), str(programs.parent / "node"), os.environ["PATH"]])}
    report = Report(f"clients: edits of one server among {SERVERS} in Claude Code, until Codex and Qwen Code have it")
    for check, edits, limit in (("model", EDITS, _LIMIT), ("cli", EDITS_CHECKED, _LIMIT)):
        place = folder / check
        homes = place / "homes"
        for name in ("claude", "codex", "qwen"):
            (homes / name).mkdir(parents=True)
        _write(homes, 0)
        with Daemon(place / "daemon", _SETTINGS.format(check=check, folder=place), path):
            _until_there(homes, 0)
            seconds = list(_edits(homes, edits))
        cuts = quantiles(seconds, n=100, method="inclusive")
        found = f"p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s, max {max(seconds):.2f} s"
        what = "read back by syncd itself" if check == "model" else "looked at by the real programs first"
        report.bar(f"{edits} edits, {what}", found, f"p99 ≤ {limit:g} s", kept=cuts[98] <= limit)
    return report


def _edits(homes: Path, count: int) -> Iterator[float]:
    chance = random.Random(count)
    for number in range(1, count + 1):
        time.sleep(chance.uniform(*_PAUSES))
        _write(homes, number)
        yield _until_there(homes, number)


def _write(homes: Path, number: int) -> None:
    """What Claude Code holds: servers of which one says a number."""
    servers = {
        f"server-{place}": {"command": "npx", "args": ["-y", f"package-{place}"], "env": {"LEVEL": "info"}} for place in range(SERVERS)
    }
    servers["edited"] = {"command": "npx", "args": [f"n{number}"], "env": {}}
    new = homes / "claude/.claude.json.new"
    new.write_text(json.dumps({"theme": "dark", "mcpServers": servers}, indent=2))
    new.replace(homes / "claude/.claude.json")


def _until_there(homes: Path, number: int) -> float:
    """Seconds until both others say the number."""
    began = time.monotonic()
    while not (_codex(homes) == _qwen(homes) == [f"n{number}"]):
        if time.monotonic() - began > _PATIENCE:
            raise RuntimeError(f"edit {number} did not arrive within {_PATIENCE:.0f} s")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


def _codex(homes: Path) -> object:
    file = homes / "codex/.codex/config.toml"
    return tomllib.loads(file.read_text())["mcp_servers"]["edited"]["args"] if file.exists() else None


def _qwen(homes: Path) -> object:
    file = homes / "qwen/.qwen/settings.json"
    return json.loads(file.read_text())["mcpServers"]["edited"]["args"] if file.exists() else None
