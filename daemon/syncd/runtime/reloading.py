"""Reading the settings anew because a signal asks for it, told to systemd."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from syncd.domain.errors import SyncdError
from syncd.kit import systemd
from syncd.ports.control import Reloaded
from syncd.runtime.pulse import tell

log = structlog.get_logger()

_ACTOR = "SIGHUP"


async def reload_when(asked: asyncio.Event, reload: Callable[[str], Awaitable[Reloaded]]) -> None:
    """Reload whenever the event is set, for ever. What cannot be applied leaves everything as it was, and is logged."""
    while True:
        await asked.wait()
        asked.clear()
        tell(systemd.reloading())
        try:
            told = await reload(_ACTOR)
        except SyncdError as error:
            log.error("settings not reloaded", code=error.code, error=str(error), hint=error.hint)  # noqa: TRY400 - no bug
            tell(f"READY=1\n{systemd.status(f'settings not reloaded, the old ones are in force: {error}')}")
        else:
            log.info("settings reloaded", added=told.added, removed=told.removed, changed=told.changed, restart=told.restart)
            tell("READY=1\nSTATUS=settings reloaded")
