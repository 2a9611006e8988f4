"""What has to be made anew, and what stays as it is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.engines.metadata.checks.dependencies import touched_by
from syncd.engines.metadata.folding.fingerprints import Difference, touched
from syncd.engines.metadata.sidecar import Kept, UnitState
from syncd.engines.metadata.warehouse import Warehouse, changes


@dataclass(frozen=True, slots=True)
class Asked:
    """What a refresh is to do beside what has changed."""

    full: bool = False
    """Make everything anew."""
    tables: frozenset[str] = frozenset()
    """Make these units anew."""
    complete: bool = False
    """Make what is missing."""
    model: bool = False
    """There is a model to ask."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to do about one unit."""

    unit: str
    keep: tuple[Kept, ...] = ()
    """Examples that stay, with their bytes."""
    spare: tuple[Kept, ...] = ()
    """Examples that are good, but to be replaced if there are better ones."""
    wanted: int = 0
    """Examples to make."""
    insight: bool = False
    """Make the insight anew."""

    def __bool__(self) -> bool:
        return bool(self.wanted or self.insight)


@dataclass(frozen=True, slots=True)
class Plan:
    changes: Difference = field(default_factory=Difference)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    """Of every unit that does not stay as it is, in order of name. One without anything to make loses examples, or is told anew."""
    touched: Mapping[str, int] = field(default_factory=dict)
    """Unit -> how many of its examples depend on what is not there any more."""


def planned(before: Mapping[str, UnitState], now: Warehouse, per_unit: int, asked: Asked) -> Plan:
    """Examples follow the schema: only those that use what has changed are made anew."""
    found = changes(before, now)
    gone = {name: touched(before[name].paths, now.paths[name]) for name in found.restructured}
    losing: dict[str, int] = {}
    tasks: dict[str, Task] = {}
    for name in now.names:
        state = before.get(name)
        good = tuple(kept for kept in state.examples if not _is_touched(kept, gone, found.removed)) if state else ()
        if state and len(good) < len(state.examples):
            losing[name] = len(state.examples) - len(good)
        whole = state is None or asked.full or name in asked.tables or (asked.complete and asked.model and not state.by_model)
        if whole:
            tasks[name] = Task(name, spare=good, wanted=per_unit, insight=True)
        elif state and (name in losing or name in (*found.restructured, *found.reworded) or (asked.complete and state.wanting)):
            wanted = max(0, per_unit - len(good)) if name in losing or state.wanting else 0
            tasks[name] = Task(name, keep=good, wanted=wanted, insight=bool(gone.get(name)))
    return Plan(found, tasks, losing)


def _is_touched(kept: Kept, gone: Mapping[str, frozenset[str]], removed: tuple[str, ...]) -> bool:
    return any(unit in removed for unit, _ in kept.uses) or any(
        touched_by(kept.depends_on, unit, paths) for unit, paths in gone.items() if paths
    )
