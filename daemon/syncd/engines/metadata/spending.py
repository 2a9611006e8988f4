"""What the model has cost, and what it may cost still.

Every request counts, also one that came to nothing. Where the service did not say how many tokens it took, or nobody has told its
prices, the cost is unknown, and told as such: never as nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncd.domain.errors import PermanentError
from syncd.engines.metadata.settings import SpendingSection
from syncd.ports.models import Attempt, Prices, TextModel, Usage

COSTS = "costs/"
"""One document a day: `costs/2026-11-21`. They outlive a reset."""


@dataclass(frozen=True, slots=True)
class Spent:
    requests: int = 0
    failed: int = 0
    untold: int = 0
    """Requests whose tokens nobody told."""
    usage: Usage = field(default_factory=Usage)
    dollars: float = 0.0
    """Of the requests that have a price."""
    unpriced: int = 0
    """Requests without a known price."""

    def plus(self, attempts: Sequence[Attempt], prices: Prices | None) -> "Spent":
        spent = self
        for attempt in attempts:
            usage = attempt.usage
            spent = Spent(
                spent.requests + 1,
                spent.failed + (attempt.outcome != "answered"),
                spent.untold + (usage is None),
                spent.usage.plus(usage or Usage()),
                spent.dollars + (prices.of(usage) if prices and usage else 0.0),
                spent.unpriced + (prices is None or usage is None),
            )
        return spent

    @property
    def tokens(self) -> int:
        return self.usage.input + self.usage.output + self.usage.kept + self.usage.reused

    def told(self) -> dict[str, Any]:
        usage = {"input": self.usage.input, "output": self.usage.output, "kept": self.usage.kept, "reused": self.usage.reused}
        told = {"requests": self.requests, "failed": self.failed, "untold": self.untold, "unpriced": self.unpriced, **usage}
        return {**told, "dollars": round(self.dollars, 6)}

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> "Spent":
        usage = Usage(members["input"], members["output"], members["kept"], members["reused"])
        return cls(members["requests"], members["failed"], members["untold"], usage, members["dollars"], members["unpriced"])


@dataclass(slots=True)
class Purse:
    """The costs of one day, run and table, and the caps on the day. Not for two threads."""

    day: str
    model: str
    caps: SpendingSection
    prices: Prices | None
    lines: dict[str, dict[str, Spent]]
    """Run -> model and table, as `MODEL|TABLE` -> what was spent."""
    reserved: Usage = field(default_factory=Usage)
    """What the requests under way may take."""

    @classmethod
    def opened(cls, text: str | None, day: str, model: TextModel, caps: SpendingSection) -> "Purse":
        """With what was spent on that day before. Raises `PermanentError` if there is a cap in dollars, and no price."""
        if caps.daily_dollars is not None and model.prices is None:
            raise PermanentError(
                f"`spending.daily_dollars` caps what {model.name} may cost, but nobody has told its prices",
                hint="set `prices` of the model's connection, or cap `daily_tokens` instead",
                code="metadata.no_prices",
            )
        lines = {run: {key: Spent.read(each) for key, each in tables.items()} for run, tables in json.loads(text or "{}").items()}
        return cls(day, model.name, caps, model.prices, lines)

    def reserve(self, tokens: int, answer: int) -> str:
        """Set aside what a prompt of so many tokens may cost, with an answer of at most so many; answers why not, if it may not."""
        wanted = self.reserved.plus(Usage(output=answer, kept=tokens))
        spent = self.total()
        if self.caps.daily_tokens is not None and spent.tokens + wanted.kept + wanted.output > self.caps.daily_tokens:
            return (
                f"{spent.tokens:,} of {self.caps.daily_tokens:,} tokens of {self.day} are spent, "
                f"and one more request may take {tokens + answer:,}"
            )
        if self.caps.daily_dollars is not None and self.prices is not None:
            estimate = self.prices.of(Usage(output=answer, kept=tokens))
            if spent.dollars + self.prices.of(wanted) > self.caps.daily_dollars:
                return (
                    f"${spent.dollars:.2f} of ${self.caps.daily_dollars:.2f} of {self.day} are spent, "
                    f"and one more request may cost ${estimate:.2f}"
                )
        self.reserved = wanted
        return ""

    def spend(self, run: str, table: str, reserved: tuple[int, int], attempts: Sequence[Attempt]) -> None:
        """Write down what came of a request for which tokens had been set aside."""
        tokens, answer = reserved
        self.reserved = self.reserved.plus(Usage(output=-answer, kept=-tokens))
        tables = self.lines.setdefault(run, {})
        key = f"{self.model}|{table}"
        tables[key] = tables.get(key, Spent()).plus(attempts, self.prices)

    @property
    def is_capped(self) -> bool:
        return self.caps.daily_dollars is not None or self.caps.daily_tokens is not None

    def total(self, run: str | None = None) -> Spent:
        """Of a day, or of one run on it."""
        return total(each for name, tables in self.lines.items() if run in (None, name) for each in tables.values())

    @property
    def document(self) -> tuple[str, str]:
        """Name and text of the day's costs."""
        lines = {run: {key: spent.told() for key, spent in tables.items()} for run, tables in self.lines.items()}
        return COSTS + self.day, json.dumps(lines)


def total(spent: Iterable[Spent]) -> Spent:
    """The sum of some costs."""
    all_of_it = Spent()
    for each in spent:
        all_of_it = Spent(
            all_of_it.requests + each.requests,
            all_of_it.failed + each.failed,
            all_of_it.untold + each.untold,
            all_of_it.usage.plus(each.usage),
            all_of_it.dollars + each.dollars,
            all_of_it.unpriced + each.unpriced,
        )
    return all_of_it


def today(now: datetime, timezone: str) -> str:
    return now.astimezone(ZoneInfo(timezone)).date().isoformat()
