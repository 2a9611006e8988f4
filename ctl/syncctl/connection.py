"""Finding the daemon and asking it: every call has a deadline, every error becomes a problem that a person can act upon."""

# The generics of grpc's callables exist in its stubs only.
from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from syncapi.v1 import access_pb2, access_pb2_grpc
from syncapi.v1.audit_pb2_grpc import AuditStub
from syncapi.v1.clients_pb2 import ListConflictsResponse, ListVersionsResponse
from syncapi.v1.clients_pb2_grpc import ClientsStub
from syncapi.v1.control_pb2 import ListDeadLettersResponse, ListRunsResponse, ListSyncsResponse
from syncapi.v1.control_pb2_grpc import ControlStub
from syncapi.v1.metadata_pb2 import ListSnapshotsResponse
from syncapi.v1.metadata_pb2_grpc import MetadataStub
from syncctl import credentials, tls
from syncctl.problems import START, Broken, Exit, Problem
from syncctl.session import Session
from syncctl.translation import problem_of

_OPTIONS = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", 64 << 20),
]

Request = TypeVar("Request", bound=Message)
Reply = TypeVar("Reply", bound=Message)
Page = TypeVar(
    "Page",
    ListSyncsResponse,
    ListRunsResponse,
    ListDeadLettersResponse,
    ListConflictsResponse,
    ListVersionsResponse,
    ListSnapshotsResponse,
    access_pb2.ListTokensResponse,
)


class Daemon:
    """A daemon at one address; nothing is sent before the first call."""

    def __init__(self, target: str, secrecy: grpc.ChannelCredentials | None) -> None:
        self.target = target
        self._secured = secrecy is not None
        self._channel = grpc.secure_channel(target, secrecy, _OPTIONS) if secrecy else grpc.insecure_channel(target, _OPTIONS)
        self._metadata = credentials.metadata()
        self.control = ControlStub(self._channel)
        self.audit = AuditStub(self._channel)
        self.clients = ClientsStub(self._channel)
        self.metadata = MetadataStub(self._channel)
        self.access = access_pb2_grpc.AccessStub(self._channel)

    def ask(self, method: grpc.UnaryUnaryMultiCallable[Request, Reply], request: Request, seconds: float = 10) -> Reply:
        """One question, one answer. While a daemon restarts behind a socket that somebody holds for it, the question waits."""
        try:
            return method(request, timeout=seconds, metadata=self._metadata, wait_for_ready=self._is_held())
        except grpc.RpcError as error:
            raise self._problem(error, seconds) from error

    def stream(self, method: grpc.UnaryStreamMultiCallable[Request, Reply], request: Request, seconds: float) -> Iterator[Reply]:
        """Messages until the daemon ends the stream or the time is up, which is a `Broken` like any other."""
        call = method(request, timeout=seconds, metadata=self._metadata)
        try:
            yield from call
        except grpc.RpcError as error:
            raise self._problem(error, seconds) from error
        finally:
            call.cancel()

    def close(self) -> None:
        self._channel.close()

    def _is_held(self) -> bool:
        path = self.target.removeprefix("unix:")
        return path != self.target and _knock(Path(path)) is None

    def _problem(self, error: grpc.RpcError, seconds: float) -> Problem:
        return problem_of(error, silent=f"the daemon at {self.target} did not answer within {seconds:g} s") or self._unreachable(error)

    def _unreachable(self, error: grpc.RpcError) -> Problem:
        path = self.target.removeprefix("unix:")
        if path == self.target:
            return tls.unreachable(self.target, str(error), secured=self._secured)
        why = _knock(Path(path))
        if isinstance(why, PermissionError):
            return _not_allowed(path)
        if not why:
            return _nobody(f"the connection to {self.target} broke", debug=str(error))
        return _nobody(f"no daemon answers at {self.target}: {why.strerror}", debug=str(error))


@contextmanager
def connect(session: Session) -> Iterator[Daemon]:
    """The daemon that the session means, by `--address`, `$SYNCD_ADDRESS`, or the first of the usual sockets that answers."""
    given = session.address or os.environ.get("SYNCD_ADDRESS")
    target = _target(given) if given else f"unix:{_search()}"
    daemon = Daemon(target, tls.channel_credentials(session, target))
    try:
        yield daemon
    finally:
        daemon.close()


def _target(address: str) -> str:
    scheme, separator, rest = address.partition(":")
    if separator and scheme == "unix":
        return f"unix:{rest.removeprefix('//') if rest.startswith('///') else rest}"
    if "/" in address or not separator:
        return f"unix:{Path(address).expanduser()}"
    if not rest.rpartition(":")[2].isdecimal():
        raise Problem(
            f"address {address!r} is none of unix:PATH, PATH, HOST:PORT", hint="give --address or $SYNCD_ADDRESS", code=Exit.USAGE
        )
    return address


def _search() -> Path:
    """The first usual socket where somebody listens."""
    places = _usual_places()
    refusals = {place: _knock(place) for place in places}
    for place, refusal in refusals.items():
        if refusal is None:
            return place
    for place, refusal in refusals.items():
        if isinstance(refusal, PermissionError):
            raise _not_allowed(str(place))
    raise _nobody(f"no daemon is running here (looked at {', '.join(map(str, places))})")


def _usual_places() -> list[Path]:
    user = os.environ.get("XDG_RUNTIME_DIR")
    return [*([Path(user, "syncd", "syncd.sock")] if user else []), Path("/run/syncd/syncd.sock"), Path("state", "syncd.sock")]


def _knock(place: Path) -> OSError | None:
    """None if somebody listens there."""
    with socket.socket(socket.AF_UNIX) as knock:
        knock.settimeout(1)
        try:
            knock.connect(str(place))
        except OSError as error:
            return error
    return None


def _not_allowed(path: str) -> Problem:
    return Problem(f"you may not open {path}", hint="join the group that owns the socket, then log in anew", code=Exit.NOT_ALLOWED)


def _nobody(message: str, debug: str = "") -> Problem:
    return Broken(message, hint=START, debug=debug)


def gathered(fetch: Callable[[str], Page], enough: Callable[[Page], bool] = lambda _: False) -> Page:
    """All pages of a list as one answer, or as many as are enough."""
    whole = fetch("")
    while whole.next_page_token and not enough(whole):
        page = fetch(whole.next_page_token)
        whole.ClearField("next_page_token")
        whole.MergeFrom(page)
    whole.ClearField("next_page_token")
    return whole
