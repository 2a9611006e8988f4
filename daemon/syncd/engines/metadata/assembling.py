"""From what is kept of each table to the bytes that readers get. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from syncd.engines.metadata.budget import fit
from syncd.engines.metadata.cache import Cache
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.publishing import Content, Published
from syncd.engines.metadata.rendering import read, written
from syncd.engines.metadata.sidecar import Sidecar, UnitState
from syncd.engines.metadata.templates import insight_for
from syncd.engines.metadata.tokens import Counter
from syncd.engines.metadata.warehouse import Warehouse, is_fleeting

WITH_MODEL = "llm_enhanced"
WITHOUT = "deterministic"


@dataclass(frozen=True, slots=True)
class Terms:
    """What bounds and dates a content."""

    now: str
    budget: int
    counter: Counter
    shapes: bool = False
    """Shapes of values are told."""


def merged(known: Mapping[str, UnitState], made: Mapping[str, UnitState], warehouse: Warehouse) -> dict[str, UnitState]:
    """What is kept of each unit of the warehouse now: what was made, else what was kept before, by whomever.

    A family that comes and goes every day is kept also while it is gone, so that nothing of it has to be made anew.
    """
    kept = {name: state for name in warehouse.names if (state := made.get(name) or known.get(name)) is not None}
    gone = {name: state for name, state in known.items() if name not in warehouse.names and is_fleeting(name)}
    return dict(sorted({**gone, **kept}.items()))


def assembled(states: Mapping[str, UnitState], warehouse: Warehouse, terms: Terms) -> tuple[Cache, Sidecar]:
    """The content and its bookkeeping, within the budget."""
    there = {name: state for name, state in states.items() if name in warehouse.names}
    used = any(state.by_model for state in there.values())
    cache = Cache(
        generated_at=terms.now,
        generation_method=WITH_MODEL if used else WITHOUT,
        schema={name: _record(warehouse, name, states.get(name), terms) for name in warehouse.names},
        examples=tuple(kept.example for state in there.values() for kept in state.examples),
        events_tables=_events(warehouse.catalog),
        schema_insights={name: text for name, state in there.items() if (text := state.insight.text or insight_for(warehouse.units[name]))},
    )
    fitted = fit(cache, terms.budget, terms.counter)
    sidecar = Sidecar(dict(states), warehouse.catalog.dialect, fitted.sections, terms.counter.name, fitted.trimmed)
    return fitted.cache, sidecar


def _record(warehouse: Warehouse, name: str, state: UnitState | None, terms: Terms) -> Mapping[str, object]:
    shapes = {column: list(each) for column, each in state.shapes.items()} if state and terms.shapes else {}
    return {**warehouse.records[name], **({"shapes": shapes} if shapes else {})}


def content_of(cache: Cache, sidecar: Sidecar, before: Published) -> Content | None:
    """What has to be published: None if readers have it already, whenever it was made."""
    if before.stored is not None:
        old = read(before.stored.content)
        if written(replace(cache, generated_at=old.generated_at)) == before.stored.content:
            return None
    return Content(written(cache), sidecar.written())


def _events(catalog: Catalog) -> tuple[str, ...]:
    return tuple(unit.name for unit in catalog.units.values() if unit.events)
