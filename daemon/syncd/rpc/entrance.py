"""How callers come in: through the front door, past the gate, to gRPC."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import grpc

from syncd.ports.ledger import Ledger
from syncd.rpc.bearer import Bearers, Tries
from syncd.rpc.front_door import FrontDoor, make_room, private_socket
from syncd.rpc.gate import Gate
from syncd.rpc.sockets import listening
from syncd.settings.access import AccessSection
from syncd.settings.daemon import ListenSection

_PRIVATE_UMASK = 0o177


@dataclass(frozen=True, slots=True)
class Entrance:
    gate: Gate
    door: FrontDoor
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
    with private_socket(ledger.folder) as address:
        async with FrontDoor(access, address) as door:
            yield Entrance(Gate(door.caller, bearers, ledger.audit), door, address)
