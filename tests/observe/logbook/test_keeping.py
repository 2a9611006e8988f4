"""What is logged while the daemon runs is kept, whatever the disk does, and never makes it wait."""

import asyncio
import io
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
import structlog

from syncd.domain.errors import TransientError
from syncd.domain.log import Level, LogFilter, LogRecord
from syncd.observe.logbook.inbox import Inbox
from syncd.observe.logbook.logbook import keeping
from syncd.observe.logging import configure
from syncd.ports.logs import Logs, Place
from syncd.settings.logs import LogsSection
from tests.observe.logbook.shelf import ALL, on_disk, told


@pytest.fixture(autouse=True)
def stderr() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("info", stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def say(event: str, **values: object) -> None:
    structlog.get_logger().info(event, **values)


@asynccontextmanager
async def kept(folder: Path, keep_mib: int = 1) -> AsyncIterator[Logs]:
    async with keeping(folder, LogsSection(keep_mib=keep_mib)) as logs:
        assert logs is not None
        yield logs


async def newest(logs: Logs, wanted: LogFilter = ALL) -> list[LogRecord]:
    async with aclosing(logs.newest(wanted)) as pieces:
        return [record async for piece in pieces for record in piece]


async def until_there_are(logs: Logs, count: int) -> None:
    async with asyncio.timeout(20):
        await logs.grown(count - 1)


async def test_what_was_said_is_read_as_it_was_said(tmp_path: Path) -> None:
    async with kept(tmp_path) as logs:
        with structlog.contextvars.bound_contextvars(sync="products", run="01J"):
            say("batch applied", applied=3)
        logging.getLogger("library.part").error("lost %d", 4)
        await logs.grown(1)

        late, early = await newest(logs)

    assert (early.sequence, early.level, early.event, early.sync, early.run) == (1, Level.INFO, "batch applied", "products", "01J")
    assert early.values == {"applied": 3}
    assert (late.level, late.event, late.logger) == (Level.ERROR, "lost 4", "library.part")


async def test_secrets_are_hidden_as_everywhere(tmp_path: Path) -> None:
    async with kept(tmp_path):
        say("connected", password="hunter2", url="http://ada:hunter2@db/x", inner={"token": "hunter2"})

    assert "hunter2" not in str(told(tmp_path))


async def test_all_that_was_said_is_on_disk_when_the_block_ends_and_the_next_goes_on_behind_it(tmp_path: Path) -> None:
    for _ in range(2):
        async with kept(tmp_path):
            for number in range(500):
                say("tick", number=number)

    assert on_disk(tmp_path) == list(range(1, 1001))


async def test_records_of_many_threads_stand_in_one_order_without_a_gap(tmp_path: Path) -> None:
    def talk(name: int) -> None:
        for number in range(200):
            say("tick", talker=name, number=number)

    async with kept(tmp_path):
        await asyncio.gather(*(asyncio.to_thread(talk, name) for name in range(4)))

    assert on_disk(tmp_path) == list(range(1, 801))
    for name in range(4):
        assert [each["number"] for each in told(tmp_path) if each["talker"] == name] == list(range(200))


async def test_what_cannot_be_written_down_is_counted_and_harms_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with kept(tmp_path):
        say("tick", name="\ud800")
        say("tock")

    assert [(record["event"], record.get("dropped")) for record in told(tmp_path)] == [("log records dropped", 1), ("tock", None)]
    assert "Logging error" in capsys.readouterr().err


async def test_who_waits_for_a_record_hears_of_it(tmp_path: Path) -> None:
    async with kept(tmp_path) as logs:
        waits = asyncio.create_task(logs.grown(0))
        await asyncio.sleep(0.05)
        assert not waits.done()

        say("tick")

        await asyncio.wait_for(waits, 5)
        assert [record.event for record in (await logs.behind(Place(0), ALL)).records] == ["tick"]


async def test_a_folder_that_cannot_be_written_is_warned_of_once_and_nothing_is_lost_when_it_can_again(
    tmp_path: Path, stderr: io.StringIO
) -> None:
    (tmp_path / "logs").write_text("in the way")

    async with kept(tmp_path / "logs") as logs:
        for number in range(20):
            say("tick", number=number)
        await asyncio.sleep(1.2)  # it was tried twice
        (tmp_path / "logs").unlink()
        await until_there_are(logs, 22)
        events = [record.event for record in await newest(logs)][::-1]

    assert events == ["log not kept", *["tick"] * 20, "log kept again"]
    assert [json.loads(line)["event"] for line in stderr.getvalue().splitlines()].count("log not kept") == 1
    assert on_disk(tmp_path / "logs") == list(range(1, 23))


async def test_a_log_that_cannot_be_written_does_not_keep_the_daemon_from_ending(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")

    async with asyncio.timeout(10):
        async with kept(tmp_path / "logs"):
            say("tick")

    assert (tmp_path / "logs").read_text() == "in the way"


async def test_a_disk_that_is_full_in_the_middle_of_a_line_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, room = os.write, [300]

    def write(file: int, what: bytes) -> int:
        if threading.current_thread().name != "log":
            return real(file, what)
        if not room[0]:
            raise OSError(28, "No space left on device")
        room[0] -= (written := real(file, what[: room[0]]))
        return written

    async with kept(tmp_path) as logs:
        monkeypatch.setattr(os, "write", write)
        for number in range(50):
            say("tick", number=number)
        await asyncio.sleep(0.3)
        room[0] = 1 << 20
        await until_there_are(logs, 52)
        ticks = [record.values["number"] for record in await newest(logs, LogFilter(event="tick"))][::-1]

    assert ticks == list(range(50))
    assert on_disk(tmp_path) == list(range(1, 53))


async def test_a_folder_that_cannot_be_read_is_told_as_something_that_may_pass(tmp_path: Path) -> None:
    async with kept(tmp_path / "logs") as logs:
        say("tick")
        await logs.grown(0)
        (tmp_path / "logs").rename(tmp_path / "away")
        (tmp_path / "logs").write_text("in the way")

        with pytest.raises(TransientError, match="cannot be read"):
            await newest(logs)


async def test_a_log_that_is_not_wanted_is_not_kept(tmp_path: Path) -> None:
    async with keeping(tmp_path / "logs", LogsSection(keep_mib=0)) as logs:
        say("tick")

    assert logs is None
    assert not (tmp_path / "logs").exists()


def test_what_finds_no_room_is_counted_and_told_where_it_is_missing() -> None:
    inbox = Inbox(most_bytes=10)
    for body in (b"aaaa", b"bbbb", b"cccc", b"dddd", b"ee", b"ff"):
        inbox.offer(body)

    first = inbox.take()
    inbox.offer(b"gggg")
    inbox.close()
    rest = inbox.take()

    told = [json.loads(body) if body.startswith(b"{") else body for body in first]
    assert told[:2] == [b"aaaa", b"bbbb"]
    assert [(each["event"], each["dropped"]) for each in told if isinstance(each, dict)] == [
        ("log records dropped", 2),
        ("log records dropped", 1),
    ]
    assert told[3] == b"ee"
    assert rest == [b"gggg"]
    assert inbox.take() == []


def test_offering_never_waits_for_the_disk() -> None:
    inbox = Inbox(most_bytes=1000)
    for _ in range(10_000):
        inbox.offer(b"x" * 100)  # nobody takes anything

    assert len(inbox.take()) == 11
