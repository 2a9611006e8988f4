"""What happens to files is told, with real files and the real kernel interface."""

import asyncio
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from watchdog.observers.api import BaseObserver

from syncd.runtime import lookout
from syncd.runtime.watcher import Watcher
from tests.runtime.watching import ADA, BOB, CHANGES, Fired, watching

CHURN = """
import os, sys
for _ in range(int(sys.argv[2])):
    os.close(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY))
    os.unlink(sys.argv[1])
"""


def churn(file: Path) -> None:
    """Give the kernel more to tell of than it keeps."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    subprocess.run([sys.executable, "-I", "-S", "-c", CHURN, str(file), str(most // 2)], check=True)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_a_change_is_told_once_it_is_complete(home: Path, watcher: Watcher, fired: Fired, change: Callable[[Path], None]) -> None:
    file = home / "a.json"
    file.write_text("old")
    await watching(watcher, file)
    fired.reading = file

    change(file)
    await fired.until(lambda: bool(fired.times))

    assert set(fired.syncs) == {ADA}
    assert fired.contents[-1] == (file.read_text() if file.exists() else None)


def read(file: Path) -> None:
    file.read_text()


def touched(file: Path) -> None:
    os.utime(file, (1, 1))
    file.chmod(0o600)


def a_neighbour_written(file: Path) -> None:
    file.with_name("b.json").write_text("new")
    (file.parent / "a.json.d").mkdir()


@pytest.mark.parametrize("act", [read, touched, a_neighbour_written], ids=lambda act: act.__name__)
async def test_what_changes_no_content_of_a_watched_file_is_not_told(
    home: Path, watcher: Watcher, fired: Fired, act: Callable[[Path], None]
) -> None:
    file = home / "a.json"
    file.write_text("old")
    await watching(watcher, file)

    act(file)
    await fired.nothing_more()

    assert fired.times == []
    assert watcher.health(ADA).events == 0


async def test_many_events_at_once_are_told_once(home: Path, watcher: Watcher, fired: Fired) -> None:
    await watching(watcher, home / "a.json")

    for number in range(100):
        (home / "a.json").write_text(str(number))
    await fired.until(lambda: bool(fired.times))
    await fired.nothing_more()

    assert fired.syncs == [ADA]
    assert watcher.health(ADA).events > 10


async def test_a_file_that_never_rests_is_told_of_all_the_same(home: Path, watcher: Watcher, fired: Fired) -> None:
    await watching(watcher, home / "a.json")
    started = asyncio.get_running_loop().time()

    while not fired.times and asyncio.get_running_loop().time() < started + 5:
        (home / "a.json").write_text("again")
        await asyncio.sleep(0.02)

    assert 0.3 < fired.times[0][1] - started < 2


async def test_syncs_are_told_of_their_own_files_alone(home: Path, watcher: Watcher, fired: Fired) -> None:
    await watching(watcher, home / "a.json", home / "shared.json")
    await watching(watcher, home / "b.json", home / "shared.json", sync=BOB)

    (home / "b.json").write_text("new")
    await fired.until(lambda: bool(fired.times))
    told_of_b = fired.syncs.copy()
    (home / "shared.json").write_text("new")
    await fired.until(lambda: len(fired.times) >= 3)

    assert told_of_b == [BOB]
    assert sorted(fired.syncs[1:]) == [ADA, BOB]


async def test_a_check_finds_what_no_event_told_of(home: Path, watcher: Watcher, fired: Fired) -> None:
    (home / "a.json").write_text("old")
    (home / "elsewhere").mkdir()
    os.link(home / "a.json", home / "elsewhere" / "same.json")
    await watching(watcher, home / "a.json")

    (home / "elsewhere" / "same.json").write_text("written by its other name")
    await fired.nothing_more()
    told_before = fired.syncs.copy()
    watcher.check()
    await fired.until(lambda: bool(fired.times))
    watcher.check()
    await fired.nothing_more()

    assert told_before == []
    assert fired.syncs == [ADA]


async def test_watching_other_files_ends_watching_those_before(home: Path, watcher: Watcher, fired: Fired) -> None:
    await watching(watcher, home / "a.json")
    await watching(watcher, home / "b.json")

    (home / "a.json").write_text("new")
    await fired.nothing_more()
    told_of_a = fired.syncs.copy()
    (home / "b.json").write_text("new")
    await fired.until(lambda: bool(fired.times))

    assert told_of_a == []


async def test_a_sync_that_is_forgotten_hears_nothing_any_more(home: Path, watcher: Watcher, fired: Fired) -> None:
    await watching(watcher, home / "a.json")

    (home / "a.json").write_text("new")
    watcher.forget(ADA)
    await fired.nothing_more()

    assert fired.times == []
    assert watcher.health(ADA).armed == 0


async def test_stopping_leaves_no_thread_and_fires_nothing(home: Path, fired: Fired) -> None:
    before = set(threading.enumerate())
    watcher = Watcher(fired)
    await watching(watcher, home / "a.json")
    (home / "a.json").write_text("new")

    await watcher.stop()
    await asyncio.sleep(0.3)

    assert set(threading.enumerate()) - before == set()
    assert fired.times == []


async def test_a_watcher_of_nothing_starts_no_thread(fired: Fired) -> None:
    before = set(threading.enumerate())
    watcher = Watcher(fired)

    watcher.check()
    watcher.forget(ADA)
    await watcher.stop()

    assert set(threading.enumerate()) == before


async def test_after_lost_events_every_sync_is_told_to_look(home: Path, watcher: Watcher, fired: Fired) -> None:
    await watching(watcher, home / "a.json")
    await watching(watcher, home / "b.json", sync=BOB)
    fallen_behind = watcher._lookout._observer._inotify_fd._lock  # type: ignore[union-attr]

    with fallen_behind:
        (home / "noise").touch()
        await asyncio.sleep(0.1)
        await asyncio.to_thread(churn, home / "noise")
    await fired.until(lambda: set(fired.syncs) == {ADA, BOB})

    assert watcher.health(ADA).overflows == 1


class Exhausted:
    """An observer on a machine that has no inotify instance left, until there is one again."""

    def __init__(self, started: Callable[[], BaseObserver]) -> None:
        self.exhausted = True
        self._started = started

    def __call__(self) -> BaseObserver:
        if self.exhausted:
            raise OSError(errno.EMFILE, "inotify instance limit reached")
        return self._started()


async def test_without_inotify_the_files_are_looked_at_every_second_and_that_is_said(
    home: Path, watcher: Watcher, fired: Fired, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = Exhausted(lookout._started)
    monkeypatch.setattr(lookout, "_started", limit)
    await watching(watcher, home / "a.json")
    blind = watcher.health(ADA).blind

    (home / "a.json").write_text("new")
    await fired.until(lambda: bool(fired.times))
    limit.exhausted = False
    await asyncio.sleep(1.5)

    assert blind == (f"{home}: inotify instance limit reached",)
    assert (watcher.health(ADA).armed, watcher.health(ADA).blind) == (1, ())


async def test_a_folder_beyond_the_limit_of_watches_does_not_blind_the_others(
    home: Path, watcher: Watcher, fired: Fired, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "far").mkdir()
    await watching(watcher, home / "a.json")
    observer = watcher._lookout._observer
    assert observer is not None

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(observer, "schedule", full)
    watcher.watch(ADA, [home / "a.json", home / "far" / "b.json"])
    (home / "far" / "b.json").write_text("new")
    await fired.until(lambda: bool(fired.times))

    health = watcher.health(ADA)
    assert (health.armed, health.blind) == (1, (f"{home / 'far'}: inotify watch limit reached",))
