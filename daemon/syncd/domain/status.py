"""What a sync does at this moment."""

from dataclasses import dataclass, field
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
class SyncStatus:
    """Full state of one sync. `revision` grows with every change of any sync on the same board."""

    sync: SyncName
    engine: str
    phase: Phase = Phase.IDLE
    doing: str = ""
    """What happens now, in a few words for people: "loading", "waiting 4 s before attempt 3"."""
    run: Run | None = None
    """The run under way."""
    last: Run | None = None
    """The last run that ended and was meant to change something."""
    next_run: datetime | None = None
    complete_to: str = ""
    """The target holds everything up to this watermark; text in the source's own form."""
    dead_letters: int = 0
    problem: Failure | None = None
    """Why the sync is waiting or halted, or why its last run failed."""
    rate: float = 0.0
    """Rows a second, smoothed, while running."""
    eta_seconds: float | None = None
    revision: int = 0
    warnings: tuple[str, ...] = field(default=())
