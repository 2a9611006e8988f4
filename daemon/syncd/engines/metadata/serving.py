"""The published object for readers: from memory while it is fresh, from memory too while the store is in trouble.

A copy is fresh for a while (`ttl`) after it was compared with what is published. An older one is still answered with, at once, while it is
compared in the background; only when a run of this daemon has published something else since does a reader wait for it. The last
copy is kept in a file, for a daemon that begins while the store is in trouble.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from syncd.domain.errors import SyncdError
from syncd.engines.metadata.publishing import digest
from syncd.kit.files import write_atomically
from syncd.ports.metadata_control import ReadCounts
from syncd.ports.objects import ObjectStore

log = structlog.get_logger()

_WAIT_SECONDS = 10.0
"""So long a reader waits for the store at most."""


@dataclass(frozen=True, slots=True)
class Copy:
    content: bytes
    sha256: str
    generation: int
    published_at: datetime
    checked_at: datetime
    problem: str = ""
    """Why it could not be compared the last time."""


Opener = Callable[[], AbstractAsyncContextManager[ObjectStore]]


@dataclass(slots=True)
class Shelf:
    """The copy of one sync's object."""

    object: str
    ttl: timedelta
    open: Opener
    file: Path
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    copy: Copy | None = None
    counts: ReadCounts = field(default_factory=ReadCounts)
    comparing: asyncio.Task[None] | None = None

    async def read(self, newest: int) -> Copy | None:
        """The object, None if nothing is published. `newest` is the generation that our own last run knows of, 0 if none.

        Raises what the store raises only if there is no copy at all.
        """
        if self.copy is None:
            self.copy = await asyncio.to_thread(_kept, self.file)
        if self.copy is None:
            await self._compare()
            self._count(misses=1)
            return self.copy
        if newest > self.copy.generation:
            await self._compare_in_time()
            self._count(misses=1)
        elif self.now() - self.copy.checked_at > self.ttl:
            self._begin_comparing()
            self._count(stale=1)
        else:
            self._count(hits=1)
        return self.copy

    def unmodified(self) -> None:
        """A reader had it already."""
        self._count(unmodified=1)

    def is_stale(self, copy: Copy) -> str:
        """Why a copy is older than it should be; empty if it is not."""
        if self.now() - copy.checked_at <= self.ttl:
            return ""
        return copy.problem or "it is being compared with what is published"

    async def close(self) -> None:
        if self.comparing is not None:
            self.comparing.cancel()
            await asyncio.wait({self.comparing})

    def _begin_comparing(self) -> None:
        if self.comparing is None or self.comparing.done():
            self.comparing = asyncio.create_task(self._compare_quietly(), name=f"compare {self.object}")

    async def _compare_in_time(self) -> None:
        """One comparison for all who wait for it; who waits too long goes on with what there is."""
        self._begin_comparing()
        if self.comparing is not None:
            await asyncio.wait({self.comparing}, timeout=_WAIT_SECONDS)

    async def _compare_quietly(self) -> None:
        try:
            await self._compare()
        except SyncdError as error:
            log.warning("published object cannot be compared with the copy", object=self.object, error=str(error))
            if self.copy is not None:
                self.copy = replace(self.copy, problem=str(error))

    async def _compare(self) -> None:
        async with self.open() as store:
            found = await store.get(self.object, self.copy.generation if self.copy else 0)
            if found is not None:
                info = found.info
                self.copy = Copy(found.content, digest(found.content), info.generation, info.updated_at, self.now())
                await asyncio.to_thread(_keep, self.file, self.copy)
            elif self.copy is not None:
                self.copy = replace(self.copy, checked_at=self.now(), problem="")

    def _count(self, **more: int) -> None:
        self.counts = replace(self.counts, **{name: getattr(self.counts, name) + count for name, count in more.items()})


def _keep(file: Path, copy: Copy) -> None:
    """One line of JSON, then the bytes."""
    head = {
        "sha256": copy.sha256,
        "generation": copy.generation,
        "published_at": copy.published_at.isoformat(),
        "checked_at": copy.checked_at.isoformat(),
    }
    for folder in (file.parent.parent, file.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    write_atomically(file, json.dumps(head).encode() + b"\n" + copy.content)


def _kept(file: Path) -> Copy | None:
    try:
        line, _, content = file.read_bytes().partition(b"\n")
        head = json.loads(line)
    except (OSError, ValueError):
        return None
    if digest(content) != head["sha256"]:
        return None
    published_at, checked_at = (datetime.fromisoformat(head[name]) for name in ("published_at", "checked_at"))
    return Copy(content, head["sha256"], head["generation"], published_at, checked_at)
