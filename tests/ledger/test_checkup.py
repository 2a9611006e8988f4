"""After a start the log is looked over: files are made anew, what the ledger itself lost is told once, and the head is noted down."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from syncd.domain.verdict import Fault
from syncd.ledger.checkup import Checkup
from syncd.ledger.noting import HeadNotes
from tests.ledger import evidence
from tests.ledger.evidence import Books, in_duckdb, in_parquet, in_sqlite, opened

OCTOBER, SEALED, BOOK = "2026-10.duckdb", "2026-10.parquet", "state.db"
EDIT = "UPDATE {} SET actor = 'eve' WHERE sequence = 4"


async def filled(folder: Path) -> None:
    async with opened(folder) as books:
        await books.fill(10, 11)


async def looked(books: Books) -> Checkup:
    checkup = Checkup(books.state, books.audit, books.archive)
    await checkup.look()
    return checkup


async def actions(books: Books) -> list[str]:
    return [line.entry.action for line in await books.audit.after(20, 100)]


@pytest.mark.parametrize("file", [pytest.param(OCTOBER, id="a database"), pytest.param(SEALED, id="a sealed file")])
async def test_an_edited_file_is_set_aside_and_made_anew(tmp_path: Path, file: str) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        if file == SEALED:
            await books.sealer.tend()
    if file == SEALED:
        in_parquet(tmp_path / "audit" / SEALED, evidence.edited)
    else:
        in_duckdb(tmp_path / "audit" / OCTOBER, EDIT.format("entries"))

    async with opened(tmp_path) as books:
        checkup = await looked(books)
        await books.sealer.tend()
        verdict = await books.verdict()

    assert (verdict.findings, checkup.problems) == ((), ())
    assert [entry.entry.detail["month"] for entry in verdict.rebuilt] == ["2026-10"]
    assert "edited" in str(verdict.rebuilt[0].entry.detail["problem"])
    assert list((tmp_path / "audit").glob(f"{file}.quarantined-*"))


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        pytest.param(EDIT.format("outbox"), "state.db: entry 4 edited", id="edited"),
        pytest.param("DELETE FROM outbox WHERE sequence IN (4, 5)", "state.db: entries 4 to 5 removed", id="removed"),
        pytest.param("DELETE FROM outbox WHERE sequence > 18", "state.db: entries 19 to 20 truncated", id="cut off"),
    ],
)
async def test_what_the_ledger_lost_is_told_once_and_the_better_copy_stays(tmp_path: Path, statement: str, problem: str) -> None:
    await filled(tmp_path)
    in_sqlite(tmp_path / BOOK, statement)
    logged: list[list[str]] = []
    problems: list[tuple[str, ...]] = []

    for _ in range(3):
        async with opened(tmp_path) as books:
            with capture_logs() as logs:
                checkup = await looked(books)
            told = await actions(books)
        logged.append([line["log_level"] for line in logs if line["event"].startswith("audit log")])
        problems.append(checkup.problems)

    assert problems[0] == (f"audit log: {problem}",)
    assert [len(each) for each in problems] == [1, 1, 1]
    assert told == ["audit.broken"]
    assert logged == [["error"], ["warning"], ["warning"]]
    assert [path.name for path in (tmp_path / "audit").iterdir()].count(OCTOBER) == 1
    assert not list((tmp_path / "audit").glob("*.quarantined-*"))


async def test_a_tail_that_was_cut_off_everywhere_is_found_by_the_head(tmp_path: Path) -> None:
    await filled(tmp_path)
    in_sqlite(tmp_path / BOOK, "DELETE FROM outbox WHERE sequence > 18")
    in_duckdb(tmp_path / "audit" / "2026-11.duckdb", "DELETE FROM entries WHERE sequence > 18")

    async with opened(tmp_path) as books:
        findings = await books.findings()

    assert findings == [(BOOK, Fault.TRUNCATED, 19, 20)]


async def test_a_ledger_that_was_set_back_as_a_whole_is_found_by_the_noted_head(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10)
        earlier = await books.verdict()
        await books.fill(11)
        with capture_logs() as logs:
            await HeadNotes(books.state).note()
    noted = int(logs[0]["audit_sequence"]), str(logs[0]["audit_hash"])
    in_sqlite(
        tmp_path / BOOK,
        "DELETE FROM outbox WHERE sequence > 10",
        "DELETE FROM months WHERE month = '2026-11'",
        f"UPDATE head SET sequence = 10, hash = x'{earlier.hash}', shipped = 10",
    )
    (tmp_path / "audit" / "2026-11.duckdb").unlink()

    async with opened(tmp_path) as books:
        plain = await books.verdict()
        against = await books.verdict(noted)

    assert plain.findings == ()
    assert [(found.fault, found.first, found.last) for found in against.findings] == [(Fault.TRUNCATED, 11, 20)]


async def test_the_head_is_noted_when_it_has_moved_and_only_then(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        notes = HeadNotes(books.state)
        with capture_logs() as logs:
            await notes.note()
            await books.fill(11)
            await notes.note()
            await notes.note()
        verdict = await books.verdict()

    assert [(line["event"], line["audit_sequence"], line["audit_hash"]) for line in logs] == [("audit head", 10, verdict.hash)]
