"""Language models that answer in JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from syncd.domain.run import Failure


@dataclass(frozen=True, slots=True)
class Prompt:
    stable: Sequence[str]
    """Texts that are the same for many prompts, first to last: the service may keep what it read of them."""
    task: str
    """What is asked this time; stands behind all others."""
    answer: Mapping[str, Any]
    """JSON schema of the answer: an object, `additionalProperties` false, every property required."""
    longest: int
    """Tokens that the answer may have."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request."""

    input: int = 0
    """Read without help of what was kept."""
    output: int = 0
    kept: int = 0
    """Written to what the service keeps."""
    reused: int = 0
    """Read from what the service kept."""

    def plus(self, other: "Usage") -> "Usage":
        return Usage(self.input + other.input, self.output + other.output, self.kept + other.kept, self.reused + other.reused)


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens of each kind."""

    input: float
    output: float
    kept: float
    reused: float

    def of(self, usage: Usage) -> float:
        """Dollars."""
        per_token = usage.input * self.input + usage.output * self.output + usage.kept * self.kept + usage.reused * self.reused
        return per_token / 1_000_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to the model, and what came of it."""

    outcome: str
    """`answered`, or the stable code of what went wrong: `model.cut`, `model.refused`, `model.malformed`, `model.empty`,
    `model.overloaded`, `model.limited`, `model.unreachable`, `model.rejected`, `connection.credentials`."""
    usage: Usage | None
    """None where the service did not say; what it cost is unknown then, not nothing."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a prompt, after all attempts."""

    value: Mapping[str, Any] | None
    """The whole answer, true to the prompt's JSON schema; None if there is none, and `failure` says why."""
    attempts: tuple[Attempt, ...]
    failure: Failure | None = None


class TextModel(Protocol):
    """One model of one service."""

    @property
    def name(self) -> str: ...

    @property
    def prices(self) -> Prices | None:
        """None if nobody has told them."""

    async def count(self, prompt: Prompt) -> int | None:
        """Tokens of a prompt as the service counts them, bounded in time; None if it does not say."""

    async def ask(self, prompt: Prompt) -> Reply:
        """Ask, again after what passes by itself, within the time and the attempts of the settings.

        Never raises for what the model or its service does: the reply tells, with all that was spent.
        """
