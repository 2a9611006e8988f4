"""The durable life of runs."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.domain.audit import Entry
from syncd.domain.run import Counters, Failure, Run, RunState, SyncName, Trigger
from syncd.ledger.book import open_ledger
from syncd.ledger.runs import StoredRuns
from syncd.ledger.state import State
from syncd.ports.ledger import Change, Hold, HoldKind, Ledger, RunQuery, SyncRecord
from tests.ledger.world import SHOP, START, Clock, a_run, begun, ended, whole_log

HALT = Hold(HoldKind.HALTED, Failure("target.mismatch", "another primary key", "drop the index"))
PAUSE = Hold(HoldKind.PAUSED, Failure("operator", "paused by ada"))


async def record(ledger: Ledger, sync: str = SHOP) -> SyncRecord:
    return (await ledger.syncs.load([SyncName(sync)]))[SyncName(sync)]


async def hold(ledger: Ledger, held: Hold | None) -> None:
    await ledger.syncs.change(SHOP, Change(hold=held), Entry("sync.changed", sync=SHOP))


async def test_a_run_is_found_exactly_as_it_was_written(ledger: Ledger) -> None:
    run = await begun(ledger, a_run(parameters={"replace": "true", "이름": "값"}, request_id="r-1", actor="ada"))

    over = await ended(
        ledger,
        run,
        RunState.FAILED,
        total=7,
        attempt=3,
        counters=Counters(1, 2, 3, 4, 5, 6, 7, 8),
        failure=Failure("source.mismatch", "no such table", "create it"),
        report='{"plan": []}',
        drifted=True,
    )

    assert await ledger.runs.find(RunQuery()) == [over]


async def test_adding_a_known_request_returns_the_stored_run_and_writes_nothing(ledger: Ledger) -> None:
    first = await ledger.runs.add(a_run(1, request_id="r-1"))

    second = await ledger.runs.add(a_run(2, request_id="r-1"))

    assert second == first
    assert await ledger.runs.find(RunQuery()) == [first]


async def test_runs_without_a_request_id_are_all_kept(ledger: Ledger) -> None:
    await ledger.runs.add(a_run(1))

    await ledger.runs.add(a_run(2))

    assert len(await ledger.runs.find(RunQuery())) == 2


async def test_beginning_answers_the_record_from_before(ledger: Ledger) -> None:
    run = await ledger.runs.add(a_run())

    before = await ledger.runs.begin(run.with_state(RunState.RUNNING, START))

    assert before == SyncRecord()
    assert not (await record(ledger)).clean


async def test_a_run_that_only_reads_leaves_its_sync_clean_and_is_not_its_last(ledger: Ledger) -> None:
    run = await begun(ledger, a_run(writes=False))

    await ended(ledger, run, RunState.FAILED)

    assert await record(ledger) == SyncRecord()


async def test_a_writing_run_that_is_done_makes_its_sync_clean_and_becomes_its_last(ledger: Ledger) -> None:
    await ended(ledger, await begun(ledger, a_run(1)), RunState.FAILED)

    last = await ended(ledger, await begun(ledger, a_run(2)))

    assert await record(ledger) == SyncRecord(clean=True, last=last)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED, RunState.INTERRUPTED])
async def test_a_writing_run_that_ends_badly_leaves_its_sync_unclean(ledger: Ledger, state: RunState) -> None:
    await ended(ledger, await begun(ledger, a_run()), state)

    assert not (await record(ledger)).clean


async def test_a_run_that_never_began_has_no_effect_on_cleanness_or_halt(ledger: Ledger) -> None:
    await hold(ledger, HALT)
    queued = await ledger.runs.add(a_run())

    await ended(ledger, queued, RunState.CANCELLED)

    found = await record(ledger)
    assert found.clean
    assert found.hold == HALT


async def test_a_run_that_never_began_is_told_as_ended_alone(ledger: Ledger) -> None:
    queued = await ledger.runs.add(a_run())

    await ended(ledger, queued, RunState.INTERRUPTED)

    assert [(line.entry.action, line.entry.outcome) for line in await whole_log(ledger)] == [("run.ended", "interrupted")]


@pytest.mark.parametrize(("held", "left"), [(HALT, None), (PAUSE, PAUSE)])
async def test_a_run_that_is_done_ends_a_halt_but_no_pause(ledger: Ledger, held: Hold, left: Hold | None) -> None:
    await hold(ledger, held)

    await ended(ledger, await begun(ledger, a_run()))

    assert (await record(ledger)).hold == left


async def test_a_run_can_leave_a_hold_behind(ledger: Ledger) -> None:
    run = await begun(ledger, a_run())

    await ledger.runs.end(run.with_state(RunState.FAILED, START), HALT)

    assert (await record(ledger)).hold == HALT
    assert (await whole_log(ledger))[-1].entry.detail["hold"] == "halted"


async def test_the_audit_log_tells_how_a_run_began_and_ended(ledger: Ledger) -> None:
    run = await begun(ledger, a_run(actor="ada", trigger=Trigger.SCHEDULE))

    await ledger.runs.end(
        replace(run, counters=Counters(read=5, refused=2)).with_state(RunState.DONE, run.queued_at + timedelta(seconds=90)),
        entries=[Entry("schema.drifted", sync=SHOP, run=run.id)],
    )

    started, drifted, over = [line.entry for line in await whole_log(ledger)]
    assert (started.action, started.sync, started.run, started.actor) == ("run.started", SHOP, run.id, "ada")
    assert drifted.action == "schema.drifted"
    assert over == Entry(
        "run.ended",
        sync=SHOP,
        run=run.id,
        actor="ada",
        outcome="ok",
        detail={
            "mode": "full",
            "trigger": "schedule",
            "summary": "done, 2 refused",
            "attempt": 1,
            "seconds": 90.0,
            "counters": {"read": 5, "unchanged": 0, "sent": 0, "stored": 0, "refused": 2, "deleted": 0, "bytes": 0, "batches": 0},
            "reached": {},
        },
    )


@pytest.mark.parametrize(
    ("state", "failure", "outcome"),
    [
        pytest.param(RunState.DONE, None, "ok", id="done"),
        pytest.param(RunState.FAILED, Failure("target.mismatch", "no"), "target.mismatch", id="failed for a reason"),
        pytest.param(RunState.CANCELLED, None, "cancelled", id="cancelled"),
        pytest.param(RunState.INTERRUPTED, Failure("daemon.stopped", "no"), "interrupted", id="interrupted"),
    ],
)
async def test_the_outcome_of_a_run_is_what_the_audit_log_says(
    ledger: Ledger, state: RunState, failure: Failure | None, outcome: str
) -> None:
    run = await begun(ledger, a_run())

    await ended(ledger, run, state, failure=failure)

    assert (await whole_log(ledger))[-1].entry.outcome == outcome


async def test_beginning_and_ending_twice_is_told_once(ledger: Ledger) -> None:
    run = await begun(ledger, a_run())
    await ledger.runs.begin(run)
    over = await ended(ledger, run)

    await ledger.runs.end(replace(over, state=RunState.FAILED))

    assert [line.entry.action for line in await whole_log(ledger)] == ["run.started", "run.ended"]
    assert await ledger.runs.find(RunQuery()) == [over]


async def test_runs_that_an_earlier_process_left_open_can_be_found_and_ended(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as earlier:
        await begun(earlier, a_run(1))
        await earlier.runs.add(a_run(2, sync="other"))

    async with open_ledger(tmp_path, clock) as ledger:
        orphans = await ledger.runs.find(RunQuery(states=frozenset({RunState.QUEUED, RunState.RUNNING})))
        for orphan in orphans:
            await ledger.runs.end(orphan.with_state(RunState.INTERRUPTED, clock()))

        assert {run.state for run in await ledger.runs.find(RunQuery())} == {RunState.INTERRUPTED}
        assert not (await record(ledger)).clean
        assert (await record(ledger, "other")).clean


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param(RunQuery(), [5, 4, 3, 2, 1], id="all, newest first"),
        pytest.param(RunQuery(limit=2), [5, 4], id="as many as asked for"),
        pytest.param(RunQuery(sync="other"), [4, 2], id="of one sync"),
        pytest.param(RunQuery(sync="nobody"), [], id="of a sync that never was"),
        pytest.param(RunQuery(states=frozenset({RunState.DONE})), [5, 3, 1], id="in one state"),
        pytest.param(RunQuery(states=frozenset({RunState.DONE, RunState.FAILED}), limit=3), [5, 4, 3], id="in several states"),
        pytest.param(RunQuery(sync="other", states=frozenset({RunState.FAILED})), [4], id="of one sync in one state"),
        pytest.param(RunQuery(before=a_run(3).id), [2, 1], id="behind one"),
        pytest.param(RunQuery(before="00000000000000000000000009"), [5, 4, 3, 2, 1], id="behind one that is gone"),
        pytest.param(RunQuery(since=a_run(2).queued_at, until=a_run(4).queued_at), [3, 2], id="from a time until before another"),
    ],
)
async def test_runs_are_found_by(ledger: Ledger, query: RunQuery, found: list[int]) -> None:
    for number in (1, 3, 5):
        await ended(ledger, await begun(ledger, a_run(number)))
    await ended(ledger, await begun(ledger, a_run(4, sync="other")), RunState.FAILED)
    await ledger.runs.add(a_run(2, sync="other"))

    answer = await ledger.runs.find(query)

    assert [run.id for run in answer] == [a_run(number).id for number in found]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(RunQuery(), id="all"),
        pytest.param(RunQuery(sync=SHOP), id="sync"),
        pytest.param(RunQuery(sync=SHOP, states=frozenset({RunState.FAILED})), id="sync and state"),
        pytest.param(RunQuery(states=frozenset({RunState.QUEUED, RunState.RUNNING})), id="states"),
        pytest.param(RunQuery(since=START, until=START), id="time"),
        pytest.param(RunQuery(sync=SHOP, before=a_run().id), id="page"),
    ],
)
async def test_no_search_for_runs_reads_the_whole_table(state: State, query: RunQuery) -> None:
    runs = StoredRuns(state, keep=10)
    await runs.add(a_run())
    statements: list[str] = []
    await state.read(lambda db: db.set_trace_callback(statements.append))

    await runs.find(query)

    await state.read(lambda db: db.set_trace_callback(None))
    search = next(sql for sql in reversed(statements) if sql.startswith("SELECT"))
    plan = await state.read(lambda db: [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {search}").fetchall()])
    assert not [step for step in plan if step.startswith("SCAN runs") and "USING" not in step]
    assert not [step for step in plan if step.startswith("SCAN runs") and query != RunQuery()]


async def test_old_runs_are_forgotten_but_never_an_open_one_or_the_last_that_wrote(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock, keep_runs=2) as ledger:
        await ledger.runs.add(a_run(1))
        wrote = await ended(ledger, await begun(ledger, a_run(2)))

        for number in range(3, 9):
            await ended(ledger, await begun(ledger, a_run(number, writes=False)))

        left: list[Run] = list(await ledger.runs.find(RunQuery()))
        assert [run.id for run in left] == [a_run(number).id for number in (8, 7, 2, 1)]
        assert (await record(ledger)).last == wrote
