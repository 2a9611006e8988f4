"""The files of the log: sequence, torn ends, and how much is kept."""

import os
import stat
from pathlib import Path

import pytest

from syncd.observe.logbook.segments import Segments, listed
from tests.observe.logbook.shelf import bodies, body, on_disk, read_back, read_on, sequences, written


def test_the_sequence_goes_on_over_restarts(tmp_path: Path) -> None:
    written(tmp_path / "logs", bodies(1, 3))

    again = written(tmp_path / "logs", bodies(4, 5), bodies(6, 6))

    assert again.head == 6
    assert on_disk(tmp_path / "logs") == [1, 2, 3, 4, 5, 6]


def test_a_line_torn_at_any_byte_is_cut_off_and_its_sequence_is_given_to_the_next(tmp_path: Path) -> None:
    written(tmp_path, bodies(1, 3))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1

    for size in range(last, len(whole)):
        file.write_bytes(whole[:size])
        written(tmp_path, [body(9)])

        assert on_disk(tmp_path) == [1, 2, 3]
        assert read_back(tmp_path, 3)[0].event == "event 9"


@pytest.mark.parametrize(
    ("left", "head"),
    [
        pytest.param(b"", 0, id="nothing"),
        pytest.param(b"\0" * 5000, 0, id="zeros"),
        pytest.param(b'{"sequence":12,"rec', 0, id="a part of the first line"),
        pytest.param(b'{"sequence":1,"record":{"timestamp":"2026-07-01T12:00:00Z","event":"a"}}\n\0\0\n\0', 1, id="zeros behind a line"),
    ],
)
def test_what_a_crash_left_is_cut_back_to_the_last_whole_line(tmp_path: Path, left: bytes, head: int) -> None:
    (tmp_path / f"{1:018}.jsonl").write_bytes(left)

    segments = written(tmp_path, [body(1)])

    assert segments.head == head + 1
    assert on_disk(tmp_path) == list(range(1, head + 2))


def test_the_sequence_goes_on_behind_a_newest_file_that_holds_nothing(tmp_path: Path) -> None:
    written(tmp_path, bodies(1, 3))
    (tmp_path / f"{4:018}.jsonl").touch()

    segments = written(tmp_path, [body(4)])

    assert (segments.head, on_disk(tmp_path)) == (4, [1, 2, 3, 4])


def test_no_more_is_kept_than_there_is_room_for_and_the_oldest_files_go_first(tmp_path: Path) -> None:
    keep = 1 << 20
    batches = [bodies(first, first + 99, text="x" * 100) for first in range(1, 20_000, 100)]

    segments = written(tmp_path, *batches, keep=keep)

    kept = on_disk(tmp_path)
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert keep * 0.85 < size <= keep
    assert kept == list(range(kept[0], segments.head + 1))
    assert (kept[0], segments.head) == (listed(tmp_path)[0], 20_000)
    assert kept[0] > 1


def test_only_the_daemon_and_its_group_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        written(tmp_path / "logs", [body(1)])
    finally:
        os.umask(before)

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "logs", *(tmp_path / "logs").iterdir())]
    assert modes == [0o750, 0o640]


def test_opening_again_tells_how_much_of_a_broken_write_is_there(tmp_path: Path) -> None:
    segments = Segments(tmp_path, 1 << 20)
    segments.open()
    segments.append(bodies(1, 2))
    segments.close()
    (file,) = tmp_path.iterdir()
    with file.open("ab") as torn:  # as a disk leaves it that is full in the middle of three lines
        torn.write(b'{"sequence":3,"record":{"timestamp":"2026-07-01T12:00:00Z","event":"event 3"}}\n{"sequence":4,"rec')

    there = segments.open()
    segments.append(bodies(3, 5)[there:])
    segments.close()

    assert there == 1
    records, missing = read_on(tmp_path, 0, 5)
    assert [record.event for record in records] == [f"event {number}" for number in range(1, 6)]
    assert (sequences(records), missing) == ([1, 2, 3, 4, 5], [])
