"""Files become new together, or none does, whatever happens in between."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.engines.clients.deploying import ClientBusy, Journal, Replacement
from syncd.kit.swap import Moved

NAMES = ["a.json", "b.toml", "c.md", "deep/d.json"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    for name in NAMES[:3]:
        (home / name).write_bytes(f"old {name}".encode())
    return home


def replacements(folder: Path) -> list[Replacement]:
    """Three files change, one is new."""
    changes = [Replacement(folder / name, f"old {name}".encode(), f"new {name}".encode()) for name in NAMES[:3]]
    return [*changes, Replacement(folder / NAMES[3], None, b"new deep/d.json")]


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


OLD = {name: f"old {name}" for name in NAMES[:3]}
NEW = {name: f"new {name}" for name in NAMES}


def test_all_files_become_new(folder: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")

    number = journal.deploy(replacements(folder))
    restored = Journal(tmp_path / "journal").recover(committed=number)

    assert restored == []
    assert contents(folder) == NEW


def test_a_deployment_that_was_not_committed_is_undone(folder: Path, tmp_path: Path) -> None:
    Journal(tmp_path / "journal").deploy(replacements(folder))

    Journal(tmp_path / "journal").recover(committed="another one")

    assert contents(folder) == OLD
    assert not (folder / "deep").exists()


def test_undoing_leaves_alone_what_somebody_has_written_since(folder: Path, tmp_path: Path) -> None:
    Journal(tmp_path / "journal").deploy(replacements(folder))
    (folder / "b.toml").write_text("theirs")

    Journal(tmp_path / "journal").recover(committed="")

    assert contents(folder) == OLD | {"b.toml": "theirs"}


def test_one_file_that_has_moved_on_keeps_all_as_they_were(folder: Path, tmp_path: Path) -> None:
    (folder / "c.md").write_text("theirs")

    with pytest.raises(Moved):
        Journal(tmp_path / "journal").deploy(replacements(folder))

    assert contents(folder) == OLD | {"c.md": "theirs"}


def test_a_link_stays_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (folder / "a.json").rename(tmp_path / "dotfiles" / "a.json")
    (folder / "a.json").symlink_to(tmp_path / "dotfiles" / "a.json")

    Journal(tmp_path / "journal").deploy(replacements(folder))

    assert (folder / "a.json").is_symlink()
    assert (tmp_path / "dotfiles" / "a.json").read_text() == "new a.json"


def test_a_file_is_replaced_only_while_we_hold_the_lock_of_its_client(folder: Path, tmp_path: Path) -> None:
    lock = folder / ".a.json.lock"
    lock.mkdir()

    with pytest.raises(ClientBusy):
        Journal(tmp_path / "journal").deploy([Replacement(folder / "a.json", b"old a.json", b"new", lock)])
    before = contents(folder)
    os.utime(lock, (1, 1))
    Journal(tmp_path / "journal").deploy([Replacement(folder / "a.json", b"old a.json", b"new", lock)])

    assert before == OLD
    assert (folder / "a.json").read_text() == "new"
    assert not lock.exists()


STRIDE = 1 if os.environ.get("SYNCD_SOAK") else 3
"""`make soak` kills at every step, `make test` at every third."""
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.engines.clients.test_deploying import replacements
from syncd.engines.clients.deploying import Journal
left = int(sys.argv[3])
def hook(event, arguments):
    global left
    if event in ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "ctypes.call_function", "shutil.rmtree", "tempfile.mkstemp"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
journal, chosen = Journal(Path(sys.argv[1])), replacements(Path(sys.argv[2]))
sys.addaudithook(hook)
journal.deploy(chosen)
journal.clear()
"""


def killed_at(step: int, folder: Path, journal: Path) -> bool:
    """Deploy in a process that is killed at its nth step; answers whether it was."""
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "daemon")])}
    ended = subprocess.run([sys.executable, "-c", KILLED, str(journal), str(folder), str(step)], env=environment, check=False)
    return ended.returncode == -signal.SIGKILL


@pytest.mark.timeout(300)
def test_killed_at_any_step_all_files_are_old_or_all_are_new(tmp_path: Path) -> None:
    step, seen = 0, set()
    while True:
        step += STRIDE
        home = tmp_path / f"home{step}"
        home.mkdir()
        for name in NAMES[:3]:
            (home / name).write_bytes(f"old {name}".encode())
        if not killed_at(step, home, tmp_path / f"journal{step}"):
            break

        Journal(tmp_path / f"journal{step}").recover(committed="")

        found = contents(home)
        assert found in (OLD, NEW), f"killed at step {step}: {found}"
        seen.add(found == NEW)
    assert step > 30
    assert False in seen
