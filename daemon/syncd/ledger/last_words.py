"""A daemon that dies says so in its audit log, if it still can."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from syncd.domain.audit import Entry
from syncd.domain.errors import SyncdError
from syncd.kit.tasks import TaskDied

DIED = "daemon.died"

log = structlog.get_logger()


@asynccontextmanager
async def last_words(record: Callable[[Entry], Awaitable[None]]) -> AsyncIterator[None]:
    """If a part of the daemon dies in the block, an entry names it and the kind of error. Its text may hold secrets: the log has it."""
    try:
        yield
    except (TaskDied, ExceptionGroup) as error:
        if words := _words(error):
            await _record(record, words)
        raise


def _words(error: BaseException) -> dict[str, object] | None:
    match error:
        case BaseExceptionGroup():
            return _words(error.exceptions[0])
        case TaskDied():
            return {"part": str(error), "error": type(error.__cause__).__name__ if error.__cause__ else "it ended by itself"}
        case SyncdError():
            return None  # it could not start: nothing has died
        case _:
            return {"part": "a task", "error": type(error).__name__}


async def _record(record: Callable[[Entry], Awaitable[None]], words: dict[str, object]) -> None:
    try:
        await record(Entry(DIED, outcome="failed", detail=words))
    except SyncdError as error:
        log.warning("the audit log does not say what died", code=error.code, problem=str(error))
