"""Whatever stands in `permission` and in whatever order: reading never tells of more freedom than there is, writing never gives more."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from syncd.domain.permission import Decision, Subject
from syncd.engines.clients.adapters.opencode import permissions
from syncd.kit.documents.document import Uneditable
from syncd.kit.documents.jsonc import Jsonc

STRICTNESS = [decision.value for decision in Decision]
PATTERNS = ["*", "?*", "git *", "git", "git push *", "git p*", "*push*", "git pu?h*", "rm *", "rm x", "rmdir *", "git * -f"]
ACTS = ["git", "git push", "git push -f", "git pull", "git status -f", "gitx", "rm", "rm x", "rm -r y", "rmdir z", "make"]
SUBJECTS = ["shell", *(f"shell prefix {text}" for text in ("git", "git push", "rm", "make")), "shell exact rm x", "shell glob git p*"]

words = st.sampled_from(STRICTNESS)
rules = st.dictionaries(st.sampled_from(PATTERNS), words, max_size=6)
tools: st.SearchStrategy[str | dict[str, str | dict[str, str]]] = st.one_of(
    words,
    st.builds(
        dict,
        st.lists(
            st.one_of(st.tuples(st.just("bash"), st.one_of(words, rules)), st.tuples(st.sampled_from(["*", "b*", "edit"]), words)),
            max_size=3,
        ),
    ),
)


def matches(pattern: str, act: str) -> bool:
    """As the client does it: `*` any text, `?` one letter, ` *` at the end may be missing."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    expression = expression.removesuffix(r"\ .*") + r"(\ .*)?" if expression.endswith(r"\ .*") else expression
    return re.fullmatch(expression, act, re.DOTALL) is not None


def effect(held: object, act: str) -> tuple[str, tuple[str, str]] | None:
    """What the client decides about a command, and the rule that decides: the last one that matches."""
    found = None
    tools = {"*": held} if isinstance(held, str) else held
    assert isinstance(tools, Mapping)
    for key, inner in tools.items():
        if matches(key, "bash"):
            for pattern, word in inner.items() if isinstance(inner, Mapping) else [("*", inner)]:
                if matches(pattern, act):
                    found = word, (key, pattern)
    return found


def about(subject: Subject, act: str) -> bool:
    match subject.tool, subject.matcher:
        case "shell", "":
            return True
        case "shell", "exact":
            return act == subject.text
        case "shell", "prefix":
            return act == subject.text or act.startswith(f"{subject.text} ")
        case "shell", "glob":
            return re.fullmatch(re.escape(subject.text).replace(r"\*", ".*"), act) is not None
        case _:
            return False


def told(held: object, act: str) -> str | None:
    """What other clients are told about a command: the strictest permission about it."""
    said, _ = permissions.decisions(held)
    return max((decision.value for subject, decision in said.items() if about(subject, act)), key=STRICTNESS.index, default=None)


@given(tools)
@settings(max_examples=80, deadline=None)
def test_others_are_never_told_of_more_than_is_allowed(held: object) -> None:
    for act in ACTS:
        effective, heard = effect(held, act), told(held, act)

        assert effective is None or heard is None or STRICTNESS.index(heard) >= STRICTNESS.index(effective[0]), act


@given(tools, st.sampled_from(SUBJECTS), st.sampled_from([*Decision, None]))
@settings(max_examples=80, deadline=None)
def test_saying_one_thing_changes_nothing_else_and_loosens_nothing(held: object, name: str, decision: Decision | None) -> None:
    subject = Subject.parse(name)
    document = Jsonc(json.dumps({"permission": held}).encode())
    before, _ = permissions.decisions(held)
    after: object = None
    with suppress(Uneditable):
        after = permissions.say(document, subject, decision).value.get("permission", {})
    assume(after is not None)

    assert permissions.decisions(after)[0] == {
        **{each: said for each, said in before.items() if each != subject},
        **({subject: decision} if decision else {}),
    }
    for act in ACTS:
        was, now = effect(held, act), effect(after, act)
        if not about(subject, act):
            assert (was and was[0]) == (now and now[0]), act
        elif decision and before.get(subject) is not decision:
            assert now
            assert STRICTNESS.index(now[0]) >= STRICTNESS.index(decision.value), act
            if was and subject not in before and was[1] != ("bash", "*") and was[1][0] == "bash":
                assert STRICTNESS.index(now[0]) >= STRICTNESS.index(was[0]), act
