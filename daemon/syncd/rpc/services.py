"""The services that there are."""

from __future__ import annotations

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
from syncd.rpc.access import Access
from syncd.rpc.audit import Audit
from syncd.rpc.behind import Behind
from syncd.rpc.clients import Clients
from syncd.rpc.control import Control
from syncd.rpc.logs import LogStreams
from syncd.rpc.metadata import Metadata
from syncd.rpc.turns import Turns
from syncd.rpc.watching import Watching


def serve(behind: Behind, server: grpc.aio.Server, turns: Turns) -> list[str]:
    """Add the services to a server; answers their full names."""
    control_pb2_grpc.add_ControlServicer_to_server(Control(behind.daemon, Watching(behind.daemon, turns), behind.version), server)
    logs = LogStreams(behind.logs, behind.daemon.going_away)
    audit = Audit(behind.ledger.audit, behind.ledger.archive, logs, behind.daemon.going_away)
    audit_pb2_grpc.add_AuditServicer_to_server(audit, server)
    access_pb2_grpc.add_AccessServicer_to_server(Access(behind.ledger.tokens), server)
    served = [(control_pb2, "Control"), (audit_pb2, "Audit"), (access_pb2, "Access")]
    if behind.clients:
        clients_pb2_grpc.add_ClientsServicer_to_server(Clients(behind.clients), server)
        served.append((clients_pb2, "Clients"))
    if behind.metadata:
        metadata_pb2_grpc.add_MetadataServicer_to_server(Metadata(behind.metadata), server)
        served.append((metadata_pb2, "Metadata"))
    return [pb.DESCRIPTOR.services_by_name[name].full_name for pb, name in served]
