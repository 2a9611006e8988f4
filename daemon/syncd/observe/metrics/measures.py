"""Every metric that there is: name, kind, labels and meaning."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Measure:
    name: str
    """As Prometheus has it, counters with `_total`."""
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


BUILD = Measure("syncd_build_info", Kind.GAUGE, ("version",), "1; the label tells the version of the daemon.")
RUNS = Measure(
    "syncd_runs_total", Kind.COUNTER, ("sync", "mode", "outcome"), "Runs that ended: done, failed, halted, cancelled, interrupted."
)
RETRIES = Measure("syncd_retries_total", Kind.COUNTER, ("sync",), "Attempts that failed and were followed by another one.")
ROWS = Measure(
    "syncd_rows_total",
    Kind.COUNTER,
    ("sync", "kind"),
    "Rows that were read, unchanged, stored, refused or deleted, runs under way included.",
)
DURATION = Measure(
    "syncd_run_duration_seconds", Kind.HISTOGRAM, ("mode",), "How long runs took from their turn to their end, of all syncs."
)
LAST_DURATION = Measure("syncd_last_run_duration_seconds", Kind.GAUGE, ("sync", "mode"), "How long the run took that ended last.")
LAST_DONE = Measure("syncd_last_done_timestamp_seconds", Kind.GAUGE, ("sync", "mode"), "When a run last ended well, in seconds since 1970.")
MODEL_COST = Measure(
    "syncd_model_cost_dollars_total",
    Kind.COUNTER,
    ("sync", "model"),
    "What requests to a language model cost, as far as they have a price.",
)
NOTIFICATIONS = Measure(
    "syncd_notifications_total",
    Kind.COUNTER,
    ("channel", "outcome"),
    "Messages to people: sent; failed counts a message once, however often it is tried.",
)
PHASE = Measure("syncd_sync_phase", Kind.GAUGE, ("sync", "phase"), "1 for what the sync does now, 0 for every other phase.")
LAG = Measure(
    "syncd_lag_seconds",
    Kind.GAUGE,
    ("sync",),
    "How old the moment is up to which the target is complete; absent where that is no time. A time without a zone counts as UTC.",
)
DEAD_LETTERS = Measure("syncd_dead_letters", Kind.GAUGE, ("sync",), "Rows that the target refused and that wait for somebody.")
WARNINGS = Measure("syncd_warnings", Kind.GAUGE, ("sync",), "What `syncctl show` warns of.")
UNDER_WAY = Measure("syncd_runs_under_way", Kind.GAUGE, ("state",), "Runs that are queued, and runs that are running.")
OUTBOX = Measure("syncd_audit_outbox_entries", Kind.GAUGE, (), "Audit entries that are durable, and not yet in the monthly files.")
AUDIT_PROBLEMS = Measure("syncd_audit_problems", Kind.GAUGE, (), "Places of the audit log that are damaged and cannot be mended.")
LOOP_LAG = Measure("syncd_event_loop_lag_seconds", Kind.GAUGE, (), "The longest that the event loop was late within the last minute.")
CALLS = Measure("syncd_calls_total", Kind.COUNTER, ("method", "code"), "Calls that ended, by gRPC status.")
STREAMS = Measure("syncd_streams", Kind.GAUGE, ("method",), "Streaming calls under way.")

MEASURES = (
    BUILD,
    RUNS,
    RETRIES,
    ROWS,
    DURATION,
    LAST_DURATION,
    LAST_DONE,
    MODEL_COST,
    NOTIFICATIONS,
    PHASE,
    LAG,
    DEAD_LETTERS,
    WARNINGS,
    UNDER_WAY,
    OUTBOX,
    AUDIT_PROBLEMS,
    LOOP_LAG,
    CALLS,
    STREAMS,
)
