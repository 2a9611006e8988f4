"""Whoever changes the audit log behind the daemon's back is found out, and where."""

from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.domain.audit import GENESIS, Entry, digest
from syncd.domain.verdict import Fault
from syncd.ledger.chain import differences
from syncd.ledger.moments import micros
from syncd.ledger.outbox import Line, intact
from tests.ledger import evidence
from tests.ledger.evidence import Books, Rows, in_duckdb, in_parquet, in_sqlite, opened, swapped
from tests.ledger.world import START

OCTOBER, SEALED, BOOK = "2026-10.duckdb", "2026-10.parquet", "state.db"
COPY = "INSERT INTO entries SELECT {} FROM entries WHERE sequence = 4"


async def test_a_log_that_nobody_touched_is_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(9, 10, 11)

        verdict = await books.verdict()

    assert (verdict.findings, verdict.done, verdict.first, verdict.head) == ((), True, 1, 30)
    assert verdict.checked == verdict.total == 60


async def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        verdict = await books.verdict()

    assert (verdict.findings, verdict.done, verdict.head, verdict.total) == ((), True, 0, 0)


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(["UPDATE entries SET actor = 'eve' WHERE sequence = 4"], [(Fault.EDITED, 4, 4)], id="edit"),
        pytest.param(["""UPDATE entries SET detail = '{"n":  3}' WHERE sequence = 4"""], [(Fault.EDITED, 4, 4)], id="edit a space"),
        pytest.param(["DELETE FROM entries WHERE sequence IN (4, 5)"], [(Fault.REMOVED, 4, 5)], id="delete"),
        pytest.param([COPY.format("*")], [(Fault.INSERTED, 4, 4)], id="insert a copy"),
        pytest.param([COPY.format("* REPLACE (-5 AS sequence)")], [(Fault.INSERTED, -5, -5)], id="insert before"),
        pytest.param(
            ["UPDATE entries SET sequence = CASE sequence WHEN 4 THEN 5 ELSE 4 END WHERE sequence IN (4, 5)"],
            [(Fault.REORDERED, 4, 5)],
            id="reorder",
        ),
        pytest.param(["DELETE FROM entries WHERE sequence > 8"], [(Fault.TRUNCATED, 9, 10)], id="truncate the tail"),
        pytest.param(
            ["UPDATE entries SET actor = 'eve' WHERE sequence = 2", "DELETE FROM entries WHERE sequence = 7"],
            [(Fault.EDITED, 2, 2), (Fault.REMOVED, 7, 7)],
            id="two at once",
        ),
    ],
)
async def test_tampering_with_a_months_database_is_found(
    tmp_path: Path, statements: list[str], found: list[tuple[Fault, int, int]]
) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        await books.settle()
        in_duckdb(books.month(OCTOBER), *statements)

        findings = await books.findings()

    assert findings == [(OCTOBER, *each) for each in found]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param(evidence.edited, [(Fault.EDITED, 4, 4)], id="edit"),
        pytest.param(evidence.rehashed, [(Fault.EDITED, 4, 4)], id="edit with a new hash"),
        pytest.param(evidence.deleted, [(Fault.REMOVED, 4, 5)], id="delete"),
        pytest.param(evidence.inserted, [(Fault.INSERTED, 4, 4)], id="insert"),
        pytest.param(evidence.reordered, [(Fault.REORDERED, 4, 4)], id="reorder rows"),
        pytest.param(evidence.renumbered, [(Fault.REORDERED, 4, 5)], id="reorder sequences"),
        pytest.param(evidence.truncated, [(Fault.TRUNCATED, 9, 10)], id="truncate the tail"),
    ],
)
async def test_tampering_with_a_sealed_month_is_found(
    tmp_path: Path, change: Callable[[Rows], Rows], found: list[tuple[Fault, int, int]]
) -> None:
    async with opened(tmp_path) as books:
        await sealed(books, 10, 11)
        in_parquet(books.month(SEALED), change)

        findings = await books.findings()

    assert findings == [(SEALED, Fault.RESEALED, 1, 10), *((SEALED, *each) for each in found)]


async def test_a_forged_manifest_is_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await sealed(books, 10, 11)
        manifest = books.month("2026-10.manifest.json")
        manifest.chmod(0o600)
        manifest.write_text(manifest.read_text().replace('"rows": 10', '"rows": 9'))

        findings = await books.findings()

    assert findings == [("2026-10.manifest.json", Fault.RESEALED, 1, 10)]


@pytest.mark.parametrize("sealing", [pytest.param(False, id="databases"), pytest.param(True, id="sealed")])
async def test_swapped_files_are_found(tmp_path: Path, sealing: bool) -> None:
    ending = "parquet" if sealing else "duckdb"
    september, october = f"2026-09.{ending}", f"2026-10.{ending}"
    async with opened(tmp_path) as books:
        await (sealed(books, 9, 10, 11) if sealing else books.fill(9, 10, 11))
        await books.settle()
        swapped(books.month(september), books.month(october))

        findings = await books.findings()

    assert {each for each in findings if each[1] is not Fault.RESEALED} == {
        (september, Fault.MISPLACED, 11, 20),
        (september, Fault.REMOVED, 1, 10),
        (october, Fault.MISPLACED, 1, 10),
        (october, Fault.REMOVED, 11, 20),
    }


@pytest.mark.parametrize(
    ("spoil", "fault", "sealing"),
    [
        pytest.param(lambda file: file.unlink(), Fault.MISSING, False, id="a database is removed"),
        pytest.param(lambda file: file.write_bytes(b"x" * 20_000), Fault.UNREADABLE, False, id="a database is overwritten"),
        pytest.param(lambda file: file.write_bytes(b"x" * 20_000), Fault.UNREADABLE, True, id="a sealed file is overwritten"),
    ],
)
async def test_a_file_that_is_gone_or_spoilt_is_found(tmp_path: Path, spoil: Callable[[Path], object], fault: Fault, sealing: bool) -> None:
    async with opened(tmp_path) as books:
        await (sealed(books, 10, 11) if sealing else books.fill(10, 11))
        await books.settle()
        place = books.month(SEALED if sealing else OCTOBER)
        place.chmod(0o600)
        spoil(place)

        findings = await books.findings()

    assert (fault, 1, 10) in [each[1:] for each in findings if each[0].startswith("2026-10.")]


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(["UPDATE outbox SET actor = 'eve' WHERE sequence = 4"], (Fault.EDITED, 4, 4), id="edit"),
        pytest.param(["UPDATE outbox SET detail = 'no JSON' WHERE sequence = 4"], (Fault.EDITED, 4, 4), id="spoil"),
        pytest.param(
            [f"UPDATE outbox SET sequence = {new} WHERE sequence = {old}" for old, new in ((4, 99), (5, 4), (99, 5))],
            (Fault.UNLINKED, 5, 6),
            id="reorder",
        ),
        pytest.param(["DELETE FROM outbox WHERE sequence = 4"], (Fault.REMOVED, 4, 4), id="delete"),
        pytest.param(["DELETE FROM outbox WHERE sequence = 1"], (Fault.REMOVED, 1, 1), id="delete the first"),
        pytest.param(["DELETE FROM outbox WHERE sequence > 8"], (Fault.TRUNCATED, 9, 10), id="truncate the tail"),
        pytest.param(
            ["UPDATE outbox SET previous = zeroblob(32), hash = zeroblob(32) WHERE sequence = 4"], (Fault.UNLINKED, 4, 5), id="link"
        ),
        pytest.param(
            ["INSERT INTO outbox SELECT 11, at, action, sync, run, actor, outcome, detail, previous, hash FROM outbox WHERE sequence = 10"],
            (Fault.INSERTED, 11, 11),
            id="insert",
        ),
        pytest.param(["UPDATE head SET hash = zeroblob(32)"], (Fault.UNLINKED, 10, 10), id="another head"),
    ],
)
async def test_tampering_with_the_ledger_itself_is_found(tmp_path: Path, statements: list[str], found: tuple[Fault, int, int]) -> None:
    async with opened(tmp_path) as books:
        await books.fill(11)
        await books.settle()
        in_sqlite(tmp_path / BOOK, *statements)

        findings = await books.findings()

    assert (BOOK, *found) in findings


async def test_a_month_that_went_without_an_entry_is_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        await books.settle()
        in_sqlite(tmp_path / BOOK, "DELETE FROM outbox WHERE sequence <= 10", "DELETE FROM months WHERE month = '2026-10'")

        findings = await books.findings()

    assert findings == [(BOOK, Fault.REMOVED, 1, 10)]


async def test_a_log_that_was_forged_as_a_whole_is_found_by_what_was_noted(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(11)
        honest = await books.verdict()
    async with opened(tmp_path / "forged") as forged:
        await forged.fill(12)

        plain = await forged.verdict()
        against = await forged.verdict((honest.head, honest.hash))

    assert plain.findings == ()
    assert [(each.fault, each.first) for each in against.findings] == [(Fault.UNLINKED, 10)]


async def test_what_was_noted_and_is_gone_is_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(9)

        verdict = await books.verdict((12, "ab" * 32))

    assert [(each.fault, each.first, each.last) for each in verdict.findings] == [(Fault.TRUNCATED, 11, 12)]


async def test_a_file_that_was_changed_while_the_daemon_was_away_is_rebuilt_and_that_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
    in_duckdb(tmp_path / "audit" / OCTOBER, "DELETE FROM entries WHERE sequence = 4")

    async with opened(tmp_path) as books:
        verdict = await books.verdict()

    assert verdict.findings == ()
    assert [entry.entry.detail["month"] for entry in verdict.rebuilt] == ["2026-10"]


def lines(count: int) -> list[Line]:
    """Lines that are chained."""
    made: list[Line] = []
    previous = GENESIS
    for number in range(1, count + 1):
        entry = Entry("run.started", run=f"r-{number}")
        own = digest(number, START, entry, previous)
        words = (entry.action, entry.sync, entry.run, entry.actor, entry.outcome, "{}")
        made.append((number, micros(START), *words, bytes.fromhex(previous), bytes.fromhex(own)))
        previous = own
    return made


@pytest.mark.parametrize(
    ("places", "found"),
    [
        pytest.param([1, 2, 3, 4, 5], [], id="nothing"),
        pytest.param([2, 3, 4, 5], [(Fault.REMOVED, 1)], id="the first is gone"),
        pytest.param([1, 2, 3, 4], [(Fault.REMOVED, 5)], id="the last is gone"),
        pytest.param([], [(Fault.REMOVED, number) for number in range(1, 6)], id="all are gone"),
        pytest.param([1, 1, 2, 3, 4, 5], [(Fault.INSERTED, 1)], id="one stands twice"),
        pytest.param([1, 2, 3, 4, 5, 6], [(Fault.INSERTED, 6)], id="one more"),
    ],
)
def test_lines_that_differ_from_what_was_written_are_named(places: list[int], found: list[tuple[Fault, int]]) -> None:
    written = lines(6)

    differing = differences("2026-11.duckdb", written[:5], [written[place - 1] for place in places])

    assert [(each.fault, each.first) for each in differing] == found


@pytest.mark.parametrize("member", range(1, 10))
def test_a_change_of_any_member_of_an_entry_is_noticed(member: int) -> None:
    (line,) = lines(1)
    other: dict[int, object] = {1: line[1] + 1, 7: '{"a":1}', 8: line[9], 9: line[8]}

    forged = (*line[:member], other.get(member, "x"), *line[member + 1 :])

    assert intact(line)
    assert not intact(forged)


async def sealed(books: Books, *months: int) -> None:
    await books.fill(*months)
    await books.sealer.tend()
    await books.settle()
