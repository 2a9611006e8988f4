"""Answers what people and applications ask about metadata syncs: from copies, from what runs leave behind, and by starting runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from syncd.domain.errors import NotFound, Refused
from syncd.domain.run import Run, SyncName
from syncd.engines.metadata import snapshots, standing, viewing
from syncd.engines.metadata.serving import Copy, Shelf
from syncd.engines.metadata.settings import MetadataSync
from syncd.engines.metadata.shelves import Shelves
from syncd.engines.metadata.slicing import counted
from syncd.kit.threads import in_thread
from syncd.ports.control import Wish
from syncd.ports.ledger import DocumentBook
from syncd.ports.metadata_control import CacheStatus, CacheView, DifferenceView, PromptContext, Refreshing, SnapshotView


class Runs(Protocol):
    """Starts runs, and tells how syncs are set."""

    def sections(self, engine: str) -> Mapping[SyncName, Any]:
        """The settings of all syncs of one engine."""

    def know(self, name: SyncName) -> None:
        """Raises `NotFound` if there is no such sync."""

    async def begin(self, wish: Wish) -> Run:
        """Start a run."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Implements the port `MetadataDesk`."""

    runs: Runs
    book: DocumentBook
    shelves: Shelves

    async def cache(self, sync: SyncName, unless: str) -> CacheView:
        shelf, copy = await self._copy(sync)
        stale = shelf.is_stale(copy)
        if unless == copy.sha256:
            shelf.unmodified()
        content = None if unless == copy.sha256 else copy.content
        return CacheView(content, copy.sha256, copy.generation, len(copy.content), copy.published_at, copy.checked_at, stale)

    async def status(self, sync: SyncName) -> CacheStatus:
        settings, shelf, now = self._settings(sync), self._shelf(sync), await self._standing(sync)
        today = await self._costs(sync, viewing.today(settings))
        last = await self._costs(sync, now.last_day) if now.last_day else ()
        return viewing.status(viewing.Known(sync, settings, now, shelf.counts, today, last), shelf.copy)

    async def refresh(self, sync: SyncName, wish: Refreshing) -> Run:
        self._settings(sync)
        parameters = {"table": ",".join(wish.tables)} if wish.tables else {}
        parameters |= {name: "true" for name in ("full", "allow_shrink") if getattr(wish, name)}
        return await self.runs.begin(Wish(sync, "refresh", parameters, wish.request_id, queue=True, actor=wish.actor))

    async def snapshots(self, sync: SyncName) -> Sequence[SnapshotView]:
        settings = self._settings(sync)
        async with self.shelves.connections(sync).objects(settings.target.connection) as store:
            found = await snapshots.listed(store, settings.target.object)
            current = await store.stat(settings.target.object)
        sha256 = current.sha256 if current else ""
        return [
            SnapshotView(snapshots.id_of(info), snapshots.moment_of(info), info.size, info.sha256, bool(sha256) and info.sha256 == sha256)
            for info in found
        ]

    async def diff(self, sync: SyncName, before: str, after: str) -> Sequence[DifferenceView]:
        old = await self._snapshot(sync, before, newest=True)
        new = await self._snapshot(sync, after, newest=False)
        found = snapshots.compared(old, new)
        return [DifferenceView(each.what, each.name, each.change, each.before, each.after) for each in found]

    async def restore(self, sync: SyncName, snapshot: str, actor: str) -> Run:
        settings = self._settings(sync)
        async with self.shelves.connections(sync).objects(settings.target.connection) as store:
            await snapshots.find(store, settings.target.object, snapshot)
        return await self.runs.begin(Wish(sync, "restore", {"snapshot": snapshot}, queue=True, actor=actor))

    async def context(self, sync: SyncName, tables: Sequence[str], budget: int) -> PromptContext:
        settings, (_, copy) = self._settings(sync), await self._copy(sync)
        found, measure = await in_thread(lambda: counted(copy.content, tables, budget or settings.token_budget))
        return PromptContext(found.text, found.tokens, measure, found.left_out, copy.generation, copy.sha256)

    async def _copy(self, sync: SyncName) -> tuple[Shelf, Copy]:
        shelf, now = self._shelf(sync), await self._standing(sync)
        copy = await shelf.read(now.generation)
        if copy is None:
            hint = f"`syncctl metadata refresh {sync}` publishes; `syncctl show {sync}` tells why nothing is yet"
            raise NotFound(f"'{sync}' has published nothing yet", hint=hint, code="cache.missing")
        return shelf, copy

    async def _snapshot(self, sync: SyncName, number: str, *, newest: bool) -> bytes:
        """A snapshot's bytes; without a number the newest one's, or what is published now."""
        published = self._settings(sync).target.object
        async with self.shelves.connections(sync).objects(self._settings(sync).target.connection) as store:
            known = await snapshots.listed(store, published)
            name = published
            if number or newest:
                name = (await snapshots.find(store, published, number or (snapshots.id_of(known[0]) if known else ""))).name
            found = await store.get(name)
        if found is None:
            raise NotFound(f"'{sync}' has published nothing yet", code="cache.missing")
        return found.content

    async def _standing(self, sync: SyncName) -> standing.Standing:
        return standing.Standing.read(await self.book.of(sync).get(standing.NAME))

    async def _costs(self, sync: SyncName, day: str) -> Sequence[viewing.Line]:
        return viewing.lines(await self.book.of(sync).get(viewing.costs_of(day)))

    def _shelf(self, sync: SyncName) -> Shelf:
        return self.shelves.of(sync, self._settings(sync))

    def _settings(self, sync: SyncName) -> MetadataSync:
        self.runs.know(sync)
        found = self.runs.sections("metadata").get(sync)
        if found is None:
            raise Refused(f"'{sync}' is no metadata sync", code="sync.not_metadata")
        settings: MetadataSync = found
        return settings
