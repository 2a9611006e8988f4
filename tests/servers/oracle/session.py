"""One session: from the first packet to the last, and whatever goes wrong in between."""

import socket
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from tests.servers.oracle import answers
from tests.servers.oracle.answers import BROKEN_OFF, End
from tests.servers.oracle.backend import Backend, BackendSession, OracleError
from tests.servers.oracle.calls import Calls
from tests.servers.oracle.caps import Flavour
from tests.servers.oracle.faults import Faults
from tests.servers.oracle.link import Link
from tests.servers.oracle.login import Admitted, LogIn, Refused, accept
from tests.servers.oracle.packets import Broken, Gone, Wire
from tests.servers.oracle.primitives import Reader, Unimplemented, ub, unimplemented

_FUNCTION, _PIGGYBACK = 3, 17
_TOKEN = b"\x21"
_TOKEN_FIELDS = 18
_OUR_BUG = 20999


@dataclass(frozen=True, slots=True)
class House:
    """What all sessions of a server share."""

    backend: Backend
    flavour: Flavour
    users: Mapping[str, str]
    """Passwords by user, in upper case."""
    service: str
    faults: Faults


class Session:
    """One client's connection; `run` takes the thread that it is given until the client is gone."""

    def __init__(self, link: socket.socket, house: House, number: int) -> None:
        self.number = number
        self.user = ""
        """Empty until the client has logged in."""
        self._house = house
        self._link: Link | None = None
        self._calls: Calls | None = None
        self._fields = 0
        self._wire = Wire(link, house.faults, self._interrupt)
        self._reader = Reader(self._wire.data)

    @property
    def attributes(self) -> Mapping[str, str]:
        """What the client says of itself: module, action and the like."""
        return self._calls.attributes if self._calls else {}

    @property
    def lobs(self) -> int:
        """LOBs that are kept for locators that the client has."""
        return len(self._calls.lobs) if self._calls else 0

    def close(self) -> None:
        """Cut the connection."""
        self._wire.close()

    def run(self) -> None:
        """Let the client in, and serve it until it leaves."""
        house = self._house
        try:
            accept(self._wire, house.flavour, house.service, house.faults)
            log_in = LogIn(self._wire, self._reader, house.flavour, house.users)
            admitted = log_in.run(house.faults)
            backend = house.backend.session(admitted.user, self.number)
            try:
                link, calls = self._enter(admitted, backend)
                log_in.welcome(self.number, house.service)
                self._serve(link, calls, backend)
            finally:
                backend.close()
        except (Gone, Refused):
            pass  # all is said
        except Exception:  # noqa: BLE001 - a bug here must be seen, and must not end the server
            traceback.print_exc(file=sys.stderr)
        finally:
            self._wire.release()

    def _interrupt(self) -> None:
        if self._link:
            self._link.interrupt()

    def _enter(self, admitted: Admitted, backend: BackendSession) -> tuple[Link, Calls]:
        self._fields = admitted.fields
        link = Link(self._wire, self._house.faults, backend, marks_the_end=self._house.flavour.marks_the_end)
        calls = Calls(link, self._reader, backend, admitted.fields)
        if admitted.statement:
            backend.execute(admitted.statement, [()])
        self._link, self._calls, self.user = link, calls, admitted.user
        return link, calls

    def _serve(self, link: Link, calls: Calls, backend: BackendSession) -> None:
        while not calls.left:
            try:
                self._serve_one(link, calls, backend)
            except Broken:
                self._break_off(link, backend)

    def _serve_one(self, link: Link, calls: Calls, backend: BackendSession) -> None:
        link.begin()
        try:
            end = self._call(link, calls)
        except OracleError as error:
            end = End(error, rowcount=error.done)
            if isinstance(error, Unimplemented):
                self._skip()
        except (Gone, Broken):
            raise
        except Exception as error:  # noqa: BLE001 - a bug of this server is told as one, never as an error of a database
            traceback.print_exc(file=sys.stderr)
            self._skip()
            end = End(OracleError(_OUR_BUG, f"{type(error).__name__}: {error}"))
        self._finish(link, end, backend)

    def _skip(self) -> None:
        """Pass over a request that was perhaps not read to its end."""
        self._wire.drain()
        self._reader.forget()

    def _call(self, link: Link, calls: Calls) -> End | None:
        while True:
            kind = self._reader.byte()
            if kind == 0:
                continue  # an empty text that came along
            if kind not in (_FUNCTION, _PIGGYBACK):
                raise unimplemented(f"messages of type {kind}")
            number = self._reader.raw(2)[0]
            token = self._reader.ub() if self._fields >= _TOKEN_FIELDS else 0
            if kind == _PIGGYBACK:
                calls.along(number)
                continue
            if token:
                link.say(_TOKEN + ub(token))
            return calls.call(number)

    def _finish(self, link: Link, end: End | None, backend: BackendSession) -> None:
        """Answer; a fault that strikes the answer takes its place."""
        pending = backend.in_transaction
        try:
            link.finish(self._message(end, in_transaction=pending))
        except OracleError as error:
            link.forget()
            link.finish(self._message(End(error), in_transaction=pending))

    def _message(self, end: End | None, *, in_transaction: bool) -> bytes:
        if end is None:
            return answers.status(in_transaction=in_transaction)
        return end.message(self._fields, in_transaction=in_transaction)

    def _break_off(self, link: Link, backend: BackendSession) -> None:
        self._reader.forget()
        self._wire.reset()
        link.begin(spared=True)
        self._finish(link, End(BROKEN_OFF), backend)
