"""A state folder that cannot be used is refused with what is wrong with it, and left as it is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from syncd.domain.errors import PermanentError, SyncdError, TransientError
from syncd.runtime.state_folder import alone
from tests.system.disks import can_mount, disk

STRANGER = 65534
MEGABYTES = [1] if can_mount() else []


def refusal(folder: Path) -> SyncdError:
    with pytest.raises(SyncdError) as refused, alone(folder):
        pass
    return refused.value


@contextmanager
def somebody_else() -> Iterator[int]:
    """Be a user without rights for a while; who is one already stays so."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(STRANGER)
    try:
        yield os.geteuid()
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("megabytes", MEGABYTES)
def test_a_read_only_disk_is_refused(tmp_path: Path, megabytes: int) -> None:
    with disk(tmp_path / "state", megabytes) as state:
        state.protect()

        refused = refusal(state.path)

    assert isinstance(refused, PermanentError)
    assert (refused.code, str(refused)) == ("ledger.unwritable", f"{tmp_path / 'state'} cannot be used: Read-only file system")
    assert "remount,rw" in refused.hint


@pytest.mark.parametrize("megabytes", MEGABYTES)
def test_a_full_disk_is_refused_for_now(tmp_path: Path, megabytes: int) -> None:
    with disk(tmp_path / "state", megabytes) as state:
        state.fill()

        refused = refusal(state.path)
        state.free()
        with alone(state.path):
            pass

    assert isinstance(refused, TransientError)
    assert (refused.code, str(refused)) == ("ledger.full", f"{tmp_path / 'state'} cannot be used: No space left on device")


def test_a_folder_of_somebody_else_is_refused_with_both_names() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)

        with somebody_else() as user:
            refused = refusal(folder)

    assert refused.code == "ledger.unwritable"
    assert f"it belongs to uid {os.geteuid()} with mode 555, and syncd runs as uid {user}" in str(refused)
    assert f"uid {user}" in refused.hint


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)

    refused = refusal(tmp_path)

    assert (refused.code, refused.hint) == ("ledger.insecure", f"chmod o-w {tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_a_second_daemon_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    with alone(tmp_path):
        refused = refusal(tmp_path)

    assert refused.code == "daemon.second"
    assert f"process {os.getpid()}" in str(refused)
