"""A stand-in for an Oracle database: a server that python-oracledb's thin mode cannot tell from one."""

import socket
import threading
from collections.abc import Mapping
from itertools import count
from types import TracebackType
from typing import Self

from tests.servers.oracle.backend import Backend
from tests.servers.oracle.caps import FLAVOURS
from tests.servers.oracle.faults import Faults
from tests.servers.oracle.session import House, Session

_HOST = "127.0.0.1"


class Server:
    """Serves a database while it is entered; leaving it ends every session and closes the database."""

    def __init__(
        self,
        backend: Backend,
        *,
        users: Mapping[str, str] | None = None,
        service: str = "FREEPDB1",
        flavour: int = 23,
        port: int = 0,
        first_session: int = 1,
    ) -> None:
        """Several servers may have one database; then their sessions are numbered apart."""
        passwords = {"syncd": "secret"} if users is None else users
        self.faults = Faults()
        self.port = port
        self._house = House(backend, FLAVOURS[flavour], {user.upper(): word for user, word in passwords.items()}, service, self.faults)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._numbers = count(first_session)
        self._lock = threading.Lock()
        self._running: dict[Session, threading.Thread] = {}

    @property
    def dsn(self) -> str:
        return f"{_HOST}:{self.port}/{self._house.service}"

    @property
    def sessions(self) -> list[Session]:
        """Sessions that are logged in."""
        with self._lock:
            return [session for session in self._running if session.user]

    def kill(self, session_id: int) -> None:
        """Cut a session off; what it has not committed is rolled back."""
        with self._lock:
            running = list(self._running)
        for session in running:
            if session.number == session_id:
                session.close()

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.refuse()
        with self._lock:
            running = dict(self._running)
        for session in running:
            session.close()
        for thread in running.values():
            thread.join()
        self._house.backend.close()

    def listen(self) -> None:
        """Take connections, at the same port as before."""
        self._socket = socket.create_server((_HOST, self.port), backlog=512, reuse_port=False)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, args=(self._socket,), name="oracle server")
        self._thread.start()

    def refuse(self) -> None:
        """Take no more connections, as if no server were there; sessions live on."""
        if self._socket is None or self._thread is None:
            return
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._socket = None

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                link, _ = listening.accept()
            except OSError:
                return  # closed
            session = Session(link, self._house, next(self._numbers))
            thread = threading.Thread(target=self._run, args=(session,), name=f"oracle session {session.number}")
            with self._lock:
                self._running[session] = thread
            thread.start()

    def _run(self, session: Session) -> None:
        try:
            session.run()
        finally:
            with self._lock:
                del self._running[session]
