"""What new settings change, so that a reload touches nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.domain.run import SyncName
from syncd.settings.load import ConnectionSettings, Settings, SyncSettings


@dataclass(frozen=True, slots=True)
class Difference:
    added: frozenset[SyncName]
    removed: frozenset[SyncName]
    changed: frozenset[SyncName]
    """In both, but with another section of their own or of a connection that they use."""
    restart: tuple[str, ...]
    """Settings that differ, and that only a restart puts in force: `daemon.state_dir`, `listen`."""


def difference(old: Settings, new: Settings) -> Difference:
    both = old.syncs.keys() & new.syncs.keys()
    return Difference(
        added=frozenset(new.syncs.keys() - old.syncs.keys()),
        removed=frozenset(old.syncs.keys() - new.syncs.keys()),
        changed=frozenset(name for name in both if _all_of(old, name) != _all_of(new, name)),
        restart=_restart(old, new),
    )


def _all_of(settings: Settings, name: SyncName) -> tuple[SyncSettings, Mapping[str, ConnectionSettings | None]]:
    sync = settings.syncs[name]
    return sync, {use.connection: settings.connections.get(use.connection) for use in sync.section.uses()}


def _restart(old: Settings, new: Settings) -> tuple[str, ...]:
    fields = [f"daemon.{name}" for name, value in old.daemon if value != getattr(new.daemon, name)]
    return tuple(fields + ["listen"] * (old.listen != new.listen) + ["notify"] * (old.notify != new.notify))
