"""Reading the log in both directions, beside whoever writes it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.domain.log import Level, LogFilter
from syncd.observe.logbook.lines import LONGEST, fitting
from syncd.observe.logbook.reading import forwards
from syncd.observe.logbook.segments import listed, path
from syncd.ports.logs import Place
from tests.observe.logbook.shelf import ALL, bodies, body, read_back, read_on, sequences, written

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """3000 records in several files; every tenth is about a sync."""
    batches = [
        [
            body(number, text="x" * 300, **({"sync": "shop", "level": "error"} if number % 10 == 0 else {}))
            for number in range(first, first + 50)
        ]
        for first in range(1, 3001, 50)
    ]
    written(tmp_path, *batches, keep=8 << 20)
    assert len(listed(tmp_path)) > 1
    return tmp_path


@pytest.mark.parametrize("behind", [0, 1, 49, 50, 1499, 2998, 2999])
def test_a_reader_gets_everything_behind_its_cursor_once_and_in_order(folder: Path, behind: int) -> None:
    records, missing = read_on(folder, behind, 3000)

    assert sequences(records) == list(range(behind + 1, 3001))
    assert missing == []


def test_the_newest_come_first_backwards(folder: Path) -> None:
    assert sequences(read_back(folder, 3000)) == list(range(3000, 0, -1))


def test_both_directions_find_the_same(folder: Path) -> None:
    wanted = LogFilter(sync="shop", least=Level.ERROR, since=NOON + timedelta(microseconds=1000), until=NOON + timedelta(microseconds=2001))

    records, _ = read_on(folder, 0, 3000, wanted)

    assert sequences(records) == list(range(1000, 2001, 10))
    assert read_back(folder, 3000, wanted) == records[::-1]


def test_what_is_written_but_not_published_is_not_read(folder: Path) -> None:
    records, _ = read_on(folder, 2900, 2950)

    assert sequences(records) == list(range(2901, 2951))
    assert sequences(read_back(folder, 2950))[:2] == [2950, 2949]


def test_files_that_went_are_told_as_missing(folder: Path) -> None:
    first, second, *_ = listed(folder)
    path(folder, first).unlink()

    records, missing = read_on(folder, 10, 3000)

    assert missing == [second - 11]
    assert sequences(records) == list(range(second, 3001))


def test_lines_that_were_damaged_are_told_as_missing_and_the_rest_is_read(folder: Path) -> None:
    file = path(folder, listed(folder)[0])
    lines = file.read_bytes().splitlines(keepends=True)
    lines[4] = b"\xff" * 40 + b"\r\xff\n"
    lines[7] = lines[7][:30] + b"\n"
    file.write_bytes(b"".join(lines))

    records, missing = read_on(folder, 0, 3000)

    assert missing == [1, 1]
    assert sequences(records) == [number for number in range(1, 3001) if number not in {5, 8}]
    assert read_back(folder, 3000) == records[::-1]


def test_a_log_whose_files_are_all_gone_is_missing_as_a_whole(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()

    assert read_on(folder, 100, 3000) == ([], [2900])
    assert read_back(folder, 3000) == []


def test_a_reader_at_the_end_stays_where_it_is(folder: Path) -> None:
    place = forwards(folder, Place(2990), 3000, ALL).reached

    assert forwards(folder, place, 3000, ALL).reached == place


def test_a_clock_that_was_set_back_hides_nothing_from_a_search_by_time(tmp_path: Path) -> None:
    hours = [9, 11, 8, 12]  # the clock was wrong by three hours until the third
    written(tmp_path, [b'{"timestamp":"2026-07-01T%02d:00:00Z","level":"info","event":"tick"}' % hour for hour in hours])

    found = read_back(tmp_path, 4, LogFilter(since=datetime(2026, 7, 1, 10, tzinfo=UTC)))

    assert [record.at.hour for record in found] == [12, 11]


def test_what_names_its_values_like_the_daemon_is_read_as_it_was_said(tmp_path: Path) -> None:
    written(tmp_path, [body(1, sequence=99, record={"sequence": 98}, name='\u2028\n"quoted" 박')])

    ((record,), _) = read_on(tmp_path, 0, 1)

    assert record.sequence == 1
    assert record.values == {"sequence": 99, "record": {"sequence": 98}, "name": '\u2028\n"quoted" 박'}


def test_a_record_that_is_too_long_is_cut_and_says_so(tmp_path: Path) -> None:
    long = body(1, sync="shop", exception="Traceback" + "é" * LONGEST, rows="x" * LONGEST)

    written(tmp_path, [fitting(long), *bodies(2, 3)])

    records, _ = read_on(tmp_path, 0, 3)
    assert sequences(records) == [1, 2, 3]
    assert (records[0].event, records[0].sync, records[0].trace[:10]) == ("event 1", "shop", "Tracebacké")
    assert records[0].values == {"cut_from_bytes": len(long)}
    assert len(fitting(long)) < LONGEST


@pytest.mark.parametrize(
    ("since", "many"),
    [
        pytest.param(datetime.min.replace(tzinfo=UTC), 1, id="the first moment"),
        pytest.param(datetime.max.replace(tzinfo=UTC), 0, id="the last moment"),
    ],
)
def test_the_ends_of_time_may_be_asked_for(since: datetime, many: int, tmp_path: Path) -> None:
    written(tmp_path, [body(1)])

    found = read_back(tmp_path, 1, LogFilter(since=since))

    assert len(found) == many
