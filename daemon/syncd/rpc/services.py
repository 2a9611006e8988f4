"""The services that there are, and what stands behind them."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from syncapi.v1 import (
    access_pb2,
    access_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    clients_pb2,
    clients_pb2_grpc,
    control_pb2,
    control_pb2_grpc,
    metadata_pb2,
    metadata_pb2_grpc,
)
from syncd.ports.clients_control import ClientsDesk
from syncd.ports.ledger import Ledger
from syncd.ports.metadata_control import MetadataDesk
from syncd.rpc.access import Access
from syncd.rpc.asked import ControlDaemon
from syncd.rpc.audit import Audit
from syncd.rpc.clients import Clients
from syncd.rpc.control import Control
from syncd.rpc.metadata import Metadata


@dataclass(frozen=True, slots=True)
class Behind:
    """Whom the services ask. Without its desk there is no service `Clients`, or `Metadata`."""

    daemon: ControlDaemon
    ledger: Ledger
    version: str
    clients: ClientsDesk | None = None
    metadata: MetadataDesk | None = None

    def serve(self, server: grpc.aio.Server) -> list[str]:
        """Add the services to a server; answers their full names."""
        control_pb2_grpc.add_ControlServicer_to_server(Control(self.daemon, self.version), server)
        audit_pb2_grpc.add_AuditServicer_to_server(Audit(self.ledger.audit, self.ledger.archive, self.daemon.going_away), server)
        access_pb2_grpc.add_AccessServicer_to_server(Access(self.ledger.tokens), server)
        served = [(control_pb2, "Control"), (audit_pb2, "Audit"), (access_pb2, "Access")]
        if self.clients:
            clients_pb2_grpc.add_ClientsServicer_to_server(Clients(self.clients), server)
            served.append((clients_pb2, "Clients"))
        if self.metadata:
            metadata_pb2_grpc.add_MetadataServicer_to_server(Metadata(self.metadata), server)
            served.append((metadata_pb2, "Metadata"))
        return [pb.DESCRIPTOR.services_by_name[name].full_name for pb, name in served]
