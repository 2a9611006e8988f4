"""The copies of all published objects: one shelf a sync."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from syncd.domain.run import SyncName
from syncd.engines.metadata.serving import Shelf
from syncd.engines.metadata.settings import MetadataSync
from syncd.ports.connecting import Connections


@dataclass(frozen=True, slots=True)
class Shelves:
    connections: Callable[[SyncName], Connections]
    folder: Path
    """Where the private folders of syncs are."""
    known: dict[SyncName, tuple[MetadataSync, Shelf]] = field(default_factory=dict)

    def of(self, sync: SyncName, settings: MetadataSync) -> Shelf:
        """The shelf of a sync; a new one if its settings have changed."""
        found = self.known.get(sync)
        if found is None or found[0] != settings:
            target = settings.target
            shelf = Shelf(
                target.object, settings.ttl, lambda: self.connections(sync).objects(target.connection), self.folder / sync / "published"
            )
            found = self.known[sync] = (settings, shelf)
        return found[1]

    async def close(self) -> None:
        """Compare nothing any more."""
        for _, shelf in self.known.values():
            await shelf.close()
