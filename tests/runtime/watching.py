"""What tests of watching share: a memory of what was told, and the ways in which files change."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from syncd.domain.run import SyncName
from syncd.runtime.watcher import Watcher

ADA, BOB = SyncName("ada"), SyncName("bob")


class Fired:
    """What a watcher has told so far."""

    def __init__(self) -> None:
        self.times: list[tuple[SyncName, float]] = []
        self.contents: list[str | None] = []
        self.reading: Path | None = None
        self._changed = asyncio.Event()

    def __call__(self, sync: SyncName) -> None:
        self.times.append((sync, asyncio.get_running_loop().time()))
        if self.reading:
            self.contents.append(self.reading.read_text() if self.reading.exists() else None)
        self._changed.set()

    @property
    def syncs(self) -> list[SyncName]:
        return [sync for sync, _ in self.times]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def nothing_more(self) -> None:
        """Wait until whatever has happened would have been told: also a file moved away, which takes half a second."""
        await asyncio.sleep(0.9)


async def watching(watcher: Watcher, *paths: Path, sync: SyncName = ADA) -> None:
    """Watch some files, and wait until they are watched."""
    watcher.watch(sync, paths)
    await all_done(watcher)


async def all_done(watcher: Watcher) -> None:
    """Wait until the watcher has done what it was asked for."""
    await asyncio.get_running_loop().run_in_executor(watcher._worker, int)


def replaced(file: Path) -> None:
    file.with_suffix(".tmp").write_text("new")
    file.with_suffix(".tmp").replace(file)


def written_in_place(file: Path) -> None:
    file.write_text("new")


def appended(file: Path) -> None:
    with file.open("a") as opened:
        opened.write("new")


def moved_in_from_elsewhere(file: Path) -> None:
    elsewhere = file.parent.parent / "elsewhere"
    elsewhere.write_text("new")
    elsewhere.replace(file)


def moved_in_two_steps(file: Path) -> None:
    file.with_suffix(".tmp").write_text("new")
    file.rename(file.with_suffix(".orig"))
    file.with_suffix(".tmp").rename(file)
    file.with_suffix(".orig").unlink()


def deleted_and_created(file: Path) -> None:
    file.unlink()
    file.write_text("new")


def saved_as_vim_does(file: Path) -> None:
    (file.parent / ".a.json.swp").write_text("swap")
    (file.parent / "4913").touch()
    (file.parent / "4913").unlink()
    file.rename(file.with_name("a.json~"))
    file.write_text("new")
    file.chmod(0o600)
    file.with_name("a.json~").unlink()
    (file.parent / ".a.json.swp").unlink()


def deleted(file: Path) -> None:
    file.unlink()


def moved_out(file: Path) -> None:
    file.rename(file.parent.parent / "elsewhere")


CHANGES = [
    replaced,
    written_in_place,
    appended,
    moved_in_from_elsewhere,
    moved_in_two_steps,
    deleted_and_created,
    saved_as_vim_does,
    deleted,
    moved_out,
]
