"""A new AI coding client costs three files. The steps of `docs/adding-a-client.md` are carried out on a copy of the checkout."""

import json
from pathlib import Path

import pytest

from tests.rules.test_cost_of_change import before, carried_out, files, run
from tests.system.harness import SyncdProcess
from tests.system.waiting import until

__all__ = ["before"]

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def after(before: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The copy with the new client; processes that are started import from it."""
    carried_out(before, "docs/adding-a-client.md", "CLIENTS = {\n")
    monkeypatch.setenv("PYTHONPATH", str(before / "daemon"))
    return before


def test_a_new_client_touches_three_files(before: Path) -> None:
    held = files(before)

    carried_out(before, "docs/adding-a-client.md", "CLIENTS = {\n")

    touched = sorted(str(path) for path, content in files(before).items() if held.get(path) != content)
    assert touched == [
        "daemon/syncd/catalogue.py",
        "daemon/syncd/engines/clients/adapters/cursor.py",
        "tests/engines/clients/adapters/test_cursor.py",
    ]


def test_the_new_client_keeps_the_contract_and_is_written_as_the_house_writes(after: Path) -> None:
    written = ("daemon/syncd/engines/clients/adapters/cursor.py", "tests/engines/clients/adapters/test_cursor.py")

    results = [
        run(after, "pytest", "-q", "tests/engines/clients/adapters/test_cursor.py"),
        run(after, "ruff", "check", *written),
        run(after, "ruff", "format", "--check", *written),
        run(after, "mypy", "-p", "syncd.engines.clients.adapters.cursor"),
    ]

    assert [result.returncode for result in results] == [0, 0, 0, 0], "".join(result.stdout for result in results)


def test_the_new_client_is_kept_in_step_with_the_others(after: Path, tmp_path: Path) -> None:
    claude, cursor = tmp_path / "claude/.claude.json", tmp_path / "cursor/.cursor/mcp.json"
    claude.parent.mkdir()
    (tmp_path / "cursor").mkdir()
    claude.write_text(json.dumps({"mcpServers": {"a": {"command": "npx", "env": {"TOKEN": "${TOKEN}"}}}}))
    sides = {name: {"client": name, "home": tmp_path / name} for name in ("claude", "cursor")}

    with SyncdProcess(tmp_path / "d", {"syncs": {"ai": {"engine": "clients", "validate_with": "model", "sides": sides}}}):
        until(cursor.exists, "Cursor has a file")

    assert json.loads(cursor.read_text())["mcpServers"] == {"a": {"command": "npx", "env": {"TOKEN": "${env:TOKEN}"}}}
