"""The commit of a refresh: where the sync stands now, what is told of it, and what goes to the audit log."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.domain.audit import Entry
from syncd.engines.metadata import snapshots, telling
from syncd.engines.metadata.looking import Look
from syncd.engines.metadata.publishing import Written
from syncd.engines.metadata.sidecar import Sidecar, UnitState
from syncd.engines.metadata.spending import Spent
from syncd.engines.metadata.tasks import Plan
from syncd.engines.metadata.work import Work
from syncd.ports.running import Progress, Report


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a refresh."""

    look: Look
    plan: Plan
    """What there was to do at its beginning."""
    made: Collection[UnitState]
    sidecar: Sidecar
    """Of what is published now."""
    method: str
    written: Written
    cost: Spent
    full: bool
    complete: bool


async def commit(work: Work, done: Outcome) -> Report:
    """Write down what came of a refresh. It follows the publication, and a crash in between only repeats the comparison."""
    now, published = work.now(), done.written.info
    changed = bool(done.plan.changes and done.written.before.stored)
    standing = replace(
        work.standing,
        checked_at=work.began.isoformat(),
        stamp=done.look.stamp,
        pinned="",
        changed_at=work.began.isoformat() if changed else work.standing.changed_at,
        refreshed_at=now.isoformat() if done.complete or not work.standing.refreshed_at else work.standing.refreshed_at,
        full_at=now.isoformat() if done.full or not work.standing.full_at else work.standing.full_at,
        seconds_to_publish=_seconds(work, now) if changed and published else work.standing.seconds_to_publish,
        summary=telling.summary(done.sidecar, done.look.warehouse, work.settings.token_budget),
        method=done.method or work.standing.method,
    )
    before = done.written.before.stored
    info = published or (before.info if before is not None else None)
    if info is not None:
        at = info.updated_at.isoformat()
        standing = replace(standing, generation=info.generation, sha256=info.sha256, size=info.size, published_at=at)
    work.context.tell(Progress(doing="done", warnings=telling.warnings(done.sidecar)))
    await work.write(standing, _entries(work, done, changed=changed), done.look.documents)
    if published is not None:
        await snapshots.prune(work.publisher.store, work.publisher.object, work.settings.snapshots, now)
    return Report(_findings(done))


def _seconds(work: Work, now: datetime) -> float:
    return round((now - work.began).total_seconds(), 3)


def _entries(work: Work, done: Outcome, *, changed: bool) -> tuple[Entry, ...]:
    entries = [telling.detected(done.plan)] if changed else []
    if done.cost.requests and work.model:
        entries.append(telling.spent(work.model.name, done.cost))
    if done.written.info is not None:
        entries.append(telling.published(done.written.info, done.sidecar, done.written.rounds))
    return tuple(entries)


def _findings(done: Outcome) -> dict[str, object]:
    published = done.written.info
    return {
        "published": published.generation if published else None,
        **telling.plan_told(done.plan),
        "made": {
            "tables": len(done.made),
            "examples": sum(len(state.examples) for state in done.made),
            "rejected": sum(count for state in done.made for count in state.rejected.values()),
        },
        **({"cost": done.cost.told()} if done.cost.requests else {}),
        "tokens": dict(done.sidecar.sections),
    }
