"""Watchers get turns: all of them, a few at a time, and the newest truth reaches each."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncapi.v1.control_pb2 import WatchSyncsResponse
from syncd.domain.run import SyncName
from syncd.domain.status import Phase, SyncStatus
from syncd.rpc import turns as pace
from syncd.rpc import wire
from syncd.rpc.asked import ControlDaemon
from syncd.rpc.turns import Turns, taking_turns
from syncd.rpc.watching import Watching
from syncd.runtime.board import Board

NAMES = ("a", "b", "c")
PHASES = (Phase.IDLE, Phase.QUEUED, Phase.PAUSED)

posted = st.tuples(st.sampled_from(NAMES), st.sampled_from([*PHASES, None]))
"""A new state of a sync, or its end."""
step = posted | st.sampled_from([0.0, 0.003])
"""Or a while in which nothing changes."""


@pytest.fixture(autouse=True)
def hurry() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pace, "_REST_SECONDS", 0.002)
        patch.setattr(pace, "_LOOK_SECONDS", 0.01)
        yield


@dataclass
class Watched:
    """All that watching asks of a daemon."""

    board: Board = field(default_factory=Board)
    going_away: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self, name: str, phase: Phase | None) -> None:
        if phase:
            self.board.post(SyncStatus(SyncName(name), "search", phase))
        else:
            self.board.remove(SyncName(name))

    def truth(self, wanted: frozenset[str]) -> dict[str, int]:
        statuses = [wire.sync(status) for status in self.board.since(0).changed]
        return {each.name: each.phase for each in statuses if not wanted or each.name in wanted}

    def watching(self, turns: Turns) -> Watching:
        return Watching(cast(ControlDaemon, self), turns)


@dataclass
class Reader:
    """Keeps what it is told, as a client does, with a pause after each message."""

    wanted: frozenset[str]
    seconds: float = 0.0
    state: dict[str, int] = field(default_factory=dict)
    goodbye: bool = False

    async def read(self, watching: Watching) -> None:
        async with aclosing(watching.syncs(self.wanted)) as messages:
            async for message in messages:
                self.take(message)
                await asyncio.sleep(self.seconds)

    def take(self, message: WatchSyncsResponse) -> None:
        known = {} if message.snapshot else self.state
        told = {each.name: each.phase for each in message.syncs}
        self.state = {name: phase for name, phase in (known | told).items() if name not in message.removed}
        self.goodbye = message.going_away


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Watched, Turns]]:
    daemon = Watched()
    async with taking_turns(daemon.board, daemon.going_away) as turns:
        yield daemon, turns


async def first_of(watching: Watching, wanted: frozenset[str]) -> WatchSyncsResponse:
    async with aclosing(watching.syncs(wanted)) as messages:
        return await anext(messages)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.001)


@settings(max_examples=40, deadline=None)
@given(st.lists(step, max_size=25))
def test_whatever_changes_and_when_the_last_state_of_each_watcher_is_the_truth(steps: list[tuple[str, Phase | None] | float]) -> None:
    readers = [Reader(frozenset()), Reader(frozenset(), seconds=0.005), Reader(frozenset("a")), Reader(frozenset("bc"))]

    async def watch() -> None:
        async with watched() as (daemon, turns), asyncio.TaskGroup() as tasks:
            watching = daemon.watching(turns)
            for reader in readers:
                tasks.create_task(reader.read(watching))
            for each in steps:
                if isinstance(each, float):
                    await asyncio.sleep(each)
                else:
                    daemon.change(*each)
            await until(lambda: all(reader.state == daemon.truth(reader.wanted) for reader in readers))
            daemon.going_away.set()

    asyncio.run(watch())

    assert all(reader.goodbye for reader in readers)


async def test_readers_who_were_told_the_same_get_one_message_that_is_built_once() -> None:
    async with watched() as (daemon, turns):
        watching = daemon.watching(turns)
        daemon.change("a", Phase.IDLE)

        first, second, other = [await first_of(watching, wanted) for wanted in (frozenset[str](), frozenset[str](), frozenset("a"))]

    assert first is second
    assert other is not first


async def test_others_get_in_between_while_many_are_woken() -> None:
    woken = most = 0

    async def wait(turns: Turns) -> None:
        nonlocal woken
        await turns.after(turns.round)
        woken += 1

    async with watched() as (daemon, turns), asyncio.TaskGroup() as tasks:
        await asyncio.sleep(0.01)
        for _ in range(1000):
            tasks.create_task(wait(turns))
        await asyncio.sleep(0)

        daemon.change("a", Phase.IDLE)
        while woken < 1000:
            before = woken
            await asyncio.sleep(0)
            most = max(most, woken - before)

    assert most <= 100


async def test_changes_that_follow_each_other_fast_are_one_round() -> None:
    async with watched() as (daemon, turns):
        await asyncio.sleep(0.01)
        before = turns.round

        for _ in range(100):
            daemon.change("a", Phase.IDLE)
        await asyncio.sleep(0.05)

    assert turns.round - before == 1


async def test_who_looked_before_a_round_does_not_wait_for_the_next() -> None:
    async with watched() as (daemon, turns):
        seen = turns.round
        daemon.change("a", Phase.IDLE)
        await until(lambda: turns.round > seen)

        async with asyncio.timeout(1):
            await turns.after(seen)


async def test_without_any_change_everybody_gets_a_turn_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "BEAT_SECONDS", 0.02)

    async with watched() as (_, turns), asyncio.timeout(2):
        await asyncio.sleep(0)
        for _ in range(3):
            await turns.after(turns.round)


async def test_a_watcher_that_leaves_while_it_waits_is_forgotten() -> None:
    async with watched() as (daemon, turns):
        await asyncio.sleep(0.01)
        left = asyncio.create_task(turns.after(turns.round))
        stays = asyncio.create_task(turns.after(turns.round))
        await asyncio.sleep(0)
        left.cancel()

        daemon.change("a", Phase.IDLE)
        async with asyncio.timeout(2):
            await stays

    assert left.cancelled()
