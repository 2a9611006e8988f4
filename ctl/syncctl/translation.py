"""gRPC errors -> problems. The one place that knows status codes."""

from collections.abc import Mapping
from typing import TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, RetryInfo
from google.rpc.status_pb2 import Status

from syncctl import words
from syncctl.problems import Broken, Exit, Problem

Detail = TypeVar("Detail", BadRequest, ErrorInfo, Help, RetryInfo)

_EXITS = {
    grpc.StatusCode.INVALID_ARGUMENT: Exit.USAGE,
    grpc.StatusCode.OUT_OF_RANGE: Exit.USAGE,
    grpc.StatusCode.NOT_FOUND: Exit.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED: Exit.NOT_ALLOWED,
    grpc.StatusCode.UNAUTHENTICATED: Exit.NOT_ALLOWED,
    grpc.StatusCode.FAILED_PRECONDITION: Exit.REFUSED,
    grpc.StatusCode.ALREADY_EXISTS: Exit.REFUSED,
    grpc.StatusCode.ABORTED: Exit.REFUSED,
    grpc.StatusCode.UNIMPLEMENTED: Exit.REFUSED,
}


def problem_of(error: grpc.RpcError, silent: str) -> Problem | None:
    """What an error means; None if no daemon is there at all. `silent` says that it did not answer in time."""
    if not isinstance(error, grpc.Call):
        raise error
    code, said = error.code(), error.details() or ""
    status = _status(error)
    debug = f"{code.name}: {said}\n{status or ''}".rstrip()
    if code is grpc.StatusCode.UNAVAILABLE and not status:
        return None
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Broken(silent, hint="see how it is: `systemctl status syncd`", debug=debug)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return Broken(said, hint="try again", code=Exit.FAILED, debug=debug)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        said, status = "this daemon does not know the call: it is older than this client", None
    return Problem(_message(said, status), hint=_hint(status), code=_EXITS.get(code, Exit.FAILED), debug=debug)


def _status(call: grpc.Call) -> Status | None:
    """The details in the trailers, if there are any that can be read."""
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None


def _message(said: str, status: Status | None) -> str:
    """What happened; where several things are wrong with the input, each on a line of its own."""
    wrong = [f"{violation.field}: {violation.description}" for violation in _detail(status, BadRequest()).field_violations]
    named = [line for line in wrong if line not in said]
    return "\n  ".join([said or "the daemon says no more", *named])


def _hint(status: Status | None) -> str:
    info = _detail(status, ErrorInfo())
    if info.reason == "run.already_running":
        return _running(info.metadata)
    links = [f"{link.description} {link.url}".strip() for link in _detail(status, Help()).links]
    wait = _detail(status, RetryInfo()).retry_delay
    if hint := info.metadata.get("hint") or "; ".join(links):
        return hint
    return f"try again in {words.roughly(wait.ToTimedelta().total_seconds())}" if wait != Duration() else ""


def _running(facts: Mapping[str, str]) -> str:
    run = facts.get("run", "RUN")
    return f"follow it: `syncctl follow {run}`; or wait for its end and run then: add --queue"


def _detail(status: Status | None, empty: Detail) -> Detail:
    for packed in status.details if status else ():
        if packed.Unpack(empty):
            break
    return empty
