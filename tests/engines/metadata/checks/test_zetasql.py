"""ZetaSQL in its process. `SYNCD_ZETASQL` names an interpreter that has it; `SYNCD_ZETASQL_FOLDER` a folder to keep the compiled module."""

import os
import sys
from pathlib import Path

import pytest

from syncd.engines.metadata.checks import zetasql_analyser
from syncd.engines.metadata.checks.available import analysers_for
from syncd.engines.metadata.checks.zetasql_analyser import ZetasqlAnalyser
from tests.engines.metadata.checks.dialects import BIGQUERY, duckdb_catalog, oracle_catalog
from tests.engines.metadata.checks.queries import INVALID, VALID, ga4_catalog
from tests.engines.metadata.checks.test_sqlglot_analyser import good

INTERPRETERS = [each for each in [os.environ.get("SYNCD_ZETASQL")] if each]
DAY = "`analytics.events_20250101`"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("interpreter", INTERPRETERS)
async def test_the_figures_of_the_ladder_with_zetasql(interpreter: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("SYNCD_ZETASQL_FOLDER", tmp_path))
    analyser = ZetasqlAnalyser(ga4_catalog(), folder, "0.1.5", interpreter)

    accepted = sum(await good(VALID, analyser))
    rejected = len(INVALID) - sum(await good(INVALID, analyser))
    opinions = await analyser.analyse([query.sql for query in BIGQUERY])
    foreign = await analyser.analyse([f"SELECT ST_FOREIGN(1) AS p FROM {DAY}", f"SELECT mine.rate(1) AS p FROM {DAY}"])

    assert (accepted, rejected) == (12, 20)
    assert set(opinions) == {""}
    assert list(foreign) == [None, None]


def worker(tmp_path: Path, answers: str) -> Path:
    """A program in place of the worker: it is ready, then does what it is told to."""
    program = tmp_path / "worker.py"
    program.write_text(f"import sys, time\nsys.stdin.readline()\nprint('{{}}', flush=True)\nfor line in sys.stdin:\n{answers}")
    return program


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param("    print('\"no\"' if 'bad' in line else '\"\"', flush=True)", ["", "no", ""], id="answers"),
        pytest.param("    sys.exit() if 'bad' in line else print('\"\"', flush=True)", ["", None, ""], id="ends"),
        pytest.param("    time.sleep(9) if 'bad' in line else print('\"\"', flush=True)", ["", None, ""], id="hangs"),
        pytest.param("    sys.exit()", [None, None, None], id="ends always"),
    ],
)
async def test_a_query_that_ends_the_process_costs_no_other_its_opinion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str, expected: list[str | None]
) -> None:
    monkeypatch.setattr(zetasql_analyser, "_PROGRAM", worker(tmp_path, answers))
    monkeypatch.setattr(zetasql_analyser, "_QUERY_SECONDS", 0.5)
    analyser = ZetasqlAnalyser(ga4_catalog(), tmp_path, "0.1.5", sys.executable)

    assert await analyser.analyse(["SELECT 1", "SELECT bad", "SELECT 2"]) == expected


async def test_a_process_that_cannot_begin_has_no_opinion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "worker.py"
    program.write_text("raise ImportError")
    monkeypatch.setattr(zetasql_analyser, "_PROGRAM", program)
    analyser = ZetasqlAnalyser(ga4_catalog(), tmp_path, "0.1.5", sys.executable)

    assert await analyser.analyse(["SELECT 1", "SELECT 2"]) == [None, None]


def test_each_dialect_has_the_analysers_that_are_installed(tmp_path: Path) -> None:
    def kinds(*names: str) -> list[str]:
        return [name.partition(" ")[0] for name in names]

    assert kinds(*(each.name for each in analysers_for(duckdb_catalog(), tmp_path))) == ["duckdb"]
    assert kinds(*(each.name for each in analysers_for(oracle_catalog(), tmp_path))) == ["sqlglot"]
    assert kinds(*(each.name for each in analysers_for(ga4_catalog(), tmp_path)))[-1] == "sqlglot"
