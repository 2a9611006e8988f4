"""A scheduled run that can have nothing to do looks at nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.domain.batch import Checkpoint
from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.engines.search.checkpoint import Backfill, Reading, Standing
from syncd.engines.search.quiet import nothing_new, sealed
from syncd.engines.search.settings import SearchSync
from syncd.ports.connecting import IndexShape, IndexState
from syncd.ports.running import Progress

NOW = datetime.now(UTC)
SETTINGS = SearchSync.model_validate(
    {
        "engine": "search",
        "source": {"connection": "shop", "table": "products", "key": ["nr"], "watermark": "at"},
        "target": {"connection": "local", "index": "products", "settings": {"searchableAttributes": ["name"]}},
    }
)
QUIET = Standing(
    shape="s",
    identity="index 1",
    watermark="2026-01-01",
    complete=True,
    reconciled_at=NOW - timedelta(hours=1),
    columns=(("nr", "BIGINT"), ("name", "VARCHAR")),
    stamp=sealed(SETTINGS, "as it was"),
)
RUN = Run(RunId("R"), SyncName("products"), "incremental", Trigger.SCHEDULE, RunState.RUNNING, NOW)


@dataclass
class World:
    """A source and an index that say how they look, and what was asked of them."""

    look: str = "as it was"
    identity: str = "index 1"
    asked: list[str] = field(default_factory=list)
    prepared: list[IndexShape] = field(default_factory=list)

    async def unchanged(self, stamp: str) -> bool:
        self.asked.append(stamp)
        return stamp == self.look

    def index(self, name: str) -> "World":
        assert name == "products"
        return self

    async def prepare(self, shape: IndexShape) -> IndexState:
        self.prepared.append(shape)
        return IndexState(self.identity, 7)

    @asynccontextmanager
    async def source(self, name: str) -> AsyncIterator[Any]:
        assert name == "shop"
        yield self

    @asynccontextmanager
    async def indexes(self, name: str) -> AsyncIterator[Any]:
        assert name == "local"
        yield self


@dataclass
class Context:
    run: Run = RUN
    checkpoint: Checkpoint | None = field(default_factory=QUIET.written)
    clean: bool = True
    told: list[Progress] = field(default_factory=list)

    def tell(self, progress: Progress) -> None:
        self.told.append(progress)


async def quiet(world: World, context: Context | None = None, settings: SearchSync = SETTINGS) -> bool:
    given: Any = context or Context()
    connections: Any = world
    return await nothing_new(settings, connections, given)


async def test_a_source_that_is_as_it_was_needs_no_run() -> None:
    world = World()

    assert await quiet(world)

    assert world.asked == ["as it was"]


async def test_the_index_is_still_brought_to_its_shape() -> None:
    world = World()

    await quiet(world)

    assert world.prepared == [IndexShape("nr", {"searchableAttributes": ["name"]})]


async def test_what_the_last_run_warned_of_is_told_again() -> None:
    standing = replace(QUIET, nulls=3, caveats=("no right to read V$TRANSACTION",))
    context = Context(checkpoint=standing.written())

    assert await quiet(World(), context)

    [told] = context.told
    assert told.warnings == (
        "3 rows have no at: incremental runs cannot see them change, full runs do",
        "no right to read V$TRANSACTION",
    )


async def test_a_source_that_looks_different_is_read() -> None:
    assert not await quiet(World(look="different"))


async def test_an_index_that_is_another_one_is_filled() -> None:
    assert not await quiet(World(identity="index 2"))


@pytest.mark.parametrize(
    "change",
    [
        {"mapping": {"nr": "nr", "title": "name"}},
        {"drift": "halt"},
        {"batch_rows": 10},
        {"source": {**SETTINGS.source.model_dump(), "deletions": {"soft": "name IS NULL"}}},
    ],
    ids=["mapping", "drift", "batch_rows", "soft"],
)
async def test_with_any_other_setting_the_source_is_read(change: dict[str, Any]) -> None:
    changed = SearchSync.model_validate({**SETTINGS.model_dump(), **change})

    assert not await quiet(World(), settings=changed)


@pytest.mark.parametrize(
    "run",
    [
        replace(RUN, trigger=Trigger.REQUEST),
        replace(RUN, trigger=Trigger.RECOVERY),
        replace(RUN, attempt=2),
        replace(RUN, mode="full"),
        replace(RUN, mode="verify"),
    ],
    ids=["asked for", "recovery", "second attempt", "full", "verify"],
)
async def test_only_the_first_attempt_of_a_scheduled_incremental_run_may_be_quiet(run: Run) -> None:
    assert not await quiet(World(), Context(run=run))


@pytest.mark.parametrize(
    "standing",
    [
        replace(QUIET, stamp=""),
        replace(QUIET, complete=False),
        replace(QUIET, unnamed=True),
        replace(QUIET, backfill=Backfill("full", "s", NOW, None)),
        replace(QUIET, reading=Reading("2026", None, exact=False, after=("2026", "1"))),
    ],
    ids=["no stamp", "incomplete", "unnamed", "backfill", "reading"],
)
async def test_what_is_not_at_its_end_is_gone_on_with(standing: Standing) -> None:
    assert not await quiet(World(), Context(checkpoint=standing.written()))


async def test_after_a_run_that_did_not_end_well_the_source_is_read() -> None:
    assert not await quiet(World(), Context(clean=False))


async def test_a_first_run_reads_the_source() -> None:
    assert not await quiet(World(), Context(checkpoint=None))


@pytest.mark.parametrize(("hours", "due"), [(2, False), (1, True)])
async def test_a_comparison_of_keys_that_is_due_is_done(hours: int, due: bool) -> None:
    source = {**SETTINGS.source.model_dump(), "deletions": {"reconcile": f"{hours}h"}}
    settings = SearchSync.model_validate({**SETTINGS.model_dump(), "source": source})
    standing = replace(QUIET, stamp=sealed(settings, "as it was"))

    assert await quiet(World(), Context(checkpoint=standing.written()), settings) is not due


def test_a_source_that_cannot_tell_seals_nothing() -> None:
    assert sealed(SETTINGS, "") == ""
