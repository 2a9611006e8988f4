"""From what is published to what shall be: plan, make what is missing, put all of it together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.engines.metadata.adopting import adopted
from syncd.engines.metadata.asking import Asking
from syncd.engines.metadata.assembling import Terms, assembled, content_of, merged
from syncd.engines.metadata.checking import Checker
from syncd.engines.metadata.guarding import refuse_shrinking
from syncd.engines.metadata.looking import Look
from syncd.engines.metadata.making import Maker
from syncd.engines.metadata.publishing import Content, Published
from syncd.engines.metadata.rendering import read
from syncd.engines.metadata.sidecar import Sidecar, UnitState
from syncd.engines.metadata.tasks import Asked, Plan, planned
from syncd.engines.metadata.work import Work


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a refresh is for."""

    full: bool = False
    tables: tuple[str, ...] = ()
    complete: bool = False
    """Make what is missing, and tell of new shards."""
    allow_shrink: bool = False


@dataclass(slots=True)
class Remaking:
    """One refresh under way. What was made once is not made again, also if somebody else publishes in between."""

    work: Work
    wanted: Wanted
    look: Look
    checker: Checker
    asking: Asking | None
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
            work.say(
                f"making examples, {len(todo):,} of {len(warehouse.names):,} tables{f', asking {work.model.name}' if work.model else ''}"
            )
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
        return Maker(self.look.warehouse, self.work.reader, self.checker.check, self.work.settings.samples, self.asking, self._terms().now)
