"""Refused calls and connections in the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.domain.audit import Entry
from syncd.ports.ledger import AuditBook
from syncd.rpc.identity import Caller, Remote, introduced_by_address
from syncd.rpc.tries import Tries

UNKNOWN_AT_ONCE = 100


class Refusals:
    """Writes each one down. Callers that have not said who they are cannot fill the log: of their address, a hundred and then a few are."""

    def __init__(self, audit: AuditBook, tries: Tries) -> None:
        self._audit = audit
        self._tries = tries

    async def call(self, caller: Caller, sync: str, detail: Mapping[str, object]) -> None:
        await self._write("call.refused", caller, sync, detail)

    async def connection(self, remote: Remote, why: str) -> None:
        """It never got as far as a call."""
        await self._write("connection.refused", introduced_by_address(remote), "", {"error": why})

    async def _write(self, action: str, caller: Caller, sync: str, detail: Mapping[str, object]) -> None:
        if caller.anonymous:
            if self._tries.wait(caller.origin):
                return
            self._tries.failed(caller.origin)
        await self._audit.record([Entry(action, sync=sync, actor=caller.actor, outcome="refused", detail=detail)])
