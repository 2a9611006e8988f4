"""What a sync does at this moment."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from syncd.domain.run import Failure, Run, SyncName


class Phase(Enum):
    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """Between two attempts of one run: the last attempt failed for a reason that should pass."""
    PAUSED = "paused"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class RunView:
    """A run, and how it is getting on."""

    run: Run
    doing: str = ""
    """What happens now, in a few words for people: "loading", "attempt 3 in 4 s"."""
    rate: float = 0.0
    """Rows a second, smoothed."""
    eta_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """Full state of one sync. `revision` grows with every change of any sync on the same board."""

    sync: SyncName
    engine: str
    phase: Phase = Phase.IDLE
    active: RunView | None = None
    """The writing run under way or queued."""
    last: Run | None = None
    """The last writing run that ended."""
    next_run: datetime | None = None
    complete_to: str = ""
    """The target holds everything up to this watermark; text in the source's own form."""
    dead_letters: int = 0
    problem: Failure | None = None
    """Why the sync is waiting or held, or why its last run failed."""
    warnings: tuple[str, ...] = ()
    revision: int = 0
