"""The log over the wire: searched, followed without a gap, at the reader's own pace."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncapi.v1 import logs_pb2 as pb
from syncd.domain.errors import InvalidRequest, Refused
from syncd.kit.threads import OneThread
from syncd.observe.logbook.logbook import Logbook
from syncd.observe.logbook.segments import Segments, listed, path
from syncd.rpc import logs as streams
from syncd.rpc.logs import LogStreams
from tests.observe.logbook.shelf import bodies, body


class Book:
    """A log on disk that a test writes."""

    def __init__(self, folder: Path, reader: OneThread, keep: int) -> None:
        self.folder = folder
        self.going_away = asyncio.Event()
        self.logbook = Logbook(folder, reader)
        self.streams = LogStreams(self.logbook, self.going_away)
        self._segments = Segments(folder, keep)
        self._segments.open()

    def write(self, *batch: bytes) -> None:
        self._segments.append(batch)
        self.logbook.grew(self._segments.head)

    def close(self) -> None:
        self._segments.close()

    async def found(self, limit: int = 0, **wanted: Any) -> list[pb.LogRecord]:
        request = pb.SearchLogsRequest(filter=pb.LogFilter(**wanted), limit=limit)
        async with aclosing(self.streams.search(request)) as answers:
            return [record async for answer in answers for record in answer.records]


@asynccontextmanager
async def book(folder: Path, keep: int = 1 << 20) -> AsyncIterator[Book]:
    reader = OneThread("reader")
    made = Book(folder, reader, keep)
    try:
        yield made
    finally:
        made.close()
        await reader.close()


def numbers(records: Iterable[pb.LogRecord]) -> list[int]:
    return [record.sequence for record in records]


async def test_the_newest_that_match_are_found_newest_first(tmp_path: Path) -> None:
    async with book(tmp_path) as log:
        log.write(*bodies(1, 100), *bodies(101, 110, sync="shop", level="error"), *bodies(111, 250))

        assert numbers(await log.found()) == list(range(250, 150, -1))
        assert numbers(await log.found(limit=3)) == [250, 249, 248]
        assert numbers(await log.found(sync="shop", limit=4)) == [110, 109, 108, 107]
        assert numbers(await log.found(least_level=pb.LOG_LEVEL_ERROR)) == list(range(110, 100, -1))


async def test_a_record_carries_everything_that_was_said(tmp_path: Path) -> None:
    async with book(tmp_path) as log:
        log.write(body(5, level="warning", sync="shop", run="01J", logger="lib", exception="Traceback", rows=3, 이름="박"))

        (record,) = await log.found()

    assert record.at.ToDatetime(UTC) == datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=UTC)
    assert (record.level, record.event, record.sync, record.run) == (pb.LOG_LEVEL_WARNING, "event 5", "shop", "01J")
    assert (record.logger, record.trace, json.loads(record.fields_json)) == ("lib", "Traceback", {"rows": 3, "이름": "박"})


async def test_many_and_long_records_travel_in_messages_of_a_good_size(tmp_path: Path) -> None:
    async with book(tmp_path, keep=64 << 20) as log:
        for first in range(1, 1201, 100):
            log.write(*bodies(first, first + 99, text="x" * (20_000 if first < 200 else 10)))

        sizes = [(len(answer.records), answer.ByteSize()) async for answer in log.streams.search(pb.SearchLogsRequest(limit=1200))]

    assert sum(count for count, _ in sizes) == 1200
    assert all(count <= 500 and size < 1_200_000 for count, size in sizes)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        pytest.param(pb.SearchLogsRequest(limit=-1), "limit", id="a negative limit"),
        pytest.param(pb.SearchLogsRequest(filter=pb.LogFilter(least_level=77)), "filter.least_level", id="no such level"),  # type: ignore[arg-type]
    ],
)
async def test_what_makes_no_sense_is_refused_by_the_name_of_the_field(tmp_path: Path, request_: pb.SearchLogsRequest, field: str) -> None:
    async with book(tmp_path) as log:
        with pytest.raises(InvalidRequest) as refused:
            await anext(log.streams.search(request_))

    assert list(refused.value.fields) == [field]


async def test_a_daemon_that_keeps_no_log_says_so() -> None:
    nothing = LogStreams(None, asyncio.Event())

    for stream in (nothing.search(pb.SearchLogsRequest()), nothing.tail(pb.TailLogsRequest())):
        with pytest.raises(Refused, match="keeps no log") as refused:
            await anext(stream)
        assert refused.value.code == "logs.off"


async def test_the_tail_begins_at_once_and_goes_on_with_what_is_new(tmp_path: Path) -> None:
    async with book(tmp_path) as log, aclosing(log.streams.tail(pb.TailLogsRequest())) as tail:
        log.write(*bodies(1, 3))

        began = await anext(tail)
        log.write(*bodies(4, 5))
        news = await anext(tail)

    assert (began.cursor, len(began.records)) == (3, 0)
    assert (news.cursor, numbers(news.records)) == (5, [4, 5])


@pytest.mark.parametrize(
    ("backlog", "sent"),
    [
        pytest.param(0, [], id="none"),
        pytest.param(2, [18, 20], id="the last two that match"),
        pytest.param(500, [2, 4, 6, 8, 10, 12, 14, 16, 18, 20], id="more than there are"),
    ],
)
async def test_the_tail_begins_with_the_last_records_that_match(tmp_path: Path, backlog: int, sent: list[int]) -> None:
    async with book(tmp_path) as log:
        log.write(*(body(number, **({"sync": "shop"} if number % 2 == 0 else {})) for number in range(1, 22)))
        async with aclosing(log.streams.tail(pb.TailLogsRequest(filter=pb.LogFilter(sync="shop"), backlog=backlog))) as tail:
            await anext(tail)
            got = numbers((await anext(tail)).records) if sent else []

    assert got == sent


async def test_a_cursor_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with book(tmp_path) as log:
        log.write(*bodies(1, 1800))
        got: list[int] = []
        cursor = 0
        while cursor < 1800:
            async with aclosing(log.streams.tail(pb.TailLogsRequest(after_sequence=cursor))) as tail:
                await anext(tail)
                message = await anext(tail)  # and the connection breaks
            got += numbers(message.records)
            cursor = message.cursor

    assert got == list(range(1, 1801))


async def test_a_slow_reader_costs_nothing_and_is_told_what_went_meanwhile(tmp_path: Path) -> None:
    async with book(tmp_path, keep=1 << 20) as log:
        log.write(*bodies(1, 100))
        async with aclosing(log.streams.tail(pb.TailLogsRequest(after_sequence=0))) as tail:
            assert [(await anext(tail)).cursor, (await anext(tail)).cursor] == [0, 100]
            for first in range(101, 5_001, 100):
                log.write(*bodies(first, first + 99, text="x" * 500))  # more than is kept, and the reader reads nothing
            oldest = listed(tmp_path)[0]

            got = [await anext(tail)]
            while got[-1].cursor < 5_000:
                got.append(await anext(tail))

    assert got[0].gap == pb.LogGap(first=101, last=oldest - 1)
    assert not any(message.HasField("gap") for message in got[1:])
    assert [number for message in got for number in numbers(message.records)] == list(range(oldest, 5_001))


async def test_a_cursor_ahead_of_a_log_that_began_anew_is_told_and_gets_all(tmp_path: Path) -> None:
    async with book(tmp_path) as log:
        log.write(*bodies(1, 3))
        async with aclosing(log.streams.tail(pb.TailLogsRequest(after_sequence=700))) as tail:
            began, news = await anext(tail), await anext(tail)

    assert (began.gap, began.cursor) == (pb.LogGap(began_anew=True), 0)
    assert numbers(news.records) == [1, 2, 3]


async def test_files_that_were_all_removed_are_a_gap_and_the_stream_goes_on(tmp_path: Path) -> None:
    async with book(tmp_path) as log:
        log.write(*bodies(1, 50))
        path(tmp_path, 1).unlink()
        async with aclosing(log.streams.tail(pb.TailLogsRequest(after_sequence=20))) as tail:
            await anext(tail)
            message = await anext(tail)

    assert (message.gap, message.cursor) == (pb.LogGap(first=21, last=50), 50)


async def test_a_silent_stream_proves_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "ALIVE_SECONDS", 0.05)
    async with book(tmp_path) as log, aclosing(log.streams.tail(pb.TailLogsRequest(filter=pb.LogFilter(sync="other")))) as tail:
        log.write(*bodies(1, 3))
        await anext(tail)
        log.write(*bodies(4, 9))  # about another sync: the cursor passes them

        lives = await asyncio.wait_for(anext(tail), 5)

    assert (lives.cursor, len(lives.records)) == (9, 0)


async def test_a_stop_of_the_daemon_ends_the_stream_with_a_word(tmp_path: Path) -> None:
    async with book(tmp_path) as log, aclosing(log.streams.tail(pb.TailLogsRequest())) as tail:
        log.write(*bodies(1, 3))
        await anext(tail)
        asyncio.get_running_loop().call_later(0.05, log.going_away.set)

        last = [message async for message in tail]

    assert last == [pb.TailLogsResponse(cursor=3, going_away=True)]
