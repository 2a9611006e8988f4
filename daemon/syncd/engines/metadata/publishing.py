"""Writing the published object so that nobody's work is lost, whoever else writes it."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from syncd.domain.errors import TargetUnavailable
from syncd.engines.metadata import snapshots
from syncd.engines.metadata.sidecar import Sidecar
from syncd.kit.ids import ulid
from syncd.ports.objects import GenerationChanged, ObjectInfo, ObjectStore, StoredObject

_ROUNDS = 40
"""So often others may be faster before we give up for now."""
_PAUSE_SECONDS = 0.05
_LONGEST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Published:
    """What is published, with its bookkeeping if that is there."""

    stored: StoredObject | None = None
    sidecar: Sidecar | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be published."""

    content: bytes
    sidecar: bytes | None
    """None if there is none: then what is good of the content is found out anew."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of publishing. `info` is None if there was nothing to write."""

    info: ObjectInfo | None
    before: Published
    rounds: int
    """How often others were faster."""


Make = Callable[[Published], Awaitable[Content | None]]
"""From what is published now to what shall be, or None if nothing needs to be written. Called anew whenever somebody else was faster."""


@dataclass(frozen=True, slots=True)
class Publisher:
    store: ObjectStore
    object: str

    async def current(self) -> Published:
        """What is published now."""
        stored = await self.store.get(self.object)
        if stored is None:
            return Published()
        sidecar = await self.sidecar_of(stored.content)
        return Published(stored, Sidecar.read(sidecar) if sidecar else None)

    async def sidecar_of(self, content: bytes) -> bytes | None:
        """The bookkeeping of some published bytes, if there is any."""
        found = await self.store.get(self._sidecar(digest(content)))
        return found.content if found else None

    async def publish(self, make: Make) -> Written:
        """Replace what is published by what `make` makes of it.

        What is replaced is kept as a snapshot first. Only the content that `make` has seen is ever replaced. Raises what `make` raises,
        and `TargetUnavailable` if others are always faster.
        """
        for number in range(_ROUNDS):
            before = await self.current()
            content = await make(before)
            if content is None:
                return Written(None, before, number)
            try:
                return Written(await self._write(before.stored, content), before, number)
            except GenerationChanged:
                await asyncio.sleep(min(_LONGEST_SECONDS, _PAUSE_SECONDS * 2**number) * random.random())  # noqa: S311 - spreads load
        raise TargetUnavailable(
            f"'{self.object}' was written by somebody else {_ROUNDS} times while we tried to", hint="who else publishes it?"
        )

    async def annotate(self, content: bytes, sidecar: bytes) -> None:
        """Write the bookkeeping of some published bytes, in place of any that there is."""
        name = self._sidecar(digest(content))
        found = await self.store.get(name)
        if found is None or found.content != sidecar:
            await self.store.put(name, sidecar, found.info.generation if found else 0, ulid(), {})

    async def _write(self, before: StoredObject | None, content: Content) -> ObjectInfo:
        if content.sidecar is not None:
            await self.annotate(content.content, content.sidecar)
        generation = 0
        if before is not None:
            generation = before.info.generation
            await self.store.copy(self.object, generation, snapshots.name_of(self.object, before.info))
        return await self.store.put(self.object, content.content, generation, ulid(), {})

    def _sidecar(self, sha256: str) -> str:
        return f"{snapshots.SIDECARS}{self.object}/{sha256}.json"


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
