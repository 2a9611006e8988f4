"""A new target costs three files. The steps of `docs/adding-a-target.md` are carried out on a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo import shop
from tests.system.harness import SyncdProcess

ROOT = Path(__file__).resolve().parents[2]
STEP = re.compile(r"^## \d+\. `(?P<file>[^`]+)`$.*?^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
CONNECTORS = "CONNECTORS = {\n"
COPIED = ("daemon", "tests", "tools", "pyproject.toml")

pytestmark = pytest.mark.timeout(180)


def files(root: Path) -> dict[Path, bytes]:
    """Everything in a checkout that people write."""
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def carried_out(checkout: Path, document: str = "docs/adding-a-target.md", beginning: str = CONNECTORS) -> None:
    """Write what each step of a document tells to write; a line for the catalogue goes behind its `beginning`."""
    for step in STEP.finditer((ROOT / document).read_text()):
        path = checkout / step["file"]
        if path.exists():
            path.write_text(path.read_text().replace(beginning, beginning + step["code"]))
        else:
            path.write_text(step["code"])


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A copy of the checkout."""
    checkout = tmp_path / "checkout"
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, checkout / name)
    return checkout


@pytest.fixture
def after(before: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The copy with the new target; processes that are started import from it."""
    carried_out(before)
    monkeypatch.setenv("PYTHONPATH", str(before / "daemon"))
    return before


def run(checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MYPYPATH": os.pathsep.join([str(checkout), str(checkout / "daemon")])}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_a_new_target_touches_three_files(before: Path) -> None:
    held = files(before)

    carried_out(before)

    touched = sorted(str(path) for path, content in files(before).items() if held.get(path) != content)
    assert touched == ["daemon/syncd/catalogue.py", "daemon/syncd/connectors/jsonfile.py", "tests/connectors/test_jsonfile.py"]


def test_the_new_target_keeps_the_contract(after: Path) -> None:
    result = run(after, "pytest", "-q", "tests/connectors/test_jsonfile.py", "tests/rules/test_catalogue.py", "-k", "JsonFile or jsonfile")

    assert result.returncode == 0, result.stdout
    assert "passed" in result.stdout


def test_the_new_target_is_written_as_the_house_writes(after: Path) -> None:
    written = ("daemon/syncd/connectors/jsonfile.py", "daemon/syncd/catalogue.py", "tests/connectors/test_jsonfile.py")

    results = [
        run(after, "ruff", "check", *written),
        run(after, "ruff", "format", "--check", *written),
        run(after, "mypy", "-p", "syncd.connectors.jsonfile"),
    ]

    assert [result.returncode for result in results] == [0, 0, 0], "".join(result.stdout for result in results)


def test_rows_are_synced_into_the_new_target(after: Path, tmp_path: Path) -> None:
    shop.create(tmp_path / "shop.duckdb", rows=300)

    with SyncdProcess(tmp_path / "d", settings(tmp_path)) as syncd:
        full = syncd.ctl("full", "products")
        shop.delete(tmp_path / "shop.duckdb", [7, 8])
        incremental = syncd.ctl("incremental", "products")
        replace = syncd.ctl("full", "products", "-p", "replace=true")
        verify = syncd.ctl("verify", "products")

    assert [result.returncode for result in (full, incremental, replace, verify)] == [0, 0, 0, 0], verify.stderr
    assert "300 stored" in full.stdout
    assert "2 deleted" in incremental.stdout
    assert "298" in verify.stdout


def settings(folder: Path) -> dict[str, Any]:
    return {
        "connections": {
            "shop": {"kind": "duckdb", "path": folder / "shop.duckdb"},
            "search": {"kind": "jsonfile", "path": folder / "search.json"},
        },
        "syncs": {
            "products": {
                "engine": "search",
                "manual": True,
                "source": {
                    "connection": "shop",
                    "table": shop.TABLE,
                    "key": ["id"],
                    "watermark": shop.WATERMARK,
                    "deletions": {"soft": shop.DELETED},
                },
                "target": {"connection": "search", "index": "products"},
            }
        },
    }
