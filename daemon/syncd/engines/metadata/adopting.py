"""A published object that somebody else has made: what of it is good is kept."""

from collections.abc import Sequence

from syncd.engines.metadata.cache import Cache
from syncd.engines.metadata.checks.verdict import Verdict
from syncd.engines.metadata.sidecar import ADOPTED, Insight, Kept, UnitState
from syncd.engines.metadata.warehouse import Warehouse


def adopted(old: Cache, verdicts: Sequence[Verdict], warehouse: Warehouse, now: str) -> dict[str, UnitState]:
    """What is kept of each unit: its insight, and those examples that passed the checks, each with the first unit that it uses.

    `verdicts` are of the old examples, in their order.
    """
    examples: dict[str, list[Kept]] = {name: [] for name in warehouse.names}
    for example, verdict in zip(old.examples, verdicts, strict=True):
        unit = min((use.unit for use in verdict.uses if use.unit in examples), default=None)
        if verdict.good and unit is not None:
            examples[unit].append(Kept.of(example, verdict, ADOPTED, now))
    return {
        name: UnitState(
            structure="",
            text="",
            paths=warehouse.paths[name],
            insight=Insight(text, ADOPTED, now) if (text := old.schema_insights.get(name, "")) else Insight(),
            examples=tuple(kept),
            wanting="made by somebody else",
        )
        for name, kept in examples.items()
        if kept or name in old.schema_insights
    }
