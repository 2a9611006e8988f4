"""What is counted as it happens: from the audit log, from the runs under way, and from the calls."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector

from syncd.domain.audit import Recorded
from syncd.domain.run import Counters, RunId
from syncd.domain.status import SyncStatus
from syncd.observe.metrics.measures import (
    CALLS,
    DURATION,
    LAST_DONE,
    LAST_DURATION,
    MODEL_COST,
    NOTIFICATIONS,
    RETRIES,
    ROWS,
    RUNS,
    STREAMS,
    Measure,
)

_KINDS = ("read", "unchanged", "stored", "refused", "deleted")
_BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200)


def _named(measure: Measure) -> tuple[str, str, tuple[str, ...]]:
    return measure.name, measure.meaning, measure.labels


class Counts:
    """Implements the port `Meter`. Written by the event loop; the registry may be read in any thread."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._runs = Counter(*_named(RUNS), registry=registry)
        self._retries = Counter(*_named(RETRIES), registry=registry)
        self._rows = Counter(*_named(ROWS), registry=registry)
        self._durations = Histogram(*_named(DURATION), registry=registry, buckets=_BUCKETS)
        self._last_duration = Gauge(*_named(LAST_DURATION), registry=registry)
        self._last_done = Gauge(*_named(LAST_DONE), registry=registry)
        self._model_cost = Counter(*_named(MODEL_COST), registry=registry)
        self._notifications = Counter(*_named(NOTIFICATIONS), registry=registry)
        self._calls = Counter(*_named(CALLS), registry=registry)
        self._streams = Gauge(*_named(STREAMS), registry=registry)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._counted: dict[RunId, Counters] = {}
        """How much of each run under way has been counted."""
        self._ended: dict[str, RunId] = {}
        """The board may show a run for a moment after the log has told of its end."""
        self._syncs: set[str] = set()

    def take(self, recorded: Recorded) -> None:
        """Count what an audit entry tells of."""
        entry = recorded.entry
        match entry.action:
            case "run.ended":
                self._run_ended(recorded)
            case "run.retried":
                self._retries.labels(entry.sync).inc()
            case "metadata.asked":
                self._model_cost.labels(entry.sync, _text(entry.detail, "model")).inc(_number(entry.detail, "dollars"))
            case "notify.sent" | "notify.failed":
                self._notifications.labels(_text(entry.detail, "channel"), entry.action.removeprefix("notify.")).inc()
            case _:
                return
        if entry.sync:
            self._syncs.add(entry.sync)

    def look(self, statuses: Iterable[SyncStatus]) -> None:
        """Count the rows of the runs under way, and forget the syncs that are gone."""
        present: set[str] = set()
        for status in statuses:
            present.add(status.sync)
            if status.active and self._ended.get(status.sync) != status.active.run.id:
                self._count_rows(status.active.run.id, status.sync, status.active.run.counters)
        for gone in self._syncs - present:
            self._forget(gone)
        self._syncs = present

    def stream_began(self, method: str) -> None:
        self._streams.labels(method).inc()

    def stream_ended(self, method: str) -> None:
        self._streams.labels(method).dec()

    def answered(self, method: str, code: str) -> None:
        self._calls.labels(method, code).inc()

    def _run_ended(self, recorded: Recorded) -> None:
        entry = recorded.entry
        run, mode = RunId(entry.run), _text(entry.detail, "mode")
        self._runs.labels(entry.sync, mode, outcome(entry.outcome, entry.detail)).inc()
        if "seconds" in entry.detail:
            self._durations.labels(mode).observe(_number(entry.detail, "seconds"))
            self._last_duration.labels(entry.sync, mode).set(_number(entry.detail, "seconds"))
        if entry.outcome == "ok":
            self._last_done.labels(entry.sync, mode).set(recorded.at.timestamp())
        told: Any = entry.detail.get("counters", {})
        self._count_rows(run, entry.sync, Counters(**{kind: told.get(kind, 0) for kind in _KINDS}))
        self._counted.pop(run, None)
        self._ended[entry.sync] = run

    def _count_rows(self, run: RunId, sync: str, now: Counters) -> None:
        before = self._counted.get(run, Counters())
        for kind in _KINDS:
            self._rows.labels(sync, kind).inc(max(0, getattr(now, kind) - getattr(before, kind)))
        self._counted[run] = now

    def _forget(self, sync: str) -> None:
        for metric in (self._runs, self._retries, self._rows, self._last_duration, self._last_done, self._model_cost):
            metric.remove_by_labels({"sync": sync})
        if run := self._ended.pop(sync, None):
            self._counted.pop(run, None)


def outcome(word: str, detail: Mapping[str, object]) -> str:
    """How a run ended, in one of five words: the audit log has the code of the failure instead."""
    if detail.get("hold") == "halted":
        return "halted"
    return {"ok": "done", "cancelled": "cancelled", "interrupted": "interrupted"}.get(word, "failed")


def _text(detail: Mapping[str, object], name: str) -> str:
    return str(detail.get(name, ""))


def _number(detail: Mapping[str, object], name: str) -> float:
    value = detail.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
