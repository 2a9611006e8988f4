"""The syncs as they are at every moment: a full-screen view on a terminal, a line for each change elsewhere."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

from syncapi.v1.common_pb2 import Sync
from syncapi.v1.control_pb2 import WatchSyncsRequest, WatchSyncsResponse
from syncctl import render, sync_view, words
from syncctl.connection import Daemon
from syncctl.problems import Exit, Problem
from syncctl.session import Session
from syncctl.streams import Patience, unbroken
from syncctl.terminal import ending_in_order


class Watcher(Protocol):
    """Where changes are shown."""

    def take(self, message: WatchSyncsResponse) -> None: ...

    def lost(self, why: str) -> None:
        """The daemon is gone for this reason; empty when it is back."""


def watch(session: Session, daemon: Daemon, names: Sequence[str], reconnect: timedelta) -> None:
    """Show every change until somebody interrupts. Raises `Problem` for a sync that does not exist."""
    request = WatchSyncsRequest(syncs=names)
    with _watcher(session, daemon.target) as watcher:
        patience = Patience(reconnect, lost=watcher.lost)
        for position, message in enumerate(unbroken(lambda seconds: daemon.stream(daemon.control.WatchSyncs, request, seconds), patience)):
            if position == 0:
                selected(message.syncs, names)
            watcher.take(message)


def selected(syncs: Sequence[Sync], names: Sequence[str]) -> list[Sync]:
    """Those of the given names, all if there are none. Raises `Problem` for a name that no sync has."""
    known = {sync.name: sync for sync in syncs}
    for name in names:
        if name not in known:
            raise Problem(f"no sync {name!r}{words.did_you_mean(name, known)}", hint="all of them: `syncctl status`", code=Exit.NOT_FOUND)
    return [known[name] for name in names] if names else list(syncs)


@contextmanager
def _watcher(session: Session, address: str) -> Iterator[Watcher]:
    if not session.for_people:
        yield Messages(session)
    elif sys.stdout.isatty():
        from syncctl.screen import Screen  # noqa: PLC0415 - rich comes with it

        with ending_in_order(), Screen(address) as screen:
            yield screen
    else:
        yield Lines()


class Messages:
    """Every message as it came."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, message: WatchSyncsResponse) -> None:
        render.item(self._session, message)

    def lost(self, why: str) -> None: ...


class Lines:
    """A line for each sync that changed."""

    def take(self, message: WatchSyncsResponse) -> None:
        now = datetime.now(UTC)
        render.log(
            [sync_view.line(sync, now) for sync in message.syncs] + [f"{words.clock(now)}  {name}  removed" for name in message.removed]
        )

    def lost(self, why: str) -> None:
        render.lost(why)
