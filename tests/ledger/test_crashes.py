"""The process is killed while it commits; nothing that was told as durable is lost, doubled or torn."""

import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.domain.audit import Entry
from syncd.domain.run import RunState
from syncd.ledger.book import open_ledger
from syncd.ports.ledger import Ledger, RunQuery
from tests.ledger.world import SHOP, broken_links, whole_archive, whole_log

ROOT = Path(__file__).parents[2]
OPEN = frozenset({RunState.QUEUED, RunState.RUNNING})


def now() -> datetime:
    return datetime.now(UTC)


async def killed_after(state_dir: Path, lines: int, life: str = "a") -> str:
    """Have a process commit until it has told some lines, then kill it; answers the last line it told."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.ledger.committer", str(state_dir), life), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        for _ in range(lines):
            assert await process.stdout.readline()
        await asyncio.sleep(random.uniform(0, 0.01))
    finally:
        process.kill()
        rest, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL
    told = rest.decode().split("\n")[:-1]
    return told[-1] if told else ""


async def settle_orphans(ledger: Ledger) -> None:
    for orphan in await ledger.runs.find(RunQuery(states=OPEN)):
        await ledger.runs.end(orphan.with_state(RunState.INTERRUPTED, now()))


@pytest.mark.timeout(180)
async def test_whatever_moment_the_process_dies_at_the_books_are_whole(tmp_path: Path) -> None:
    for round_ in range(12):
        life = f"{round_:02d}"
        told = await killed_after(tmp_path, random.randrange(1, 60), life)

        async with open_ledger(tmp_path, now) as ledger:
            await settle_orphans(ledger)

            record = (await ledger.syncs.load([SHOP]))[SHOP]
            assert (record.checkpoint or "") >= told
            log = await whole_log(ledger)
            assert broken_links(log) == []
            assert await whole_archive(ledger) == log
            assert not [line for line in log if line.entry.action == "audit.rebuilt"]
            runs = await ledger.runs.find(RunQuery(limit=100_000))
            assert {run.state for run in runs} <= {RunState.DONE, RunState.INTERRUPTED}
            stories = Counter((line.entry.run, line.entry.action) for line in log if line.entry.action.startswith("run."))
            began = Counter((run.id, "run.started") for run in runs if run.started_at)
            assert stories == began + Counter((run.id, "run.ended") for run in runs)


def cut(share: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return damage


def flip(place: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[place] ^= 0xFF
        path.write_bytes(content)

    return damage


def remove(path: Path) -> None:
    path.unlink()


def replace_by_garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 1000)


@pytest.mark.parametrize(
    ("ending", "damage"),
    [
        pytest.param(".wal", remove, id="log deleted"),
        pytest.param(".wal", cut(0), id="log emptied"),
        pytest.param(".wal", cut(0.3), id="log cut"),
        pytest.param(".wal", flip(-200), id="one byte of the log changed"),
        pytest.param(".wal", replace_by_garbage, id="log overwritten"),
        pytest.param("", remove, id="file deleted"),
        pytest.param("", cut(0), id="file emptied"),
        pytest.param("", cut(0.5), id="file cut"),
        pytest.param("", replace_by_garbage, id="file overwritten"),
    ],
)
async def test_a_month_that_was_damaged_is_rebuilt_and_the_log_tells_of_it(
    tmp_path: Path, ending: str, damage: Callable[[Path], None]
) -> None:
    await killed_after(tmp_path, 30)
    damage(tmp_path / "audit" / f"{now():%Y-%m}.duckdb{ending}")

    async with open_ledger(tmp_path, now) as ledger:
        archive = await whole_archive(ledger)

        log = await whole_log(ledger)
        assert archive == log
        assert broken_links(log) == []
        assert [line.entry.action for line in log].count("audit.rebuilt") == 1


async def test_damage_that_only_reading_discovers_is_mended_too(tmp_path: Path) -> None:
    await killed_after(tmp_path, 30)
    async with open_ledger(tmp_path, now) as ledger:
        log = await whole_log(ledger)
    file = tmp_path / "audit" / f"{now():%Y-%m}.duckdb"
    content = bytearray(file.read_bytes())
    for place in range(0x3000, len(content), 4096):
        content[place] ^= 0xFF
    file.write_bytes(content)

    async with open_ledger(tmp_path, now) as ledger:
        archive = await whole_archive(ledger)

        assert archive[: len(log)] == log
        assert archive[-1].entry.action == "audit.rebuilt"
        assert (file.parent / str(archive[-1].entry.detail["set_aside"])).exists()


async def test_a_month_from_another_ledger_is_not_taken_for_ours(tmp_path: Path) -> None:
    for place in ("ours", "theirs"):
        async with open_ledger(tmp_path / place, now) as ledger:
            await ledger.audit.record([Entry(place)])
    name = f"{now():%Y-%m}.duckdb"
    (tmp_path / "theirs" / "audit" / name).replace(tmp_path / "ours" / "audit" / name)

    async with open_ledger(tmp_path / "ours", now) as ledger:
        archive = await whole_archive(ledger)

        assert archive == await whole_log(ledger)
        assert [line.entry.action for line in archive] == ["ours", "audit.rebuilt"]
