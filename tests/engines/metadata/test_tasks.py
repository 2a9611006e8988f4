"""Examples follow the schema: what is touched is made anew, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from syncd.domain.schema import Column, Table
from syncd.engines.metadata.folding.folding import FoldingRules
from syncd.engines.metadata.sidecar import MODEL, TEMPLATE, Insight, Kept, UnitState
from syncd.engines.metadata.tasks import Asked, planned
from syncd.engines.metadata.warehouse import Warehouse

ORDERS = Table("main.orders", (Column("id", "BIGINT"), Column("amount", "DOUBLE"), Column("note", "VARCHAR")))
ITEMS = Table("main.items", (Column("id", "BIGINT"), Column("order_id", "BIGINT")))


def warehouse(*tables: Table) -> Warehouse:
    return Warehouse.of(tables, FoldingRules(), "duckdb")


def kept(question: str, *uses: tuple[str, str], source: str = TEMPLATE) -> Kept:
    return Kept(question, f"SELECT '{question}'", source, "2026-11-01", 4, (0, 1, 4), (), uses)


COUNT = kept("count", ("main.orders", ""))
SUM = kept("sum", ("main.orders", "amount"))
JOIN = kept("join", ("main.items", "order_id"), ("main.orders", "id"), ("main.orders", "amount"))


def states(of: Warehouse) -> dict[str, UnitState]:
    """As a refresh left them."""
    examples = {"main.orders": (COUNT, SUM), "main.items": (JOIN,)}
    return {
        name: UnitState(
            of.prints[name].structure,
            of.prints[name].text,
            of.paths[name],
            insight=Insight("x", TEMPLATE, "2026-11-01"),
            examples=examples.get(name, ()),
        )
        for name in of.names
    }


BEFORE = warehouse(ORDERS, ITEMS)


def without(table: Table, name: str) -> Table:
    return replace(table, columns=tuple(column for column in table.columns if column.name != name))


def retyped(table: Table, name: str) -> Table:
    return replace(table, columns=tuple(replace(column, type="VARCHAR") if column.name == name else column for column in table.columns))


def commented(table: Table) -> Table:
    return replace(table, columns=tuple(replace(column, comment="in cents") for column in table.columns))


def test_nothing_is_to_be_done_where_nothing_has_changed() -> None:
    plan = planned(states(BEFORE), BEFORE, 2, Asked())

    assert not plan.changes
    assert plan.tasks == {}


@pytest.mark.parametrize(
    ("orders", "touched", "remade"),
    [
        pytest.param(without(ORDERS, "amount"), {"main.orders": 1, "main.items": 1}, {"main.orders", "main.items"}, id="dropped"),
        pytest.param(retyped(ORDERS, "amount"), {"main.orders": 1, "main.items": 1}, {"main.orders", "main.items"}, id="retyped"),
        pytest.param(without(ORDERS, "note"), {}, {"main.orders"}, id="dropped, but no example uses it"),
        pytest.param(replace(ORDERS, columns=(*ORDERS.columns, Column("new", "INTEGER"))), {}, set(), id="added"),
        pytest.param(commented(ORDERS), {}, set(), id="described otherwise"),
    ],
)
def test_only_the_examples_that_use_what_has_changed_are_made_anew(orders: Table, touched: Mapping[str, int], remade: set[str]) -> None:
    plan = planned(states(BEFORE), warehouse(orders, ITEMS), 2, Asked())

    assert plan.touched == touched
    assert {name for name, task in plan.tasks.items() if task} == remade
    assert sum(task.wanted for task in plan.tasks.values()) >= sum(touched.values())
    assert "main.orders" in plan.tasks


def test_the_untouched_examples_of_a_changed_table_stay() -> None:
    plan = planned(states(BEFORE), warehouse(without(ORDERS, "amount"), ITEMS), 2, Asked())

    assert plan.tasks["main.orders"].keep == (COUNT,)
    assert plan.tasks["main.orders"].wanted == 1


def test_examples_of_others_that_use_a_dropped_table_go_too() -> None:
    plan = planned(states(BEFORE), warehouse(ITEMS), 2, Asked())

    assert plan.changes.removed == ("main.orders",)
    assert plan.tasks["main.items"].keep == ()
    assert plan.tasks["main.items"].wanted == 2


def test_an_intraday_family_that_comes_and_goes_is_no_change() -> None:
    shards = [Table(f"a.events_intraday_2026110{day}", (Column("event_name", "STRING"),)) for day in (1, 2)]
    both = warehouse(ORDERS, ITEMS, *shards)

    gone, back = planned(states(both), BEFORE, 2, Asked()), planned(states(both), both, 2, Asked())

    assert not gone.changes
    assert not back.changes
    assert gone.tasks == back.tasks == {}


def test_a_new_table_is_made_whole() -> None:
    new = Table("main.new", (Column("id", "BIGINT"),))

    plan = planned(states(BEFORE), warehouse(ORDERS, ITEMS, new), 2, Asked())

    assert plan.changes.added == ("main.new",)
    assert (plan.tasks["main.new"].wanted, plan.tasks["main.new"].insight) == (2, True)
    assert list(plan.tasks) == ["main.new"]


def test_a_table_that_is_asked_for_is_made_anew_and_its_examples_are_spare() -> None:
    plan = planned(states(BEFORE), BEFORE, 2, Asked(tables=frozenset({"main.orders"})))

    assert list(plan.tasks) == ["main.orders"]
    assert plan.tasks["main.orders"].spare == (COUNT, SUM)


def test_a_full_refresh_makes_everything_anew() -> None:
    plan = planned(states(BEFORE), BEFORE, 2, Asked(full=True))

    assert {name: task.wanted for name, task in plan.tasks.items()} == {"main.items": 2, "main.orders": 2}


def test_what_is_missing_is_made_when_a_refresh_is_to_complete() -> None:
    known = states(BEFORE)
    known["main.items"] = replace(known["main.items"], wanting="model.cut: …")

    checked, refreshed = (planned(known, BEFORE, 2, Asked(complete=complete)) for complete in (False, True))

    assert checked.tasks == {}
    assert refreshed.tasks["main.items"].keep == (JOIN,)
    assert refreshed.tasks["main.items"].wanted == 1


def test_templates_give_way_to_a_model_at_the_next_refresh() -> None:
    known = states(BEFORE)
    known["main.items"] = replace(known["main.items"], examples=(replace(JOIN, source=MODEL),))

    plan = planned(known, BEFORE, 2, Asked(complete=True, model=True))

    assert list(plan.tasks) == ["main.orders"]
