"""Keeps a content within the tokens that a prompt has for it. Pure."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from syncd.engines.metadata.cache import Cache
from syncd.engines.metadata.rendering import parts
from syncd.engines.metadata.tokens import Counter
from syncd.engines.metadata.trimming import Step, steps, told, without


@dataclass(frozen=True, slots=True)
class Fitted:
    cache: Cache
    sections: Mapping[str, int]
    """Tokens of each of the six keys; their sum is that of the file."""
    trimmed: tuple[str, ...] = ()
    """What was left out, in the order of doing so; the last line says so if even that was not enough."""


def sections(cache: Cache, counter: Counter) -> dict[str, int]:
    """Tokens of each key. No token reaches over the end of a line, so the sum is what the file has as a whole."""
    return {key: counter.count(text) for key, text in parts(cache).items()}


def fit(cache: Cache, budget: int, counter: Counter) -> Fitted:
    """As much of a content as has at most `budget` tokens; the same for the same content, always."""
    whole = sections(cache, counter)
    if sum(whole.values()) <= budget:
        return Fitted(cache, whole)
    possible = steps(cache)

    def tokens(count: int) -> int:
        return -sum(sections(without(cache, possible[:count]), counter).values())

    needed = bisect_left(range(len(possible)), -budget, key=tokens)
    return _fitted(cache, possible[:needed], budget, counter)


def _fitted(cache: Cache, left: list[Step], budget: int, counter: Counter) -> Fitted:
    rest = without(cache, left)
    counted = sections(rest, counter)
    over = sum(counted.values()) - budget
    short = (f"{over:,} tokens are still more than the budget of {budget:,}: raise `token_budget`, or name fewer schemas",)
    return Fitted(rest, counted, (*told(left), *(short if over > 0 else ())))
