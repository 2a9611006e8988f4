"""`make demo`, as a stranger sees it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import duckdb
import psutil
import pytest

from demo import shop
from tests.system.waiting import until

ROOT = Path(__file__).resolve().parents[2]
ROWS = 3_000

Walk = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.timeout(180)


def command(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "demo", "--folder", str(folder), "--rows", str(ROWS), *options]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


@pytest.fixture
def walk(folder: Path) -> Walk:
    """Takes the tour to its end."""

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command(folder, *options), cwd=ROOT, capture_output=True, text=True, check=False)

    return run


def at_work(folder: Path) -> list[int]:
    """Processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if folder in [Path(process.cwd()), *Path(process.cwd()).parents]:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


SOAK = bool(os.environ.get("SYNCD_SOAK"))


@pytest.mark.parametrize(("target", "times"), [("meilisearch", 1), *([("fts5", 2)] if SOAK else [])])
def test_the_tour_ends_well_however_often_it_is_walked_in_one_folder(walk: Walk, folder: Path, target: str, times: int) -> None:
    tours = [walk("--target", target) for _ in range(times)]

    for tour in tours:
        assert tour.returncode == 0, tour.stdout + tour.stderr
        assert "3,000 stored" in tour.stdout
        assert "300 stored" in tour.stdout
        assert "100 deleted" in tour.stdout
        assert "찻주전자" in tour.stdout
        assert "What to type next" in tour.stdout
    assert at_work(folder) == []


def test_a_folder_that_is_not_of_the_demo_is_left_alone(walk: Walk, folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("all I have")

    tour = walk("--target", "fts5")

    assert tour.returncode == 1
    assert "another folder" in tour.stderr
    assert (folder / "thesis.txt").read_text() == "all I have"


@dataclass
class Kept:
    """A demo that has been walked and stays up."""

    process: subprocess.Popen[str]
    said: str


@pytest.fixture
def kept(folder: Path, tmp_path: Path) -> Iterator[Kept]:
    """Without npm, and in a copy, which has no server that was fetched before."""
    for package in ("demo", "tools"):
        shutil.copytree(ROOT / package, tmp_path / "copy" / package)
    place, environment = tmp_path / "copy", os.environ | {"PATH": str(tmp_path)}
    with subprocess.Popen(command(folder, "--keep"), cwd=place, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield Kept(process, "".join(takewhile(lambda line: "until Ctrl-C" not in line, process.stdout)))
        process.terminate()


@pytest.mark.parametrize("how", [signal.SIGINT, *([signal.SIGTERM] if SOAK else [])])
def test_without_npm_the_embedded_target_does_and_the_demo_stays_alone_in_its_folder_until_it_is_interrupted(
    kept: Kept, walk: Walk, folder: Path, how: signal.Signals
) -> None:
    assert "No Meilisearch here" in kept.said
    assert "100 deleted" in kept.said

    second = walk("--target", "fts5")
    assert second.returncode == 1
    assert "another demo is at work" in second.stderr
    assert kept.process.poll() is None
    assert len(at_work(folder)) == 1

    kept.process.send_signal(how)

    assert kept.process.wait(60) == 130
    assert at_work(folder) == []


# ── the shop ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def content(path: Path) -> list[tuple[object, ...]]:
    with shop.writing(path) as opened:
        return opened.execute(f"SELECT * FROM {shop.TABLE} ORDER BY id").fetchall()


def test_the_shop_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    one, two = tmp_path / "one.duckdb", tmp_path / "two.duckdb"

    shop.create(one, rows=500)
    shop.create(two, rows=500)

    assert len(content(one)) == 500
    assert content(one) == content(two)


def test_what_is_changed_in_the_shop_moves_its_watermark(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    shop.create(path, rows=50)
    before = {row[0]: row[-1] for row in content(path)}

    changed, deleted, added, removed = shop.change(path, [1, 2]), shop.delete(path, [3]), shop.add(path, 4), shop.remove(path, [5])

    after = {row[0]: row[-1] for row in content(path)}
    assert (changed, deleted, added, removed) == (2, 1, [51, 52, 53, 54], 1)
    assert {key for key, moment in after.items() if moment != before.get(key)} == {1, 2, 3, *added}
    assert before.keys() - after.keys() == {5}


def _half_a_change(path: Path) -> None:
    with shop.writing(path) as opened:
        opened.execute(f"DELETE FROM {shop.TABLE}")
        opened.execute("SELECT nonsense")


def test_a_change_that_fails_leaves_the_shop_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    shop.create(path, rows=5)
    before = content(path)

    with pytest.raises(duckdb.Error):
        _half_a_change(path)

    assert content(path) == before


def test_writers_wait_until_nobody_reads(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    shop.create(path, rows=5)
    reader = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('reading', flush=True); sys.stdin.read()"

    with subprocess.Popen([sys.executable, "-c", reader, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        with ThreadPoolExecutor() as threads:
            changing = threads.submit(shop.change, path, [1])
            until(changing.running, "the change is under way")
            process.stdin.close()

            assert changing.result(60) == 1
