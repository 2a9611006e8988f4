"""What the errors of the service and of its client mean, in one table.

Kinds and statuses: platform.claude.com/docs/en/api/errors. An error inside a stream has a kind alone, its status is that of a success.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import anthropic
import httpx2

from syncd.connectors.anthropic.hearing import CUT, MALFORMED, Heard, Outcome
from syncd.domain.errors import BadCredentials, PermanentError, SyncdError, TransientError
from syncd.kit.secrecy import HIDDEN

CREDENTIALS = BadCredentials.code
OVERLOADED = "model.overloaded"
LIMITED = "model.limited"
UNREACHABLE = "model.unreachable"
REJECTED = "model.rejected"

FOREIGN = (anthropic.AnthropicError, httpx2.HTTPError, httpx2.StreamError, OSError, ValueError, RecursionError)
"""All that a request may raise: the client hands on what goes wrong in the middle of a stream, or while an answer is decoded."""

_ERRORS = 400
_SERVER_ERRORS = 500
_LONGEST_TEXT = 200
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Meaning:
    code: str
    passes: bool = False
    hint: str = ""


_KEY = Meaning(CREDENTIALS, hint="check `key` of the connection")
_CREDIT = Meaning(CREDENTIALS, hint="the account of `key` has no credit: add some, or use another key")
_RIGHT = Meaning(CREDENTIALS, hint="`key` may not use this model, or not from here: use another key or `model`")
_OVERLOADED = Meaning(OVERLOADED, passes=True)
_LIMITED = Meaning(LIMITED, passes=True, hint="if this goes on, ask about fewer tables at once, or raise the limits of the account")
_FAILING = Meaning(UNREACHABLE, passes=True)
_UNKNOWN = Meaning(REJECTED, hint="check `model` and `base_url` of the connection")
_TOO_LARGE = Meaning(REJECTED, hint="the prompt is too large: describe fewer schemas in one sync")
_REJECTED = Meaning(REJECTED, hint="check `model` of the connection: it has to support structured outputs")

_BY_STATUS = {
    401: _KEY,
    402: _CREDIT,
    403: _RIGHT,
    404: _UNKNOWN,
    408: _FAILING,
    409: _FAILING,
    413: _TOO_LARGE,
    429: _LIMITED,
    503: _OVERLOADED,
    529: _OVERLOADED,
}
_BY_KIND = {
    "api_error": _FAILING,
    "authentication_error": _KEY,
    "billing_error": _CREDIT,
    "invalid_request_error": _REJECTED,
    "not_found_error": _UNKNOWN,
    "overloaded_error": _OVERLOADED,
    "permission_error": _RIGHT,
    "rate_limit_error": _LIMITED,
    "request_too_large": _TOO_LARGE,
    "timeout_error": _FAILING,
}


def outcome_of(error: BaseException, key: str) -> Outcome:
    """What came of a request that raised one of `FOREIGN`. `key` is taken out of whatever the service says."""
    match error:
        case anthropic.APIStatusError():
            return _of_status(error, key)
        case TimeoutError() | anthropic.APITimeoutError() | httpx2.TimeoutException():
            return Outcome(UNREACHABLE, "there was no answer in time", passes=True)
        case anthropic.AnthropicError() | httpx2.HTTPError() | httpx2.StreamError() | OSError():
            return Outcome(UNREACHABLE, f"the service cannot be reached: {_root(error)}", "check `base_url` and the network", passes=True)
        case _:
            return Outcome(MALFORMED, "the answer is none of the Messages API", "check `base_url`", passes=True)


def interrupted(heard: Heard, outcome: Outcome) -> Outcome:
    """An answer that had begun was cut, whatever the connection died of; what the service itself says of it counts more."""
    return replace(outcome, code=CUT) if outcome.code == UNREACHABLE and heard.usage else outcome


def raised(outcome: Outcome) -> SyncdError:
    """The same as an error."""
    if outcome.code == CREDENTIALS:
        return BadCredentials(outcome.message, hint=outcome.hint)
    kind = TransientError if outcome.passes else PermanentError
    return kind(outcome.message, hint=outcome.hint, code=outcome.code)


def _of_status(error: anthropic.APIStatusError, key: str) -> Outcome:
    status = error.status_code
    kind, said = _told(error.body, key)
    if status < _ERRORS:
        meaning = _BY_KIND.get(kind, _FAILING)
        message = f"the service broke off its answer ({kind or 'for no known reason'}): {said}"
    else:
        meaning = _BY_STATUS.get(status, _FAILING if status >= _SERVER_ERRORS else _REJECTED)
        message = f"the service answers with status {status}: {said}"
    passes = _again(error.response.headers.get("x-should-retry", ""), meaning)
    after = _seconds(error.response.headers.get("retry-after", ""))
    return Outcome(meaning.code, message, meaning.hint, passes, after)


def _again(wish: str, meaning: Meaning) -> bool:
    """What the service says of trying again counts more than the status, except where a person has to act first."""
    if meaning.code == CREDENTIALS:
        return False
    return {"true": True, "false": False}.get(wish.strip().lower(), meaning.passes)


def _seconds(text: str) -> float:
    return float(text) if _SECONDS.fullmatch(text.strip()) else 0.0


def _told(body: object, key: str) -> tuple[str, str]:
    """Kind and message of an error, one line of bounded length, without the key. A kind that nobody knows is empty."""
    inner = body.get("error") if isinstance(body, Mapping) else None
    members = inner if isinstance(inner, Mapping) else {}
    kind, message = members.get("type"), members.get("message")
    line = " ".join(message.replace(key, HIDDEN).split()) if isinstance(message, str) else "it gives no reason"
    return kind if isinstance(kind, str) and kind in _BY_KIND else "", line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"


def _root(error: BaseException) -> str:
    """What the operating system said, if it was that; other texts may repeat the request."""
    found: BaseException | None = error
    said = "the connection broke"
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            said = str(found.strerror).lower()
        found = found.__cause__ or found.__context__
    return said
