"""Syncs side by side: runs, retries, halts, pauses, recovery."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.domain.batch import Checkpoint
from syncd.domain.errors import InvalidRequest, NotFound, PermanentError, Refused, TargetUnavailable
from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.domain.status import Phase
from syncd.ports.control import Wish
from syncd.ports.ledger import AuditQuery, RunQuery
from syncd.ports.running import Advance, Report, RunContext
from tests.runtime.world import Play, opened, receipt, sync, written


@pytest.fixture
def play() -> Play:
    return Play()


class Gate:
    """Lets a test stand inside a run."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, context: RunContext) -> Report:
        self.reached.set()
        await self.open.wait()
        await context.commit(receipt("1"))
        return Report()


async def test_a_run_that_does_its_work_is_done_and_counted(tmp_path: Path, play: Play) -> None:
    async def work(context: RunContext) -> Report:
        await context.commit(receipt("1", "2", "3", refused=1, reaches='{"at":3}'))
        return Report({"found": 1})

    play.scripts["a"] = work
    async with opened(tmp_path, play, sync("a")) as world:
        run = await world.ended(await world.begin("a"))

        assert run.summary == "done, 1 refused"
        assert (run.counters.read, run.counters.stored, run.counters.refused) == (3, 2, 1)
        assert run.report == '{"found": 1}'
        assert world.status("a").dead_letters == 1
        assert (await world.daemon.show(SyncName("a"))).checkpoint == '{"at":3}'


async def test_what_should_pass_is_tried_again_until_it_does(tmp_path: Path, play: Play) -> None:
    attempts = []

    async def flaky(context: RunContext) -> Report:
        attempts.append(context.run.attempt)
        if len(attempts) < 3:
            raise TargetUnavailable("the index is away")
        return Report()

    play.scripts["a"] = flaky
    async with opened(tmp_path, play, sync("a")) as world:
        run = await world.ended(await world.begin("a"))

    assert run.state is RunState.DONE
    assert attempts == [1, 2, 3]


async def test_what_does_not_pass_fails_the_run_but_does_not_halt_the_sync(tmp_path: Path, play: Play) -> None:
    async def away(_: RunContext) -> Report:
        raise TargetUnavailable("the index is away")

    play.scripts["a"] = away
    async with opened(tmp_path, play, sync("a")) as world:
        run = await world.ended(await world.begin("a"))

        assert run.failure is not None
        assert run.failure.code == "target.unavailable"
        assert "3 attempts" in run.failure.message
        assert world.status("a").phase is Phase.IDLE
        assert play.abandoned == [run.id]


async def test_progress_between_two_failures_counts_as_a_fresh_start(tmp_path: Path, play: Play) -> None:
    async def slow_progress(context: RunContext) -> Report:
        if context.run.attempt <= 6:
            await context.commit(receipt(str(context.run.attempt)))
            raise TargetUnavailable("away again")
        return Report()

    play.scripts["a"] = slow_progress
    async with opened(tmp_path, play, sync("a")) as world:
        run = await world.ended(await world.begin("a"))

    assert run.state is RunState.DONE
    assert run.counters.stored == 6


async def test_what_an_operator_must_mend_halts_the_sync_and_says_why(tmp_path: Path, play: Play) -> None:
    async def broken(_: RunContext) -> Report:
        raise PermanentError("no such table", hint="make it", code="source.mismatch")

    play.scripts["a"] = broken
    async with opened(tmp_path, play, sync("a", 'every = "1h"')) as world:
        status = await world.phase("a", Phase.HALTED)

        assert status.problem is not None
        assert (status.problem.code, status.problem.hint) == ("source.mismatch", "make it")
        assert status.next_run is None


async def test_a_halted_sync_goes_on_after_resume(tmp_path: Path, play: Play) -> None:
    async def broken(_: RunContext) -> Report:
        raise PermanentError("no such table")

    play.scripts["a"] = broken
    async with opened(tmp_path, play, sync("a", 'every = "1h"')) as world:
        await world.phase("a", Phase.HALTED)
        play.scripts.clear()

        await world.daemon.resume(SyncName("a"), "ada")

        assert world.status("a").phase is Phase.IDLE
        assert world.status("a").next_run is not None


async def test_a_run_that_a_person_starts_ends_a_halt_when_it_is_done(tmp_path: Path, play: Play) -> None:
    async def broken(_: RunContext) -> Report:
        raise PermanentError("no such table")

    play.scripts["a"] = broken
    async with opened(tmp_path, play, sync("a", 'every = "1h"')) as world:
        await world.phase("a", Phase.HALTED)
        play.scripts.clear()

        await world.ended(await world.begin("a"))

        assert (await world.phase("a", Phase.IDLE)).next_run is not None


async def test_a_bug_halts_its_sync_and_no_other(tmp_path: Path, play: Play) -> None:
    async def buggy(_: RunContext) -> Report:
        raise ZeroDivisionError("secret detail")

    play.scripts["a"] = buggy
    async with opened(tmp_path, play, sync("a") + sync("b")) as world:
        failed = await world.ended(await world.begin("a"))
        fine = await world.ended(await world.begin("b"))

        assert failed.failure is not None
        assert failed.failure.code == "bug"
        assert "secret detail" not in failed.failure.message
        assert fine.state is RunState.DONE
        assert world.status("a").phase is Phase.HALTED


async def test_a_second_writing_run_is_refused_with_the_id_of_the_first(tmp_path: Path, play: Play) -> None:
    play.scripts["a"] = gate = Gate()
    async with opened(tmp_path, play, sync("a")) as world:
        first = await world.begin("a")
        await gate.reached.wait()

        with pytest.raises(Refused) as caught:
            await world.begin("a")
        gate.open.set()

        assert caught.value.code == "run.already_running"
        assert caught.value.facts == {"run": first.id}


async def test_a_run_may_wait_for_the_one_before_it(tmp_path: Path, play: Play) -> None:
    play.scripts["a"] = gate = Gate()
    async with opened(tmp_path, play, sync("a")) as world:
        await world.begin("a")
        await gate.reached.wait()
        second = await world.begin("a", queue=True)
        gate.open.set()

        assert (await world.ended(second)).state is RunState.DONE


async def test_a_run_that_only_looks_runs_beside_one_that_writes(tmp_path: Path, play: Play) -> None:
    play.scripts["a"] = gate = Gate()
    async with opened(tmp_path, play, sync("a")) as world:
        await world.begin("a")
        await gate.reached.wait()
        play.scripts.clear()

        looked = await world.ended(await world.begin("a", "plan"))
        gate.open.set()

        assert looked.state is RunState.DONE


async def test_a_comparison_stands_no_writing_run_beside_it(tmp_path: Path, play: Play) -> None:
    play.scripts["a"] = gate = Gate()
    async with opened(tmp_path, play, sync("a")) as world:
        await world.begin("a", "verify")
        await gate.reached.wait()

        with pytest.raises(Refused):
            await world.begin("a")
        gate.open.set()


async def test_the_same_request_id_is_the_same_run(tmp_path: Path, play: Play) -> None:
    async with opened(tmp_path, play, sync("a")) as world:
        first = await world.begin("a", request_id="x")
        await world.ended(first)

        again = await world.begin("a", request_id="x")

        assert again.id == first.id


async def test_a_cancelled_run_keeps_what_it_committed_and_cleans_up(tmp_path: Path, play: Play) -> None:
    gate = Gate()

    async def endless(context: RunContext) -> Report:
        number = 0
        while True:
            number += 1
            await context.commit(receipt(str(number), reaches=f'{{"at":{number}}}'))
            gate.reached.set()
            await asyncio.sleep(0)

    play.scripts["a"] = endless
    async with opened(tmp_path, play, sync("a")) as world:
        run = await world.begin("a")
        await gate.reached.wait()

        await world.daemon.cancel(run.id, "ada")
        ended = await world.ended(run)

        assert ended.state is RunState.CANCELLED
        assert ended.counters.stored >= 1
        assert play.abandoned == [run.id]
        assert world.status("a").phase is Phase.IDLE


async def test_a_run_that_waits_between_attempts_can_be_cancelled(tmp_path: Path, play: Play) -> None:
    async def away(_: RunContext) -> Report:
        raise TargetUnavailable("away", after=3600)

    play.scripts["a"] = away
    async with opened(tmp_path, play, sync("a")) as world:
        run = await world.begin("a")
        waiting = await world.phase("a", Phase.WAITING)

        await world.daemon.cancel(run.id, "ada")

        assert waiting.problem is not None
        assert waiting.active is not None
        assert waiting.active.doing.startswith("attempt 2 in ")
        assert (await world.ended(run)).state is RunState.CANCELLED


async def test_a_paused_sync_starts_nothing_by_itself(tmp_path: Path, play: Play) -> None:
    async with opened(tmp_path, play, sync("a", 'every = "1h"')) as world:
        await world.has_run("a")

        status = await world.daemon.pause(SyncName("a"), "ada")

        assert status.phase is Phase.PAUSED
        assert status.next_run is None
        assert status.problem is not None
        assert "ada" in status.problem.message


async def test_a_schedule_does_not_overlap_itself(tmp_path: Path, play: Play) -> None:
    running = 0
    most = 0
    turns = asyncio.Semaphore(0)

    async def slow(_: RunContext) -> Report:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        turns.release()
        return Report()

    play.scripts["a"] = slow
    async with opened(tmp_path, play, sync("a", 'every = "10ms"')):
        for _ in range(4):
            await asyncio.wait_for(turns.acquire(), 10)

    assert most == 1


async def test_stopping_lets_a_batch_end_and_interrupts_the_run(tmp_path: Path, play: Play) -> None:
    reached = asyncio.Event()

    async def batches(context: RunContext) -> Report:
        for number in range(1_000_000):
            await context.commit(receipt(str(number), reaches=f'{{"at":{number}}}'))
            reached.set()
        return Report()

    play.scripts["a"] = batches
    async with opened(tmp_path, play, sync("a")) as world:
        run = await world.begin("a")
        await reached.wait()
    play.scripts.clear()

    async with opened(tmp_path, play, sync("a")) as world:
        interrupted = (await world.daemon.run(run.id)).run

    assert interrupted.state is RunState.INTERRUPTED
    assert interrupted.counters.stored >= 1
    assert play.abandoned == []


async def test_a_run_that_the_process_died_under_is_gone_on_with(tmp_path: Path, play: Play) -> None:
    seen: list[tuple[Trigger, str | None, bool]] = []

    async def remember(context: RunContext) -> Report:
        seen.append((context.run.trigger, context.checkpoint, context.clean))
        return Report()

    dead = Run(
        RunId("01DEAD"), SyncName("a"), "incremental", Trigger.REQUEST, RunState.RUNNING, datetime.now(UTC), started_at=datetime.now(UTC)
    )
    async with opened(tmp_path, play, sync("a")) as world:
        await world.ledger.runs.begin(dead)
        await world.ledger.syncs.advance(dead, Advance(Checkpoint('{"at":5}')), "")
    play.scripts["a"] = remember

    async with opened(tmp_path, play, sync("a")) as world:
        await world.has_run("a")
        runs = await world.ledger.runs.find(RunQuery(sync="a"))
        entries = await world.ledger.audit.query(AuditQuery(run="01DEAD", limit=10))

    assert seen == [(Trigger.RECOVERY, '{"at":5}', False)]
    assert {run.id: run.state for run in runs}[RunId("01DEAD")] is RunState.INTERRUPTED
    assert sorted(entry.entry.action for entry in entries) == ["run.ended", "run.started"]


async def test_a_run_that_a_stop_has_interrupted_is_gone_on_with_once(tmp_path: Path, play: Play) -> None:
    seen: list[tuple[str, Trigger, dict[str, str]]] = []
    working = asyncio.Event()

    async def batches(context: RunContext) -> Report:
        seen.append((context.run.mode, context.run.trigger, dict(context.run.parameters)))
        while context.run.trigger is Trigger.REQUEST:
            await context.commit(receipt("1"))
            working.set()
        return Report()

    play.scripts["a"] = batches
    async with opened(tmp_path, play, sync("a")) as world:
        await world.begin("a", parameters={"fast": "true"})
        await working.wait()

    for _ in range(2):
        async with opened(tmp_path, play, sync("a")) as world:
            await world.has_run("a")

    how = {"fast": "true"}
    assert seen == [("incremental", Trigger.REQUEST, how), ("incremental", Trigger.RECOVERY, how)]


async def test_a_reload_touches_only_what_changed(tmp_path: Path, play: Play) -> None:
    async with opened(tmp_path, play, sync("a") + sync("b") + sync("c")) as world:
        before = world.status("a").revision
        written(tmp_path, sync("a") + sync("b", 'every = "1h"') + sync("d"))

        changes = await world.daemon.reload("ada")

        assert (changes.added, changes.removed, changes.changed) == (("d",), ("c",), ("b",))
        assert world.daemon.board.names() == ["a", "b", "d"]
        assert world.status("a").revision == before


async def test_a_run_under_way_goes_on_under_the_new_settings(tmp_path: Path, play: Play) -> None:
    begun: list[Trigger] = []
    working = asyncio.Event()

    async def batches(context: RunContext) -> Report:
        begun.append(context.run.trigger)
        if context.run.trigger is Trigger.RECOVERY:
            return Report()
        for number in range(1_000_000):
            await context.commit(receipt(str(number), reaches=f'{{"at":{number}}}'))
            working.set()
        return Report()

    play.scripts["a"] = batches
    async with opened(tmp_path, play, sync("a")) as world:
        run = await world.begin("a")
        await working.wait()
        written(tmp_path, sync("a", 'every = "1h"'))

        await world.daemon.reload("ada")
        await world.has_run("a")

        assert (await world.daemon.run(run.id)).run.state is RunState.INTERRUPTED
        assert begun[:2] == [Trigger.REQUEST, Trigger.RECOVERY]


async def test_wishes_that_make_no_sense_are_refused_in_words(tmp_path: Path, play: Play) -> None:
    async with opened(tmp_path, play, sync("products")) as world:
        with pytest.raises(NotFound, match=r"no sync 'prodcts'; did you mean 'products'\?"):
            await world.begin("prodcts")
        with pytest.raises(InvalidRequest, match=r"no mode 'incrmental'; did you mean 'incremental'\?"):
            await world.begin("products", "incrmental")
        with pytest.raises(InvalidRequest, match=r"no parameter 'fats'; did you mean 'fast'\?"):
            await world.daemon.begin(Wish(SyncName("products"), "incremental", {"fats": "true"}))
        with pytest.raises(NotFound, match="no run 'x'"):
            await world.daemon.run(RunId("x"))


async def test_a_reset_forgets_where_the_sync_stands(tmp_path: Path, play: Play) -> None:
    async def work(context: RunContext) -> Report:
        await context.commit(receipt("1", reaches='{"at":1}'))
        return Report()

    play.scripts["a"] = work
    async with opened(tmp_path, play, sync("a")) as world:
        await world.ended(await world.begin("a"))

        await world.daemon.reset(SyncName("a"), "ada")

        assert (await world.daemon.show(SyncName("a"))).checkpoint == ""


async def test_a_target_is_crowded_while_a_neighbour_has_work(tmp_path: Path, play: Play) -> None:
    play.scripts["b"] = gate = Gate()
    async with opened(tmp_path, play, sync("a") + sync("b")) as world:
        alone = world.supervisor.crowded(SyncName("a"))
        await world.begin("b")
        await gate.reached.wait()

        crowded = world.supervisor.crowded(SyncName("a"))
        gate.open.set()

    assert (alone, crowded) == (False, True)
