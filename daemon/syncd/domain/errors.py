"""The tree of errors, by who has to act.

SyncdError
├── TransientError      nobody acts: try again, after `after` seconds if the other side said so
├── PermanentError      the operator acts: the sync halts, `hint` says what to do
└── RequestError        the caller acts: nothing is wrong with the daemon
    ├── NotFound
    ├── Refused         right request, wrong moment
    ├── InvalidRequest
    ├── NotIdentified   nobody knows who calls
    └── NotPermitted    the caller is known and may not
"""

from collections.abc import Mapping
from types import MappingProxyType


class SyncdError(Exception):
    """Something went wrong that a person or a program can be told about.

    `code` is stable and documented: it is what programs compare, and what the wire carries as `reason`. The message is for people:
    it names the thing, what was found and what was expected, never a secret. `facts` are further values for programs.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str = "", facts: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code or type(self).code
        self.facts: Mapping[str, str] = MappingProxyType(dict(facts or {}))


class TransientError(SyncdError):
    """Nobody needs to act: the same attempt can succeed later."""

    code = "transient"

    def __init__(self, message: str, *, hint: str = "", code: str = "", after: float | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.after = after
        """Seconds that the other side asked us to wait, if it did."""


class SourceUnavailable(TransientError):
    code = "source.unavailable"


class TargetUnavailable(TransientError):
    code = "target.unavailable"


class PermanentError(SyncdError):
    """The operator acts: trying again alone cannot help, so the sync halts."""

    code = "permanent"


class MomentGone(TransientError):
    """The source cannot tell any more, or may not tell us, how rows were at a moment, or which were deleted since: read without it."""

    code = "source.moment_gone"


class BadCredentials(PermanentError):
    code = "connection.credentials"


class SourceMismatch(PermanentError):
    """The source is there, but not what the settings say: no such table, column, type or right."""

    code = "source.mismatch"


class TargetMismatch(PermanentError):
    """The target is there, but not what the settings say: another primary key, a refused setting, a missing right."""

    code = "target.mismatch"


class ShrinkRefused(PermanentError):
    """The run would delete so much that a broken source is the likelier cause."""

    code = "sync.shrink_refused"


class DriftRefused(PermanentError):
    """The source's schema is not as the last run left it, and the settings say to halt then."""

    code = "sync.drift"


class RequestError(SyncdError):
    """The caller acts."""

    code = "request"


class NotFound(RequestError):
    code = "not_found"


class Refused(RequestError):
    code = "refused"


class InvalidRequest(RequestError):
    """`fields` maps what was wrong in the request to what was expected there."""

    code = "request.invalid"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint, code=code)
        self.fields: Mapping[str, str] = MappingProxyType(dict(fields or {}))


class NotIdentified(RequestError):
    """Nobody can say who calls, or what proves it is not good (any more)."""

    code = "access.unauthenticated"


class NotPermitted(RequestError):
    code = "access.denied"
