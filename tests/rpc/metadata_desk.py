"""A desk that keeps the promise of its port with a small world in memory: one metadata sync, `warehouse`, and what it published."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.domain.errors import NotFound, Refused
from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.ports.metadata_control import (
    CacheStatus,
    CacheView,
    CostLine,
    CostView,
    DifferenceView,
    PromptContext,
    ReadCounts,
    Refreshing,
    SnapshotView,
    Wanting,
)

RUN = "01JEXAMPLE0000000000000001"
SYNC = SyncName("warehouse")
NOON = datetime(2025, 6, 30, 12, tzinfo=UTC)
CONTENT = b'{"generated_at": "2025-06-30T12:00:00+00:00", "schema": {"orders": {}}}'
TABLES = ("customers", "orders")
TOKENS = 100
"""So many each table has."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def a_snapshot(number: int, **values: Any) -> SnapshotView:
    """The higher the number, the newer. Ids of one second are in order of their generation only, not in that of letters."""
    given: dict[str, Any] = {"published_at": NOON, "size": 1000 + number, "sha256": digest(str(number).encode())}
    return SnapshotView(f"20250630T120000Z-{number}", **(given | values))


def a_cost(**values: Any) -> CostView:
    given: dict[str, Any] = {
        "requests": 12,
        "failed": 2,
        "input_tokens": 8_000,
        "output_tokens": 1_500,
        "kept_tokens": 2_000,
        "reused_tokens": 20_000,
        "dollars": 0.25,
    }
    return CostView(**(given | values))


def a_status(**values: Any) -> CacheStatus:
    """Everything is told; a week passed between each pair of moments."""
    given: dict[str, Any] = {
        "generation": 7,
        "sha256": digest(CONTENT),
        "size": 123_456,
        "method": "llm_enhanced",
        **{
            name: NOON - timedelta(weeks=weeks)
            for weeks, name in enumerate(("published_at", "checked_at", "changed_at", "refreshed_at", "full_at"))
        },
        "detect_to_publish": timedelta(seconds=83.5),
        "tables": 18,
        "families": 1,
        "shards": 400,
        "examples_by_level": {"analysed": 4, "ran": 30},
        "examples_by_source": {"model": 33, "template": 1},
        "rejected": {"table.unknown": 2},
        "wanting": (Wanting("orders", "the model's answer was cut", NOON), Wanting("reviews", "the day's budget is spent", None)),
        "tokens": {"schema": 40_000, "examples": 2_000},
        "token_budget": 60_000,
        "counter": "o200k_base",
        "trimmed": ("descriptions of columns of reviews",),
        "cost_today": a_cost(),
        "cost_last": a_cost(requests=1, failed=0, dollars=0.0, unpriced=1),
        "costs": (CostLine(RUN, "orders", "model-x", a_cost(requests=3, unpriced=1)),),
        "reads": ReadCounts(1, 2, 3, 4),
        "copy_age": timedelta(minutes=2, seconds=0.5),
    }
    return CacheStatus(SYNC, "metadata_cache.json", **(given | values))


DIFFERENCES = (
    DifferenceView("table", "reviews", "added"),
    DifferenceView("column", "orders.total", "changed", "INTEGER", "DECIMAL(18,2)"),
    DifferenceView("example", "How many orders?", "changed", "SELECT 1\nFROM a\n", "SELECT 1\nFROM orders\n"),
)


@dataclass
class MetadataDesk:
    """What it was asked to do stands in `done`, with who asked."""

    content: bytes | None = CONTENT
    announced: str = ""
    """A digest that is told in the place of the true one."""
    stale: str = ""
    told: CacheStatus = field(default_factory=a_status)
    kept: list[SnapshotView] = field(default_factory=lambda: [a_snapshot(number) for number in (11, 10, 9, 8)])
    found: tuple[DifferenceView, ...] = DIFFERENCES
    done: list[tuple[Any, ...]] = field(default_factory=list)

    async def cache(self, sync: SyncName, unless: str) -> CacheView:
        content = self._published(sync)
        sha256 = self.announced or digest(content)
        return CacheView(None if unless == sha256 else content, sha256, 7, len(content), NOON, NOON + timedelta(minutes=1), self.stale)

    async def status(self, sync: SyncName) -> CacheStatus:
        self._know(sync)
        return self.told

    async def refresh(self, sync: SyncName, wish: Refreshing) -> Run:
        self._know(sync)
        return self._began("refresh", wish, request_id=wish.request_id, actor=wish.actor)

    async def snapshots(self, sync: SyncName) -> Sequence[SnapshotView]:
        self._know(sync)
        return list(self.kept)

    async def diff(self, sync: SyncName, before: str, after: str) -> Sequence[DifferenceView]:
        self._know(sync)
        for number in filter(None, (before, after)):
            self._snapshot(number)
        self.done.append(("diff", before, after))
        return self.found

    async def restore(self, sync: SyncName, snapshot: str, actor: str) -> Run:
        self._know(sync)
        self._snapshot(snapshot)
        return self._began("restore", snapshot, actor=actor)

    async def context(self, sync: SyncName, tables: Sequence[str], budget: int) -> PromptContext:
        content = self._published(sync)
        for table in tables:
            if table not in TABLES:
                raise NotFound(f"'{sync}' has no table '{table}'", code="table.unknown")
        wanted, room = list(tables or TABLES), (budget or 60_000) // TOKENS
        text = json.dumps({"schema": dict.fromkeys(wanted[:room], "größe")}, ensure_ascii=False)
        return PromptContext(text, min(room, len(wanted)) * TOKENS, "o200k_base", tuple(wanted[room:]), 7, digest(content))

    def _know(self, sync: SyncName) -> None:
        if sync == "products":
            raise Refused("'products' is no metadata sync", code="sync.not_metadata")
        if sync != SYNC:
            raise NotFound(f"no sync '{sync}'", hint="`syncctl status` lists them", code="sync.unknown")

    def _published(self, sync: SyncName) -> bytes:
        self._know(sync)
        if self.content is None:
            raise NotFound(f"'{sync}' has published nothing yet", hint=f"`syncctl metadata refresh {sync}` publishes", code="cache.missing")
        return self.content

    def _snapshot(self, number: str) -> None:
        if number not in {view.id for view in self.kept}:
            raise NotFound(f"there is no snapshot '{number}'", hint="`syncctl metadata snapshots` lists them", code="snapshot.unknown")

    def _began(self, mode: str, what: Any, **values: Any) -> Run:
        self.done.append((mode, what, values["actor"]))
        return Run(RunId(RUN), SYNC, mode, Trigger.REQUEST, RunState.QUEUED, NOON, **values)
