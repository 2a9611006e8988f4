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
_TRIES = 4
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
    for path in paths:
        try:
            held = _patiently(folder / path)
        except OSError as error:
            problems[path] = f"cannot be read: {error.strerror or error}"
            continue
        if held is not None:
            files[path] = held
    return Reading(files, problems)


def _matching(folder: Path, pattern: str) -> Iterator[str]:
    if "*" not in pattern:
        if (folder / pattern).exists() or (folder / pattern).is_symlink():
            yield pattern
        return
    for found in folder.glob(pattern):
        if not found.name.startswith(".") and not found.is_dir():
            yield str(found.relative_to(folder))


def _patiently(path: Path) -> Held | None:
    """Try again for a moment if the file may not be read."""
    for pause in range(_TRIES):
        try:
            return _stable(path)
        except OSError:
            if pause == _TRIES - 1:
                raise
            time.sleep(0.05 * 2**pause)
    return None


def _stable(path: Path) -> Held | None:
    """The content once it stays the same; None if the file went away."""
    last: tuple[str, int] | None = None
    for _ in range(_LOOKS):
        try:
            before = path.stat()
            if before.st_size > LARGEST_BYTES:
                raise OSError(f"it has {before.st_size:,} bytes, at most {LARGEST_BYTES:,} are read")
            content = path.read_bytes()
            after = path.stat()
        except FileNotFoundError:
            return None
        seen = digest(content), after.st_mtime_ns
        settled = time.time() - after.st_mtime > _SETTLE_SECONDS
        if before.st_mtime_ns == after.st_mtime_ns and len(content) == after.st_size and (settled or seen == last):
            return Held(content, after.st_mtime)
        last = seen
        time.sleep(_SETTLE_SECONDS)
    raise OSError("it is written again and again; it is looked at later")
