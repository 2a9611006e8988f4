import os
import subprocess
import sys
from pathlib import Path

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
