"""What clients ask of the daemon, and what it answers, beside the values of the domain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from syncd.domain.run import Failure, SyncName
from syncd.domain.status import SyncStatus
from syncd.ports.running import Mode


@dataclass(frozen=True, slots=True)
class Wish:
    """A run that somebody asks for."""

    sync: SyncName
    mode: str = ""
    """Empty: the mode that the schedule uses."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""
    """The same id names the same run, however often it is asked for."""
    queue: bool = False
    """Wait for the run under way instead of being refused."""
    actor: str = ""
    traceparent: str = ""
    """The caller's place in a trace, as W3C Trace Context writes it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found when a connection was tried."""

    name: str
    kind: str
    latency: timedelta
    message: str = ""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One sync, and what it is made of."""

    status: SyncStatus
    settings: Mapping[str, Any]
    """As JSON can say it; secrets as references."""
    checkpoint: str
    modes: Mapping[str, Mode]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What reading the settings anew changed, by name of sync, and the settings that wait for a restart."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    restart: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoardView:
    """What changed behind a revision: full states, each the newest."""

    revision: int
    changed: tuple[SyncStatus, ...]
    removed: tuple[SyncName, ...]
