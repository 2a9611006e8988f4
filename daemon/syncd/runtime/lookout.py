"""Which folders to watch for some files, and the watching of them. All of it blocks: it belongs to one thread.

inotify watches an inode, not a path: a folder that was deleted, renamed away or replaced is watched no more, silently. What leads to
a file by links changes in other folders than the one in its path. Therefore the folders are found out anew again and again.
"""

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from syncd.domain.run import SyncName

_EVENTS: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
]
"""Not the first write to a file: it is half written then, and closing it will tell."""

_MOST_LINKS = 40
_MOST_ROUNDS = 5

Look = frozenset[tuple[str, int, int, int, int]]
"""What files look like from outside: path, device, inode, size and time of the last write; those that are not there are left out."""


@dataclass(frozen=True, slots=True)
class Point:
    """A name, or a pattern of names, in a real folder: what happens to it may change what a watched path leads to."""

    folder: str
    name: str

    def takes(self, name: str) -> bool:
        return name == self.name or fnmatchcase(name, self.name)


@dataclass(frozen=True, slots=True)
class Report:
    """How well the files of one sync are watched."""

    armed: int = 0
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Armed:
    watch: ObservedWatch
    identity: tuple[int, int]


def points(path: Path) -> Iterator[Point]:
    """Where to watch for a file, or a pattern of files in one folder: at every link on the way, at its end or where it is missing."""
    folder, ahead, links = "/", list(path.parts[1:]), 0
    while ahead:
        name = ahead.pop(0)
        here = os.path.normpath(Path(folder, name))
        if (target := _target(here)) and links < _MOST_LINKS:
            links += 1
            yield Point(folder, name)
            ahead = [*target.parts, *ahead]
            folder, ahead = ("/", ahead[1:]) if target.is_absolute() else (folder, ahead)
        elif not ahead or not _is_folder(here):
            yield Point(folder, name)
            return
        else:
            folder = here


def look(paths: Collection[Path]) -> Look:
    """What some files, and those that match some patterns, look like now."""
    seen = set()
    for path in _expanded(paths):
        with suppress(OSError):
            found = path.stat()
            if stat.S_ISREG(found.st_mode):
                seen.add((str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))
    return frozenset(seen)


class Lookout(FileSystemEventHandler):
    """Watches the files of all syncs with one observer, started with the first. `seen` is called in some thread, once for each event."""

    def __init__(self, seen: Callable[[SyncName], None]) -> None:
        self._seen = seen
        self._paths: dict[SyncName, tuple[Path, ...]] = {}
        self._looks: dict[SyncName, Look] = {}
        self._observer: BaseObserver | None = None
        self._armed: dict[str, _Armed] = {}
        self._blind: dict[str, str] = {}
        self._wanted: Mapping[str, Mapping[Point, Collection[SyncName]]] = {}
        """Replaced as a whole, because the observer's thread reads it."""

    def watch(self, sync: SyncName, paths: Collection[Path], before: Look) -> None:
        """Watch other files for a sync than until now; `before` is what they looked like when that was wished for."""
        self._paths[sync] = tuple(paths)
        self._looks[sync] = before
        self.check()

    def forget(self, sync: SyncName) -> None:
        self._paths.pop(sync, None)
        self._looks.pop(sync, None)
        self._arm()

    def check(self) -> None:
        """Watch anew what is watched no more, and tell of what has changed without an event."""
        self._arm()
        for sync, paths in self._paths.items():
            if (now := look(paths)) != self._looks[sync]:
                self._looks[sync] = now
                self._seen(sync)

    def settle(self, sync: SyncName) -> None:
        """What has happened until now is about to be told: watch for what comes after it."""
        self._arm()
        if sync in self._paths:
            self._looks[sync] = look(self._paths[sync])

    def reports(self) -> dict[SyncName, Report]:
        folders: dict[SyncName, set[str]] = {sync: set() for sync in self._paths}
        for folder, asked in self._wanted.items():
            for sync in {sync for syncs in asked.values() for sync in syncs}:
                folders[sync].add(folder)
        return {sync: self._report(wanted) for sync, wanted in folders.items()}

    def close(self) -> None:
        self._wanted = {}
        if self._observer:
            self._observer.stop()
            self._observer.join()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Called by the observer, in a thread of its own."""
        told: set[SyncName] = set()
        for path in filter(None, (os.fsdecode(event.src_path), os.fsdecode(event.dest_path))):
            folder, name = os.path.split(path)
            told.update(*(syncs for point, syncs in self._wanted.get(folder, {}).items() if point.takes(name)))
            told.update(*self._wanted.get(path, {}).values())
        for sync in told:
            self._seen(sync)

    def _report(self, folders: Collection[str]) -> Report:
        blind = tuple(f"{folder}: {self._blind[folder]}" for folder in sorted(folders) if folder in self._blind)
        return Report(len(folders) - len(blind), blind)

    def _arm(self) -> None:
        """Watch the folders that are to be watched now, and no others. Once more if they became others meanwhile."""
        for _ in range(_MOST_ROUNDS):
            before = self._wanted, self._armed.copy()
            self._wanted = self._points()
            for folder in self._armed.keys() - self._wanted.keys():
                self._disarm(folder)
            self._blind = {folder: problem for folder in self._wanted if (problem := self._arm_one(folder))}
            if (self._wanted, self._armed) == before:
                return

    def _points(self) -> dict[str, dict[Point, set[SyncName]]]:
        wanted: dict[str, dict[Point, set[SyncName]]] = defaultdict(lambda: defaultdict(set))
        for sync, paths in self._paths.items():
            for path in (*paths, *_expanded(paths)):
                for point in points(path):
                    wanted[point.folder][point].add(sync)
        return {folder: dict(asked) for folder, asked in wanted.items()}

    def _arm_one(self, folder: str) -> str:
        """Watch a folder, if it is not yet; answers what hinders."""
        try:
            found = Path(folder).stat()
            if self._stands(folder, (found.st_dev, found.st_ino)):
                return ""
            self._disarm(folder)
            if not os.access(folder, os.R_OK):
                return "it may not be read"
            if self._observer is None:
                self._observer = _started()
            watch = self._observer.schedule(self, folder, event_filter=_EVENTS)
        except OSError as error:
            return error.strerror or str(error)
        self._armed[folder] = _Armed(watch, (found.st_dev, found.st_ino))
        return ""

    def _stands(self, folder: str, identity: tuple[int, int]) -> bool:
        """A folder is watched, and no other one has taken its place."""
        armed = self._armed.get(folder)
        emitters = self._observer.emitters if self._observer else ()
        return bool(armed and armed.identity == identity and any(one.watch == armed.watch and one.is_alive() for one in emitters))

    def _disarm(self, folder: str) -> None:
        if (armed := self._armed.pop(folder, None)) and self._observer:
            self._observer.unschedule(armed.watch)


def _started() -> BaseObserver:
    observer = Observer()
    observer.start()
    return observer


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def _target(path: str) -> Path | None:
    try:
        return Path(path).readlink()
    except OSError:
        return None


def _expanded(paths: Collection[Path]) -> Iterator[Path]:
    """Files that are there or may be, with those that match the patterns in their place."""
    for path in paths:
        yield from [path] if not has_magic(path.name) or os.path.lexists(path) else path.parent.glob(path.name)
