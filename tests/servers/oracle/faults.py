"""What can go wrong on request: each fault is a value that says where it strikes, what it does, and when."""

import re
import threading
from dataclasses import dataclass, field
from enum import Enum


class At(Enum):
    """Where a fault can strike. All but the last three are met before the server does what it is asked."""

    CONNECT = "a connection that was taken, before ACCEPT"
    LOGIN = "the first message of authentication"
    EXECUTE = "a statement; `matching` is searched in its text"
    FETCH = "a request for more rows; `matching` is searched in the text of the statement"
    LOB = "a request about a LOB"
    COMMIT = "a commit that is a call of its own"
    ROLLBACK = "a rollback that is a call of its own"
    PING = "a ping"
    ANSWER = "the answer to a call, when the call has been done; its text is that of the statement, or `commit` and the like"
    PACKET = "a packet that is sent"
    ROW = "a row that is sent; a fault strikes after it"


class Deed(Enum):
    """What a fault does, where it needs no more words."""

    DROP = "the connection is cut"
    SILENCE = "nothing is said any more"
    GARBLE = "the bytes of the packet are wrong"


DROP, SILENCE, GARBLE = Deed.DROP, Deed.SILENCE, Deed.GARBLE


@dataclass(frozen=True, slots=True)
class Raise:
    """An error with a number; at CONNECT the listener refuses with it."""

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Delay:
    """The server waits, unless the client breaks the call off."""

    seconds: float


Does = Deed | Raise | Delay


@dataclass(frozen=True, slots=True)
class Fault:
    """Strikes at the `nth` event since it was added, and at every later one if it is `forever`."""

    at: At
    does: Does
    nth: int = 1
    matching: str = ""
    """A regular expression, upper and lower case alike; events whose text lacks it do not count."""
    forever: bool = False

    def __post_init__(self) -> None:
        possible = isinstance(self.does, Deed) if self.at is At.PACKET else self.does is not GARBLE
        if not possible:
            raise ValueError(f"{self.at.value} cannot have {self.does}")


@dataclass(eq=False)
class Armed:
    """A fault that was added, and how often it has struck."""

    fault: Fault
    met: int = 0
    struck: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, times: int = 1, seconds: float = 10) -> bool:
        """Whether it has struck so often within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.struck >= times, seconds)

    def meet(self, text: str) -> bool:
        """Count an event; whether the fault strikes."""
        if self.fault.matching and not re.search(self.fault.matching, text, re.IGNORECASE):
            return False
        with self._changed:
            self.met += 1
            strikes = self.met == self.fault.nth or (self.fault.forever and self.met > self.fault.nth)
            self.struck += strikes
            self._changed.notify_all()
        return strikes


class Faults:
    """The faults of one server; threads add, the server's own threads meet them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: tuple[Armed, ...] = ()

    def add(self, fault: Fault) -> Armed:
        """Arm a fault; it counts from now on."""
        armed = Armed(fault)
        with self._lock:
            self._armed = (*self._armed, armed)
        return armed

    def clear(self) -> None:
        """Let all be well again."""
        with self._lock:
            self._armed = ()

    def armed(self, at: At) -> bool:
        """Whether a fault waits there; asked often, so it costs little where there is none."""
        return any(armed.fault.at is at for armed in self._armed)

    def meet(self, at: At, text: str = "") -> Does | None:
        """Count an event for every fault that waits there; what the first of those that strike does."""
        with self._lock:
            strikes = [armed.fault.does for armed in self._armed if armed.fault.at is at and armed.meet(text)]
        return strikes[0] if strikes else None
