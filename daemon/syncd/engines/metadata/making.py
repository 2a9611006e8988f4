"""From tasks to what is kept of each unit: by the model where there is one, else, and where it fails, by templates."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from syncd.engines.metadata.asking import Asking, Check, Made
from syncd.engines.metadata.folding.family import Family
from syncd.engines.metadata.privacy import is_flagged, shapes
from syncd.engines.metadata.settings import SamplesSection
from syncd.engines.metadata.sidecar import MODEL, TEMPLATE, Insight, Kept, UnitState
from syncd.engines.metadata.tasks import Task
from syncd.engines.metadata.templates import templates_for
from syncd.engines.metadata.warehouse import Warehouse
from syncd.ports.warehouse import SchemaReader

_TEXT = ("CHAR", "STRING", "TEXT", "CLOB")
_VALUES = 20
"""So many values of a column are looked at for their shapes."""

Shapes = Mapping[str, tuple[str, ...]]
"""Column -> shapes of its values."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Of one run."""

    warehouse: Warehouse
    reader: SchemaReader
    check: Check
    samples: SamplesSection
    asking: Asking | None
    now: str

    async def made(self, tasks: Mapping[str, Task], before: Mapping[str, UnitState]) -> dict[str, UnitState]:
        """What is kept of each unit from now on. Nothing that is good is given up for something that is not there."""
        seen = {name: await self._shapes(name) for name, task in tasks.items() if task}
        answers = await self._asked(tasks, seen)
        short = [name for name, task in tasks.items() if task.wanted and not (name in answers and _examples(task, answers[name], None))]
        templates = await self._templates(short, tasks, before)
        return {
            name: self._state(task, before.get(name), (answers.get(name), templates.get(name)), seen.get(name))
            for name, task in tasks.items()
        }

    async def _asked(self, tasks: Mapping[str, Task], seen: Mapping[str, Shapes]) -> dict[str, Made]:
        if self.asking is None:
            return {}
        names = [name for name, task in tasks.items() if task]
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self.asking.made(tasks[name], seen[name])) for name in names]
        return {name: task.result() for name, task in zip(names, asked, strict=True)}

    async def _templates(self, names: Sequence[str], tasks: Mapping[str, Task], before: Mapping[str, UnitState]) -> dict[str, Made]:
        """Checked all at once, because that is much cheaper."""
        dialect = self.warehouse.catalog.dialect
        proposed = [(name, example) for name in names for example in templates_for(self.warehouse.units[name], dialect)]
        verdicts = await self.check([example.sql for _, example in proposed]) if proposed else ()
        good: dict[str, list[Kept]] = {name: [] for name in names}
        rejected: dict[str, Counter[str]] = {name: Counter() for name in names}
        for (name, example), verdict in zip(proposed, verdicts, strict=True):
            if verdict.good:
                good[name].append(_as_before(Kept.of(example, verdict, TEMPLATE, self.now), before.get(name)))
            else:
                rejected[name].update(complaint.code for complaint in verdict.complaints[:1])
        return {name: Made("", tuple(good[name][: tasks[name].wanted]), dict(rejected[name])) for name in names}

    async def _shapes(self, name: str) -> dict[str, tuple[str, ...]]:
        """Shapes of values of the columns of text that nobody has flagged."""
        if not self.samples.shapes:
            return {}
        unit = self.warehouse.units[name]
        table = unit.newest if isinstance(unit, Family) else unit
        columns = [
            column.name
            for column in table.columns
            if any(part in column.type.upper() for part in _TEXT)
            and not (column.fields or column.repeated or is_flagged(column.name, column, self.samples.never))
        ]
        values = await self.reader.samples(table.name, columns, _VALUES) if columns else {}
        found = {column: shapes(each)[: self.samples.shapes] for column, each in values.items()}
        return {column: each for column, each in found.items() if each}

    def _state(self, task: Task, old: UnitState | None, made: tuple[Made | None, Made | None], seen: Shapes | None) -> UnitState:
        answer, template = made
        prints = self.warehouse.prints[task.unit]
        state = old or UnitState("", "", {})
        state = replace(
            state,
            structure=prints.structure,
            text=prints.text,
            paths=self.warehouse.paths[task.unit],
            shapes=seen if seen is not None else state.shapes,
            examples=_examples(task, answer, template),
            insight=self._insight(task, state.insight, answer),
        )
        if not task:
            return state
        rejected = Counter[str]()
        for each in filter(None, made):
            rejected.update(each.rejected)
        return replace(state, rejected=dict(sorted(rejected.items())), wanting=answer.problem if answer else "")

    def _insight(self, task: Task, old: Insight, answer: Made | None) -> Insight:
        if not task.insight and old.text:
            return old
        if answer and answer.insight:
            return Insight(answer.insight, MODEL, self.now, self.asking.model.name if self.asking else "")
        if old.source == MODEL and self.asking is not None:
            return old
        return Insight(source=TEMPLATE)


def _examples(task: Task, answer: Made | None, template: Made | None) -> tuple[Kept, ...]:
    """What stays, then what the model made, then what was good before, then templates: as many as there should be."""
    offered = [*task.keep, *(answer.examples if answer else ()), *(task.spare if answer else ()), *(template.examples if template else ())]
    distinct = {each.sql: each for each in reversed(offered)}
    return tuple(each for each in offered if distinct.pop(each.sql, None))[: len(task.keep) + task.wanted]


def _as_before(kept: Kept, state: UnitState | None) -> Kept:
    """What is made again without being different has not been made anew."""
    same = next((each for each in state.examples if replace(each, at=kept.at) == kept), None) if state else None
    return same or kept
