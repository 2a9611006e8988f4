"""What the service says to one request, put together from whatever arrives, and what it is worth."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from syncd.connectors.anthropic.fitting import misfit
from syncd.ports.models import Usage

ANSWERED = "answered"
CUT = "model.cut"
REFUSED = "model.refused"
MALFORMED = "model.malformed"
EMPTY = "model.empty"

_FULL = {"max_tokens", "model_context_window_exceeded"}
_TOKENS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_creation_input_tokens": "kept",
    "cache_read_input_tokens": "reused",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request."""

    code: str
    """As in `Attempt.outcome`."""
    message: str = ""
    """Why it was not answered, for people."""
    hint: str = ""
    passes: bool = False
    """The same request may be answered later."""
    after: float = 0.0
    """Seconds that the service asks us to wait."""
    value: Mapping[str, Any] | None = None


class Heard:
    """What has arrived so far. Takes anything: what has another form than expected leaves no trace."""

    def __init__(self) -> None:
        self.stop: str | None = None
        """Why the model stopped; None if the service did not say, which it does at the end."""
        self._texts: list[str] = []
        self._spent: dict[str, int] = {}

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def usage(self) -> Usage | None:
        """Of a stream that was cut: what was told until then, of which the output is less than the whole."""
        if not {"input_tokens", "output_tokens"} <= self._spent.keys():
            return None
        return Usage(**{ours: self._spent.get(theirs, 0) for theirs, ours in _TOKENS.items()})

    def message(self, message: object) -> None:
        """A message, whole or as a stream begins it."""
        members = _members(message)
        content = members.get("content")
        for block in content if isinstance(content, list) else ():
            self._block(block)
        self._ending(members)
        self._usage(members)

    def event(self, event: object) -> None:
        """One event of a stream."""
        members = _members(event)
        match members.get("type"):
            case "message_start":
                self.message(members.get("message"))
            case "content_block_start":
                self._block(members.get("content_block"))
            case "content_block_delta":
                self._piece(_members(members.get("delta")), "text_delta")
            case "message_delta":
                self._ending(_members(members.get("delta")))
                self._usage(members)
            case _:
                pass

    def _block(self, block: object) -> None:
        self._piece(_members(block), "text")

    def _piece(self, members: Mapping[str, Any], kind: str) -> None:
        text = members.get("text")
        if members.get("type") == kind and isinstance(text, str):
            self._texts.append(text)

    def _ending(self, members: Mapping[str, Any]) -> None:
        stop = members.get("stop_reason")
        if isinstance(stop, str):
            self.stop = stop

    def _usage(self, members: Mapping[str, Any]) -> None:
        told = _members(members.get("usage"))
        self._spent |= {name: told[name] for name in _TOKENS if type(told.get(name)) is int and told[name] >= 0}


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def judged(heard: Heard, schema: Mapping[str, Any]) -> Outcome:
    """What an answer that ended without an error is worth."""
    match heard.stop:
        case "end_turn":
            return _read(heard.text, schema)
        case "refusal":
            return Outcome(REFUSED, "the model refuses to answer", "look at the descriptions of the table: something in them offends it")
        case stop if stop in _FULL:
            return Outcome(CUT, "the answer needs more tokens than it may have", "allow longer answers, or fewer examples in one")
        case None if heard.usage or heard.text:
            return Outcome(CUT, "the answer ended before the model was done", passes=True)
        case None:
            return Outcome(MALFORMED, "the answer is none of the Messages API", "check `base_url`", passes=True)
        case _:
            return Outcome(MALFORMED, "the model stopped for a reason that nobody asked for", passes=True)


def _read(text: str, schema: Mapping[str, Any]) -> Outcome:
    if not text.strip():
        return Outcome(EMPTY, "the answer is empty", passes=True)
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Outcome(MALFORMED, f"the answer of {len(text):,} characters is not JSON alone", passes=True)
    wrong = misfit(value, {**schema, "type": "object"})
    if wrong:
        return Outcome(MALFORMED, f"the answer has another form than was asked for: {wrong}", passes=True)
    if not value:
        return Outcome(EMPTY, "the answer is an empty object", passes=True)
    return Outcome(ANSWERED, value=value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
