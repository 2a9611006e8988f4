import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.kit.files import Lock, LockHeld, write_atomically

HOLD = """
import sys
from pathlib import Path
from syncd.kit.files import Lock
with Lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_holds_the_process_id(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_second_holder_is_told_who_has_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"

        with pytest.raises(LockHeld) as caught, Lock(path):
            pass

        assert caught.value.pid == other.pid
        assert str(caught.value) == f"{path} is locked by the process {other.pid}"


def test_a_lock_is_free_once_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
        other.wait()

        with Lock(path):
            assert path.read_text() == f"{os.getpid()}\n"


def test_a_lock_can_be_taken_again_after_it_was_left(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock"):
        pass

    with Lock(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()


def test_a_shorter_process_id_replaces_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("12345678901\n")

    with Lock(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_child_process_does_not_inherit_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    waits = [sys.executable, "-c", "import sys; print('began', flush=True); sys.stdin.read()"]
    with Lock(path):
        child = subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, close_fds=False)
        assert child.stdout is not None
        assert child.stdout.readline() == "began\n"

    with child, Lock(path):
        assert child.poll() is None


def test_a_file_is_replaced_as_a_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")

    write_atomically(path, b"new", mode=0o640)

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [child.name for child in tmp_path.iterdir()] == ["file"]


def test_a_reader_who_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with path.open("rb") as reader:
        write_atomically(path, b"new")

        assert reader.read() == b"old"


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()

    with pytest.raises(IsADirectoryError):
        write_atomically(path, b"new")

    assert [child.name for child in tmp_path.iterdir()] == ["folder"]
