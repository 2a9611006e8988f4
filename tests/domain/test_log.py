"""Which records of the log somebody wants to see."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.domain.log import Level, LogFilter, LogRecord

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
RECORD = LogRecord(
    7,
    NOON,
    Level.WARNING,
    "batch refused",
    "주문",
    "01J",
    values={"rows": 3, "place": "Zürich", "inner": {"code": "x"}},
    trace="ValueError: no",
)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        pytest.param(LogFilter(), True, id="a filter that says nothing takes all"),
        pytest.param(LogFilter(since=NOON), True, id="since: at that moment"),
        pytest.param(LogFilter(since=NOON + timedelta(microseconds=1)), False, id="since: later"),
        pytest.param(LogFilter(until=NOON), False, id="until: at that moment is too late"),
        pytest.param(LogFilter(until=NOON + timedelta(microseconds=1)), True, id="until: before"),
        pytest.param(LogFilter(least=Level.WARNING), True, id="just as grave"),
        pytest.param(LogFilter(least=Level.ERROR), False, id="less grave"),
        pytest.param(LogFilter(sync="주문"), True, id="the sync"),
        pytest.param(LogFilter(sync="주"), False, id="a part of the name of the sync is another sync"),
        pytest.param(LogFilter(run="01J"), True, id="the run"),
        pytest.param(LogFilter(run="01K"), False, id="another run"),
        pytest.param(LogFilter(event="REFUSED"), True, id="in the phrase"),
        pytest.param(LogFilter(event="rows"), False, id="not in the phrase but in the values"),
        pytest.param(LogFilter(text="ZÜRICH"), True, id="text: in a value, capitals or not"),
        pytest.param(LogFilter(text="rows=3"), True, id="text: name and value"),
        pytest.param(LogFilter(text="valueerror"), True, id="text: in the traceback"),
        pytest.param(LogFilter(text="주문"), True, id="text: in the name of the sync"),
        pytest.param(LogFilter(text="elsewhere"), False, id="text: nowhere"),
        pytest.param(LogFilter(sync="주문", text="elsewhere"), False, id="all of it has to fit"),
    ],
)
def test_a_record_is_taken_if_all_that_is_asked_for_fits(wanted: LogFilter, taken: bool) -> None:
    assert wanted.takes(RECORD) is taken


def test_the_name_of_a_library_counts_as_what_it_says() -> None:
    assert LogFilter(event="apscheduler").takes(replace(RECORD, logger="apscheduler.executors"))
