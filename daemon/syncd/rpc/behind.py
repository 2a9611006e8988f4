"""What stands behind the services."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.ports.clients_control import ClientsDesk
from syncd.ports.ledger import Ledger
from syncd.ports.logs import Logs
from syncd.ports.metadata_control import MetadataDesk
from syncd.rpc.asked import ControlDaemon


@dataclass(frozen=True, slots=True)
class Behind:
    """Whom the services ask. Without its desk there is no service `Clients`, or `Metadata`; without a log, nothing to read in it."""

    daemon: ControlDaemon
    ledger: Ledger
    version: str
    clients: ClientsDesk | None = None
    metadata: MetadataDesk | None = None
    logs: Logs | None = None
