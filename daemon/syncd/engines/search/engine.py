"""The search engine: opens what a run needs, finds out where the sync stands, and hands over to the mode that was asked for."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from syncd.domain.audit import Entry
from syncd.domain.errors import DriftRefused, SourceMismatch
from syncd.domain.run import SyncName
from syncd.domain.schema import Table
from syncd.engines.search.asking import doctor, explain, plan
from syncd.engines.search.checkpoint import Standing, read, shape_of
from syncd.engines.search.fields import fields_of
from syncd.engines.search.full import full
from syncd.engines.search.incremental import incremental
from syncd.engines.search.mapping import Mapper
from syncd.engines.search.replacing import discard_shadow, keep_previous, replace_index, roll_back, rolled_back
from syncd.engines.search.retrying import retry
from syncd.engines.search.settings import SearchSync
from syncd.engines.search.verifying import verify
from syncd.engines.search.work import Work
from syncd.kit.text import did_you_mean
from syncd.ports.connecting import Connections, IndexShape
from syncd.ports.running import EngineKind, Mode, Report, RowTurn, RunContext

_SHRINK = {"allow_shrink": "true: delete however much the source no longer has"}
_DRIFT = {"accept_drift": "true: go on with changed source columns although the settings say to halt"}

MODES = {
    "full": Mode(
        "send every row, delete what the source does not have",
        writes=True,
        parameters={
            "replace": "true: build a new index beside the live one and swap them",
            "rollback": "true: put back the index that the last replace kept",
            **_SHRINK,
            **_DRIFT,
        },
    ),
    "incremental": Mode("send what changed since the last run", writes=True, parameters={**_SHRINK, **_DRIFT}),
    "verify": Mode(
        "compare keys and contents of source and index",
        writes=False,
        writes_if="repair",
        alone=True,
        parameters={"repair": "true: mend what differs"},
    ),
    "retry": Mode("look at dead letters again", writes=True),
    "plan": Mode("tell what a run would do", writes=False, parameters={"mode": "full: ask about a full run"}),
    "explain": Mode("tell everything about one row", writes=False, parameters={"key": "the row's key as a JSON array"}),
    "doctor": Mode("look for what will not work", writes=False, parameters={"all": "true: look at every row, not only the first 100,000"}),
}


class SearchEngine:
    """One run of one sync from a table to an index. A batch is committed only after the index holds it durably."""

    def __init__(self, sync: SyncName, settings: SearchSync, connections: Connections) -> None:
        self._sync = sync
        self._settings = settings
        self._connections = connections

    async def run(self, context: RunContext) -> Report:
        """Carry out the mode of the run."""
        async with self._work(context) as work:
            if not context.run.writes:
                return await _ASKING[context.run.mode](work)
            await self._find_standing(work)
            return await _WRITING[context.run.mode](work)

    async def abandon(self, context: RunContext) -> None:
        """Remove a half-built shadow index; a full run in place is gone on with by the next run."""
        async with self._work(context) as work:
            await discard_shadow(work)

    @asynccontextmanager
    async def _work(self, context: RunContext) -> AsyncIterator[Work]:
        settings = self._settings
        async with (
            self._connections.source(settings.source.connection) as source,
            self._connections.indexes(settings.target.connection) as indexes,
        ):
            table = await source.describe(settings.source.relation)
            _check_columns(settings, table)
            fields = fields_of(settings, table.names)
            with Mapper(fields, settings.source.key) as mapper:
                await asyncio.to_thread(mapper.bind, table.schema)
                digest = _digest(settings, mapper)
                shape = IndexShape(fields.primary_key, settings.target.settings)
                standing = read(context.checkpoint, digest)
                yield Work(settings, source, indexes, mapper, table, context, standing, digest, shape, {})

    async def _find_standing(self, work: Work) -> None:
        """Compare what the ledger says with what is there, and begin anew where they do not belong together."""
        await self._note_drift(work)
        if work.standing.unnamed:
            await keep_previous(work)
        replaces = work.context.run.mode == "full" and (work.says("replace") or work.says("rollback"))
        backfill = work.standing.backfill
        if backfill and backfill.kind == "replace" and not replaces:
            await discard_shadow(work)
        state = await work.indexes.inspect(self._settings.target.index, work.shape) if replaces else await work.live.prepare(work.shape)
        await self._note_identity(work, state.identity if state else "")

    async def _note_identity(self, work: Work, found: str) -> None:
        standing = work.standing
        if found == standing.identity or (standing.backfill and found == standing.backfill.swap_to):
            return
        if standing.previous and found == standing.previous.identity:
            await rolled_back(work)
        elif not standing.identity:
            await work.advance(replace(standing, identity=found))
        else:
            entry = Entry("index.lost", detail={"index": self._settings.target.index, "expected": standing.identity, "found": found})
            await work.advance(Standing(shape=work.digest, identity=found, columns=standing.columns), RowTurn.CLEAR_LIVE, entry)

    async def _note_drift(self, work: Work) -> None:
        now = tuple((column.name, column.type) for column in work.table.columns)
        before = work.standing.columns
        if before == now:
            return
        entry = Entry("schema.drifted", detail=_drift(dict(before), dict(now)))
        if before and self._settings.drift == "halt" and not work.says("accept_drift"):
            raise DriftRefused(
                f"the columns of {work.table.name} changed: {json.dumps(entry.detail, ensure_ascii=False)}",
                hint="look at the mapping; then start a run with -p accept_drift=true",
            )
        await work.advance(replace(work.standing, columns=now), RowTurn.KEEP, *((entry,) if before else ()))


def _drift(before: dict[str, str], now: dict[str, str]) -> dict[str, object]:
    return {
        "added": [name for name in now if name not in before],
        "removed": [name for name in before if name not in now],
        "changed": [f"{name}: {before[name]} -> {now[name]}" for name in now if name in before and before[name] != now[name]],
    }


def _digest(settings: SearchSync, mapper: Mapper) -> str:
    members = [shape_of(settings), mapper.shape]
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()[:16]


def _check_columns(settings: SearchSync, table: Table) -> None:
    wanted = {"source.key": list(settings.source.key), "source.watermark": [settings.source.watermark] if settings.source.watermark else []}
    for place, names in wanted.items():
        for name in names:
            if table.column(name) is None:
                proposal = f"; its primary key is {', '.join(table.primary_key)}" if place == "source.key" and table.primary_key else ""
                raise SourceMismatch(
                    f"{place}: {table.name} has no column '{name}'{did_you_mean(name, table.names)}{proposal}",
                    hint=f"its columns are {', '.join(table.names)}",
                )


async def _full(work: Work) -> Report:
    if work.says("rollback"):
        return await roll_back(work)
    await (replace_index(work) if work.says("replace") else full(work))
    return Report()


async def _incremental(work: Work) -> Report:
    await incremental(work)
    return Report()


_WRITING: dict[str, Callable[[Work], Awaitable[Report]]] = {"full": _full, "incremental": _incremental, "verify": verify, "retry": retry}
_ASKING: dict[str, Callable[[Work], Awaitable[Report]]] = {"verify": verify, "plan": plan, "explain": explain, "doctor": doctor}

ENGINE = EngineKind(settings=SearchSync, modes=MODES, scheduled_mode="incremental", build=SearchEngine)
