"""How a metadata sync stands, for people: from what runs have written down. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from syncd.domain.run import SyncName
from syncd.engines.metadata import spending
from syncd.engines.metadata.serving import Copy
from syncd.engines.metadata.settings import MetadataSync
from syncd.engines.metadata.spending import Spent
from syncd.engines.metadata.standing import Standing
from syncd.ports.metadata_control import CacheStatus, CostLine, CostView, ReadCounts, Wanting

Line = tuple[str, str, Spent]
"""Run, model and table as `MODEL|TABLE`, and what was spent."""


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to tell."""

    sync: SyncName
    settings: MetadataSync
    standing: Standing
    reads: ReadCounts
    today: Sequence[Line]
    last: Sequence[Line]
    """Costs of the day of the last run that asked a model."""


def lines(text: str | None) -> Sequence[Line]:
    """The costs of a day, out of their document."""
    return [(run, key, Spent.read(each)) for run, tables in json.loads(text or "{}").items() for key, each in tables.items()]


def today(settings: MetadataSync) -> str:
    """The day under which costs are kept now."""
    return spending.today(datetime.now(UTC), settings.refresh.timezone)


def costs_of(day: str) -> str:
    """Name of the document that holds the costs of a day."""
    return spending.COSTS + day


def status(known: Known, copy: Copy | None) -> CacheStatus:
    now, told = known.standing, known.standing.summary
    seconds = now.seconds_to_publish
    return CacheStatus(
        sync=known.sync,
        object=known.settings.target.object,
        generation=now.generation,
        sha256=now.sha256,
        size=now.size,
        method=now.method,
        published_at=now.moment("published_at"),
        checked_at=now.moment("checked_at"),
        changed_at=now.moment("changed_at"),
        refreshed_at=now.moment("refreshed_at"),
        full_at=now.moment("full_at"),
        detect_to_publish=None if seconds is None else timedelta(seconds=seconds),
        pinned=now.pinned,
        tables=told.get("tables", 0),
        families=told.get("families", 0),
        shards=told.get("shards", 0),
        examples_by_level=told.get("by_level", {}),
        examples_by_source=told.get("by_source", {}),
        rejected=told.get("rejected", {}),
        wanting=tuple(_wanting(each) for each in told.get("wanting", ())),
        tokens=told.get("tokens", {}),
        token_budget=known.settings.token_budget,
        counter=told.get("counter", ""),
        trimmed=tuple(told.get("trimmed", ())),
        cost_today=_cost(spending.total(spent for _, _, spent in known.today)),
        cost_last=_cost(spending.total(spent for run, _, spent in known.last if run == now.last_run)),
        costs=tuple(_cost_line(*line) for line in known.today),
        reads=known.reads,
        copy_age=datetime.now(UTC) - copy.checked_at if copy else None,
    )


def _cost_line(run: str, key: str, spent: Spent) -> CostLine:
    model, _, table = key.partition("|")
    return CostLine(run, table, model, _cost(spent))


def _wanting(told: Mapping[str, str]) -> Wanting:
    moment = told["examples_from"]
    return Wanting(told["unit"], told["reason"], datetime.fromisoformat(moment) if moment else None)


def _cost(spent: Spent) -> CostView:
    usage = spent.usage
    tokens = (usage.input, usage.output, usage.kept, usage.reused)
    return CostView(spent.requests, spent.failed, *tokens, spent.dollars, spent.unpriced)
