"""What is remembered of rows."""

import asyncio
import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.batch import Checkpoint
from syncd.ledger.book import open_ledger
from syncd.ledger.marks import escaped, unescaped
from syncd.ledger.remembered import Sweeper
from syncd.ledger.state import State
from syncd.ledger.syncs import StoredSyncs
from syncd.ports.ledger import Ledger, RunQuery
from syncd.ports.running import TOMBSTONE, Advance, RowTrace, RowTurn, Scope
from tests.ledger.world import SHOP, START, Clock, a_receipt, a_run, begun, ended, eventually


async def known(ledger: Ledger, *marks: str, scope: Scope = Scope.LIVE, sync: str = SHOP) -> list[int | None]:
    answer = await ledger.rows.rows(a_run(sync=sync).sync).known(pa.array(marks, pa.string()), scope)
    return list(answer.to_pylist())


def count(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def turned(ledger: Ledger, rows: RowTurn) -> None:
    await ledger.syncs.advance(a_run(), Advance(Checkpoint("on"), rows), "")


async def test_fingerprints_come_in_the_order_of_the_marks_with_null_for_the_unknown(ledger: Ledger) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"a": 1, "b": 2, "c": 3}), Scope.LIVE)

    assert await known(ledger, "c", "nobody", "a", "c") == [3, None, 1, 3]


async def test_no_marks_have_no_fingerprints_and_an_unknown_sync_knows_none(ledger: Ledger) -> None:
    assert await known(ledger) == []
    assert await known(ledger, "a") == [None]


async def test_the_last_commit_of_a_row_is_what_is_remembered(ledger: Ledger) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"a": 1, "b": 2}), Scope.LIVE)

    await ledger.syncs.commit(a_run(), a_receipt({"a": 7}, gone=["b", "c"]), Scope.LIVE)

    assert await known(ledger, "a", "b", "c") == [7, TOMBSTONE, TOMBSTONE]


async def test_refused_rows_are_remembered_too(ledger: Ledger) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"a": 1, "b": 2}, refused=[1]), Scope.LIVE)

    assert await known(ledger, "a", "b") == [1, 2]


async def test_fingerprints_of_all_64_bits_come_back_exactly(ledger: Ledger) -> None:
    rows = {"lowest": -(2**63), "low": -(2**63) + 1, "odd": 2**53 + 1, "highest": 2**63 - 1}

    await ledger.syncs.commit(a_run(), a_receipt(rows), Scope.LIVE)

    assert await known(ledger, *rows) == list(rows.values())


async def test_marks_that_differ_in_strange_characters_are_different_rows(ledger: Ledger) -> None:
    strange = ["a", "a\0", "a\0b", "a\1", "a\1\2", "a\2", "", '"', "\\", "\\u0000", "한글", "🙂", "a ", "A", "1", "1.0"]
    rows = {mark: number for number, mark in enumerate(strange, start=1)}

    await ledger.syncs.commit(a_run(), a_receipt(rows), Scope.LIVE)

    assert await known(ledger, *strange) == list(rows.values())
    assert await ledger.rows.rows(SHOP).trace("a\0b") == RowTrace(3, a_run().id, START)


@given(st.text(alphabet="\0\1\2a", max_size=8))
def test_a_mark_survives_its_storage(mark: str) -> None:
    assert unescaped(escaped(mark)) == mark
    assert "\0" not in escaped(mark)


async def test_syncs_and_scopes_do_not_see_each_others_rows(ledger: Ledger) -> None:
    await ledger.syncs.commit(a_run(1), a_receipt({"a": 1}), Scope.LIVE)
    await ledger.syncs.commit(a_run(1), a_receipt({"a": 2}), Scope.SHADOW)
    await ledger.syncs.commit(a_run(2, sync="other"), a_receipt({"a": 3}), Scope.LIVE)

    assert await known(ledger, "a") == [1]
    assert await known(ledger, "a", scope=Scope.SHADOW) == [2]
    assert await known(ledger, "a", sync="other") == [3]


@pytest.mark.parametrize(
    ("turn", "live", "shadow"),
    [
        (RowTurn.KEEP, [1, 1], [None, 2]),
        (RowTurn.CLEAR_LIVE, [None, None], [None, 2]),
        (RowTurn.CLEAR_SHADOW, [1, 1], [None, None]),
        (RowTurn.PROMOTE, [None, 2], [None, None]),
    ],
)
async def test_a_turn_of_the_rows(ledger: Ledger, turn: RowTurn, live: list[int | None], shadow: list[int | None]) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"a": 1, "b": 1}), Scope.LIVE)
    await ledger.syncs.commit(a_run(), a_receipt({"b": 2}), Scope.SHADOW)

    await turned(ledger, turn)

    assert await known(ledger, "a", "b") == live
    assert await known(ledger, "a", "b", scope=Scope.SHADOW) == shadow


async def test_rows_committed_after_a_turn_are_remembered_anew(ledger: Ledger) -> None:
    await ledger.syncs.commit(a_run(), a_receipt({"a": 1, "b": 1}), Scope.LIVE)
    await turned(ledger, RowTurn.CLEAR_LIVE)

    await ledger.syncs.commit(a_run(), a_receipt({"b": 5}), Scope.LIVE)

    assert await known(ledger, "a", "b") == [None, 5]


async def test_a_turn_changes_a_handful_of_records_however_many_rows_there_are(state: State) -> None:
    syncs = StoredSyncs(state, lambda: None)
    await syncs.commit(a_run(), a_receipt({str(number): number for number in range(1000)}), Scope.LIVE)
    before = await state.write(lambda transaction: transaction.db.total_changes)

    await syncs.advance(a_run(), Advance(Checkpoint("on"), RowTurn.PROMOTE), "")

    assert await state.write(lambda transaction: transaction.db.total_changes) - before < 10


async def test_rows_that_were_given_up_are_swept_even_by_a_later_process(tmp_path: Path, clock: Clock, state: State) -> None:
    syncs = StoredSyncs(state, lambda: None)
    for _ in range(3):
        await syncs.commit(a_run(), a_receipt({str(number): number for number in range(3000)}), Scope.LIVE)
        await syncs.advance(a_run(), Advance(Checkpoint("on"), RowTurn.CLEAR_LIVE), "")
    await syncs.commit(a_run(), a_receipt({"kept": 1}), Scope.LIVE)

    async with open_ledger(tmp_path, clock):
        await eventually(lambda: state.read(lambda db: count(db, "generations") == 1))

    assert await state.read(lambda db: count(db, "remembered")) == 1


async def test_the_sweeper_wakes_when_rows_are_given_up(state: State) -> None:
    sweeper = Sweeper(state)
    syncs = StoredSyncs(state, sweeper.wake)
    await syncs.commit(a_run(), a_receipt({"a": 1}), Scope.LIVE)

    sweeping = asyncio.create_task(sweeper.serve())
    await syncs.advance(a_run(), Advance(Checkpoint("on"), RowTurn.CLEAR_LIVE), "")

    await eventually(lambda: state.read(lambda db: count(db, "generations") == 0))
    sweeping.cancel()
    await asyncio.wait([sweeping])


async def test_a_trace_names_the_run_even_after_its_history_is_gone(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock, keep_runs=1) as ledger:
        touched = await begun(ledger, a_run(1))
        await ledger.syncs.commit(touched, a_receipt({"a": 5}), Scope.LIVE)
        await ended(ledger, touched)

        for number in (2, 3, 4):
            await ended(ledger, await begun(ledger, a_run(number)))

        assert touched.id not in [run.id for run in await ledger.runs.find(RunQuery())]
        assert await ledger.rows.rows(SHOP).trace("a") == RowTrace(5, touched.id, START)


async def test_a_row_that_nobody_committed_has_no_trace(ledger: Ledger) -> None:
    assert await ledger.rows.rows(SHOP).trace("a") is None
