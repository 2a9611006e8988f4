"""Records on their way to the disk."""

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

_AT_ONCE = 64 << 10


@dataclass(slots=True)
class _Dropped:
    """Stands in the line for records that found no room."""

    count: int = 1
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def body(self) -> bytes:
        said = {"timestamp": self.since.isoformat(), "level": "warning", "event": "log records dropped", "dropped": self.count}
        return orjson.dumps(said)


class Inbox:
    """Takes records from any thread without waiting, hands them to one thread, in order. What finds no room is counted, and told there.

    The lock may be taken again by the thread that has it: what the interpreter tidies up meanwhile may log, too.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._waiting: deque[bytes | _Dropped] = deque()
        self._size = 0
        self._handed = False
        self._closed = False
        self._changed = threading.Condition(threading.RLock())

    def offer(self, body: bytes) -> None:
        with self._changed:
            if self._size + len(body) > self._most:
                self.drop()
                return
            self._waiting.append(body)
            self._size += len(body)
            self._changed.notify_all()

    def drop(self) -> None:
        """Count a record that cannot be kept."""
        with self._changed:
            if self._waiting and isinstance(last := self._waiting[-1], _Dropped):
                last.count += 1
            else:
                self._waiting.append(_Dropped())
            self._changed.notify_all()

    def take(self) -> list[bytes]:
        """Wait for records, and take some of them, oldest first. None at all: the inbox is closed."""
        with self._changed:
            self._handed = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._closed)
            bodies: list[bytes] = []
            taken = 0
            while self._waiting and taken < _AT_ONCE:
                first = self._waiting.popleft()
                bodies.append(first if isinstance(first, bytes) else first.body())
                taken += len(first) if isinstance(first, bytes) else 0
            self._size -= taken
            self._handed = bool(bodies)
            return bodies

    def settle(self, seconds: float) -> bool:
        """Wait until what was offered so far has been dealt with; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._handed, seconds)

    def close(self) -> None:
        """Wait for nothing more; what is here is handed out still."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
