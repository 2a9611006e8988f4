"""Opening and closing the books, and what an operator is told when that fails."""

import asyncio
import resource
import sqlite3
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.domain.audit import Entry, Recorded
from syncd.domain.errors import PermanentError, SyncdError, TransientError
from syncd.kit.tasks import TaskDied, alongside
from syncd.ledger.audit import MonthFiles
from syncd.ledger.book import open_ledger
from syncd.ledger.state import State
from syncd.ledger.syncs import StoredSyncs
from syncd.ports.ledger import AuditQuery
from syncd.ports.running import Scope
from tests.ledger.world import SHOP, Clock, a_receipt, a_run, whole_log


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def refusal(state_dir: Path) -> SyncdError:
    with pytest.raises(SyncdError) as refused:
        async with open_ledger(state_dir, Clock()):
            pass
    return refused.value


async def test_a_missing_folder_is_made_and_nobody_else_may_read_the_books(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "some" / "state"

    async with open_ledger(folder, clock) as ledger:
        await ledger.audit.record([Entry("something")])
        await ledger.audit.query(AuditQuery())

        assert names_in(folder) == {"state.db", "state.db-wal", "state.db-shm", "audit"}
        assert [oct(file.stat().st_mode & 0o077) for file in folder.iterdir()] == ["0o0"] * 4


async def test_closing_leaves_one_whole_file_and_no_thread(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        await ledger.audit.record([Entry("something")])

    assert names_in(tmp_path) == {"audit", "state.db"}
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("ledger")] == []


async def test_an_error_of_the_block_is_raised_as_it_is(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_ledger(tmp_path, clock):
            raise ZeroDivisionError


async def test_a_file_of_a_newer_syncd_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute("PRAGMA user_version = 999")
    db.close()

    refused = await refusal(tmp_path)

    assert isinstance(refused, PermanentError)
    assert refused.code == "ledger.newer"
    assert "999" in str(refused)


@pytest.mark.parametrize("content", [b"not a database" * 1000, b"SQLite format 3\0" + b"\xff" * 8000])
async def test_a_damaged_file_is_refused_with_a_way_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.db").write_bytes(content)

    refused = await refusal(tmp_path)

    assert isinstance(refused, PermanentError)
    assert refused.code == "ledger.damaged"
    assert refused.hint
    assert (tmp_path / "state.db").read_bytes() == content


async def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")

    refused = await refusal(tmp_path / "state")

    assert isinstance(refused, PermanentError)
    assert refused.code == "ledger.unwritable"


async def test_a_full_disk_passes_and_leaves_nothing_half_done(state: State) -> None:
    syncs = StoredSyncs(state, lambda: None)
    await syncs.commit(a_run(), a_receipt({"1": 1}, reaches="here"), Scope.LIVE)
    await state.write(lambda transaction: transaction.db.execute("PRAGMA max_page_count = 1").fetchall())
    many = a_receipt({f"row {number}": number for number in range(20_000)}, reaches="there")

    with pytest.raises(TransientError) as refused:
        await syncs.commit(a_run(), many, Scope.LIVE)

    assert refused.value.code == "ledger.full"
    assert (await syncs.load([SHOP]))[SHOP].checkpoint == "here"
    await state.write(lambda transaction: transaction.db.execute("PRAGMA max_page_count = 1000000").fetchall())
    await syncs.commit(a_run(), many, Scope.LIVE)
    assert (await syncs.load([SHOP]))[SHOP].checkpoint == "there"


async def test_a_file_that_cannot_be_written_any_more_is_waited_for(state: State) -> None:
    syncs = StoredSyncs(state, lambda: None)
    await state.write(lambda transaction: transaction.record(Entry("before")))
    await state.write(lambda transaction: transaction.db.execute("PRAGMA query_only = 1").fetchall())

    with pytest.raises(TransientError) as refused:
        await syncs.commit(a_run(), a_receipt({"1": 1}, reaches="there"), Scope.LIVE)

    assert refused.value.code == "ledger.unwritten"
    assert "state.db could not be written" in str(refused.value)
    assert refused.value.hint


async def test_what_died_is_the_last_entry(tmp_path: Path, clock: Clock) -> None:
    async def dies() -> None:
        raise KeyError("a secret")

    with pytest.raises(TaskDied):
        async with open_ledger(tmp_path, clock), alongside(dies(), "the part"):
            await asyncio.Event().wait()

    async with open_ledger(tmp_path, clock) as ledger:
        (died,) = await ledger.audit.query(AuditQuery(action="daemon.died"))
    assert (died.entry.outcome, died.entry.detail) == ("failed", {"part": "the part", "error": "KeyError"})


async def test_a_daemon_that_could_not_start_has_not_died(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ExceptionGroup):
        async with open_ledger(tmp_path, clock), asyncio.TaskGroup():
            raise PermanentError("the socket cannot be bound")

    async with open_ledger(tmp_path, clock) as ledger:
        assert await ledger.audit.query(AuditQuery(action="daemon.died")) == []


async def test_the_writer_is_seen_to_be_stuck_behind_a_file_that_another_program_holds(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waits = asyncio.create_task(ledger.audit.record([Entry("something")]))
            await asyncio.sleep(0.3)
            stuck = ledger.busy_for()
            other.execute("ROLLBACK")
        await waits

        assert stuck > timedelta(seconds=0.2)
        assert ledger.busy_for() < timedelta(seconds=0.2)


async def test_shipping_that_is_stuck_counts_as_a_writer_and_reading_does_not(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()
    reading: list[timedelta] = []

    def slow(*_: object) -> list[Recorded]:
        time.sleep(0.2)
        reading.append(ledger.busy_for())
        return []

    def stuck(*_: object) -> int:
        began.set()
        go_on.wait(10)
        return 1

    async with open_ledger(tmp_path, clock) as ledger:
        monkeypatch.setattr(MonthFiles, "append", stuck)
        await ledger.audit.record([Entry("something")])
        shipping = asyncio.create_task(ledger.audit.query(AuditQuery()))
        await asyncio.to_thread(began.wait, 10)
        await asyncio.sleep(0.2)
        busy = ledger.busy_for()
        monkeypatch.undo()
        monkeypatch.setattr(MonthFiles, "search", slow)
        go_on.set()
        await shipping

    assert busy > timedelta(seconds=0.1)
    assert reading == [timedelta(0)]


async def test_books_whose_audit_files_cannot_be_written_lose_nothing(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "audit").write_text("in the way")

    async with open_ledger(tmp_path, clock) as ledger:
        await ledger.audit.record([Entry("something")])
        with pytest.raises(PermanentError) as refused:
            await ledger.audit.query(AuditQuery())

    assert refused.value.code == "ledger.unwritable"
    (tmp_path / "audit").unlink()
    async with open_ledger(tmp_path, clock) as ledger:
        assert await ledger.audit.query(AuditQuery()) == await whole_log(ledger)


async def test_an_audit_file_that_cannot_grow_is_not_taken_for_damaged(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        await ledger.audit.query(AuditQuery())
        await ledger.audit.record([Entry("long", detail={"text": str(number) * 1000}) for number in range(2000)])
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, unlimited[1]))

        try:
            with pytest.raises(TransientError) as refused:
                await ledger.audit.query(AuditQuery())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

        assert refused.value.code in ("ledger.unwritten", "ledger.full")
        assert list(reversed(await ledger.audit.query(AuditQuery(limit=10_000)))) == await whole_log(ledger)
        assert {path for path in names_in(tmp_path / "audit") if "quarantined" in path} == set()


async def test_many_tasks_at_once_are_all_written(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        async with asyncio.TaskGroup() as tasks:
            for number in range(200):
                tasks.create_task(ledger.syncs.commit(a_run(number, sync=f"s{number}"), a_receipt({"1": number}), Scope.LIVE))

        traces = [await ledger.rows.rows(a_run(sync=f"s{number}").sync).trace("1") for number in range(200)]
        assert [trace.fingerprint for trace in traces if trace] == list(range(200))
