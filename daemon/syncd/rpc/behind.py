"""What stands behind the services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from syncd.ports.clients_control import ClientsDesk
from syncd.ports.ledger import Ledger
from syncd.ports.logs import Logs
from syncd.ports.metadata_control import MetadataDesk
from syncd.rpc.asked import ControlDaemon


class Desks(TypedDict, total=False):
    """What there may be or not. Without its desk there is no service `Clients`, or `Metadata`; without a log, nothing to read in it."""

    clients: ClientsDesk | None
    metadata: MetadataDesk | None
    logs: Logs | None


@dataclass(frozen=True, slots=True)
class Behind:
    """Whom the services ask."""

    daemon: ControlDaemon
    ledger: Ledger
    version: str
    clients: ClientsDesk | None = None
    metadata: MetadataDesk | None = None
    logs: Logs | None = None
