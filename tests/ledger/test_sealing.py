"""Months that are over: sealed, searched, expired; and copies of the log that others can check."""

import asyncio
import json
import re
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from syncd.domain.errors import InvalidRequest
from syncd.ledger.outbox import Extent
from syncd.ledger.sealing import digest_of, expired
from syncd.ports.ledger import AuditQuery
from tests.ledger import evidence
from tests.ledger.evidence import Rows, in_parquet, in_sqlite, opened

ROOT = Path(__file__).resolve().parents[2]
JANUARY, FEBRUARY, MARCH, APRIL = (Extent(f"2026-0{month}", 10 * month - 9, 10 * month) for month in range(1, 5))


async def test_a_month_that_is_over_becomes_a_file_for_reading_with_a_manifest(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)

        await books.sealer.tend()

        held = json.loads(books.month("2026-10.manifest.json").read_text())
        (entry,) = await books.audit.query(AuditQuery(action="audit.sealed"))
        await books.settle()
        names = sorted(path.name for path in (tmp_path / "audit").iterdir())
        file = books.month("2026-10.parquet")
        assert names == ["2026-10.manifest.json", "2026-10.parquet", "2026-11.duckdb"]
        assert stat.S_IMODE(file.stat().st_mode) == 0o400
        assert pq.read_table(file).column("sequence").to_pylist() == list(range(1, 11))
        assert (held["rows"], held["first"], held["last"], held["previous"], held["sha256"]) == (10, 1, 10, "0" * 64, digest_of(file))
        assert entry.entry.detail == {"month": "2026-10", **held}
        assert (await books.verdict()).findings == ()


async def test_questions_are_answered_from_sealed_and_growing_months_alike(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        queries = [
            AuditQuery(sync="shop"),
            AuditQuery(run="r-10-3"),
            AuditQuery(until=datetime(2026, 11, 1, tzinfo=UTC)),
            AuditQuery(text='"n":7'),
        ]
        before = [await books.audit.query(query) for query in queries]

        await books.sealer.tend()

        assert [await books.audit.query(query) for query in queries] == before
        assert [len(found) for found in before] == [20, 1, 10, 2]
        assert [line.sequence for line in await books.audit.after(8, 4)] == [9, 10, 11, 12]


async def test_a_clock_that_is_set_back_into_a_sealed_month_opens_it_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        await books.sealer.tend()

        await books.fill(10)
        await books.settle()
        reopened = books.month("2026-10.duckdb").exists() and not books.month("2026-10.parquet").exists()
        whole = await books.verdict()
        await books.fill(12)
        await books.sealer.tend()

        assert reopened
        assert whole.findings == (await books.verdict()).findings == ()
        assert pq.read_metadata(books.month("2026-10.parquet")).num_rows == 20


async def test_a_month_that_is_broken_stays_unsealed_and_that_is_told_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        await books.settle()
        in_sqlite(tmp_path / "state.db", "UPDATE outbox SET actor = 'eve' WHERE sequence = 4")

        await books.sealer.tend()
        await books.sealer.tend()

        (entry,) = await books.audit.query(AuditQuery(action="audit.broken"))
        assert entry.entry.detail == {"month": "2026-10", "sequence": 4}
        assert books.month("2026-10.duckdb").exists()


async def test_months_that_are_too_old_go_as_whole_files_with_an_entry(tmp_path: Path) -> None:
    async with opened(tmp_path, keep_months=1) as books:
        await books.fill(8, 9)
        await books.sealer.tend()
        await books.fill(10, 11)

        await books.sealer.tend()

        await books.settle()
        names = sorted(path.name for path in (tmp_path / "audit").iterdir())
        gone = await books.audit.query(AuditQuery(action="audit.expired"))
        verdict = await books.verdict()
        assert names == ["2026-10.manifest.json", "2026-10.parquet", "2026-11.duckdb"]
        assert [entry.entry.detail["month"] for entry in gone] == ["2026-09", "2026-08"]
        assert (await books.audit.after(0, 1))[0].at.month == 10
        assert (verdict.findings, verdict.first) == ((), 22)


@pytest.mark.parametrize(
    ("kept", "months", "gone"),
    [
        pytest.param([JANUARY, FEBRUARY, MARCH], None, [], id="all are kept by default"),
        pytest.param([JANUARY, FEBRUARY, MARCH], 2, [], id="as many as wanted"),
        pytest.param([JANUARY, FEBRUARY, MARCH, APRIL], 1, [JANUARY, FEBRUARY], id="the oldest go"),
        pytest.param([JANUARY, APRIL], 1, [JANUARY], id="months without entries count"),
        pytest.param([APRIL], 1, [], id="the one under way stays"),
        pytest.param([], 1, [], id="nothing is nothing"),
        pytest.param([Extent("2026-01", 1, 15), FEBRUARY, APRIL], 1, [], id="a month between younger entries stays"),
        pytest.param([Extent("2025-12", 1, 5), Extent("2026-01", 6, 9)], 1, [], id="a year ends"),
    ],
)
def test_months_expire(kept: list[Extent], months: int | None, gone: list[Extent]) -> None:
    assert expired(kept, months) == gone


async def test_a_copy_holds_everything_from_the_first_entry_of_a_time_to_its_last(tmp_path: Path) -> None:
    october = {"since": datetime(2026, 10, 1, tzinfo=UTC), "until": datetime(2026, 11, 1, tzinfo=UTC)}
    async with opened(tmp_path) as books:
        await books.fill(9, 10, 11)

        part = await books.exported("jsonl", tmp_path / "part.jsonl", **october)
        none = await books.exported("csv", tmp_path / "none.csv", since=datetime(2027, 1, 1, tzinfo=UTC))

    rows = [json.loads(line) for line in (tmp_path / "part.jsonl").read_text().splitlines()]
    assert (part.rows, part.first, part.last) == (10, 11, 20)
    assert [row["sequence"] for row in rows] == list(range(11, 21))
    assert (rows[0]["at"], rows[0]["detail"], rows[0]["previous"]) == ("2026-10-15T00:00:00.000000+00:00", {"n": 0}, part.previous)
    assert (none.rows, none.sha256) == (0, digest_of(tmp_path / "none.csv"))


async def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        with pytest.raises(InvalidRequest, match="xml"):
            await books.exported("xml", tmp_path / "log.xml")


def in_text(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def changed(file: Path) -> None:
        file.write_text("".join(change(file.read_text().splitlines(keepends=True))))

    return changed


def in_rows(change: Callable[[Rows], Rows]) -> Callable[[Path], None]:
    return lambda file: in_parquet(file, change)


def untouched(file: Path) -> None:
    """Leave it as it is."""


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        pytest.param("a.parquet", untouched, [], id="Parquet, untouched"),
        pytest.param("a.csv", untouched, [], id="CSV, untouched"),
        pytest.param("a.jsonl", untouched, [], id="JSONL, untouched"),
        pytest.param("a.parquet", in_rows(evidence.edited), ["entry 4: its contents"], id="Parquet, edit"),
        pytest.param("a.parquet", in_rows(evidence.deleted), ["entries 4 to 5: missing"], id="Parquet, delete"),
        pytest.param("a.parquet", in_rows(evidence.inserted), ["entry 4: out of order, or inserted"], id="Parquet, insert"),
        pytest.param("a.parquet", in_rows(evidence.reordered), ["entry 4: out of order"], id="Parquet, reorder"),
        pytest.param("a.parquet", in_rows(evidence.renumbered), ["entry 4: its contents"], id="Parquet, reorder sequences"),
        pytest.param("a.csv", in_text(lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]]), ["entry 4: out of order"], id="CSV, reorder"),
        pytest.param("a.csv", in_text(lambda rows: rows[:-2]), ["8 entries up to 8"], id="CSV, truncate"),
        pytest.param("a.csv", in_text(lambda rows: [*rows[:5], *rows[4:]]), ["entry 4: out of order, or inserted"], id="CSV, insert"),
        pytest.param("a.jsonl", in_text(lambda rows: [*rows[:4], *rows[3:]]), ["entry 4: out of order, or inserted"], id="JSONL, insert"),
        pytest.param(
            "a.jsonl", in_text(lambda rows: [*rows[:3], rows[4], rows[3], *rows[5:]]), ["entry 4: out of order"], id="JSONL, reorder"
        ),
        pytest.param(
            "a.jsonl", in_text(lambda rows: [row.replace("r-10-3", "r-10-9") for row in rows]), ["entry 4: its contents"], id="JSONL, edit"
        ),
        pytest.param("a.parquet", in_rows(evidence.truncated), ["8 entries up to 8; the manifest has 10 up to 10"], id="Parquet, truncate"),
        pytest.param(
            "a.csv", in_text(lambda rows: [row.replace("r-10-3", "r-10-9") for row in rows]), ["entry 4: its contents"], id="CSV, edit"
        ),
        pytest.param("a.jsonl", in_text(lambda rows: rows[:4] + rows[5:]), ["entries 5 to 5: missing"], id="JSONL, delete"),
        pytest.param("a.jsonl", in_text(lambda rows: rows[:-1]), ["9 entries up to 9"], id="JSONL, truncate"),
    ],
)
async def test_the_documented_program_checks_a_copy(tmp_path: Path, name: str, change: Callable[[Path], None], told: list[str]) -> None:
    file = tmp_path / name
    async with opened(tmp_path / "state") as books:
        await books.fill(10)
        manifest = await books.exported(file.suffix[1:], file)
    change(file)

    problems = documented()(file, manifest.as_detail())

    assert bool(problems) is bool(told)
    assert all(any(problem.startswith(words) for problem in problems) for words in told)
    assert not told or problems[0] == "the bytes are not those of the manifest"


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
async def test_the_documented_program_finds_swapped_copies(tmp_path: Path, form: str) -> None:
    one, other = tmp_path / f"one.{form}", tmp_path / f"other.{form}"
    async with opened(tmp_path / "state") as books:
        await books.fill(9, 10)
        october = datetime(2026, 10, 1, tzinfo=UTC)
        manifest = await books.exported(form, one, until=october)
        await books.exported(form, other, since=october)
    evidence.swapped(one, other)

    problems = documented()(one, manifest.as_detail())

    assert problems[0] == "the bytes are not those of the manifest"
    assert {"entries 1 to 10: missing", "10 entries up to 20; the manifest has 10 up to 10"} <= set(problems)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(evidence.edited, "entry 4: its contents", id="edit"),
        pytest.param(evidence.rehashed, "entry 5: does not continue entry 4", id="edit with a new hash"),
        pytest.param(evidence.deleted, "entries 4 to 5: missing", id="delete"),
        pytest.param(evidence.inserted, "entry 4: out of order, or inserted", id="insert"),
        pytest.param(evidence.reordered, "entry 4: out of order", id="reorder"),
        pytest.param(evidence.truncated, "8 entries up to 8", id="truncate"),
    ],
)
async def test_a_forger_who_mends_the_checksum_of_the_manifest_is_found_all_the_same(
    tmp_path: Path, change: Callable[[Rows], Rows], told: str
) -> None:
    file = tmp_path / "copy.parquet"
    async with opened(tmp_path / "state") as books:
        await books.fill(10)
        manifest = await books.exported("parquet", file)
    in_parquet(file, change)

    problems = documented()(file, {**manifest.as_detail(), "sha256": digest_of(file)})

    assert any(problem.startswith(told) for problem in problems)


async def test_the_documented_program_checks_a_sealed_month(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        await books.sealer.tend()
    program = tmp_path / "check.py"
    program.write_text(source())

    copy = [str(tmp_path / "audit" / name) for name in ("2026-10.parquet", "2026-10.manifest.json")]

    done = await asyncio.create_subprocess_exec(sys.executable, str(program), *copy, stdout=PIPE, stderr=PIPE)
    answer = await asyncio.wait_for(done.communicate(), 30)

    assert (done.returncode, answer) == (0, (b"whole\n", b""))


def source() -> str:
    """The program of the document."""
    found = re.search(r"```python\n(.*?)```", (ROOT / "docs/audit.md").read_text(), re.DOTALL)
    assert found
    return found[1]


def documented() -> Callable[[Path, dict[str, object]], list[str]]:
    """Its function."""
    names: dict[str, object] = {"__name__": "documented"}
    exec(compile(source(), "docs/audit.md", "exec"), names)
    problems = names["problems"]
    assert callable(problems)
    return lambda file, manifest: list(problems(file, manifest))
