"""The audit log: its chain, its monthly files, and questions to it."""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb
import pytest

from syncd.domain.audit import Entry
from syncd.domain.errors import SyncdError
from syncd.ledger.book import open_ledger
from syncd.ledger.state import State, Transaction
from syncd.ports.ledger import AuditQuery, Ledger
from tests.ledger.world import START, Clock, broken_links, eventually, whole_archive, whole_log

ENTRIES = [
    Entry("run.started", sync="shop", run="r-1", actor="ada", detail={"mode": "full"}),
    Entry("run.ended", sync="shop", run="r-1", actor="ada", outcome="target.mismatch", detail={"summary": "한글 검색"}),
    Entry("sync.paused", sync="shop", actor="bob"),
    Entry("runner", sync="other", run="r-2", detail={"note": "CamelCase"}),
]


async def test_entries_are_numbered_without_gaps_and_chained(ledger: Ledger, clock: Clock) -> None:
    for entry in ENTRIES:
        await ledger.audit.record([entry, entry])
        clock.forward(microseconds=1)

    log = await whole_log(ledger)
    assert [line.sequence for line in log] == list(range(1, 9))
    assert broken_links(log) == []
    assert [line.entry for line in log[::2]] == ENTRIES


async def test_a_changed_or_removed_entry_breaks_the_chain(ledger: Ledger) -> None:
    await ledger.audit.record(ENTRIES)

    log = await whole_log(ledger)

    forged = [log[0], replace(log[1], entry=replace(log[1].entry, actor="eve")), *log[2:]]
    assert broken_links(forged) == [2]
    assert broken_links([log[0], *log[2:]]) == [3, 4]


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"b": 1, "a": [1.5, None, True, {"z": "한", "y": ""}]}, id="nested"),
        pytest.param({"at": START, "path": Path("x")}, id="values that JSON does not know"),
        pytest.param({"big": 2**70, "small": 1e-300, "nan": float("inf")}, id="numbers"),
        pytest.param({"text": 'quote " back \\ nul \0 line \n'}, id="characters"),
        pytest.param({"file": "broken-\udcff-name"}, id="a file name that is not UTF-8"),
        pytest.param({1: "one"}, id="keys that are no text"),
    ],
)
async def test_any_detail_reads_back_so_that_its_hash_can_be_computed_again(ledger: Ledger, detail: dict[str, object]) -> None:
    await ledger.audit.record([Entry("odd\udcff", detail=detail)])

    log = await whole_log(ledger)

    assert broken_links(log) == []
    assert await whole_archive(ledger) == log


async def test_a_transaction_that_fails_leaves_no_entry_and_no_gap(state: State) -> None:
    def failing(transaction: Transaction) -> None:
        transaction.record(Entry("never.happened"))
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        await state.write(failing)
    await state.write(lambda transaction: transaction.record(Entry("happened")))

    rows = await state.read(lambda db: db.execute("SELECT sequence, action FROM outbox").fetchall())
    assert [tuple(row) for row in rows] == [(1, "happened")]
    assert state.growth.head == 1


async def test_entries_behind_a_sequence_come_oldest_first(ledger: Ledger) -> None:
    await ledger.audit.record(ENTRIES)

    assert [line.sequence for line in await ledger.audit.after(1, 2)] == [2, 3]
    assert await ledger.audit.after(4, 2) == []


async def test_waiting_for_growth_ends_when_something_is_recorded(ledger: Ledger) -> None:
    waiting = [asyncio.create_task(ledger.audit.grown(0)) for _ in range(3)]
    await asyncio.sleep(0)

    await ledger.audit.record(ENTRIES)

    assert await asyncio.gather(*waiting) == [4, 4, 4]
    assert await ledger.audit.grown(3) == 4


async def test_recording_that_nobody_waits_for_any_more_still_happens_or_never_began(ledger: Ledger) -> None:
    for number in range(50):
        recording = asyncio.create_task(ledger.audit.record([Entry(f"entry.{number}")]))
        for _ in range(number % 7):
            await asyncio.sleep(0)
        recording.cancel()

    await ledger.audit.record([Entry("last")])

    log = await whole_log(ledger)
    assert broken_links(log) == []
    assert log[-1].entry.action == "last"
    assert await ledger.audit.grown(0) == len(log)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param(AuditQuery(), [4, 3, 2, 1], id="all, newest first"),
        pytest.param(AuditQuery(limit=2), [4, 3], id="as many as asked for"),
        pytest.param(AuditQuery(limit=0), [], id="none"),
        pytest.param(AuditQuery(actor="ada"), [2, 1], id="actor"),
        pytest.param(AuditQuery(action="run"), [2, 1], id="action, with what is below it"),
        pytest.param(AuditQuery(action="run."), [2, 1], id="the same with the dot"),
        pytest.param(AuditQuery(action="run.ended"), [2], id="one action"),
        pytest.param(AuditQuery(sync="other"), [4], id="sync"),
        pytest.param(AuditQuery(run="r-1", outcome="ok"), [1], id="run and outcome"),
        pytest.param(AuditQuery(text="camelcase"), [4], id="text in the detail, in any case"),
        pytest.param(AuditQuery(text="글 검"), [2], id="Korean text"),
        pytest.param(AuditQuery(text="PAUSED"), [3], id="text in the action"),
        pytest.param(AuditQuery(text="%"), [], id="text is no pattern"),
        pytest.param(AuditQuery(text="x' OR 1=1 --"), [], id="text is no SQL"),
        pytest.param(AuditQuery(since=datetime(2026, 12, 1, tzinfo=UTC)), [4, 3], id="since"),
        pytest.param(AuditQuery(until=datetime(2026, 12, 1, tzinfo=UTC)), [2, 1], id="until"),
        pytest.param(AuditQuery(since=START, until=START), [], id="an empty time"),
    ],
)
async def test_entries_are_found_by(ledger: Ledger, clock: Clock, query: AuditQuery, found: list[int]) -> None:
    await ledger.audit.record(ENTRIES[:2])
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    await ledger.audit.record(ENTRIES[2:])

    answer = await ledger.audit.query(query)

    assert [line.sequence for line in answer] == found


async def test_each_month_has_its_file_and_a_clock_that_is_set_back_does_no_harm(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    for month in (11, 12, 11, 12, 10):
        clock.now = datetime(2026, month, 15, tzinfo=UTC)
        await ledger.audit.record(ENTRIES)

    archive = await whole_archive(ledger)

    assert archive == await whole_log(ledger)
    assert [line.sequence for line in await ledger.audit.query(AuditQuery(limit=6))] == [20, 19, 18, 17, 16, 15]
    assert sorted(file.name for file in (tmp_path / "audit").glob("*.duckdb")) == ["2026-10.duckdb", "2026-11.duckdb", "2026-12.duckdb"]


async def test_a_month_is_a_file_that_other_programs_can_read_after_the_end(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        await ledger.audit.record(ENTRIES)

    with duckdb.connect(tmp_path / "audit" / "2026-11.duckdb", read_only=True) as file:
        rows = file.execute('SELECT sequence, "at", action FROM entries ORDER BY sequence').fetchall()

    assert rows == [(number, START.replace(tzinfo=None), entry.action) for number, entry in enumerate(ENTRIES, start=1)]
    assert [path.name for path in (tmp_path / "audit").iterdir()] == ["2026-11.duckdb"]


async def test_the_log_continues_where_an_earlier_process_left_it(tmp_path: Path, clock: Clock) -> None:
    for _ in range(3):
        async with open_ledger(tmp_path, clock) as ledger:
            await ledger.audit.record(ENTRIES)

    async with open_ledger(tmp_path, clock) as ledger:
        log = await whole_log(ledger)
        assert len(log) == 12
        assert broken_links(log) == []
        assert await whole_archive(ledger) == log


async def test_the_log_is_shipped_without_anybody_asking(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        await ledger.audit.record(ENTRIES)

        await eventually(partial(asyncio.to_thread, (tmp_path / "audit" / "2026-11.duckdb").exists))


async def test_a_file_that_another_program_has_open_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        await ledger.audit.record(ENTRIES)
    holder = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-c",
            "import fcntl,sys; f=open(sys.argv[1],'rb+'); fcntl.lockf(f,fcntl.LOCK_EX); print(flush=True); sys.stdin.read()",
        ),
        str(tmp_path / "audit" / "2026-11.duckdb"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    await holder.stdout.readline()

    async with open_ledger(tmp_path, clock) as ledger:
        with pytest.raises(SyncdError) as refusal:
            await ledger.audit.query(AuditQuery())
        await holder.communicate(b"")
        archive = await whole_archive(ledger)

    assert refusal.value.code == "ledger.busy"
    assert [line.entry for line in archive] == ENTRIES
