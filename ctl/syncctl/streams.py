"""Streams that outlive a broken connection and a restart of the daemon."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

from syncctl.problems import Broken

_HEARTBEAT = 60.0
"""Seconds after which a stream is asked for anew: a peer that vanished without a word is noticed."""
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 1.0


class Leaving(Protocol):
    """Every streamed message may say that the daemon is shutting down."""

    @property
    def going_away(self) -> bool: ...


class Placed(Leaving, Protocol):
    """A message of a log, which says where the next one goes on."""

    @property
    def cursor(self) -> int: ...


class Tailing(Protocol):
    """A request that says where the log begins for the reader."""

    backlog: int
    after_sequence: int


Message = TypeVar("Message", bound=Leaving)
Piece = TypeVar("Piece", bound=Placed)


@dataclass(slots=True)
class Patience:
    """How long to wait for a daemon that is gone, and whom to tell."""

    reconnect: timedelta
    lost: Callable[[str], None]
    """Hears once why the stream broke, and an empty text when it is back."""
    met: bool = False
    """The daemon has answered already, so it is worth waiting for."""


class _Absence:
    """The time since the daemon was last heard."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since = None if patience.met else float("-inf")
        self._delay = 0.0

    def is_over(self) -> None:
        if self._delay:
            self._patience.lost("")
        self._since, self._delay = None, 0.0

    def goes_on(self, why: Broken) -> None:
        """Wait a little before the next attempt. Raises the reason once patience has run out."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._patience.reconnect.total_seconds():
            raise why
        if not self._delay:
            self._patience.lost(str(why))
        self._delay = min(max(self._delay * 2, _FIRST_DELAY), _LONGEST_DELAY)
        time.sleep(self._delay)


def unbroken(opened: Callable[[float], Iterator[Message]], patience: Patience) -> Iterator[Message]:
    """Messages of a stream that is opened again whenever it ends; it is up to the reader to stop.

    Every first message of a stream is complete, so nothing needs to be remembered here. Gives up with `Broken` when the daemon stays away
    for longer than `reconnect`, and at once when it never was there.
    """
    absence = _Absence(patience)
    while True:
        why = Broken("the daemon is going away", hint="start it again")
        began, heard = time.monotonic(), False
        try:
            for message in opened(_HEARTBEAT):
                if not message.going_away:
                    absence.is_over()
                    heard = True
                yield message
                if message.going_away:
                    break
        except Broken as broken:
            why = broken
        if not heard or time.monotonic() - began < _HEARTBEAT:  # else it was the heartbeat, and nothing is wrong
            absence.goes_on(why)


def tailed(opened: Callable[[float], Iterator[Piece]], request: Tailing, patience: Patience) -> Iterator[Piece]:
    """Messages of a log without a gap: before the stream is opened again, the request is moved behind what came."""
    for message in unbroken(opened, patience):
        yield message
        request.after_sequence, request.backlog = message.cursor, 0
