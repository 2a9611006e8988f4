"""A month that is over becomes a Parquet file with a manifest that nothing writes to any more; one that is too old goes as a whole.

The sealed file is written from the outbox and read back before it takes the place of the month's database. The entry `audit.sealed`
holds its manifest, so that the chain vouches for the file as well.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from io import BufferedWriter
from itertools import pairwise
from pathlib import Path

import structlog

from syncd.domain.audit import Entry
from syncd.domain.errors import SyncdError
from syncd.domain.verdict import Manifest
from syncd.kit.threads import in_thread
from syncd.ledger import outbox
from syncd.ledger.border import border, unwritten
from syncd.ledger.formats import Copy, Form, Sink
from syncd.ledger.outbox import Extent, Line, intact
from syncd.ledger.shipping import AuditLog
from syncd.ledger.state import State, Transaction

SEALED, EXPIRED, BROKEN = "audit.sealed", "audit.expired", "audit.broken"

_GROUP = 10_000
_TOGETHER = 5_000
_SEALED_MODE = 0o400
_REST_SECONDS = 60.0

log = structlog.get_logger()


class Sealer:
    """Seals and expires months."""

    def __init__(self, state: State, audit: AuditLog, keep_months: int | None) -> None:
        self._state = state
        self._audit = audit
        self._keep = keep_months
        self._broken: set[str] = set()
        self._swept = False
        self.alone = asyncio.Lock()
        """Held while months change their form or go."""

    async def serve(self) -> None:
        """Tend the months at the beginning, and then whenever the log has grown, for ever."""
        seen = 0
        while True:
            seen = await self._state.growth.beyond(seen)
            try:
                await self.tend()
            except SyncdError as error:
                log.warning("audit months not tended", code=error.code, problem=str(error))
            await asyncio.sleep(_REST_SECONDS)

    async def tend(self) -> None:
        """Seal every month that is over, and remove those that are too old."""
        async with self.alone:
            async with self._audit.whole():
                growing = await self._audit.on_files(lambda files: files.unsealed())
            kept = sorted(await self._state.read(partial(outbox.extents, behind=0)), key=lambda extent: extent.first)
            gone = expired(kept, self._keep)
            for extent in gone:
                await self._expire(extent)
            for extent in _over(kept[len(gone) :]):
                if extent.month in growing and extent.month not in self._broken:
                    await self._seal(extent)
            if gone or not self._swept:
                while await self._state.write(_sweep):
                    pass
                self._swept = True

    async def _seal(self, extent: Extent) -> None:
        place, note = self._audit.files.sealed(extent.month), self._audit.files.manifest(extent.month)
        manifest, broken = await self._write(extent, place.with_name(f".{place.name}.new"))
        if broken:
            self._broken.add(extent.month)
            log.error("audit month not sealed", month=extent.month, sequence=broken)
            await self._audit.record_once(Entry(BROKEN, outcome=BROKEN, detail={"month": extent.month, "sequence": broken}))
            return
        async with self._audit.whole():
            if extent not in await self._state.read(partial(outbox.extents, behind=0)):
                return  # it has grown meanwhile: the clock was set back
            await in_thread(partial(_put, place, note, manifest))
            await self._audit.record([Entry(SEALED, detail={"month": extent.month, **manifest.as_detail()})])
            await self._audit.on_files(lambda files: files.retire(extent.month))
        log.info("audit month sealed", month=extent.month, rows=manifest.rows)

    async def _write(self, extent: Extent, beside: Path) -> tuple[Manifest, int]:
        """The month as a file, complete and read back; and the first entry whose hash is not that of its contents, or 0.

        Where entries are missing, that is the first one of the month.
        """
        with border(beside):
            file = await in_thread(partial(_created, beside), late=BufferedWriter.close)
            behind = extent.first - 1
            with file, Copy(Form.PARQUET, Sink(file)) as copy:
                while lines := await self._state.read(partial(outbox.of_month, extent=extent, behind=behind, limit=_GROUP)):
                    if broken := await in_thread(partial(_copied, copy, lines)):
                        return copy.manifest(), broken
                    behind = lines[-1][0]
                await in_thread(copy.close)
                await in_thread(partial(_synced, file))
            manifest = copy.manifest()
            if manifest.rows != await self._state.read(partial(outbox.due, month=extent.month)):
                return manifest, extent.first
            if await in_thread(partial(digest_of, beside)) != manifest.sha256:
                raise unwritten(beside, "it reads back otherwise than it was written")
        return manifest, 0

    async def _expire(self, extent: Extent) -> None:
        lines = await self._state.read(partial(outbox.lines, behind=extent.last - 1, upto=extent.last, limit=1))
        own = lines[0][9] if lines else b""
        async with self._audit.whole():
            await self._audit.on_files(lambda files: files.expire(extent.month))
            await self._state.write(partial(_forgotten, extent=extent, own=own))
        log.info("audit month expired", month=extent.month, first=extent.first, last=extent.last)


def expired(kept: Sequence[Extent], keep_months: int | None) -> list[Extent]:
    """The months that are too old, oldest first. What is left has no gap: it stops at a month whose entries stand between younger ones."""
    if keep_months is None or not kept:
        return []
    newest = max(kept, key=lambda extent: extent.last)
    gone = []
    for extent, following in pairwise(kept):
        if _number(newest.month) - _number(extent.month) <= keep_months or extent.last >= following.first:
            break
        gone.append(extent)
    return gone


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest_text(detail: Mapping[str, object]) -> str:
    """A manifest as it stands beside its file."""
    return json.dumps(detail, indent=2, sort_keys=True) + "\n"


def _over(kept: Sequence[Extent]) -> list[Extent]:
    """Months behind which a later one has begun. A clock that was set back makes them wait."""
    newest = max(kept, key=lambda extent: extent.last, default=None)
    return [extent for extent in kept if newest and extent.month < newest.month]


def _number(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number)


def _created(path: Path) -> BufferedWriter:
    path.unlink(missing_ok=True)
    return path.open("wb")


def _synced(file: BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())


def _copied(copy: Copy, lines: Sequence[Line]) -> int:
    """Add lines if each is what was written; otherwise the sequence of one that is not."""
    broken = next((line[0] for line in lines if not intact(line)), 0)
    if not broken:
        copy.write(lines)
    return int(broken)


def _put(place: Path, note: Path, manifest: Manifest) -> None:
    """Put file and manifest into their places, durably and for reading only."""
    with border(place):
        beside = place.with_name(f".{place.name}.new")
        draft = note.with_name(f".{note.name}.new")
        draft.unlink(missing_ok=True)
        draft.write_text(manifest_text(manifest.as_detail()), encoding="utf-8")
        for new, final in ((draft, note), (beside, place)):
            new.chmod(_SEALED_MODE)
            new.replace(final)
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _forgotten(transaction: Transaction, extent: Extent, own: bytes) -> None:
    outbox.forget(transaction.db, extent.month)
    transaction.record(Entry(EXPIRED, detail={"month": extent.month, "first": extent.first, "last": extent.last, "hash": own.hex()}))


def _sweep(transaction: Transaction) -> int:
    return outbox.sweep(transaction.db, _TOGETHER)
