"""A run, from its trigger to its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import NewType

SyncName = NewType("SyncName", str)
RunId = NewType("RunId", str)
"""Sortable by time of creation: a ULID, 26 characters."""


class Trigger(Enum):
    """Why a run began."""

    SCHEDULE = "schedule"
    CHANGE = "change"
    REQUEST = "request"
    RECOVERY = "recovery"


class RunState(Enum):
    """`DONE` may be with refused rows; `INTERRUPTED` means that the process ended under the run."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        return self not in (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class Counters:
    """What a run has done so far. Every row read is in the end unchanged, stored, refused or deleted (or ignored as already gone)."""

    read: int = 0
    unchanged: int = 0
    sent: int = 0
    stored: int = 0
    refused: int = 0
    deleted: int = 0
    bytes: int = 0
    batches: int = 0
    """How often rows were committed."""

    def plus(self, other: "Counters") -> "Counters":
        return Counters(
            self.read + other.read,
            self.unchanged + other.unchanged,
            self.sent + other.sent,
            self.stored + other.stored,
            self.refused + other.refused,
            self.deleted + other.deleted,
            self.bytes + other.bytes,
            self.batches + other.batches,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run did not end well, in words that may leave the daemon."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    id: RunId
    sync: SyncName
    mode: str
    trigger: Trigger
    state: RunState
    queued_at: datetime
    parameters: Mapping[str, str] = field(default_factory=dict)
    writes: bool = True
    """Whether the mode may change the target; such runs of one sync exclude each other."""
    request_id: str = ""
    actor: str = ""
    """Who asked, as far as the daemon knows: empty for schedules."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 1
    total: int | None = None
    """Rows that the run expects to read, where the source can count them."""
    counters: Counters = field(default_factory=Counters)
    failure: Failure | None = None
    report: str = ""
    """What the run found, as JSON: the plan, the drift, the explanation; empty where the mode has none."""
    drifted: bool = False
    """The run compared two places and found that they differ, and did not mend it."""
    traceparent: str = field(default="", compare=False)
    """The caller's place in a trace (W3C Trace Context). Not kept: what a later process begins is a trace of its own."""

    def with_state(self, state: RunState, at: datetime) -> "Run":
        if self.state.ended:
            raise ValueError(f"run {self.id} has ended as {self.state.value} and cannot become {state.value}")
        if state is RunState.RUNNING:
            return replace(self, state=state, started_at=at)
        return replace(self, state=state, ended_at=at)

    @property
    def summary(self) -> str:
        """`done`, `done, 60 refused`, `done, drift found`, `failed`."""
        extra = f", {self.counters.refused} refused" if self.counters.refused else ""
        return f"{self.state.value}{extra}{', drift found' if self.drifted else ''}"
