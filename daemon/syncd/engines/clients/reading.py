"""The files of one scope as they are at one moment, each read whole."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from syncd.kit.swap import digest
from syncd.ports.clients import FileSpec

_SETTLE_SECONDS = 0.1
"""A file that was written more recently is looked at twice: a client may be in the middle of writing it."""
_LOOKS = 20
_GRACE_SECONDS = 2.0
"""Clients write by taking the old file away first: one that is missing may come back."""
LARGEST_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Held:
    """One file. `at` is when it was written, in seconds since 1970."""

    content: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Files relative to the scope's folder; `problems` names those that cannot be read, with the reason."""

    files: Mapping[str, Held] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def contents(self) -> dict[str, bytes]:
        return {path: held.content for path, held in self.files.items()}

    @property
    def digests(self) -> dict[str, str]:
        return {path: digest(held.content) for path, held in self.files.items()}


def read(folder: Path, specs: Sequence[FileSpec], expected: Sequence[str] = ()) -> Reading:
    """Read what is there. `expected` files that are missing are waited for a moment. Blocking, up to some seconds."""
    until = time.monotonic() + _GRACE_SECONDS
    while True:
        paths = sorted({path for spec in specs for path in _matching(folder, spec.pattern)})
        if set(expected) <= set(paths) or time.monotonic() > until or not folder.is_dir():
            break
        time.sleep(_SETTLE_SECONDS)
    files: dict[str, Held] = {}
    problems: dict[str, str] = {}
    restless = dict.fromkeys(paths, "")
    for _ in range(_LOOKS):
        restless = {path: mark for path, mark in _look_again(folder, restless, files, problems) if mark}
        if not restless:
            return Reading(files, problems)
        time.sleep(_SETTLE_SECONDS)
    return Reading(files, {**problems, **dict.fromkeys(restless, "is written again and again; it is looked at later")})


def _look_again(folder: Path, marks: Mapping[str, str], files: dict[str, Held], problems: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Read files; for each its mark if it has to be looked at once more, else an empty one: it is in one of the two then, or gone."""
    for path, before in marks.items():
        try:
            held, mark = _held(folder / path)
        except FileNotFoundError:
            yield path, ""
            continue
        except OSError as error:
            why = f"cannot be read: {error.strerror or error}"
            problems[path] = why
            yield path, "" if before == why else why  # what may not be read now may be read in a moment
            continue
        problems.pop(path, None)
        settled = time.time() - held.at > _SETTLE_SECONDS or mark == before
        if settled and mark:
            files[path] = held
        yield path, "" if settled and mark else mark or "changing"


def _held(path: Path) -> tuple[Held, str]:
    """A file, and a mark that is the same as long as nobody writes it; empty if somebody did while it was read."""
    before = path.stat()
    if before.st_size > LARGEST_BYTES:
        raise OSError(f"it has {before.st_size:,} bytes, at most {LARGEST_BYTES:,} are read")
    content = path.read_bytes()
    after = path.stat()
    whole = before.st_mtime_ns == after.st_mtime_ns and len(content) == after.st_size
    return Held(content, after.st_mtime), f"{digest(content)}:{after.st_mtime_ns}" if whole else ""


def _matching(folder: Path, pattern: str) -> Iterator[str]:
    if "*" not in pattern:
        if (folder / pattern).exists() or (folder / pattern).is_symlink():
            yield pattern
        return
    for found in folder.glob(pattern):
        if not found.name.startswith(".") and not found.is_dir():
            yield str(found.relative_to(folder))
