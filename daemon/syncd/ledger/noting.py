"""The head of the audit log is told to the log, and so to the journal: whoever forges the whole ledger later cannot forge that as well."""

import asyncio

import structlog

from syncd.domain.errors import SyncdError
from syncd.ledger import outbox
from syncd.ledger.state import State

_REST_SECONDS = 60.0

log = structlog.get_logger()


class HeadNotes:
    """Notes down sequence and hash of the newest entry, at most once a minute and only if there is a new one."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._noted = (0, b"")

    async def serve(self) -> None:
        """Note the head at the beginning and whenever it has moved, for ever."""
        while True:
            await self.note()
            await asyncio.sleep(_REST_SECONDS)
            await self._state.growth.beyond(self._noted[0])

    async def note(self) -> None:
        """Note the head as it is kept now, unless that was done."""
        try:
            head = await self._state.read(outbox.end)
        except SyncdError as error:
            log.warning("audit head not noted", code=error.code, problem=str(error))
            return
        if head[0] and head != self._noted:
            self._noted = head
            log.info("audit head", audit_sequence=head[0], audit_hash=head[1].hex())
