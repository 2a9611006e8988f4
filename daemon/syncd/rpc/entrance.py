"""How callers come in: through the front door, past the gate, to gRPC."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import grpc

from syncd.kit.tasks import alongside
from syncd.ports.ledger import Ledger
from syncd.rpc.bearer import Bearers
from syncd.rpc.front_door import FrontDoor, make_room, private_socket
from syncd.rpc.gate import Gate
from syncd.rpc.leases import Leases
from syncd.rpc.refusals import UNKNOWN_AT_ONCE, Refusals
from syncd.rpc.sockets import listening
from syncd.rpc.tls import Certificates
from syncd.rpc.tries import Tries
from syncd.settings.access import AccessSection
from syncd.settings.daemon import ListenSection

_PRIVATE_UMASK = 0o177
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Entrance:
    gate: Gate
    door: FrontDoor
    leases: Leases
    address: str

    def bind(self, server: grpc.aio.Server) -> None:
        """Let gRPC listen where only the front door can call."""
        umask = os.umask(_PRIVATE_UMASK)
        try:
            server.add_insecure_port(f"unix:{self.address}")
        finally:
            os.umask(umask)

    @asynccontextmanager
    async def open(self, listen: Sequence[ListenSection]) -> AsyncIterator[None]:
        """Let callers in while the block runs; those that are inside stay."""
        with listening(listen) as listeners:
            certificates = [each.certificates for each in listeners if each.certificates]
            async with alongside(_renew(certificates), "certificates"), alongside(self.leases.watch(), "tokens of streams"):
                try:
                    await self.door.open(listeners)
                    yield
                finally:
                    self.door.shut()


@asynccontextmanager
async def entrance(access: AccessSection, ledger: Ledger) -> AsyncIterator[Entrance]:
    """Build the entrance. At the end of the block, everybody is put out."""
    make_room(access.connections)
    bearers = Bearers(ledger.tokens, Tries(monotonic), lambda: datetime.now(UTC))
    leases, refusals = Leases(bearers.ended), Refusals(ledger.audit, Tries(monotonic, UNKNOWN_AT_ONCE))
    with private_socket(ledger.folder) as address:
        async with FrontDoor(access, address, refusals.connection) as door:
            yield Entrance(Gate(door.caller, bearers, leases, refusals), door, leases, address)


async def _renew(certificates: Sequence[Certificates]) -> None:
    """Read what has changed, for ever."""
    while certificates:
        await asyncio.sleep(_LOOK_SECONDS)
        for each in certificates:
            await asyncio.to_thread(each.refresh)
    await asyncio.Event().wait()
