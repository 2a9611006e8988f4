"""The thread that writes the log, and its patience with the disk."""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from syncd.observe.logbook.inbox import Inbox
from syncd.observe.logbook.segments import Segments

log = structlog.get_logger()

_AGAIN_SECONDS = 1.0
_REST_SECONDS = 0.01
"""What follows so quickly is written together: to wake a thread for each record would cost more than the record."""


class Keeper:
    """Writes what is in the inbox. While the disk refuses, it is asked again every second, and that is warned of once."""

    def __init__(self, inbox: Inbox, folder: Path, keep_bytes: int, grew: Callable[[int], None]) -> None:
        self._inbox = inbox
        self._folder = folder
        self._segments = Segments(folder, keep_bytes)
        self._grew = grew
        self._gives_up = threading.Event()
        self._refused = False
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)

    def start(self) -> None:
        """Look what there is, then write in a thread."""
        try:
            self._segments.open()
        except OSError as error:
            self._warn(error)
        self._grew(self._segments.head)
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Write what is left, as far as there is time."""
        self._inbox.close()
        self._thread.join(seconds)
        self._gives_up.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        while bodies := self._inbox.take():
            while bodies and not self._written(bodies):
                if self._gives_up.wait(_AGAIN_SECONDS):
                    break
            self._gives_up.wait(_REST_SECONDS)
        self._segments.close()

    def _written(self, bodies: list[bytes]) -> bool:
        """Try to write them; those that are on disk already, from an attempt that broke off, are taken from the list."""
        try:
            if not self._segments.is_open:
                del bodies[: self._segments.open()]
            if bodies:
                self._segments.append(bodies)
        except OSError as error:
            self._segments.close()
            self._warn(error)
            return False
        self._grew(self._segments.head)
        if self._refused:
            self._refused = False
            log.info("log kept again", folder=str(self._folder))
        return True

    def _warn(self, error: OSError) -> None:
        if not self._refused:
            self._refused = True
            log.warning("log not kept", folder=str(self._folder), error=error.strerror or str(error))
