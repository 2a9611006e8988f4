"""What is not counted but looked at, whenever somebody reads the metrics."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily

from syncd.domain.run import RunState
from syncd.domain.status import Phase, RunView, SyncStatus
from syncd.observe.metrics.measures import AUDIT_PROBLEMS, BUILD, DEAD_LETTERS, LAG, LOOP_LAG, OUTBOX, PHASE, UNDER_WAY, WARNINGS, Measure

_DATE = len("2026-11-")
Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class View:
    """The daemon at one moment."""

    at: datetime
    version: str
    statuses: Sequence[SyncStatus]
    runs: Sequence[RunView]
    outbox: int
    audit_problems: int
    loop_lag: float


def families(view: View) -> list[GaugeMetricFamily]:
    """Every gauge that shows how things are now."""
    syncs = view.statuses
    lags = [((status.sync,), lag) for status in syncs if (lag := lag_seconds(status.complete_to, view.at)) is not None]
    under_way = [view_.run.state for view_ in view.runs]
    return [
        _family(BUILD, [((view.version,), 1)]),
        _family(PHASE, [((status.sync, phase.value), float(status.phase is phase)) for status in syncs for phase in Phase]),
        _family(LAG, lags),
        _family(DEAD_LETTERS, _each(syncs, lambda status: status.dead_letters)),
        _family(WARNINGS, _each(syncs, lambda status: len(status.warnings))),
        _family(UNDER_WAY, [((state.value,), under_way.count(state)) for state in (RunState.QUEUED, RunState.RUNNING)]),
        _family(OUTBOX, [((), view.outbox)]),
        _family(AUDIT_PROBLEMS, [((), view.audit_problems)]),
        _family(LOOP_LAG, [((), view.loop_lag)]),
    ]


def lag_seconds(complete_to: str, now: datetime) -> float | None:
    """Seconds since a watermark; None if it is no time. A row from the future is no lag."""
    if complete_to[4:5] != "-" or complete_to[7:_DATE] != "-":
        return None
    try:
        moment = datetime.fromisoformat(complete_to)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (now - moment).total_seconds())


def _each(statuses: Iterable[SyncStatus], number: Callable[[SyncStatus], float]) -> list[Sample]:
    return [((status.sync,), number(status)) for status in statuses]


def _family(measure: Measure, samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(measure.name, measure.meaning, labels=measure.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family
