"""A folder as a store of objects: each object is a plain file that holds exactly its bytes, and anything may read it.

What else is known of an object (generation, write id, checksum, labels) stands in a record of the hidden folder `.syncd`. Two files cannot
change at once, so the record is written first and tells of the last two contents: the file itself, by its checksum, says which of them
holds. So a crash at any moment leaves the old object or the new one, whole. A file that matches neither was written by somebody else: it
becomes a new generation when it is first seen.

One call at a time works in a folder, over all processes: `.syncd/lock` is locked for that, and the kernel lets go when a process ends.
Generations are microseconds since 1970, or one more than the last, so that they never come again even where records were lost.
"""

import errno
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson

from syncd.domain.errors import SyncdError, TargetMismatch, TargetUnavailable
from syncd.kit.threads import in_thread
from syncd.ports.connecting import Connector
from syncd.ports.objects import GenerationChanged, ObjectInfo, ObjectStore, StoredObject
from syncd.settings.section import Section, SettingsPath

Answer = TypeVar("Answer")

_HIDDEN = ".syncd"
_FILE_MODE = 0o640
_FOLDER_MODE = 0o750
_LOCK_SECONDS = 20.0
_LOCK_TICK = 0.002
_FOR_THE_OPERATOR = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENOTEMPTY,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EXDEV,
}


class Settings(Section):
    """`[connections.NAME]` with `kind = "folder"`."""

    path: SettingsPath
    """The folder; it is made if it is missing, for its owner and group."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What to write, and what to say of it."""

    content: bytes
    write_id: str
    labels: Mapping[str, str]


class FolderStore:
    def __init__(self, path: Path, patience: float = _LOCK_SECONDS) -> None:
        self._path = path
        self._patience = patience

    async def stat(self, name: str) -> ObjectInfo | None:
        found = await self.get(name)
        return found.info if found else None

    async def get(self, name: str, unless: int = 0) -> StoredObject | None:
        path = self._place(name)
        found = await self._alone(lambda: self._read(name, path))
        return None if found and found.info.generation == unless else found

    async def put(self, name: str, content: bytes, expected: int, write_id: str, labels: Mapping[str, str]) -> ObjectInfo:
        path = self._place(name)

        def work() -> ObjectInfo:
            found = self._read(name, path)
            if found and write_id and found.info.write_id == write_id:
                return found.info
            if (found.info.generation if found else 0) != expected:
                raise _changed(name, expected, found)
            return self._write(name, path, _Content(content, write_id, labels), found)

        return await self._alone(work)

    async def copy(self, source: str, generation: int, name: str) -> ObjectInfo:
        origin, path = self._place(source), self._place(name)

        def work() -> ObjectInfo:
            if there := self._read(name, path):
                return there.info
            found = self._read(source, origin)
            if found is None or found.info.generation != generation:
                raise _changed(source, generation, found)
            return self._write(name, path, _Content(found.content, found.info.write_id, found.info.labels), None)

        return await self._alone(work)

    async def list(self, prefix: str) -> Sequence[ObjectInfo]:
        def work() -> list[ObjectInfo]:
            names = sorted(name for name in _names(self._path, prefix) if name.startswith(prefix))
            return [found.info for name in names if (found := self._read(name, self._path / name))]

        return await self._alone(work)

    async def delete(self, name: str, generation: int) -> None:
        path = self._place(name)

        def work() -> None:
            found = self._read(name, path)
            if found is None or found.info.generation != generation:
                return
            path.unlink()
            _sync(path.parent)
            self._record(name).unlink(missing_ok=True)
            for folder in path.parents[: len(Path(name).parts) - 1]:
                with suppress(OSError):  # others are in it
                    folder.rmdir()

        await self._alone(work)

    def _place(self, name: str) -> Path:
        """Where an object's file is. Raises `TargetMismatch` for a name that would be hidden, or lead elsewhere."""
        parts = name.split("/")
        if "\0" in name or any(not part or part.startswith(".") for part in parts) or not _is_text(name):
            raise TargetMismatch(
                f"{name!r} cannot be the name of an object in a folder",
                hint="name it with `/` between parts that are not empty and do not begin with a dot",
            )
        return self._path.joinpath(*parts)

    def _record(self, name: str) -> Path:
        return self._path / _HIDDEN / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}.json"

    def _read(self, name: str, path: Path) -> StoredObject | None:
        """An object as its file says; one that somebody else wrote is given a generation, for good."""
        try:
            with path.open("rb") as file:
                content = file.read()
                changed = os.fstat(file.fileno()).st_mtime
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        digest = hashlib.sha256(content).hexdigest()
        told = self._told(name)
        for info in told:
            if info.sha256 == digest:
                return StoredObject(info, content)
        at = datetime.fromtimestamp(changed, UTC)
        info = ObjectInfo(name, _next_generation(told), len(content), at, digest)
        _note(self._path / _HIDDEN / "record", self._record(name), _told_of([info]))
        return StoredObject(info, content)

    def _write(self, name: str, path: Path, new: _Content, old: StoredObject | None) -> ObjectInfo:
        told = self._told(name)
        digest = hashlib.sha256(new.content).hexdigest()
        info = ObjectInfo(name, _next_generation(told), len(new.content), datetime.now(UTC), digest, new.write_id, dict(new.labels))
        _make_folder(path.parent)
        _replace(self._path / _HIDDEN / "record", self._record(name), _told_of([info, old.info] if old else [info]))
        _replace(self._path / _HIDDEN / "content", path, new.content)
        return info

    def _told(self, name: str) -> Sequence[ObjectInfo]:
        """What the record tells, newest first; nothing if there is none, or it is damaged."""
        try:
            told = orjson.loads(self._record(name).read_bytes())
            return [ObjectInfo(**{**one, "name": name, "updated_at": datetime.fromisoformat(one["updated_at"])}) for one in told]
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return []

    async def _alone(self, work: Callable[[], Answer]) -> Answer:
        """Do something in a thread, while nobody else works in the folder."""
        given_up = threading.Event()

        def locked() -> Answer:
            try:
                _make_folder(self._path / _HIDDEN)
                with _lock(self._path / _HIDDEN / "lock", self._patience, given_up):
                    return work()
            except OSError as error:
                raise _ours(error, self._path) from error

        return await in_thread(locked, given_up.set)


def _told_of(infos: Sequence[ObjectInfo]) -> bytes:
    """A record: newest first."""
    return orjson.dumps([asdict(info) for info in infos])


def _next_generation(told: Sequence[ObjectInfo]) -> int:
    return max([time.time_ns() // 1000, *(info.generation + 1 for info in told)])


def _changed(name: str, expected: int, found: StoredObject | None) -> GenerationChanged:
    now = f"of generation {found.info.generation}" if found else "not there"
    wanted = f"generation {expected}" if expected else "no such object"
    return GenerationChanged(f"the object {name} is {now}; expected {wanted}")


def _is_text(name: str) -> bool:
    """Names that a file system gives need not be UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _names(root: Path, prefix: str) -> Iterator[str]:
    """All objects of the folder that a prefix leads to."""
    start = root.joinpath(*[part for part in prefix.split("/")[:-1] if not part.startswith(".")])
    for folder, folders, files in os.walk(start):
        folders[:] = [each for each in folders if not each.startswith(".")]
        within = Path(folder).relative_to(root)
        yield from ((within / each).as_posix() for each in files if not each.startswith(".") and _is_text(each))


@contextmanager
def _lock(path: Path, patience: float, given_up: threading.Event) -> Iterator[None]:
    """Hold a folder's lock. Raises `TargetUnavailable` if others hold it for too long."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    try:
        ends = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if given_up.wait(_LOCK_TICK) or time.monotonic() > ends:
                    raise TargetUnavailable(
                        f"the folder {path.parent.parent} is locked by another process for more than {patience:g} s",
                        hint=f"see which process holds {path}",
                    ) from None
        yield
    finally:
        os.close(file)


def _replace(staged: Path, path: Path, content: bytes) -> None:
    """Put a file in the place of another, at once and durably; who holds the lock is alone with the staged one."""
    file = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
    with os.fdopen(file, "wb") as writing:
        os.fchmod(writing.fileno(), _FILE_MODE)
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    staged.replace(path)
    _sync(path.parent)


def _note(staged: Path, path: Path, content: bytes) -> None:
    """Put a file in the place of another, at once; what can be found out again need not outlive a loss of power."""
    staged.write_bytes(content)
    staged.chmod(_FILE_MODE)
    staged.replace(path)


def _make_folder(path: Path) -> None:
    """Make a folder and what leads to it, durably."""
    if path.is_dir():
        return
    _make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir(_FOLDER_MODE)
        path.chmod(_FOLDER_MODE)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _ours(error: OSError, path: Path) -> SyncdError:
    where = error.filename or path
    if error.errno in _FOR_THE_OPERATOR:
        return TargetMismatch(
            f"{where} in the folder {path} cannot be used: {error.strerror}",
            hint="syncd's user must own the folder, and no file may stand where a folder is needed, nor the other way round",
        )
    return TargetUnavailable(f"{where} in the folder {path} cannot be used now: {error.strerror}", hint="is the disk full, or gone?")


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[ObjectStore]:
    yield FolderStore(settings.path)


async def _check(settings: Settings) -> str:
    found = await FolderStore(settings.path).list("")
    return f"the folder {settings.path}, {len(found)} object{'' if len(found) == 1 else 's'}"


CONNECTOR = Connector(settings=Settings, check=_check, objects=_opened)
