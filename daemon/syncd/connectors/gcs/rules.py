"""What answers of Google Cloud Storage mean to us: decisions without any effect."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.auth.exceptions import TransportError as AuthTransportError

from syncd.domain.errors import BadCredentials, SyncdError, TargetMismatch, TargetUnavailable
from syncd.ports.objects import ObjectInfo

_WRITE_ID = "syncd-write-id"
_SHA256 = "syncd-sha256"
_LABEL = "syncd-label-"
_IN_A_HURRY = {"rateLimitExceeded", "userRateLimitExceeded"}
_PASSES = {408, 425, 429}
_LONGEST_NAME = 1024
"""In bytes of UTF-8, as documented for objects."""


class WrittenMeanwhile(Exception):
    """The generation that was looked at is not there any more: somebody wrote the object, or removed it, before it was read."""


def metadata_of(write_id: str, sha256: str, labels: Mapping[str, str]) -> dict[str, str]:
    """The custom metadata that an object is written with."""
    return {_WRITE_ID: write_id, _SHA256: sha256, **{_LABEL + name: value for name, value in labels.items()}}


def info_of(name: str, blob: Any) -> ObjectInfo:
    """What a blob that was read from the server says; custom metadata that is not ours is left out.

    Raises `ValueError` for an answer that is not about an object.
    """
    if blob.generation is None:
        raise ValueError("an answer without a generation")
    custom: Mapping[str, str] = blob.metadata or {}
    return ObjectInfo(
        name=name,
        generation=int(blob.generation),
        size=int(blob.size or 0),
        updated_at=(blob.updated or datetime.fromtimestamp(0, UTC)).astimezone(UTC),
        sha256=custom.get(_SHA256, ""),
        write_id=custom.get(_WRITE_ID, ""),
        labels={key.removeprefix(_LABEL): value for key, value in custom.items() if key.startswith(_LABEL)},
    )


def refuse_bad_name(name: str) -> None:
    """Raise `TargetMismatch` for what Cloud Storage does not take as a name, or what tools stumble over."""
    parts = name.split("/")
    if not name or len(name.encode("utf-8", "replace")) > _LONGEST_NAME or re.search(r"[\r\n\0\ud800-\udfff]", name):
        fault = f"a name has 1 to {_LONGEST_NAME} bytes, and no line breaks"
    elif any(part in {"", ".", ".."} for part in parts):
        fault = "name it with `/` between parts that are not empty, `.` or `..`"
    else:
        return
    raise TargetMismatch(f"{name!r} cannot be the name of an object in a bucket", hint=fault)


def passes(error: Exception) -> bool:
    """Whether the same request can succeed a moment later."""
    if isinstance(error, GoogleAPICallError):
        code = error.code or 0
        return code >= 500 or code in _PASSES or _in_a_hurry(error)  # noqa: PLR2004 - the class of server errors
    if isinstance(error, GoogleAuthError):
        return isinstance(error, AuthTransportError) or bool(error.retryable)
    return True


def ours(error: Exception, doing: str, rights: str) -> SyncdError:
    """Our error for one of the client. `doing` says what was attempted, `rights` the permissions that it needs."""
    if passes(error):
        return TargetUnavailable(f"{doing} failed: {_kind(error)}", hint="syncd tries again; see the state of Cloud Storage if it stays")
    code = error.code if isinstance(error, GoogleAPICallError) else None
    if code == 401 or isinstance(error, GoogleAuthError):  # noqa: PLR2004
        return BadCredentials(
            f"{doing} failed: the credentials are not accepted: {_kind(error)}",
            hint="check `credentials`, or make a new key for the account",
        )
    if code == 403:  # noqa: PLR2004
        missing = _named_right(error) or rights
        return TargetMismatch(
            f"{doing} failed: the account has not the permission {missing} (403)",
            hint=f"grant {missing} on the bucket; all that syncd needs are in the role roles/storage.objectUser",
        )
    return TargetMismatch(f"{doing} failed: {_kind(error)}", hint="check `bucket`, `prefix` and `endpoint` of the connection")


def _in_a_hurry(error: GoogleAPICallError) -> bool:
    return any(isinstance(each, Mapping) and each.get("reason") in _IN_A_HURRY for each in error.errors)


def _named_right(error: Exception) -> str:
    """The permission that the answer names; which one is missing depends on what was there, which the answer knows."""
    found = re.search(r"storage\.objects\.[a-z]+", str(error))
    return found.group() if found else ""


def _kind(error: Exception) -> str:
    """What happened, without texts of the other side, which hold names of accounts."""
    code = f" ({error.code})" if isinstance(error, GoogleAPICallError) and error.code else ""
    return type(error).__name__ + code
