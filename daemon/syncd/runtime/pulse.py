"""What the daemon tells systemd while it runs: that it lives, and how its syncs are."""

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from syncd.domain.status import Phase, SyncStatus
from syncd.kit import systemd
from syncd.kit.text import counted
from syncd.runtime.board import Board

log = structlog.get_logger()

_BREATH_SECONDS = 1.0
_NAMES = 3

BusyFor = Callable[[], timedelta]
"""How long a part of the daemon has been at its present piece of work; nothing if it has none."""


def tell(state: str) -> None:
    """Tell systemd, if it listens. It not being there is no reason to stop working."""
    try:
        systemd.notify(state)
    except OSError as error:
        log.warning("systemd cannot be told", error=str(error))


async def beat(silence: timedelta, writer: BusyFor) -> None:
    """Say that the daemon lives, twice in every `silence`, for ever. Not while a writer has been at one thing for longer than that.

    It is said from the event loop, so a loop that is blocked says nothing either.
    """
    while True:
        if (busy := writer()) < silence:
            tell("WATCHDOG=1")
        else:
            log.error("the ledger's writer does not move", seconds=busy.total_seconds())
        await asyncio.sleep(silence.total_seconds() / 2)


async def show(board: Board) -> None:
    """Keep the line in `systemctl status` right, for ever; at most once a second."""
    told = ""
    while True:
        changed = board.changed()
        line = summary([status for name in board.names() if (status := board.sync(name))])
        if line != told:
            tell(systemd.status(line))
            told = line
        await changed.wait()
        await asyncio.sleep(_BREATH_SECONDS)


def summary(syncs: Collection[SyncStatus]) -> str:
    """All syncs in one line: how many, and which of them are not just waiting for their time."""
    groups: dict[str, list[str]] = {}
    for sync in (each for each in syncs if each.phase is not Phase.IDLE):
        groups.setdefault(sync.phase.value, []).append(sync.sync)
    return "; ".join([counted(len(syncs), "sync"), *(f"{phase}: {_named(names)}" for phase, names in groups.items())])


def _named(names: list[str]) -> str:
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")
