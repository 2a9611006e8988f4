"""Several files become new together, or none does: a crash in between is undone by the next start.

Journal: the old content of each file is written down before the first one is touched. As long as the journal stands and the commit does
not know of it, whoever starts puts the old contents back; files that somebody else has written since stay as they are.
"""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from syncd.domain.errors import TransientError
from syncd.kit import swap
from syncd.kit.files import write_atomically
from syncd.kit.ids import ulid
from syncd.kit.swap import Moved, Swapped

_LOCK_SECONDS = 5.0
_STALE_SECONDS = 10.0
"""A client that holds its lock touches it every few seconds; an older one was left behind by a crash."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One file: what it was when it was read and what it shall be; None is no file."""

    path: Path
    old: bytes | None
    new: bytes | None
    lock: Path | None = None


class ClientBusy(TransientError):
    """A client holds its own lock for longer than a change takes."""

    code = "client.busy"


class Journal:
    """In a folder of its own. Blocking; one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = folder / "journal.json"

    def recover(self, committed: str) -> list[Path]:
        """Undo what a crash left half done; answers the files that are old again. `committed`: the last deployment that counts."""
        if not self._index.exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            return []
        journal = json.loads(self._index.read_bytes())
        restored = [] if journal["id"] == committed else [path for each in journal["files"] if (path := self._undo(each))]
        self.clear()
        return restored

    def deploy(self, replacements: Sequence[Replacement]) -> str:
        """Replace all files; answers the id of this deployment, which the commit has to hold. `clear` afterwards.

        Raises `Moved` if somebody wrote one of the files since it was read, `ClientBusy`, `OSError`: nothing has changed then.
        """
        number = ulid()
        real = [(each, each.path.resolve()) for each in replacements]
        self._write_down(number, real)
        done: list[Swapped] = []
        try:
            with _locked([each.lock for each in replacements if each.lock]):
                for each, path in real:
                    done.append(_replaced(each, path))
        except BaseException:
            self.recover("")
            raise
        for swapped in done:
            if not swapped.forget():
                swapped.take_back()
                self.recover("")
                raise Moved(swapped.path)
        return number

    def clear(self) -> None:
        """Forget a deployment that has been committed."""
        with suppress(FileNotFoundError):
            for each in json.loads(self._index.read_bytes())["files"]:
                for left in Path(each["path"]).parent.glob(f".{Path(each['path']).name}.*.syncd"):
                    left.unlink(missing_ok=True)
            self._index.unlink()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_down(self, number: str, real: Sequence[tuple[Replacement, Path]]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = []
        for place, (each, path) in enumerate(real):
            if each.old is not None:
                write_atomically(self._folder / f"{place}.old", each.old)
            made = [str(folder) for folder in path.parents if not folder.exists()]
            files.append(
                {"path": str(path), "old": swap.digest(each.old), "new": swap.digest(each.new), "backup": f"{place}.old", "made": made}
            )
        write_atomically(self._index, json.dumps({"id": number, "files": files}).encode())

    def _undo(self, each: dict[str, str]) -> Path | None:
        """Put one file back, unless it is old still or somebody else has written it since."""
        path = Path(each["path"])
        if each["old"] == each["new"] or swap.digest_of(path) != each["new"]:
            return None
        with suppress(Moved):
            if each["old"]:
                backup = (self._folder / each["backup"]).read_bytes()
                swap.swap(path, swap.prepared(path, backup), each["new"])
            else:
                swap.removed(path, each["new"]).forget()
        for folder in each["made"]:
            with suppress(OSError):
                Path(folder).rmdir()
        return path


def _replaced(each: Replacement, path: Path) -> Swapped:
    if each.new is None:
        return swap.removed(path, swap.digest(each.old))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return swap.swap(path, swap.prepared(path, each.new), swap.digest(each.old))


@contextmanager
def _locked(locks: Sequence[Path]) -> Iterator[None]:
    """Hold clients' own locks, each a folder that is there or not."""
    with ExitStack() as stack:
        for lock in sorted(set(locks)):
            _take(lock)
            stack.callback(_let_go, lock)
        yield


def _take(lock: Path) -> None:
    until = time.monotonic() + _LOCK_SECONDS
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        try:
            lock.mkdir()
        except FileExistsError:
            with suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > _STALE_SECONDS:
                    lock.rmdir()
                    continue
        else:
            return
        if time.monotonic() > until:
            raise ClientBusy(f"{lock} has been there for {_LOCK_SECONDS:.0f} s: the client is busy with its files")
        time.sleep(0.02)


def _let_go(lock: Path) -> None:
    with suppress(OSError):
        lock.rmdir()
