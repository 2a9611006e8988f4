"""A ledger that cannot be written is waited for: runs go on by themselves, and nothing that was acknowledged is lost."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.domain.errors import TransientError
from syncd.domain.run import RunState
from syncd.domain.status import Phase
from syncd.ports.ledger import AuditQuery
from syncd.ports.running import Report, RunContext
from syncd.runtime.patience import until_written
from tests.runtime.world import Play, opened, receipt, sync
from tests.system.disks import can_mount, disk

MEGABYTES = [48] if can_mount() else []


@pytest.mark.parametrize("megabytes", MEGABYTES)
async def test_a_run_waits_while_the_disk_is_full_and_then_goes_on(tmp_path: Path, megabytes: int) -> None:
    committed: list[int] = []
    play = Play()
    some, done = asyncio.Event(), asyncio.Event()

    async def work(context: RunContext) -> Report:
        while not done.is_set():
            await context.commit(receipt(*(f"{len(committed)}-{row}" for row in range(200))))
            committed.append(1)
            some.set()
        return Report()

    play.scripts["a"] = work
    with disk(tmp_path / "state", megabytes) as state:
        async with opened(tmp_path, play, sync("a") + sync("b")) as world:
            run = await world.begin("a")
            await some.wait()
            state.fill()
            waiting = await world.phase("a", Phase.WAITING)
            with pytest.raises(TransientError) as refused:
                await world.begin("b")

            state.free()
            done.set()
            ended = await world.ended(run)
            other = await world.ended(await world.begin("b"))
            log = await world.ledger.audit.query(AuditQuery(limit=100_000))

    assert waiting.problem is not None
    assert waiting.problem.code == refused.value.code == "ledger.full"
    assert str(tmp_path / "state") in waiting.problem.message
    assert waiting.problem.hint
    assert (ended.state, other.state) == (RunState.DONE, RunState.DONE)
    assert ended.counters.stored == 200 * len(committed)
    assert [entry.sequence for entry in reversed(log)] == list(range(1, len(log) + 1))


async def test_a_run_that_is_asked_for_while_the_daemon_stops_waits_for_the_next_start(tmp_path: Path) -> None:
    play = Play()
    async with opened(tmp_path, play, sync("a")) as world:
        await world.supervisor.stop(timedelta(seconds=1))

        late = await world.begin("a")

    async with opened(tmp_path, play, sync("a")) as world:
        assert (await world.ended(late)).state is RunState.DONE


async def test_a_write_that_fails_is_tried_until_it_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.runtime.patience._FIRST_SECONDS", 0.001)
    failures = [TransientError("full"), TransientError("full")]
    told: list[TransientError] = []

    async def write() -> str:
        if failures:
            raise failures.pop()
        return "written"

    assert await until_written(write, asyncio.Event(), told.append) == "written"
    assert len(told) == 2


async def test_a_daemon_that_stops_waits_for_no_disk() -> None:
    leaving = asyncio.Event()
    leaving.set()

    async def write() -> None:
        raise TransientError("full")

    with pytest.raises(TransientError, match="full"):
        await until_written(write, leaving, lambda _: None)
