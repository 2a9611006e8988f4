"""Reads the audit log as it grows."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from syncd.domain.audit import Recorded
from syncd.domain.errors import SyncdError
from syncd.ports.ledger import AuditBook

log = structlog.get_logger()

_AT_ONCE = 500
_AGAIN_SECONDS = 5.0

Take = Callable[[Sequence[Recorded]], Awaitable[None]]


async def head(book: AuditBook) -> int:
    """The sequence of the newest entry, 0 if there is none."""
    return await book.grown(-1)


async def follow(book: AuditBook, behind: int, take: Take) -> None:
    """Hand over every entry behind a sequence, oldest first, for ever. What the ledger cannot give now it is asked for again."""
    cursor = behind
    while True:
        try:
            reached = await book.grown(cursor)
            entries = await book.after(cursor, _AT_ONCE)
        except SyncdError as error:
            log.warning("audit log not readable", code=error.code, error=str(error))
            await asyncio.sleep(_AGAIN_SECONDS)
            continue
        if entries:
            await take(entries)
        cursor = entries[-1].sequence if entries else reached
