"""A checkpoint says the same after it was written and read."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from syncd.domain.batch import Checkpoint
from syncd.engines.search.changes import clock_fell_back
from syncd.engines.search.checkpoint import Backfill, Range, Reading, Standing, read

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_a_standing_survives_being_written() -> None:
    standing = Standing(
        shape="abc",
        identity="index-1",
        watermark="2026-11-20 10:00:00",
        complete=True,
        reconciled_at=NOW,
        columns=(("id", "BIGINT"), ("name", "VARCHAR")),
        backfill=Backfill(
            "replace", "abc", NOW, None, ranges=(Range(("1", None), ("9", "x")), Range(("9", "x"))), moment="17", swap_to="index-2"
        ),
        reading=Reading("w", None, exact=True, after=("x", "7"), moment="17"),
        caveats=("one", "two"),
        moment="16",
        previous=Standing(shape="old", identity="index-0"),
    )

    assert read(standing.written(), "abc") == standing


def test_a_backfill_that_was_written_before_there_were_ranges_goes_on_where_it_stood() -> None:
    members = json.loads(Standing("abc", backfill=Backfill("full", "abc", NOW, "w")).written())
    for name in ("ranges", "moment", "adrift"):
        del members["backfill"][name]
    for name in ("caveats", "moment"):
        del members[name]
    members["backfill"]["after"] = ["KR", "7"]

    standing = read(Checkpoint(json.dumps(members)), "abc")

    assert standing == Standing("abc", backfill=Backfill("full", "abc", NOW, "w", ranges=(Range(("KR", "7")),)))


def test_a_backfill_that_had_read_nothing_then_has_no_ranges_yet() -> None:
    members = json.loads(Standing("abc", backfill=Backfill("full", "abc", NOW, "w")).written())
    members["backfill"]["after"] = None

    assert read(Checkpoint(json.dumps(members)), "abc").backfill == Backfill("full", "abc", NOW, "w")


def test_without_a_checkpoint_nothing_is_complete() -> None:
    assert read(None, "abc") == Standing(shape="abc")
    assert not read(None, "abc").complete


@pytest.mark.parametrize(
    ("now", "watermark", "fell"),
    [
        pytest.param("2026-11-20 10:00:00", "2026-11-20 10:00:20", False, id="a step back within the lookback"),
        pytest.param("2026-11-20 10:00:00", "2026-11-20 10:00:31", True, id="a step back beyond it"),
        pytest.param("2026-11-20 10:00:00.123456789", "2026-11-20 09:00:00", False, id="time goes on, in nanoseconds"),
        pytest.param("2026-11-20 10:00:00+00", "2026-11-21 10:00:00+00", True, id="instants with an offset"),
        pytest.param(None, "17", False, id="a watermark that is no time"),
        pytest.param("2026-11-20 10:00:00", None, False, id="no watermark yet"),
    ],
)
def test_a_clock_that_fell_back_is_noticed(now: str | None, watermark: str | None, fell: bool) -> None:
    assert clock_fell_back(now, watermark, timedelta(seconds=30)) is fell
