from typing import Any

import pytest

from syncd.domain.errors import PermanentError
from syncd.engines.metadata.settings import SpendingSection
from syncd.engines.metadata.spending import Purse, Spent, total
from syncd.ports.models import Attempt, Prices, Usage

PRICES = Prices(input=3.0, output=15.0, kept=3.75, reused=0.3)


class Model:
    def __init__(self, prices: Prices | None) -> None:
        self.name = "claude-x"
        self.prices = prices


def purse(prices: Prices | None = PRICES, text: str | None = None, **caps: Any) -> Purse:
    model: Any = Model(prices)
    return Purse.opened(text, "2026-11-21", model, SpendingSection(**caps))


def answered(tokens: int = 1_000_000, answer: int = 0, outcome: str = "answered") -> Attempt:
    return Attempt(outcome, Usage(input=tokens, output=answer), 1.0)


def test_every_request_counts_also_one_that_came_to_nothing() -> None:
    one = purse()

    one.spend("R1", "main.orders", (0, 0), [answered(answer=1_000_000, outcome="model.cut"), answered()])

    assert one.total().told() == {
        "requests": 2, "failed": 1, "untold": 0, "unpriced": 0,
        "input": 2_000_000, "output": 1_000_000, "kept": 0, "reused": 0, "dollars": 21.0,
    }  # fmt: skip


def test_a_cost_that_nobody_knows_is_told_as_unknown_and_never_as_nothing() -> None:
    one = purse(prices=None)

    one.spend("R1", "main.orders", (0, 0), [answered(), Attempt("model.unreachable", None, 1.0)])

    spent = one.total()
    assert (spent.dollars, spent.unpriced, spent.untold, spent.requests) == (0.0, 2, 1, 2)


def test_what_was_spent_on_a_day_is_read_back_with_its_runs_and_tables() -> None:
    before = purse()
    before.spend("R1", "main.orders", (0, 0), [answered()])
    before.spend("R1", "main.items", (0, 0), [answered()])
    name, text = before.document

    after = purse(text=text)
    after.spend("R2", "main.orders", (0, 0), [answered()])

    assert name == "costs/2026-11-21"
    assert after.total().dollars == 9.0
    assert after.total("R1").dollars == 6.0
    assert set(after.lines["R1"]) == {"claude-x|main.orders", "claude-x|main.items"}


def test_a_cap_in_dollars_counts_what_a_request_may_cost_before_it_is_made() -> None:
    one = purse(daily_dollars=5.0)
    one.spend("R1", "main.orders", (0, 0), [answered()])

    within, beyond = one.reserve(100_000, 10_000), one.reserve(1_000_000, 0)

    assert within == ""
    assert beyond == "$3.00 of $5.00 of 2026-11-21 are spent, and one more request may cost $3.75"


def test_requests_under_way_are_set_aside() -> None:
    one = purse(prices=None, daily_tokens=1000)

    first, second = one.reserve(500, 100), one.reserve(500, 100)
    one.spend("R1", "t", (500, 100), [answered(tokens=300)])
    third = one.reserve(500, 100)

    assert (first, third) == ("", "")
    assert second == "0 of 1,000 tokens of 2026-11-21 are spent, and one more request may take 600"


def test_a_cap_in_dollars_without_prices_is_a_mistake_of_the_settings() -> None:
    with pytest.raises(PermanentError, match="nobody has told its prices") as raised:
        purse(prices=None, daily_dollars=5.0)

    assert raised.value.code == "metadata.no_prices"
    assert "daily_tokens" in raised.value.hint


def test_costs_add_up() -> None:
    one = Spent().plus([answered()], PRICES)

    assert total([one, one]).dollars == 6.0
