"""A file that syncd no longer reads can be opened by others, whoever still holds an error or a task that knew of the reading."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from syncd.connectors.duckdb import CONNECTOR, Settings
from syncd.domain.scan import Relation, Scan
from syncd.ports.connecting import Source

ROWS = 60_000
OPEN = "import duckdb, sys; duckdb.connect(sys.argv[1]).close()"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as db:
        db.execute(f"CREATE TABLE things AS SELECT range AS id, repeat('x', 200) AS text FROM range({ROWS})")
    return tmp_path / "shop.duckdb"


async def read(source: Source) -> int:
    return sum([batch.num_rows async for batch in source.scan(Scan(Relation(table="things"), ("id",)), 100)])


async def test_a_scan_that_is_cancelled_anywhere_lets_go_of_the_file(file: Path, tmp_path: Path) -> None:
    draw, held = random.Random(3), []
    settings = Settings(path=file, spill_dir=tmp_path / "spill")
    assert CONNECTOR.source is not None

    for _ in range(12):
        async with CONNECTOR.source(settings) as source:
            reading = asyncio.create_task(read(source))
            await asyncio.wait([reading], timeout=draw.uniform(0, 0.3))
            reading.cancel()
            await asyncio.wait([reading])
        held.append(reading)

        other = subprocess.run([sys.executable, "-c", OPEN, str(file)], capture_output=True, text=True, check=False)  # noqa: ASYNC221
        assert other.returncode == 0, other.stderr

    assert any(reading.cancelled() for reading in held)
