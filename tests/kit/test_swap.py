"""A file is replaced only if it is still what one has read."""

import os
import stat
from pathlib import Path

import pytest

from syncd.kit.swap import Moved, digest, prepared, removed, swap


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_bytes(b"old")
    path.chmod(0o640)
    return path


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_the_new_content_is_there_with_the_mode_of_the_old_file(file: Path) -> None:
    swapped = swap(file, prepared(file, b"new"), digest(b"old"))

    assert swapped.forget()
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert names(file) == ["settings.json"]


def test_what_somebody_else_has_written_stays(file: Path) -> None:
    new = prepared(file, b"new")
    file.write_bytes(b"theirs")

    with pytest.raises(Moved):
        swap(file, new, digest(b"old"))

    assert file.read_bytes() == b"theirs"


def test_what_is_written_into_the_old_file_after_it_was_replaced_is_noticed_and_can_be_taken_back(file: Path) -> None:
    late = os.open(file, os.O_WRONLY | os.O_TRUNC)
    os.write(late, b"old")
    swapped = swap(file, prepared(file, b"new"), digest(b"old"))
    os.pwrite(late, b"theirs", 0)
    os.close(late)

    assert not swapped.forget()
    swapped.take_back()

    assert file.read_bytes() == b"theirs"


def test_a_new_file_is_made_only_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new.json"

    swap(path, prepared(path, b"ours"), "")
    with pytest.raises(Moved):
        swap(path, prepared(path, b"again"), "")

    assert path.read_bytes() == b"ours"


def test_a_file_is_taken_away_only_if_it_is_what_one_has_read(file: Path) -> None:
    with pytest.raises(Moved):
        removed(file, digest(b"something else"))
    before = names(file)

    removed(file, digest(b"old")).forget()

    assert before == ["settings.json"]
    assert names(file) == []
