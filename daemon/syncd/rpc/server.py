"""The gRPC server: services, health and reflection behind the entrance."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from syncd.rpc.entrance import Entrance, entrance
from syncd.rpc.interceptors import ErrorsAsStatuses
from syncd.rpc.metering import Metered
from syncd.rpc.services import serve
from syncd.rpc.turns import taking_turns
from syncd.settings.access import AccessSection

if TYPE_CHECKING:
    from syncd.ports.metering import Meter
    from syncd.rpc.behind import Behind
    from syncd.settings.daemon import ListenSection

_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Without this one, a frozen client is noticed after a minute only, whatever the two above say.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)
_ACCESS = AccessSection()
_PARTING_SECONDS = 1.0

Shut = Callable[[], Awaitable[None]]


@asynccontextmanager
async def serving(
    behind: Behind, listen: Sequence[ListenSection], grace: float, access: AccessSection = _ACCESS, meter: Meter | None = None
) -> AsyncIterator[Shut]:
    """Serve callers while the block runs. Streams end when the daemon is `going_away`; calls under way then have `grace` seconds.

    What it yields lets nobody in any more: the next calls of those who are inside go to whoever listens then.
    """
    async with entrance(access, behind.ledger) as way, taking_turns(behind.daemon.board, behind.daemon.going_away) as turns:
        server = grpc.aio.server(interceptors=(*([Metered(meter)] if meter else []), ErrorsAsStatuses(), way.gate), options=_OPTIONS)
        services = serve(behind, server, turns)
        health = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(health, server)
        reflection.enable_server_reflection(
            [*services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME], server
        )
        way.bind(server)
        await server.start()
        try:
            async with way.open(listen):
                for service in ["", *services]:
                    await health.set(service, health_pb2.HealthCheckResponse.SERVING)
                yield partial(_shut, health, way)
        finally:
            await _shut(health, way)
            # gRPC cancels calls that reach it while it stops, so callers have to know before.
            await way.door.emptied(_PARTING_SECONDS)
            await server.stop(grace)


async def _shut(health: HealthServicer, way: Entrance) -> None:
    await health.enter_graceful_shutdown()
    way.door.shut()
