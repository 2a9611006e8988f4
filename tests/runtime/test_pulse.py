"""systemd hears that the daemon lives, as long as it moves, and how its syncs are."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.domain.run import SyncName
from syncd.domain.status import Phase, SyncStatus
from syncd.runtime.board import Board
from syncd.runtime.pulse import beat, show, summary, tell

SILENCE = timedelta(milliseconds=200)
IDLE = timedelta(0)


class Listener:
    """What systemd would hear."""

    def __init__(self, path: Path) -> None:
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(str(path))
        self.channel.setblocking(False)

    def heard(self) -> list[str]:
        """Everything since the last time."""
        states = []
        with suppress(BlockingIOError):
            while True:
                states.append(self.channel.recv(10_000).decode())
        return states


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    listener = Listener(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    yield listener
    listener.channel.close()


@asynccontextmanager
async def going(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def status(name: str, phase: Phase = Phase.IDLE) -> SyncStatus:
    return SyncStatus(SyncName(name), "search", phase)


async def test_a_daemon_that_moves_says_so_twice_in_each_silence(systemd: Listener) -> None:
    async with going(beat(SILENCE, lambda: IDLE)):
        await asyncio.sleep(SILENCE.total_seconds() * 1.75)

        assert systemd.heard() == ["WATCHDOG=1"] * 4


async def test_a_blocked_loop_says_nothing(systemd: Listener) -> None:
    async with going(beat(SILENCE, lambda: IDLE)):
        await asyncio.sleep(0)
        systemd.heard()

        time.sleep(SILENCE.total_seconds() * 2)  # noqa: ASYNC251 - it blocks the loop on purpose

        assert systemd.heard() == []


async def test_a_writer_that_is_stuck_silences_the_pulse_until_it_moves(systemd: Listener) -> None:
    busy = SILENCE * 2
    async with going(beat(SILENCE, lambda: busy)):
        await asyncio.sleep(SILENCE.total_seconds() * 1.25)
        stuck = systemd.heard()

        busy = IDLE
        await asyncio.sleep(SILENCE.total_seconds())

        assert stuck == []
        assert set(systemd.heard()) == {"WATCHDOG=1"}


async def test_a_writer_that_is_only_slow_does_not_silence_it(systemd: Listener) -> None:
    async with going(beat(SILENCE, lambda: SILENCE * 0.9)):
        await asyncio.sleep(0)

        assert systemd.heard() == ["WATCHDOG=1"]


async def test_the_status_line_follows_the_board(systemd: Listener) -> None:
    board = Board()
    board.post(status("products"))
    async with going(show(board)):
        await asyncio.sleep(0)
        first = systemd.heard()

        board.post(status("products", Phase.RUNNING))
        board.post(status("shops", Phase.HALTED))
        await asyncio.sleep(1.2)

        assert first == ["STATUS=1 sync"]
        assert systemd.heard() == ["STATUS=2 syncs; running: products; halted: shops"]


def test_a_line_names_a_few_syncs_and_counts_the_rest() -> None:
    syncs = [status(name, Phase.HALTED) for name in "abcde"]

    assert summary(syncs) == "5 syncs; halted: a, b, c and 2 more"


def test_a_systemd_that_is_gone_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))

    tell("WATCHDOG=1")
