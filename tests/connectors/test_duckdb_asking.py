"""The catalogue of a DuckDB file is asked by a process that leaves nothing behind, neither memory nor files nor itself."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pytest

from syncd.connectors.duckdb import CONNECTOR, Settings, asking
from syncd.connectors.duckdb.asking import Asker
from syncd.domain.errors import SourceUnavailable
from tests.connectors.test_duckdb import write

ENDLESS = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range % 7 = b.range % 11"
MEMORY = 76_000_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write(tmp_path / "warehouse.duckdb", "CREATE TABLE t (a INT, b VARCHAR[])", "INSERT INTO t VALUES (1, ['x'])")
    return Settings(path=tmp_path / "warehouse.duckdb", spill_dir=tmp_path / "spill")


@pytest.fixture
def asker(settings: Settings) -> Iterator[Asker]:
    with Asker() as asker:
        asker.open(settings, MEMORY)
        yield asker


def children() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if any("asker.py" in word for word in each.cmdline())]


def test_rows_come_as_duckdb_has_them(asker: Asker) -> None:
    assert asker.rows("SELECT a, b, a > ?, NULL FROM t", [0]) == [[1, ["x"], True, None]]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        pytest.param("SELECT nosuch FROM t", duckdb.BinderException, id="no such column"),
        pytest.param("SELEC", duckdb.ParserException, id="no SQL"),
        pytest.param("DROP TABLE t", duckdb.InvalidInputException, id="a change of the file"),
    ],
)
def test_errors_are_those_of_duckdb_and_the_next_question_is_answered(asker: Asker, statement: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        asker.rows(statement)

    assert asker.rows("SELECT a FROM t") == [[1]]


def test_ending_it_interrupts_what_is_under_way(asker: Asker) -> None:
    threading.Timer(0.2, asker.kill).start()

    with pytest.raises(duckdb.InterruptException):
        asker.rows(ENDLESS)


def test_nothing_is_left_of_it(settings: Settings, tmp_path: Path) -> None:
    with Asker() as asker:
        asker.open(settings, MEMORY)
        asker.rows("CREATE TEMP TABLE large AS SELECT range, hash(range) || repeat(' ', 200) AS t FROM range(500000)")
        assert list((tmp_path / "spill").iterdir())

    assert not children()
    assert list((tmp_path / "spill").iterdir()) == []


def test_it_knows_no_variable_of_ours(asker: Asker) -> None:
    [child] = children()

    assert "PATH" not in child.environ()
    assert asker.rows("SELECT 1") == [[1]]


async def test_a_process_that_ends_early_is_unavailable(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_PROGRAM", tmp_path / "nothing.py")
    assert CONNECTOR.schemas is not None
    async with CONNECTOR.schemas(settings) as reader:
        with pytest.raises(SourceUnavailable, match="the process that asks has ended"):
            await reader.list(["main"])


async def test_who_stops_waiting_ends_the_process(settings: Settings) -> None:
    assert CONNECTOR.schemas is not None
    async with CONNECTOR.schemas(settings) as reader:
        asked = asyncio.create_task(reader.list(["main"]))
        for _ in range(1000):
            if children():
                break
            await asyncio.sleep(0.002)

        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    assert not children()
