"""One sync as it is supervised: what it is made of, what it does, and why it does not."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from syncd.domain.errors import NotFound
from syncd.domain.run import Failure, Run, RunId, RunState, SyncName, Trigger
from syncd.domain.status import Phase, RunView, SyncStatus
from syncd.kit.ids import ulid
from syncd.kit.text import did_you_mean
from syncd.ports.connecting import Connections
from syncd.ports.ledger import HoldKind, SyncRecord
from syncd.ports.running import EngineKind
from syncd.runtime.runner import Runner
from syncd.settings.dump import dump
from syncd.settings.sync import Role, SyncSection


def no_such(name: SyncName, known: Iterable[str]) -> NotFound:
    """There is no such sync; the error guesses which of those that there are was meant."""
    return NotFound(f"there is no sync '{name}'{did_you_mean(name, known)}", hint="`syncctl status` lists them", code="sync.unknown")


@dataclass(slots=True)
class Supervised:
    """One sync as it is supervised."""

    name: SyncName
    engine: EngineKind
    settings: SyncSection
    connections: Connections
    record: SyncRecord
    main: Runner | None = None
    """The run that stands no other of its kind beside it."""
    waiting: deque[Run] = field(default_factory=deque)
    beside: dict[RunId, Runner] = field(default_factory=dict)
    """Runs that only look."""
    pausing: str = ""
    """What the run under way waits for, between two attempts."""
    problem: Failure | None = None
    complete_to: str = ""
    warnings: tuple[str, ...] = ()
    retired: bool = False
    """The settings do not have it any more; it goes when its run has ended."""

    connected: Mapping[str, str] = field(default_factory=dict)
    """Connection that it uses -> digest of the connection's settings."""

    targets: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.targets = frozenset(use.connection for use in self.settings.uses() if use.role is Role.TARGET)

    def takes_alone(self, run: Run) -> bool:
        """The run stands no other of its kind beside it."""
        return run.writes or self.engine.modes[run.mode].alone

    @property
    def runners(self) -> list[Runner]:
        """Of all runs under way."""
        return [runner for runner in (self.main, *self.beside.values()) if runner]

    @property
    def scheduled_mode(self) -> str:
        return self.settings.mode or self.engine.scheduled_mode

    def run_for(self, trigger: Trigger) -> Run:
        """A new run of the scheduled mode, which nobody asked for."""
        mode = self.scheduled_mode
        writes = self.engine.modes[mode].writes_with({})
        return Run(RunId(ulid()), self.name, mode, trigger, RunState.QUEUED, datetime.now(UTC), writes=writes)

    @property
    def shown_settings(self) -> Mapping[str, Any]:
        """The settings as JSON can say them, secrets as references."""
        return dump(self.settings)

    @property
    def settings_in_force(self) -> Mapping[str, object]:
        """The settings as the audit log tells them: what connections say stays out, but that it changed is told."""
        return {"settings": self.shown_settings, "connections": self.connected}

    def status(self, active: RunView | None, next_run: datetime | None) -> SyncStatus:
        """What the sync does at this moment, with the view of its run under way."""
        return SyncStatus(
            sync=self.name,
            engine=self.settings.engine,
            phase=self._phase(active),
            active=active,
            last=self.record.last,
            next_run=next_run,
            complete_to=self.complete_to,
            dead_letters=self.record.dead_letters,
            problem=self.problem,
            warnings=self.warnings,
        )

    def _phase(self, active: RunView | None) -> Phase:
        if active:
            if self.pausing:
                return Phase.WAITING
            return Phase.QUEUED if active.run.state is RunState.QUEUED else Phase.RUNNING
        if self.record.hold:
            return Phase.PAUSED if self.record.hold.kind is HoldKind.PAUSED else Phase.HALTED
        return Phase.IDLE

    @property
    def busy(self) -> bool:
        """Has work now that is not merely waiting for the outside to come back."""
        return (self.main is not None and not self.pausing) or bool(self.waiting)
