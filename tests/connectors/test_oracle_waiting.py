"""Nothing waits for Oracle for ever: neither a log-in nor a call, neither who is cancelled nor a process that wants to end."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.connectors.oracle import Settings, sessions
from syncd.domain.errors import SourceUnavailable
from tests.connectors.oracle_sessions import QUESTION, SHORT, ask, fault, kill, lending, session_id, settings_for, until
from tests.servers.oracle.database import Database
from tests.servers.oracle.faults import SILENCE, At, Delay, Fault
from tests.servers.oracle.server import Server

Make = Callable[..., Settings]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Database()) as server:
        yield server


@pytest.fixture
def make(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(sessions, "_GRACE", SHORT)
    return lambda **given: settings_for(server.dsn, tmp_path, **given)


_PROGRAM = """
import asyncio, sys
from datetime import timedelta
from syncd.connectors.oracle import Settings, sessions
from syncd.domain.errors import SourceUnavailable
from syncd.settings.secret import SecretReference

def settings(dsn):
    waits = timedelta(seconds=2)
    return Settings(dsn=dsn, user="syncd", password=SecretReference(file=sys.argv[3]), login_timeout=waits, call_timeout=waits)

async def main():
    sessions._GRACE = -timedelta(seconds=1.7)
    hung = asyncio.create_task(sessions.log_in(settings(sys.argv[1])))
    await asyncio.to_thread(sys.stdin.readline)
    session = await sessions.log_in(settings(sys.argv[2]))
    for waiting in (session.rows(sessions.Statement("SELECT 'asked' FROM dual")), hung):
        try:
            await waiting
        except SourceUnavailable as error:
            print(error)

asyncio.run(main())
"""
"""Logs in at a silent server, and as soon as it is told that the server has noticed, at another one too."""


def test_a_first_log_in_that_hangs_blocks_no_other_and_no_silence_keeps_a_process_from_ending(
    server: Server, make: Make, tmp_path: Path
) -> None:
    fault(At.EXECUTE, SILENCE)(server)
    make()

    with Server(Database()) as silent:
        hung = silent.faults.add(Fault(At.CONNECT, SILENCE))
        command = [sys.executable, "-c", _PROGRAM, silent.dsn, server.dsn, str(tmp_path / "password")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                assert hung.wait()
                said, _ = process.communicate("go\n", timeout=20)
            finally:
                process.kill()

    assert said.splitlines() == [f"{server.dsn}: no answer within 300ms", f"{silent.dsn}: the log-in took longer than 2s"]
    assert process.returncode == 0


async def test_silence_in_a_call_lets_others_run(server: Server, make: Make) -> None:
    done = asyncio.Event()

    async def tick() -> int:
        ticks = 0
        while not done.is_set():
            await asyncio.sleep(0.02)
            ticks += 1
        return ticks

    async with lending(make(call_timeout=SHORT)) as lender:
        ticking = asyncio.create_task(tick())
        with pytest.raises(SourceUnavailable, match="no answer within 600ms"):
            await ask(lender, server, fault(At.EXECUTE, SILENCE))
        done.set()

    assert await ticking > 5


async def test_a_session_that_fell_silent_is_closed_behind_its_call(server: Server, make: Make) -> None:
    """The driver gives up after twice the time-out; a process that has closed the connection by then crashes."""
    async with lending(make(call_timeout=SHORT)) as lender:
        with pytest.raises(SourceUnavailable):
            await ask(lender, server, fault(At.EXECUTE, SILENCE))

        await until(lambda: not server.sessions)


async def test_breaking_off_a_call_whose_connection_is_lost_does_no_harm(server: Server, make: Make) -> None:
    """The driver crashes the process."""
    async with lending(make()) as lender, lender.session() as session:
        kill(server)
        with pytest.raises(SourceUnavailable):
            await session.rows(QUESTION)

        await asyncio.to_thread(session._break_off)
        assert not session.whole


@pytest.mark.parametrize("does", [SILENCE, Delay(30)])
async def test_who_is_cancelled_leaves_at_once_and_gives_nothing_back(server: Server, make: Make, does: Any) -> None:
    armed = server.faults.add(Fault(At.EXECUTE, does, matching="asked"))

    async with lending(make()) as lender:
        before = await session_id(lender)
        asking = asyncio.create_task(ask(lender, server))
        assert await asyncio.to_thread(armed.wait)
        asking.cancel()
        async with asyncio.timeout(2):
            await asyncio.wait([asking])

        assert asking.cancelled()
        assert await session_id(lender) != before


async def test_a_statement_that_nobody_waits_for_any_more_ends_on_the_server(server: Server, make: Make) -> None:
    armed = server.faults.add(Fault(At.EXECUTE, Delay(30), matching="asked"))

    async with lending(make()) as lender:
        asking = asyncio.create_task(ask(lender, server))
        assert await asyncio.to_thread(armed.wait)
        asking.cancel()

        await until(lambda: not server.sessions)


async def test_who_is_cancelled_while_an_idle_session_is_looked_at_does_not_lose_it(
    server: Server, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_FRESH_SECONDS", 0)
    armed = server.faults.add(Fault(At.PING, Delay(0.2)))

    async with lending(make()) as lender:
        await session_id(lender)
        asking = asyncio.create_task(ask(lender, server))
        assert await asyncio.to_thread(armed.wait)
        asking.cancel()

        await until(lambda: not server.sessions)


async def test_a_session_that_comes_after_its_log_in_was_given_up_is_closed(server: Server, make: Make) -> None:
    server.faults.add(Fault(At.LOGIN, Delay(0.6)))
    prepared = server.faults.add(Fault(At.EXECUTE, Delay(0), matching="ALTER SESSION"))

    async with lending(make(login_timeout=SHORT)) as lender:
        with pytest.raises(SourceUnavailable, match="the log-in took longer than 300ms"):
            await session_id(lender)

        assert await asyncio.to_thread(prepared.wait)
        await until(lambda: not server.sessions)
