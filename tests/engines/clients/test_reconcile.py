"""What becomes of edits, as tables and as properties."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.unified import Key, Kind, Reference, Template, Value
from syncd.engines.clients.contest import CENTRAL, Concern, Policy
from syncd.engines.clients.reconcile import Outcome, Resolution
from tests.engines.clients.reconciling import Holder, Table, mcp, stdio

A = mcp("a")
B = mcp("b")
STYLE = Key("", Kind.RULES, "Style")
TOKEN = Template((Reference("TOKEN"),))


def together(**entries: object) -> Table:
    """Two sides that have held the server `a` together for a while."""
    table = Table([Holder("claude", {A: stdio(env__LEVEL="info")}, at=1), Holder("codex", at=1)])
    table.merge()
    return table


def test_what_one_side_adds_all_sides_have() -> None:
    table = Table([Holder("claude", {A: stdio()}), Holder("codex"), Holder("qwen", {B: stdio("uvx")})])

    table.merge()

    assert [side.now for side in table.sides] == [{A: stdio(), B: stdio("uvx")}] * 3


def test_edits_of_different_fields_are_merged() -> None:
    table = together()
    table.side("claude").now[A] = stdio(env__LEVEL="debug")
    table.side("codex").now[A] = stdio(env__LEVEL="info", cwd="/srv")

    outcome = table.merge()

    assert table.model == {A: stdio(env__LEVEL="debug", cwd="/srv")}
    assert outcome.decisions == []


def test_a_deletion_reaches_all_sides_and_stays() -> None:
    table = together()
    table.side("codex").now.clear()

    table.merge()
    again = table.merge()

    assert [side.now for side in table.sides] == [{}, {}]
    assert again.authors == {}


def test_an_edit_outlives_a_deletion_and_the_audit_knows() -> None:
    table = together()
    table.side("codex").now.clear()
    table.side("claude").now[A] = stdio(env__LEVEL="debug")

    outcome = table.merge()

    assert [side.now for side in table.sides] == [{A: stdio(env__LEVEL="debug")}] * 2
    assert [decision.how for decision in outcome.decisions] == ["outlived"]


def test_what_was_deleted_does_not_come_back_with_a_side_that_still_has_it() -> None:
    table = together()
    table.side("claude").now.clear()
    table.merge()
    table.sides.append(Holder("qwen", {A: stdio(env__LEVEL="info")}, at=9))

    table.merge()

    assert [side.now for side in table.sides] == [{}, {}, {}]


def test_what_was_deleted_can_be_added_anew() -> None:
    table = together()
    table.side("claude").now.clear()
    table.merge()
    table.side("codex").now[A] = stdio(env__LEVEL="info")

    table.merge()

    assert table.side("claude").now == {A: stdio(env__LEVEL="info")}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(Policy.LAST, "trace", id="the last one to write"),
        pytest.param(Policy.PRIORITY, "debug", id="the side of the highest priority"),
        pytest.param(Policy.CENTRAL, "info", id="nobody: what was agreed stays"),
    ],
)
def test_a_policy_settles_a_contest_and_says_so(policy: Policy, expected: str) -> None:
    table = together()
    table.policy = policy
    claude, codex = table.sides
    claude.now[A], claude.at, claude.priority = stdio(env__LEVEL="debug"), 5, 10
    codex.now[A], codex.at = stdio(env__LEVEL="trace"), 6
    if policy is Policy.CENTRAL:
        table.sides.append(Holder("late", {A: stdio(env__LEVEL="silent")}, at=7))
        claude.now[A] = codex.now[A] = stdio(env__LEVEL="info")

    outcome = table.merge()

    assert [side.now[A]["env.LEVEL"] for side in table.sides] == [expected] * len(table.sides)
    assert [(decision.how, decision.policy) for decision in outcome.decisions] == [("policy", policy.value)]
    assert outcome.decisions[0].lost


def test_under_review_everybody_keeps_his_own_until_a_person_decides() -> None:
    table = together()
    table.policy = Policy.REVIEW
    table.side("claude").now[A] = stdio(env__LEVEL="debug")
    table.side("codex").now[A] = stdio(env__LEVEL="trace")
    table.side("claude").now[B] = stdio("uvx")

    waiting = table.merge()
    unchanged = table.merge()
    table.resolutions[waiting.conflicts[0].id] = Resolution("codex", actor="ada")
    settled = table.merge()

    assert [conflict.id for conflict in unchanged.conflicts] == [waiting.conflicts[0].id]
    assert waiting.model[B] == stdio("uvx")
    assert settled.conflicts == []
    assert [side.now[A]["env.LEVEL"] for side in table.sides] == ["trace", "trace"]


def test_a_person_can_write_what_none_of_the_sides_says() -> None:
    table = together()
    table.policy = Policy.REVIEW
    table.side("claude").now[A] = stdio(env__LEVEL="debug")
    table.side("codex").now[A] = stdio(env__LEVEL="trace")
    number = table.merge().conflicts[0].id
    table.resolutions[number] = Resolution(content={"env.LEVEL": "warn"}, actor="ada")

    table.merge()

    assert [side.now[A]["env.LEVEL"] for side in table.sides] == ["warn", "warn"]


def test_a_literal_in_place_of_a_reference_is_not_passed_on_but_replaced_by_the_reference() -> None:
    table = Table([Holder("claude", {A: stdio(env__TOKEN=TOKEN)}), Holder("qwen")])
    table.merge()
    table.side("qwen").now[A] = stdio(env__TOKEN="hunter2")

    outcome = table.merge()

    assert [side.now[A]["env.TOKEN"] for side in table.sides] == [TOKEN, TOKEN]
    assert [decision.how for decision in outcome.decisions] == ["restored"]
    assert "hunter2" not in repr(outcome.decisions)


def test_texts_that_change_different_lines_become_one() -> None:
    table = Table([Holder("claude", {STYLE: {"text": "# Style\n\n- tabs\n- short names\n"}}), Holder("codex")])
    table.merge()
    table.side("claude").now[STYLE] = {"text": "# Style\n\n- spaces\n- short names\n"}
    table.side("codex").now[STYLE] = {"text": "# Style\n\n- tabs\n- short names\n- no comments\n"}

    outcome = table.merge()

    assert table.model[STYLE]["text"] == "# Style\n\n- spaces\n- short names\n- no comments\n"
    assert [decision.how for decision in outcome.decisions] == ["merged"]


def test_what_a_side_cannot_hold_is_not_taken_for_its_deletion() -> None:
    table = Table([Holder("codex", {A: stdio(cwd="/srv")}), Holder("claude", lacks=frozenset({"cwd"}))])
    table.merge()
    table.side("claude").now[A] = stdio(env__LEVEL="debug")

    table.merge()

    assert table.side("codex").now == {A: stdio(cwd="/srv", env__LEVEL="debug")}


def test_fields_of_two_sides_that_make_no_server_together_are_not_mixed() -> None:
    table = together()
    remote = {"transport": "http", "url": "https://example.com/mcp"}
    table.side("claude").now[A], table.side("claude").at = remote, 5
    table.side("codex").now[A], table.side("codex").at = stdio("uvx", env__LEVEL="info"), 6

    table.merge()

    assert table.model[A] in (remote, stdio("uvx", env__LEVEL="info"))


def test_a_side_that_lost_everything_waits_for_a_person() -> None:
    table = Table([Holder("claude", {A: stdio(), B: stdio("uvx")}), Holder("codex")])
    table.merge()
    table.side("claude").now.clear()

    waiting = table.merge()
    before = dict(table.side("codex").now)
    table.resolutions[waiting.conflicts[0].id] = Resolution(CENTRAL)
    table.merge()

    assert [conflict.concern for conflict in waiting.conflicts] == [Concern.EMPTIED]
    assert before == table.side("claude").now == {A: stdio(), B: stdio("uvx")}


def test_a_person_can_mean_that_everything_goes() -> None:
    table = Table([Holder("claude", {A: stdio(), B: stdio("uvx")}), Holder("codex")])
    table.merge()
    table.side("claude").now.clear()
    number = table.merge().conflicts[0].id
    table.resolutions[number] = Resolution("claude")

    table.merge()

    assert table.side("codex").now == {}


SCOPES = frozenset({"", "/project"})


def test_a_server_of_a_project_reaches_nobody_before_it_is_approved() -> None:
    key = mcp("theirs", "/project")
    table = Table([Holder("claude", {key: stdio("curl")}, scopes=SCOPES), Holder("codex", scopes=SCOPES)])

    waiting = table.merge()
    before = dict(table.side("codex").now)
    table.resolutions[waiting.conflicts[0].id] = Resolution("claude")
    table.merge()

    assert [conflict.concern for conflict in waiting.conflicts] == [Concern.APPROVAL]
    assert before == {}
    assert table.side("codex").now == {key: stdio("curl")}


def test_an_approved_server_that_runs_something_else_now_needs_a_new_approval() -> None:
    key = mcp("theirs", "/project")
    table = Table([Holder("claude", {key: stdio("npx")}, scopes=SCOPES), Holder("codex", scopes=SCOPES)])
    table.resolutions[table.merge().conflicts[0].id] = Resolution("claude")
    table.merge()
    table.side("claude").now[key] = stdio("curl")

    outcome = table.merge()

    assert [conflict.concern for conflict in outcome.conflicts] == [Concern.APPROVAL]
    assert table.side("codex").now == {key: stdio("npx")}


def test_the_order_of_the_sides_does_not_matter() -> None:
    found = []
    for order in permutations(range(3)):
        sides = [Holder("a", {A: stdio(env__X="1")}, at=3), Holder("b", {A: stdio(env__X="2")}, at=3), Holder("c", {B: stdio()}, at=1)]
        table = Table([sides[place] for place in order])
        table.merge()
        found.append(table.model)

    assert found == [found[0]] * 6


FIELDS = ["command", "env.X", "env.Y", "cwd"]
EDITS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["a", "b"]), st.sampled_from([*FIELDS, "delete"]), st.booleans()), min_size=1, max_size=6
)


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(2, 5),
    rounds=st.lists(EDITS, min_size=1, max_size=8),
    policy=st.sampled_from([Policy.LAST, Policy.PRIORITY, Policy.CENTRAL]),
    lossy=st.booleans(),
)
def test_whatever_is_edited_in_whatever_order_sides_converge_and_no_edit_is_lost_silently(
    count: int, rounds: list[list[tuple[int, str, str, bool]]], policy: Policy, *, lossy: bool
) -> None:
    table = Table([Holder(f"side{n}", priority=n % 3, at=0) for n in range(count)], policy)
    if lossy:
        table.sides[0].lacks = frozenset({"cwd"})
    serial = 0
    for edits in rounds:
        for number, name, what, removes in edits:
            serial += 1
            _edit(table.sides[number % count], mcp(name), what, serial, removes=removes)
            table.sides[number % count].at = serial
        said = [bid for side in table.sides for bid in _said(side)]
        writes = sum(side.writes for side in table.sides)

        outcome = table.merge()
        settled = table.merge()

        assert settled.authors == {}
        assert sum(side.writes for side in table.sides) - writes <= len(table.sides) * len(edits)
        assert all(side.now == side.express(table.model) for side in table.sides)
        assert [bid for bid in said if not _accounted_for(bid, table, outcome)] == []


Edit = tuple[str, Key, str, Value]
"""Side, key, field and what it says there."""


def _said(side: Holder) -> list[Edit]:
    return [
        (side.name, key, name, value)
        for key, entry in side.now.items()
        for name, value in entry.items()
        if side.base.get(key, {}).get(name) != value
    ]


def _accounted_for(edit: Edit, table: Table, outcome: Outcome) -> bool:
    """It is in force, or the audit says who won against it."""
    side, key, name, value = edit
    if table.model.get(key, {}).get(name) == value:
        return True
    lost = [(decision, bid) for decision in outcome.decisions if decision.key == key for bid in decision.lost if bid.side == side]
    return any(decision.field == "" or (decision.field == name and bid.value == value) for decision, bid in lost)


def _edit(side: Holder, key: Key, what: str, serial: int, *, removes: bool) -> None:
    if what == "delete":
        others = [each for each in side.now if each != key]
        if others or len(side.base) < 2:
            side.now.pop(key, None)
        return
    entry = dict(side.now.get(key, stdio("npx")))
    if what in side.lacks:
        return
    if removes and what != "command":
        entry.pop(what, None)
    else:
        entry[what] = f"v{serial}"
    side.now[key] = entry
