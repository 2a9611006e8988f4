"""The durable state of syncs."""

import pytest

from syncd.domain.audit import Entry
from syncd.domain.batch import Checkpoint
from syncd.domain.run import Counters, Failure, RunState, SyncName
from syncd.ledger.state import State
from syncd.ledger.syncs import StoredSyncs
from syncd.ports.ledger import Change, Hold, HoldKind, Ledger, RunQuery, SyncRecord
from syncd.ports.running import Advance, Scope
from tests.ledger.world import SHOP, Clock, a_receipt, a_run, begun, whole_log

HOLD = Hold(HoldKind.PAUSED, Failure("operator", "paused by ada", "resume it"))


async def record(ledger: Ledger) -> SyncRecord:
    return (await ledger.syncs.load([SHOP]))[SHOP]


async def test_syncs_that_never_ran_have_the_defaults(ledger: Ledger) -> None:
    names = [SyncName("이름"), SHOP]

    loaded = await ledger.syncs.load(names)

    assert loaded == dict.fromkeys(names, SyncRecord())


async def test_a_commit_moves_the_checkpoint_and_the_counters_of_the_run(ledger: Ledger) -> None:
    run = await begun(ledger, a_run())
    counted = a_run(state=RunState.RUNNING, counters=Counters(read=2, stored=2), attempt=2, total=9)

    await ledger.syncs.commit(counted, a_receipt({"1": 11, "2": 22}, reaches="there"), Scope.LIVE)

    assert (await record(ledger)).checkpoint == "there"
    (found,) = await ledger.runs.find(RunQuery())
    assert (found.counters, found.attempt, found.total) == (Counters(read=2, stored=2), 2, 9)
    assert found.started_at == run.started_at


async def test_a_commit_of_a_run_and_a_sync_that_nobody_wrote_down_writes_them(ledger: Ledger) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"1": 11}, reaches="there"), Scope.LIVE)

    assert (await record(ledger)).checkpoint == "there"
    assert await ledger.runs.find(RunQuery()) == [a_run()]


async def test_a_commit_without_refusals_adds_nothing_to_the_audit_log(ledger: Ledger) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"1": 11}, gone=["2"]), Scope.LIVE)

    assert await whole_log(ledger) == []


async def test_the_audit_log_tells_of_refused_rows_by_number_and_code_alone(ledger: Ledger) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"1": 11, "2": 22, "3": 33}, refused=[0, 2], text="secret"), Scope.LIVE)

    (line,) = await whole_log(ledger)
    detail = {"rows": 2, "codes": {"invalid_document_id": 2}}
    assert line.entry == Entry("rows.refused", sync=SHOP, run=a_run().id, outcome="refused", detail=detail)


@pytest.mark.parametrize("rows", [1, 1000])
async def test_a_commit_takes_the_same_few_statements_for_any_number_of_rows(state: State, rows: int) -> None:
    syncs = StoredSyncs(state, lambda: None)
    await syncs.commit(a_run(), a_receipt({"refused before": 1}, refused=[0]), Scope.LIVE)
    statements: list[str] = []
    await state.write(lambda transaction: transaction.db.set_trace_callback(statements.append))

    await syncs.commit(a_run(), a_receipt({f"row {number}": number for number in range(rows)}, gone=["9"]), Scope.LIVE)

    assert 5 < len(statements) < 15


async def test_an_advance_writes_checkpoint_completeness_and_entries_together(ledger: Ledger) -> None:
    step = Advance(Checkpoint("there"), entries=(Entry("schema.drifted", sync=SHOP),))

    await ledger.syncs.advance(a_run(), step, "2026-11-20")

    assert await record(ledger) == SyncRecord(checkpoint=Checkpoint("there"), complete_to="2026-11-20")
    assert [line.entry.action for line in await whole_log(ledger)] == ["schema.drifted"]


async def test_an_advance_that_knows_nothing_of_completeness_keeps_what_is_known(ledger: Ledger) -> None:
    await ledger.syncs.advance(a_run(), Advance(Checkpoint("here")), "2026-11-20")

    await ledger.syncs.advance(a_run(), Advance(Checkpoint("there")), "")

    assert await record(ledger) == SyncRecord(checkpoint=Checkpoint("there"), complete_to="2026-11-20")


async def test_an_advance_drops_the_dead_letters_that_were_not_seen_since(ledger: Ledger, clock: Clock) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"old": 1, "seen again": 2}, refused=[0, 1]), Scope.LIVE)
    clock.forward(hours=1)
    await ledger.syncs.commit(a_run(), a_receipt({"seen again": 2}, refused=[0]), Scope.LIVE)

    await ledger.syncs.advance(a_run(), Advance(Checkpoint("end"), letters_before=clock.now), "")

    assert [letter.mark for letter in await ledger.rows.rows(SHOP).letters()] == ["seen again"]


async def test_a_person_holds_and_releases_a_sync(ledger: Ledger) -> None:
    entry = Entry("sync.paused", sync=SHOP, actor="ada")

    held = await ledger.syncs.change(SHOP, Change(hold=HOLD), entry)
    released = await ledger.syncs.change(SHOP, Change(), Entry("sync.resumed", sync=SHOP, actor="ada"))

    assert held.hold == HOLD
    assert released == SyncRecord()
    assert next(line.entry for line in await whole_log(ledger)) == entry


async def test_a_reset_forgets_checkpoint_rows_and_dead_letters_but_not_the_history(ledger: Ledger) -> None:
    run = await begun(ledger, a_run())
    await ledger.syncs.commit(run, a_receipt({"1": 11, "2": 22}, refused=[1]), Scope.LIVE)
    await ledger.syncs.commit(run, a_receipt({"1": 33}), Scope.SHADOW)
    await ledger.syncs.advance(run, Advance(Checkpoint("there")), "2026-11-20")

    reset = await ledger.syncs.change(SHOP, Change(reset=True), Entry("sync.reset", sync=SHOP))

    assert reset == SyncRecord(clean=False)
    assert await ledger.rows.rows(SHOP).trace("1") is None
    assert await ledger.runs.find(RunQuery()) != []
