import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.api_docs import DOCUMENT, document

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "proto"


def generated(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*_pb2*.py*")) if path.suffix != ".pyc"}


def test_the_committed_code_of_the_wire_is_what_its_definitions_give(tmp_path: Path) -> None:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    subprocess.run([sys.executable, "-m", "tools.generate", str(tmp_path)], cwd=ROOT, env=os.environ | {"PATH": tools}, check=True)

    made, committed = generated(tmp_path), generated(COMMITTED)
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == [], "run `make proto`"


def test_the_manual_of_the_api_is_what_its_definitions_give() -> None:
    assert DOCUMENT.read_text() == document(), "run `make proto`"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("  string mode = 2;", "  string mode = 22;", id="a number"),
        pytest.param("  string mode = 2;", "  int32 mode = 2;", id="a type"),
        pytest.param("  string mode = 2;", "", id="a field that is gone"),
        pytest.param("rpc GetRun(GetRunRequest)", "rpc FetchRun(GetRunRequest)", id="a call"),
    ],
)
def test_a_change_that_breaks_old_clients_is_found(tmp_path: Path, before: str, after: str) -> None:
    changed = tmp_path / "proto"
    shutil.copytree(COMMITTED, changed, ignore=shutil.ignore_patterns("*.py*"))
    file = changed / "syncapi" / "v1" / "control.proto"
    file.write_text(file.read_text().replace(before, after))
    buf = Path(sys.executable).with_name("buf")

    ran = subprocess.run([buf, "breaking", changed, "--against", COMMITTED / "released.binpb"], capture_output=True, text=True, check=False)

    assert (ran.returncode, "control.proto" in ran.stdout) == (100, True), ran.stderr
