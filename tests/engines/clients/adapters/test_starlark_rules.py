"""Codex's rule files are read where they are literal, and edited without touching other rules."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.permission import Decision
from syncd.engines.clients.adapters.codex.starlark_rules import StarlarkRules
from syncd.kit.documents.document import Uneditable, Unparsable

ALLOW, ASK, DENY = Decision.ALLOW, Decision.ASK, Decision.DENY

FILE = b"""\
# What may be done without asking.
GIT = "git"

prefix_rule(pattern=["git", ["status", "diff"]], decision="allow", justification="reads", match=["git status", ["git", "diff"]])
prefix_rule(
    pattern = ["git", "push"],  # never in a hurry
    decision = "prompt",
)
prefix_rule(pattern=['rm'], decision='forbidden')
prefix_rule(["ls"])
prefix_rule(pattern=[GIT, "gc"], decision="allow")
"""


def test_each_command_that_a_rule_spells_out_is_read() -> None:
    rules = StarlarkRules(FILE)

    assert rules.decisions == {
        ("git", "status"): ALLOW,
        ("git", "diff"): ALLOW,
        ("git", "push"): ASK,
        ("rm",): DENY,
        ("ls",): ALLOW,
    }


def test_what_is_not_literal_is_named_and_not_read() -> None:
    assert StarlarkRules(FILE).odd_lines == (2, 11)


def test_the_strictest_of_several_rules_about_one_command_counts() -> None:
    content = b'prefix_rule(pattern=["rm"], decision="forbidden")\nprefix_rule(pattern=["rm"], decision="allow")\n'

    assert StarlarkRules(content).decisions == {("rm",): DENY}


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        pytest.param(
            ("rm",),
            b'# above\nprefix_rule(pattern=["rm"], decision="allow")  # beside\n# below\n',
            b"# above\n# below\n",
            id="a rule of its own goes with its line",
        ),
        pytest.param(
            ("git", "diff"),
            b'prefix_rule(pattern=["git", ["status",  "diff", \'log\']], decision="allow", match=["git diff -w", "git log"])\n',
            b'prefix_rule(pattern=["git", ["status", \'log\']], decision="allow", match=["git log"])\n',
            id="an alternative goes with the examples that it alone matched",
        ),
        pytest.param(
            ("a", "x"),
            b'prefix_rule(pattern=[["a", "b"], ["x", "y"]], decision="prompt")\r\n',
            b'prefix_rule(pattern=[["b"], ["x", "y"]], decision="prompt")\r\nprefix_rule(pattern=[["a"], ["y"]], decision="prompt")\r\n',
            id="one of all combinations leaves all others",
        ),
        pytest.param(
            ("rm",),
            b'prefix_rule(pattern=["ls"])\n\nprefix_rule(\n  pattern=["rm"],\n)\n\nprefix_rule(pattern=["cp"])\n',
            b'prefix_rule(pattern=["ls"])\n\nprefix_rule(pattern=["cp"])\n',
            id="of the blank lines around a rule one stays",
        ),
    ],
)
def test_removing_takes_one_command_alone(words: tuple[str, ...], before: bytes, after: bytes) -> None:
    rules = StarlarkRules(before)

    rules.remove(words)

    assert rules.content() == after


def test_changing_a_decision_touches_its_word_alone() -> None:
    rules = StarlarkRules(FILE)

    changed = rules.change(("git", "push"), DENY)

    assert changed
    assert rules.content() == FILE.replace(b'decision = "prompt"', b'decision = "forbidden"')


def test_a_command_among_alternatives_is_taken_out_to_be_said_anew() -> None:
    rules = StarlarkRules(FILE)

    changed = rules.change(("git", "diff"), DENY)

    assert not changed
    assert ("git", "diff") not in rules.decisions
    assert rules.decisions["git", "status"] is ALLOW


def test_what_is_added_stands_at_the_end_and_goes_without_a_trace() -> None:
    rules = StarlarkRules(FILE)

    rules.add(("bash", "-c", 'echo "ä"'), ASK)
    added = rules.content()
    rules.remove(("bash", "-c", 'echo "ä"'))

    assert added == FILE + 'prefix_rule(pattern=["bash", "-c", "echo \\"ä\\""], decision="prompt")\n'.encode()
    assert rules.content() == FILE


def test_an_edit_that_would_change_another_rule_is_refused() -> None:
    content = b'prefix_rule(pattern=["ls"]); prefix_rule(pattern=["rm"])\n'
    rules = StarlarkRules(content)

    with pytest.raises(Uneditable):
        rules.remove(("ls",))

    assert rules.content() == content


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(b'prefix_rule(pattern=["ls"', 1, id="an end that is missing"),
        pytest.param(b'prefix_rule(pattern=["ls"])\n# \xff\n', 2, id="invalid UTF-8"),
        pytest.param(b'\xef\xbb\xbfprefix_rule(pattern=["ls"])\n', 1, id="a byte order mark, which Codex refuses"),
        pytest.param(b"x\0", 0, id="a zero byte"),
        pytest.param(b"[" * 5000, 1, id="deep nesting"),
    ],
)
def test_a_file_that_does_not_parse_is_refused(content: bytes, line: int) -> None:
    with pytest.raises(Unparsable) as caught:
        StarlarkRules(content)

    assert caught.value.line in (line, 0)


WORDS = st.sampled_from(["git", "rm", "-f", "a b", "ü"])
PLACES = st.lists(st.lists(WORDS, min_size=1, max_size=3, unique=True), min_size=1, max_size=3)


@given(st.lists(st.tuples(PLACES, st.sampled_from(["allow", "prompt", "forbidden"])), min_size=1, max_size=4), st.data())
@settings(max_examples=60, deadline=None)
def test_removing_any_command_leaves_what_is_said_about_all_others(written: list[tuple[list[list[str]], str]], data: st.DataObject) -> None:
    rules = StarlarkRules("".join(f'prefix_rule(pattern={places}, decision="{decision}")\n' for places, decision in written).encode())
    before = dict(rules.decisions)
    words = data.draw(st.sampled_from(sorted(before)))

    rules.remove(words)

    assert rules.decisions == {said: decision for said, decision in before.items() if said != words}
    assert StarlarkRules(rules.content()).decisions == rules.decisions


def test_real_files_take_every_edit() -> None:
    folder = os.environ.get("SYNCD_CORPUS")

    for path in sorted(Path(folder).glob("codex/*.rules")) if folder else ():
        content = path.read_bytes()
        said = StarlarkRules(content).decisions
        for words in said:
            removed, changed = StarlarkRules(content), StarlarkRules(content)
            removed.remove(words)
            changed.change(words, ASK)
            assert {**said, **changed.decisions}.keys() == said.keys(), path.name
            assert len(removed.decisions) == len(said) - 1, path.name
