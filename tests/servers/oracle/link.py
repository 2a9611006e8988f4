"""A call's way to the client: its answer as it grows, the faults that it meets, and the break that may end it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.oracle.answers import END
from tests.servers.oracle.backend import BackendSession, OracleError
from tests.servers.oracle.faults import At, Deed, Delay, Faults, Raise
from tests.servers.oracle.packets import Broken, Gone, Wire

_FULL = 64 * 1024


class Link:
    """Between the calls of one session and its wire."""

    def __init__(self, wire: Wire, faults: Faults, backend: BackendSession, *, marks_the_end: bool) -> None:
        self._wire = wire
        self._faults = faults
        self._backend = backend
        self._marks_the_end = marks_the_end
        self._answer = bytearray()
        self._busy = False
        self._begun = False
        self._about = ""

    def begin(self, *, spared: bool = False) -> None:
        """Start the answer to a new call; no fault strikes it if it is spared."""
        self.forget()
        self._begun = spared
        self._about = ""

    def forget(self) -> None:
        """Drop what has not left of the answer."""
        self._answer.clear()

    def say(self, message: bytes) -> None:
        """Add to the answer; what is large leaves at once."""
        self._answer += message
        if len(self._answer) > _FULL:
            self._flush(last=False)

    def finish(self, message: bytes) -> None:
        """Send the answer, with this at its end."""
        self._answer += message
        if self._marks_the_end:
            self._answer += END
        self._flush(last=self._marks_the_end)

    def _flush(self, *, last: bool) -> None:
        if not self._begun:
            self._begun = True
            self.meet(At.ANSWER, self._about)
        if self._wire.broken.is_set():
            raise Broken
        self._wire.send_data(bytes(self._answer), last=last)
        self._answer.clear()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While the database works, a break reaches it."""
        self._busy = True
        try:
            if self._wire.broken.is_set():
                raise Broken
            yield
        finally:
            self._busy = False

    def interrupt(self) -> None:
        """From the thread that listens: the client has broken the call off, or is gone."""
        if self._busy:
            self._backend.interrupt()

    @property
    def watches_rows(self) -> bool:
        """Whether a fault waits for a row."""
        return self._faults.armed(At.ROW)

    def meet(self, at: At, about: str = "") -> None:
        """Let a fault strike, if one waits here."""
        self._about = self._about or about
        match self._faults.meet(at, about) if self._faults.armed(at) else None:
            case None | Deed.GARBLE:
                return  # the second is only for packets
            case Raise(code=code, text=text):
                raise OracleError(code, text or "raised on request")
            case Delay(seconds=seconds):
                self._wire.broken.wait(seconds)
            case Deed.SILENCE:
                self._wire.hang()
            case Deed.DROP:
                if at is At.ROW:
                    self._wire.send_data(bytes(self._answer))
                raise Gone
