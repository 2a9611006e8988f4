"""Answers what people and applications ask about metadata syncs: from copies, from what runs leave behind, and by starting runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from syncd.domain.errors import NotFound, Refused
from syncd.domain.run import Run, SyncName
from syncd.engines.metadata import snapshots, spending, standing
from syncd.engines.metadata.rendering import read
from syncd.engines.metadata.serving import Copy, Shelf
from syncd.engines.metadata.settings import MetadataSync
from syncd.engines.metadata.slicing import slice_for
from syncd.engines.metadata.spending import Spent
from syncd.engines.metadata.standing import Standing
from syncd.engines.metadata.tokens import counter
from syncd.kit.threads import in_thread
from syncd.ports.connecting import Connections
from syncd.ports.control import Wish
from syncd.ports.ledger import DocumentBook
from syncd.ports.metadata_control import (
    CacheStatus,
    CacheView,
    CostLine,
    CostView,
    DifferenceView,
    PromptContext,
    Refreshing,
    SnapshotView,
    Wanting,
)


class Runs(Protocol):
    """Starts runs, and tells how syncs are set."""

    def sections(self, engine: str) -> Mapping[SyncName, Any]:
        """The settings of all syncs of one engine."""

    def know(self, name: SyncName) -> None:
        """Raises `NotFound` if there is no such sync."""

    def connections(self, name: SyncName) -> Connections:
        """The connections of a sync."""

    async def begin(self, wish: Wish) -> Run:
        """Start a run."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Implements the port `MetadataDesk`."""

    runs: Runs
    book: DocumentBook
    folder: Path
    """Where the private folders of syncs are."""
    shelves: dict[SyncName, tuple[MetadataSync, Shelf]] = field(default_factory=dict)

    async def cache(self, sync: SyncName, unless: str) -> CacheView:
        shelf, copy = await self._copy(sync)
        stale = shelf.is_stale(copy)
        if unless == copy.sha256:
            shelf.unmodified()
        content = None if unless == copy.sha256 else copy.content
        return CacheView(content, copy.sha256, copy.generation, len(copy.content), copy.published_at, copy.checked_at, stale)

    async def status(self, sync: SyncName) -> CacheStatus:
        settings, shelf, now = self._settings(sync), self._shelf(sync), await self._standing(sync)
        told = now.summary
        lines = await self._costs(sync, spending.today(datetime.now(UTC), settings.refresh.timezone))
        last = lines if now.last_day == "" else await self._costs(sync, now.last_day)
        return CacheStatus(
            sync,
            settings.target.object,
            now.generation,
            now.sha256,
            now.size,
            now.method,
            **{name: now.moment(name) for name in ("published_at", "checked_at", "changed_at", "refreshed_at", "full_at")},
            detect_to_publish=None if now.seconds_to_publish is None else timedelta(seconds=now.seconds_to_publish),
            pinned=now.pinned,
            tables=told.get("tables", 0),
            families=told.get("families", 0),
            shards=told.get("shards", 0),
            examples_by_level=told.get("by_level", {}),
            examples_by_source=told.get("by_source", {}),
            rejected=told.get("rejected", {}),
            wanting=tuple(_wanting(each) for each in told.get("wanting", ())),
            tokens=told.get("tokens", {}),
            token_budget=settings.token_budget,
            counter=told.get("counter", ""),
            trimmed=tuple(told.get("trimmed", ())),
            cost_today=_cost(spending.total(spent for _, _, spent in lines)),
            cost_last=_cost(spending.total(spent for run, _, spent in last if run == now.last_run)),
            costs=tuple(CostLine(run, key.partition("|")[2], key.partition("|")[0], _cost(spent)) for run, key, spent in lines),
            reads=shelf.counts,
            copy_age=datetime.now(UTC) - shelf.copy.checked_at if shelf.copy else None,
        )

    async def refresh(self, sync: SyncName, wish: Refreshing) -> Run:
        self._settings(sync)
        parameters = {"table": ",".join(wish.tables)} if wish.tables else {}
        parameters |= {name: "true" for name in ("full", "allow_shrink") if getattr(wish, name)}
        return await self.runs.begin(Wish(sync, "refresh", parameters, wish.request_id, queue=True, actor=wish.actor))

    async def snapshots(self, sync: SyncName) -> Sequence[SnapshotView]:
        settings = self._settings(sync)
        async with self.runs.connections(sync).objects(settings.target.connection) as store:
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
        found = snapshots.differences(read(old), read(new))
        return [DifferenceView(each.what, each.name, each.change, each.before, each.after) for each in found]

    async def restore(self, sync: SyncName, snapshot: str, actor: str) -> Run:
        settings = self._settings(sync)
        async with self.runs.connections(sync).objects(settings.target.connection) as store:
            await snapshots.find(store, settings.target.object, snapshot)
        return await self.runs.begin(Wish(sync, "restore", {"snapshot": snapshot}, queue=True, actor=actor))

    async def context(self, sync: SyncName, tables: Sequence[str], budget: int) -> PromptContext:
        settings, (_, copy) = self._settings(sync), await self._copy(sync)
        counted = await in_thread(counter)
        found = await in_thread(lambda: slice_for(read(copy.content), tables, budget or settings.token_budget, counted))
        return PromptContext(found.text, found.tokens, counted.name, found.left_out, copy.generation, copy.sha256)

    async def close(self) -> None:
        for _, shelf in self.shelves.values():
            await shelf.close()

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
        async with self.runs.connections(sync).objects(self._settings(sync).target.connection) as store:
            known = await snapshots.listed(store, published)
            name = published
            if number or newest:
                name = (await snapshots.find(store, published, number or (snapshots.id_of(known[0]) if known else ""))).name
            found = await store.get(name)
        if found is None:
            raise NotFound(f"'{sync}' has published nothing yet", code="cache.missing")
        return found.content

    async def _standing(self, sync: SyncName) -> Standing:
        return Standing.read(await self.book.of(sync).get(standing.NAME))

    async def _costs(self, sync: SyncName, day: str) -> list[tuple[str, str, Spent]]:
        lines = json.loads(await self.book.of(sync).get(spending.COSTS + day) or "{}")
        return [(run, key, Spent.read(each)) for run, tables in lines.items() for key, each in tables.items()]

    def _shelf(self, sync: SyncName) -> Shelf:
        """The shelf of a sync; a new one if its settings have changed."""
        settings = self._settings(sync)
        known = self.shelves.get(sync)
        if known is None or known[0] != settings:
            opener = self.runs.connections(sync).objects
            file = self.folder / sync / "published"
            shelf = Shelf(settings.target.object, settings.ttl, lambda: opener(settings.target.connection), file)
            known = self.shelves[sync] = (settings, shelf)
        return known[1]

    def _settings(self, sync: SyncName) -> MetadataSync:
        self.runs.know(sync)
        found = self.runs.sections("metadata").get(sync)
        if found is None:
            raise Refused(f"'{sync}' is no metadata sync", code="sync.not_metadata")
        settings: MetadataSync = found
        return settings


def _wanting(told: Mapping[str, str]) -> Wanting:
    moment = told["examples_from"]
    return Wanting(told["unit"], told["reason"], datetime.fromisoformat(moment) if moment else None)


def _cost(spent: Spent) -> CostView:
    usage = spent.usage
    tokens = (usage.input, usage.output, usage.kept, usage.reused)
    return CostView(spent.requests, spent.failed, *tokens, spent.dollars, spent.unpriced)
