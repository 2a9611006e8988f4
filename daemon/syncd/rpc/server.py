"""The gRPC server: services, health and reflection behind UNIX sockets."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from syncapi.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    clients_pb2,
    clients_pb2_grpc,
    control_pb2,
    control_pb2_grpc,
    metadata_pb2,
    metadata_pb2_grpc,
)
from syncd.domain.errors import PermanentError
from syncd.rpc.audit import Audit
from syncd.rpc.clients import Clients
from syncd.rpc.control import Control
from syncd.rpc.interceptors import ErrorsAsStatuses
from syncd.rpc.metadata import Metadata

if TYPE_CHECKING:
    from syncd.ports.clients_control import ClientsDesk
    from syncd.ports.ledger import AuditBook
    from syncd.ports.metadata_control import MetadataDesk
    from syncd.rpc.asked import ControlDaemon

_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Without this one, a frozen client is noticed after a minute only, whatever the two above say.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)
_SOCKET_UMASK = 0o117


@asynccontextmanager
async def serving(  # noqa: PLR0913 - one argument for each thing that stands behind the services
    daemon: ControlDaemon,
    book: AuditBook,
    version: str,
    sockets: Sequence[Path],
    grace: float,
    *,
    clients: ClientsDesk | None = None,
    metadata: MetadataDesk | None = None,
) -> AsyncIterator[None]:
    """Serve callers while the block runs. Streams end when `daemon.going_away` is set; calls under way then have `grace` seconds.

    Without its desk there is no service `Clients`, or `Metadata`.
    """
    server = grpc.aio.server(interceptors=(ErrorsAsStatuses(),), options=_OPTIONS)
    control_pb2_grpc.add_ControlServicer_to_server(Control(daemon, version), server)
    audit_pb2_grpc.add_AuditServicer_to_server(Audit(book, daemon.going_away), server)
    served = [(control_pb2, "Control"), (audit_pb2, "Audit")]
    if clients:
        clients_pb2_grpc.add_ClientsServicer_to_server(Clients(clients), server)
        served.append((clients_pb2, "Clients"))
    if metadata:
        metadata_pb2_grpc.add_MetadataServicer_to_server(Metadata(metadata), server)
        served.append((metadata_pb2, "Metadata"))
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    services = [pb.DESCRIPTOR.services_by_name[name].full_name for pb, name in served]
    reflection.enable_server_reflection(
        [*services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME], server
    )
    for socket in sockets:
        _bind(server, socket)
    await server.start()
    for service in ["", *services]:
        await health.set(service, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield
    finally:
        await health.enter_graceful_shutdown()
        await server.stop(grace)


def _bind(server: grpc.aio.Server, socket: Path) -> None:
    """Bind a socket that only our user and group can open, from the first moment on."""
    umask = os.umask(_SOCKET_UMASK)
    try:
        socket.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        server.add_insecure_port(f"unix:{socket}")
    except (OSError, RuntimeError) as error:
        raise PermanentError(
            f"the socket {socket} cannot be bound: {error}", hint="check `[[listen]]` and the folder's mode", code="listen.failed"
        ) from error
    finally:
        os.umask(umask)
