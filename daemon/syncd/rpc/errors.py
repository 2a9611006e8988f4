"""Our errors as statuses of the wire: one table."""

from itertools import islice

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from syncd.domain.errors import (
    BadCredentials,
    InvalidRequest,
    NotFound,
    NotIdentified,
    NotPermitted,
    PermanentError,
    Refused,
    RequestError,
    SyncdError,
    TransientError,
)

DOMAIN = "syncd"

# A status travels in headers, and clients refuse more than 8 KiB of those: they would see neither code nor reason.
_MESSAGE_BYTES = 1200
_VALUE_BYTES = 300
_WORD_BYTES = 80
_MOST_FIELDS = 5

_CODES: tuple[tuple[type[SyncdError], grpc.StatusCode], ...] = (
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (Refused, grpc.StatusCode.FAILED_PRECONDITION),
    (InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT),
    (NotIdentified, grpc.StatusCode.UNAUTHENTICATED),
    (NotPermitted, grpc.StatusCode.PERMISSION_DENIED),
    (RequestError, grpc.StatusCode.INVALID_ARGUMENT),
    (TransientError, grpc.StatusCode.UNAVAILABLE),
    (BadCredentials, grpc.StatusCode.FAILED_PRECONDITION),
    (PermanentError, grpc.StatusCode.FAILED_PRECONDITION),
    (SyncdError, grpc.StatusCode.UNKNOWN),
)
"""The first class that fits decides."""


def status_of(error: SyncdError) -> status_pb2.Status:
    """The status that carries an error: message, `ErrorInfo` with our code, and what else there is to say."""
    info = error_details_pb2.ErrorInfo(
        reason=error.code,
        domain=DOMAIN,
        metadata={name: _short(said, _VALUE_BYTES) for name, said in {**error.facts, "hint": error.hint}.items() if said},
    )
    details = [info, *_extra(error)]
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    return status_pb2.Status(
        code=code.value[0], message=_short(str(error), _MESSAGE_BYTES), details=[_packed(detail) for detail in details]
    )


def bug(error_id: str) -> status_pb2.Status:
    """The status for what should not have happened; the log has the rest under the id."""
    message = f"a bug in syncd; the log has more under error id {error_id}"
    return ended(grpc.StatusCode.INTERNAL, "bug", message, error_id=error_id)


def ended(code: grpc.StatusCode, reason: str, message: str, **facts: str) -> status_pb2.Status:
    """The status of a call that the server itself ends, in the same form as all others."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=facts)
    return status_pb2.Status(code=code.value[0], message=message, details=[_packed(info)])


def _extra(error: SyncdError) -> list[error_details_pb2.BadRequest | error_details_pb2.RetryInfo]:
    if isinstance(error, InvalidRequest) and error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(
                field=_short(field, _WORD_BYTES), description=_short(f"expected {what}", _VALUE_BYTES)
            )
            for field, what in islice(error.fields.items(), _MOST_FIELDS)
        ]
        return [error_details_pb2.BadRequest(field_violations=violations)]
    if isinstance(error, TransientError):
        return [error_details_pb2.RetryInfo(retry_delay=Duration(seconds=round(error.after or 1)))]
    return []


def _short(text: str, most: int) -> str:
    whole = text.encode()
    return text if len(whole) <= most else whole[:most].decode(errors="ignore") + "…"


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
