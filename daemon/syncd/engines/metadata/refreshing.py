"""A refresh: look, find out what has changed, make what is missing, publish, write down where the sync stands."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from syncd.domain.audit import Entry
from syncd.engines.metadata import remembering, snapshots, spending, telling
from syncd.engines.metadata.adopting import adopted
from syncd.engines.metadata.asking import Asking
from syncd.engines.metadata.assembling import Terms, assembled, content_of, merged
from syncd.engines.metadata.checking import Checker
from syncd.engines.metadata.guarding import refuse_shrinking
from syncd.engines.metadata.making import Maker
from syncd.engines.metadata.prompting import Brief
from syncd.engines.metadata.publishing import Content, Published, Written
from syncd.engines.metadata.rendering import read, written
from syncd.engines.metadata.sidecar import Sidecar, UnitState
from syncd.engines.metadata.spending import Purse
from syncd.engines.metadata.tasks import Asked, Plan, planned
from syncd.engines.metadata.work import Look, Work
from syncd.ports.running import Progress, Report


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a refresh is for."""

    full: bool = False
    tables: tuple[str, ...] = ()
    complete: bool = False
    """Make what is missing, and tell of new shards."""
    allow_shrink: bool = False


@dataclass(slots=True)
class Refresh:
    """One refresh under way. What was made once is not made again, also if somebody else publishes in between."""

    work: Work
    wanted: Wanted
    look: Look
    checker: Checker
    purse: Purse | None
    made: dict[str, UnitState] = field(default_factory=dict)
    first: Plan | None = None
    """What there was to do at the beginning."""
    method: str = ""
    sidecar: Sidecar | None = None
    """What belongs to what is published in the end."""

    async def make(self, before: Published) -> Content | None:
        """From what is published to what shall be."""
        work, warehouse = self.work, self.look.warehouse
        known = before.sidecar.units if before.sidecar else await self._adopted(before)
        asked = Asked(self.wanted.full, self._tables(), self.wanted.complete, model=work.model is not None)
        plan = planned(known, warehouse, work.settings.examples.per_table, asked)
        self.first = self.first or plan
        todo = {name: task for name, task in plan.tasks.items() if name not in self.made}
        if before.sidecar and not plan.changes and not plan.tasks and not self._tells_all:
            self.sidecar = before.sidecar
            return None
        if todo:
            self.made |= await self._maker().made(todo, known)
        states = merged(known, self.made, warehouse)
        cache, self.sidecar = assembled(states, warehouse, self._terms())
        self.method = cache.generation_method
        if before.stored is not None and not self.wanted.allow_shrink:
            refuse_shrinking(read(before.stored.content), cache, work.settings.max_shrink)
        content = content_of(cache, self.sidecar, before)
        if content is None and before.stored is not None:
            await work.publisher.annotate(before.stored.content, self.sidecar.written())
        return content

    @property
    def _tells_all(self) -> bool:
        return bool(self.wanted.full or self.wanted.tables or self.wanted.complete)

    def _tables(self) -> frozenset[str]:
        return frozenset(self.look.warehouse.find(name) for name in self.wanted.tables)

    def _terms(self) -> Terms:
        settings = self.work.settings
        return Terms(self.work.began.isoformat(timespec="seconds"), settings.token_budget, self.work.counter, settings.samples.shapes > 0)

    async def _adopted(self, before: Published) -> Mapping[str, UnitState]:
        if before.stored is None:
            return {}
        old = read(before.stored.content)
        verdicts = await self.checker.check([example.sql for example in old.examples])
        return adopted(old, verdicts, self.look.warehouse, self._terms().now)

    def _maker(self) -> Maker:
        work = self.work
        now = self._terms().now
        asking = None
        if work.model is not None and self.purse is not None:
            gate = asyncio.Semaphore(work.settings.examples.at_once)
            text = written(assembled({}, self.look.warehouse, replace(self._terms(), now=""))[0])
            brief = Brief(
                self.look.warehouse.catalog.dialect, text.decode(), self.look.warehouse.records, work.settings.examples.answer_tokens
            )
            asking = Asking(
                work.model, self.purse, self.checker.check, work.counter.count, self._persist, brief, work.context.run.id, now, gate
            )
        return Maker(self.look.warehouse, work.reader, self.checker.check, work.settings.samples, asking, now)

    async def _persist(self) -> None:
        """Costs are written down as soon as they are known."""
        if self.purse is not None:
            name, text = self.purse.document
            standing = replace(self.work.standing, last_run=self.work.context.run.id, last_day=self.purse.day)
            await self.work.write(standing, documents={name: text})


async def refresh(work: Work, wanted: Wanted) -> Report:
    """Bring what is published up to date; what need not be written is not. Raises `ShrinkRefused`."""
    look = await work.look(everything=wanted.full)
    purse = await _purse(work)
    one = Refresh(work, wanted, look, Checker(work, look.warehouse), purse)
    work.context.tell(Progress(doing="comparing with what is published"))
    done = await work.publisher.publish(one.make)
    return await _written_down(one, done)


async def _purse(work: Work) -> Purse | None:
    if work.model is None:
        return None
    day = spending.today(work.began, work.settings.refresh.timezone)
    return Purse.opened(await work.context.documents.get(spending.COSTS + day), day, work.model, work.settings.spending)


async def _written_down(one: Refresh, done: Written) -> Report:
    """The commit of a refresh: it follows the publication, and a crash in between only repeats the comparison."""
    work, plan, sidecar = one.work, one.first, one.sidecar or Sidecar()
    now = work.now()
    changed = bool(plan and plan.changes and done.before.stored)
    standing = replace(
        work.standing,
        checked_at=work.began.isoformat(),
        stamp=one.look.stamp,
        pinned="",
        changed_at=work.began.isoformat() if changed else work.standing.changed_at,
        refreshed_at=now.isoformat() if one.wanted.complete or not work.standing.refreshed_at else work.standing.refreshed_at,
        full_at=now.isoformat() if one.wanted.full or not work.standing.full_at else work.standing.full_at,
        summary=telling.summary(sidecar, one.look.warehouse, work.settings.token_budget),
    )
    info = done.info or (done.before.stored.info if done.before.stored else None)
    if info is not None:
        standing = replace(
            standing, generation=info.generation, sha256=info.sha256, size=info.size, published_at=info.updated_at.isoformat()
        )
        standing = replace(standing, method=one.method or standing.method)
    if changed and done.info:
        standing = replace(standing, seconds_to_publish=round((now - work.began).total_seconds(), 3))
    work.context.tell(Progress(doing="done", warnings=telling.warnings(sidecar)))
    await work.write(standing, _entries(one, done, changed=changed), {remembering.NAME: remembering.written(one.look.remembered)})
    if done.info is not None:
        await snapshots.prune(work.publisher.store, work.publisher.object, work.settings.snapshots, now)
    return Report(_findings(one, done))


def _entries(one: Refresh, done: Written, *, changed: bool) -> tuple[Entry, ...]:
    entries = [telling.detected(one.first)] if changed and one.first else []
    cost = one.purse.total(one.work.context.run.id) if one.purse else None
    if cost and cost.requests and one.work.model:
        entries.append(telling.spent(one.work.model.name, cost))
    if done.info is not None and one.sidecar is not None:
        entries.append(telling.published(done.info, one.sidecar, done.rounds))
    return tuple(entries)


def _findings(one: Refresh, done: Written) -> dict[str, object]:
    findings: dict[str, object] = {
        "published": done.info.generation if done.info else None,
        **(telling.plan_told(one.first) if one.first else {}),
    }
    findings["made"] = _made(one.made.values())
    if one.purse and (cost := one.purse.total(one.work.context.run.id)).requests:
        findings["cost"] = cost.told()
    if one.sidecar:
        findings["tokens"] = dict(one.sidecar.sections)
    return findings


def _made(states: Collection[UnitState]) -> dict[str, int]:
    return {
        "tables": len(states),
        "examples": sum(len(state.examples) for state in states),
        "rejected": sum(count for state in states for count in state.rejected.values()),
    }
