"""What runs say about themselves: the report, the audit entries, the counts of the status. No value of any row stands in them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from syncd.domain.audit import Entry
from syncd.engines.metadata.checks.verdict import Level
from syncd.engines.metadata.folding.fingerprints import Difference
from syncd.engines.metadata.sidecar import Sidecar
from syncd.engines.metadata.spending import Spent
from syncd.engines.metadata.tasks import Plan
from syncd.engines.metadata.warehouse import Warehouse
from syncd.ports.objects import ObjectInfo

_MOST_NAMES = 20


def summary(sidecar: Sidecar, warehouse: Warehouse, budget: int) -> dict[str, Any]:
    """Counts of what is published, for the status."""
    kept = [each for state in sidecar.units.values() for each in state.examples]
    rejected = Counter[str]()
    for state in sidecar.units.values():
        rejected.update(state.rejected)
    return {
        "tables": len(warehouse.folded.tables),
        "families": len(warehouse.folded.families),
        "shards": sum(_shards(warehouse.records[family.name]) for family in warehouse.folded.families),
        "by_level": dict(Counter(Level(each.level).name.lower() for each in kept)),
        "by_source": dict(Counter(each.source for each in kept)),
        "rejected": dict(rejected),
        "wanting": [
            {"unit": name, "reason": state.wanting, "examples_from": min((each.at for each in state.examples), default="")}
            for name, state in sidecar.units.items()
            if state.wanting
        ],
        "tokens": dict(sidecar.sections),
        "budget": budget,
        "counter": sidecar.counter,
        "trimmed": list(sidecar.trimmed),
    }


def _shards(record: Mapping[str, object]) -> int:
    shards = record.get("shards")
    return int(str(shards["count"])) if isinstance(shards, Mapping) and "count" in shards else 0


def changes_told(changes: Difference) -> dict[str, Any]:
    """Each kind with its number and the first names."""
    kinds = {name: getattr(changes, name) for name in ("added", "removed", "restructured", "reworded")}
    return {kind: {"count": len(names), "names": list(names[:_MOST_NAMES])} for kind, names in kinds.items() if names}


def plan_told(plan: Plan) -> dict[str, Any]:
    told = changes_told(plan.changes)
    return told | ({"touched_examples": dict(plan.touched)} if plan.touched else {})


def detected(plan: Plan) -> Entry:
    return Entry("metadata.changed", detail=plan_told(plan))


def published(info: ObjectInfo, sidecar: Sidecar, rounds: int) -> Entry:
    detail = {
        "generation": info.generation,
        "sha256": info.sha256,
        "bytes": info.size,
        "tables": len(sidecar.units),
        "examples": sum(len(state.examples) for state in sidecar.units.values()),
        "tokens": sum(sidecar.sections.values()),
    }
    return Entry("metadata.published", detail=detail | ({"others_were_faster": rounds} if rounds else {}))


def spent(model: str, cost: Spent) -> Entry:
    return Entry("metadata.asked", outcome="ok" if not cost.failed else "partly", detail={"model": model, **cost.told()})


def warnings(sidecar: Sidecar) -> tuple[str, ...]:
    """What an operator should know although nothing failed."""
    wanting = {name: state for name, state in sidecar.units.items() if state.wanting}
    told = []
    if wanting:
        name, state = next(iter(wanting.items()))
        oldest = min((each.at[:10] for each in state.examples), default="")
        kept = f"; its examples are of {oldest}" if oldest else ""
        others = f", and {len(wanting) - 1} more" if len(wanting) > 1 else ""
        told.append(f"the model made too little of {name}{others} ({state.wanting}){kept}")
    if sidecar.trimmed:
        told.append(f"{len(sidecar.trimmed)} parts were left out to keep `token_budget`")
    return tuple(told)
