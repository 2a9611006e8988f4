"""The guide to metadata syncs, carried out word by word: its settings, its commands, and what it promises of them."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.warehouses import KEYS, NAME, OBJECT, STATEMENTS, Reader, change

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/metadata.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    return [line.partition("#")[0].split()[1:] for line in block.splitlines() if line.startswith("syncctl")]


def carried_out(syncd: SyncdProcess, command: list[str]) -> subprocess.CompletedProcess[str]:
    done = syncd.ctl(*command)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


def settings(folder: Path) -> dict[str, Any]:
    """The guide's first ones, word by word, but for a clock that nobody wants to wait for; `STATEMENTS` are in the warehouse."""
    found = tomllib.loads(blocks("toml")[0])
    change(folder / found["connections"]["warehouse"]["path"], *STATEMENTS)
    found["syncs"][NAME]["refresh"]["check_every"] = "1s"
    return found


@pytest.mark.timeout(180)
def test_the_guide_leads_to_a_description_and_back_to_an_older_one(running: Running, tmp_path: Path) -> None:
    home = tmp_path / "syncd0"
    home.mkdir()
    syncd = running(settings(home))
    reader = Reader(syncd)
    using, (snapshots, diff, restore, refresh) = map(commands, blocks("shell"))
    first = reader.published()

    told = {command[1]: carried_out(syncd, command).stdout for command in using}
    change(home / "warehouse.duckdb", "ALTER TABLE orders DROP COLUMN amount")
    reader.published(lambda cache: cache != first)
    [older] = reader.snapshots()
    listed, differing = (carried_out(syncd, command).stdout for command in (snapshots, diff))
    carried_out(syncd, [*restore[:-1], older.id])
    restored, pinned = reader.published(), carried_out(syncd, ["metadata", "status", NAME]).stdout
    carried_out(syncd, refresh)
    last = reader.published()

    assert list(first) == KEYS
    assert json.loads(told["get"]) == first
    assert json.loads((home / "state/metadata" / OBJECT).read_bytes()) == last
    assert {"main.customers", "main.orders"} <= set(re.findall(r"main\.\w+", told["context"]))
    assert "deterministic" in told["status"]
    assert "nothing was ever replaced" in told["snapshots"]
    assert older.id in listed
    assert "main.orders.amount" in differing
    assert restored == first
    assert f"{older.id} was restored and holds" in pinned
    assert "amount" not in last["schema"]["main.orders"]["columns"]
