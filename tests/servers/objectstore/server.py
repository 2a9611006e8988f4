"""An HTTP server that speaks as much of Google Cloud Storage's JSON API as its client uses, and misbehaves when told to.

    with ObjectServer("bucket") as server:
        server.fail(2, "GET", 503)
        server.lose_answer("POST")

It enforces the preconditions on generations and metagenerations, and checks the checksums that a client sends along.
"""

import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.servers.objectstore.objects import Buckets
from tests.servers.objectstore.requests import Request


@dataclass
class Fault:
    """What happens to the next `left` requests whose method and path match."""

    left: int
    pattern: re.Pattern[str]
    act: Callable[[Request], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections break here on purpose."""


class ObjectServer:
    def __init__(self, *buckets: str, page: int = 1000) -> None:
        self.buckets = Buckets(*buckets)
        self.page = page
        """The most objects that one page of a listing holds."""
        self.requests: list[str] = []
        """Method and path of all requests that were met."""
        self.sessions: dict[str, dict[str, Any]] = {}
        """Resumable uploads that are under way."""
        self.withheld: set[str] = set()
        """Permissions that the account has not."""
        self.freed = threading.Event()
        """Set when the server ends, so that nothing goes on stalling."""
        self.open: set[socket.socket] = set()
        self._faults: list[Fault] = []
        self._port = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def fail(self, times: int, pattern: str, status: int, reason: str = "", message: str = "") -> None:
        """Answer the next requests that match with an error, and do nothing."""
        self._arrange(times, pattern, lambda request: request.refuse(status, reason or str(status), message))

    def lose_answer(self, pattern: str, times: int = 1) -> None:
        """Do what is asked, then cut the connection instead of answering."""
        self._arrange(times, pattern, lambda request: request.do_and_cut())

    def cut(self, pattern: str, times: int = 1) -> None:
        """Cut the connection before anything is done."""
        self._arrange(times, pattern, lambda request: request.cut())

    def stall(self, pattern: str, seconds: float, times: int = 1) -> None:
        """Say nothing for a while, then do what is asked."""
        self._arrange(times, pattern, lambda request: request.stall(seconds))

    def slow_down(self, pattern: str, pause: float, times: int = 1) -> None:
        """Answer with one byte of the body after each pause."""
        self._arrange(times, pattern, lambda request: request.go_slowly(pause))

    def drip(self, pattern: str, pause: float, times: int = 1) -> None:
        """Answer with headers that never end, one after each pause."""
        self._arrange(times, pattern, lambda request: request.drip(pause))

    def say(self, pattern: str, body: bytes, times: int = 1) -> None:
        """Answer 200 with something that was not asked for."""
        self._arrange(times, pattern, lambda request: request.answer(200, body, {"Content-Type": "text/html"}))

    def spoil(self, pattern: str, times: int = 1) -> None:
        """Change a byte of the body, as a broken network would."""
        self._arrange(times, pattern, lambda request: request.spoil())

    def _arrange(self, times: int, pattern: str, act: Callable[[Request], None]) -> None:
        self._faults.append(Fault(times, re.compile(pattern), act))

    def fault(self, request: str) -> Fault | None:
        """The first fault that is meant for a request; it is used up by that."""
        with self.buckets.lock:
            for fault in self._faults:
                if fault.left > 0 and fault.pattern.search(request):
                    fault.left -= 1
                    return fault
        return None

    def up(self) -> None:
        """Listen, on the same port as before."""

        class Bound(Request):
            store = self

        self._server = _Server(("127.0.0.1", self._port), Bound)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="object store")
        self._thread.start()

    def down(self) -> None:
        """Refuse connections, and cut those that are there."""
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None
        with self.buckets.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # it is gone already
                    continue

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.freed.set()
        self.down()
