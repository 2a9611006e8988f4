"""Telling that a scheduled run has nothing to do, before anything is opened or read: most runs of most syncs are like that."""

import hashlib
from datetime import UTC, datetime

from syncd.domain.run import Trigger
from syncd.engines.search.checkpoint import Standing, read
from syncd.engines.search.fields import fields_of
from syncd.engines.search.settings import SearchSync
from syncd.ports.connecting import Connections, IndexShape
from syncd.ports.running import Progress, RunContext


def sealed(settings: SearchSync, stamp: str) -> str:
    """The source as a run found it, together with the settings that it was read under; empty if the source cannot tell."""
    return f"{_digest(settings)} {stamp}" if stamp else ""


async def nothing_new(settings: SearchSync, connections: Connections, context: RunContext) -> bool:
    """Whether the source is as the last run left it, which came to its end, and the index is still the same; False if in doubt.

    Only for runs that nobody asked for: who starts a run wants it to look.
    """
    run, standing = context.run, read(context.checkpoint, "")
    scheduled = run.mode == "incremental" and run.trigger is Trigger.SCHEDULE and run.attempt == 1
    if not scheduled or not context.clean or not _ended(standing) or reconcile_due(settings, standing):
        return False
    digest, _, stamp = standing.stamp.partition(" ")
    if digest != _digest(settings):
        return False
    async with connections.source(settings.source.connection) as source:
        if not await source.unchanged(stamp):
            return False
    fields = fields_of(settings, [name for name, _ in standing.columns])
    async with connections.indexes(settings.target.connection) as indexes:
        state = await indexes.index(settings.target.index).prepare(IndexShape(fields.primary_key, settings.target.settings))
    context.tell(Progress(warnings=warnings(settings, standing)))
    return state.identity == standing.identity


def warnings(settings: SearchSync, standing: Standing) -> tuple[str, ...]:
    """What an operator should know of a sync that stands like this, although nothing failed."""
    if not standing.nulls:
        return standing.caveats
    unseen = f"{standing.nulls:,} rows have no {settings.source.watermark}: incremental runs cannot see them change, full runs do"
    return (unseen, *standing.caveats)


def reconcile_due(settings: SearchSync, standing: Standing) -> bool:
    """Whether all keys are to be compared in the next incremental run."""
    interval, last = settings.source.deletions.reconcile, standing.reconciled_at
    return interval is not None and (last is None or datetime.now(UTC) >= last + interval)


def _ended(standing: Standing) -> bool:
    return standing.complete and not standing.backfill and not standing.reading and not standing.unnamed and bool(standing.stamp)


def _digest(settings: SearchSync) -> str:
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:16]
