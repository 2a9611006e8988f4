"""What permissions mean, and that narrowing them for a client never allows more."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entries, Kind, Loss, Name
from syncd.engines.clients.permissions.narrowing import Act, decide, entries_of, narrowed
from tests.engines.clients.permissions.permission_clients import CLIENTS, no_questions, nothing, only, only_allowing, prefixes
from tests.engines.clients.permissions.widening import widenings
from tests.engines.clients.permissions.witnesses import SUBJECTS, WITNESSES

RULES = st.dictionaries(st.sampled_from(SUBJECTS).map(Subject.parse), st.sampled_from(Decision), max_size=12)


def entries(**decisions: str) -> Entries:
    """`allow="a; b", deny="c"`."""
    return {
        Name(Kind.PERMISSIONS, subject.strip()): {"decision": decision}
        for decision, names in decisions.items()
        for subject in names.split("; ")
    }


def shell(line: str) -> Act:
    return Act("shell", line)


@pytest.mark.parametrize(
    ("said", "act", "decision"),
    [
        pytest.param(entries(allow="shell prefix git"), shell("git status"), Decision.ALLOW, id="a prefix goes for what follows"),
        pytest.param(entries(allow="shell prefix git status"), shell("git statusx"), None, id="a prefix ends with a word"),
        pytest.param(entries(deny="shell prefix git push"), shell("git   push -f"), Decision.DENY, id="blanks do not matter"),
        pytest.param(entries(allow="shell exact git status"), shell("git status -s"), None, id="exact is exact"),
        pytest.param(entries(allow="shell glob git push *--force*"), shell("git push x --force y"), Decision.ALLOW, id="a glob has gaps"),
        pytest.param(entries(allow="shell glob git *"), shell("github"), None, id="a glob is the whole command"),
        pytest.param(entries(allow="shell regex ^git .*$"), shell("git log"), Decision.ALLOW, id="a regular expression"),
        pytest.param(entries(allow="shell regex git"), shell("git log"), None, id="a regular expression is the whole command"),
        pytest.param(entries(allow="shell regex ^a|b$"), shell("ab"), None, id="anchors beside an alternative"),
        pytest.param(entries(allow="shell regex [x"), shell("git"), None, id="a bad permission allows nothing"),
        pytest.param(entries(deny="shell regex [x"), shell("git"), Decision.DENY, id="a bad denial denies everything"),
        pytest.param(entries(deny="shell regex (a+)+$"), shell("a" * 60 + "b"), Decision.DENY, id="what would take for ever is not tried"),
        pytest.param(
            entries(allow="shell", ask="shell prefix git", deny="shell exact git push"), shell("git push"), Decision.DENY, id="deny wins"
        ),
        pytest.param(entries(deny="shell; default", ask="shell prefix git"), shell("git push"), Decision.DENY, id="whatever the order"),
        pytest.param(entries(allow="shell", ask="shell prefix git"), shell("git push"), Decision.ASK, id="ask comes before allow"),
        pytest.param(entries(deny="default", allow="shell prefix git"), shell("git push"), Decision.ALLOW, id="a default is for the rest"),
        pytest.param(entries(ask="default", allow="shell prefix git"), shell("ls"), Decision.ASK, id="the rest"),
        pytest.param(entries(allow="read"), shell("ls"), None, id="another tool"),
        pytest.param(entries(allow="shell"), Act("mcp", "shell/run"), None, id="an MCP tool is no command"),
        pytest.param(entries(allow="mcp server git"), Act("mcp", "git/log"), Decision.ALLOW, id="a server has tools"),
        pytest.param(entries(allow="mcp server git"), Act("mcp", "github/log"), None, id="a server has a whole name"),
        pytest.param(entries(deny="mcp"), Act("mcp", "github/log"), Decision.DENY, id="all servers"),
        pytest.param(entries(allow="fetch domain example.com"), Act("fetch", "https://Example.com:1/x"), Decision.ALLOW, id="a host"),
        pytest.param(
            entries(allow="fetch domain example.com"), Act("fetch", "https://example.com@evil.net"), None, id="a host is behind the @"
        ),
        pytest.param(entries(allow="fetch domain *.example.com"), Act("fetch", "https://a.example.com"), Decision.ALLOW, id="a host's gap"),
        pytest.param(entries(allow="fetch domain example.com"), Act("fetch", "https://[x"), None, id="no address"),
        pytest.param(entries(allow="search"), Act("search", "x"), Decision.ALLOW, id="a search"),
    ],
)
def test_the_strictest_permission_about_an_act_counts(said: Entries, act: Act, decision: Decision | None) -> None:
    assert decide(said, act) is decision


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        pytest.param("git log && git status", Decision.ALLOW, id="all allowed"),
        pytest.param("git log && ls", None, id="one that nothing is said about"),
        pytest.param("ls && rm x", Decision.DENY, id="one denied"),
        pytest.param("git log;rm x", Decision.DENY, id="no blanks"),
        pytest.param("git log & rm x", Decision.DENY, id="in the background"),
        pytest.param("git log | rm x", Decision.DENY, id="piped"),
        pytest.param("git log || git push", Decision.ASK, id="one asked about"),
        pytest.param("git log\nrm x", Decision.DENY, id="on the next line"),
        pytest.param('git commit -m "a && rm x"', Decision.ALLOW, id="an operator in double quotes"),
        pytest.param("git commit -m 'a; rm x'", Decision.ALLOW, id="an operator in single quotes"),
        pytest.param(r"git log a\;rm", Decision.ALLOW, id="an operator behind a backslash"),
        pytest.param("git log $(rm x)", Decision.DENY, id="a denied command inside"),
        pytest.param('git log "$(rm x)"', Decision.DENY, id="a denied command inside of quotes"),
        pytest.param("git log '$(rm x)'", Decision.ALLOW, id="no command in single quotes"),
        pytest.param("git log `git status`", Decision.ASK, id="allowed commands inside"),
        pytest.param("git log > file", Decision.ASK, id="to a file"),
        pytest.param("git log 2>&1", Decision.ASK, id="a redirection is no operator"),
        pytest.param("git log 'x", Decision.ASK, id="an open quote"),
        pytest.param("(rm x)", Decision.DENY, id="a subshell"),
        pytest.param("ls > x", Decision.ASK, id="nothing said, to a file"),
        pytest.param("", None, id="nothing at all"),
        pytest.param("curl x | sh", Decision.DENY, id="a denial with an operator is about the line"),
    ],
)
def test_a_command_line_is_as_allowed_as_its_strictest_command(line: str, decision: Decision | None) -> None:
    said = entries(allow="shell prefix git", ask="shell prefix git push", deny="shell prefix rm; shell glob curl * | sh")

    assert decide(said, shell(line)) is decision


def test_what_a_client_can_say_stays_and_is_no_loss() -> None:
    model = entries(allow="shell prefix git", ask="shell prefix git push", deny="shell prefix rm")

    held, losses = narrowed(model, prefixes)

    assert (held, losses) == (model, ())


def test_a_stricter_stand_in_is_told_with_what_it_takes_along() -> None:
    model = entries(deny="shell exact git push --force", allow="shell exact ls; shell exact git push --force -v")

    held, losses = narrowed(model, prefixes)

    assert held == entries(deny="shell prefix git push --force")
    assert codes(losses) == {
        "shell exact git push --force": "stricter",
        "shell exact ls": "allow_not_expressible",
        "shell exact git push --force -v": "allow_not_expressible",
    }
    assert "goes for what is allowed: 'shell exact git push --force -v'" in losses[0].reason


def test_a_stand_in_stays_where_it_denies_what_is_allowed() -> None:
    model = entries(deny="shell exact git push", allow="shell prefix git push")

    held, losses = narrowed(model, prefixes)

    assert held == entries(deny="shell prefix git push")
    assert codes(losses) == {"shell exact git push": "stricter", "shell prefix git push": "stricter"}


def test_what_cannot_be_denied_is_asked_about() -> None:
    def can(subject: Subject, decision: Decision) -> list[tuple[Subject, Decision]] | None:
        return None if decision is Decision.DENY else [(subject, decision)]

    held, losses = narrowed(entries(deny="shell prefix rm", allow="shell"), can)

    assert held == entries(ask="shell prefix rm", allow="shell")
    assert codes(losses) == {"shell prefix rm": "deny_not_expressible"}


def test_what_overlaps_a_lost_denial_is_asked_about() -> None:
    model = entries(deny="shell glob git push *--force*", allow="shell prefix git; shell prefix ls")

    held, losses = narrowed(model, only("shell prefix"))

    assert held == entries(ask="shell prefix git", allow="shell prefix ls")
    assert codes(losses) == {"shell glob git push *--force*": "deny_not_expressible", "shell prefix git": "stricter"}
    assert "no longer allowed for it: 'shell prefix git'" in next(loss.reason for loss in losses if "glob" in loss.name.name)


def test_what_overlaps_a_lost_denial_is_left_out_where_nothing_can_be_asked() -> None:
    model = entries(deny="shell prefix git push", allow="shell prefix git; shell prefix ls; default")

    held, losses = narrowed(model, only_allowing)

    assert held == entries(allow="shell prefix ls")
    assert codes(losses) == {
        "shell prefix git push": "deny_not_expressible",
        "shell prefix git": "allow_not_expressible",
        "default": "allow_not_expressible",
    }


def test_a_lost_question_narrows_as_a_lost_denial_does() -> None:
    held, losses = narrowed(entries(ask="shell prefix git push", allow="shell prefix git; read"), no_questions)

    assert held == entries(allow="read")
    assert codes(losses) == {"shell prefix git push": "ask_not_expressible", "shell prefix git": "allow_not_expressible"}


def test_a_lost_default_leaves_what_is_allowed_explicitly() -> None:
    held, losses = narrowed(entries(deny="default", allow="shell prefix git"), prefixes)

    assert held == entries(allow="shell prefix git")
    assert codes(losses) == {"default": "deny_not_expressible"}


def test_a_stand_in_that_denies_only_a_part_is_kept_and_not_relied_on() -> None:
    def can(subject: Subject, decision: Decision) -> list[tuple[Subject, Decision]] | None:
        own = Subject("mcp", "tool", "github/delete_repository") if subject == Subject("mcp", "server", "github") else subject
        return [(own, decision)] if subject == own or decision is not Decision.ALLOW else None

    held, losses = narrowed(entries(deny="mcp server github", allow="mcp"), can)

    assert held == {**entries(deny="mcp tool github/delete_repository"), **entries(ask="mcp")}
    assert codes(losses) == {"mcp server github": "deny_not_expressible", "mcp": "stricter"}


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param("allow shell exact git push", "allow shell prefix git push", id="more than was to be allowed"),
        pytest.param("allow shell prefix git", "allow shell prefix ls", id="something else"),
        pytest.param("allow shell exact ls", "allow default", id="the rest"),
        pytest.param("deny shell prefix rm", "allow shell prefix rm", id="a denial turned round"),
        pytest.param("ask shell prefix rm", "allow shell prefix rm", id="a question answered"),
    ],
)
def test_a_client_that_would_allow_more_is_refused(asked: str, answered: str) -> None:
    decision, _, name = asked.partition(" ")
    answer, _, own = answered.partition(" ")

    with pytest.raises(ValueError, match="allowed"):
        narrowed(entries(**{decision: name}), lambda _, __: [(Subject.parse(own), Decision(answer))])


def test_a_stand_in_that_is_not_proven_narrower_is_left_out() -> None:
    model = entries(allow="shell regex git (a|b)")

    held, losses = narrowed(model, lambda _, decision: [(Subject("shell", "regex", "git [ab]"), decision)])

    assert held == {}
    assert codes(losses) == {"shell regex git (a|b)": "allow_not_expressible"}


def test_anchors_and_brackets_around_a_regular_expression_do_not_change_it() -> None:
    model = entries(allow="shell regex git a|git b")

    held, _ = narrowed(model, lambda _, decision: [(Subject("shell", "regex", "^(git a|git b)$"), decision)])

    assert held == entries(allow="shell regex ^(git a|git b)$")


@pytest.mark.parametrize("client", CLIENTS)
@settings(max_examples=12, deadline=None)
@given(rules=RULES)
def test_narrowing_never_allows_more(client: str, rules: Mapping[Subject, Decision]) -> None:
    model = entries_of(rules)

    held, losses = narrowed(model, CLIENTS[client])

    assert widenings(model, held, losses) == []


@pytest.mark.parametrize("client", CLIENTS)
@settings(max_examples=12, deadline=None)
@given(rules=RULES)
def test_narrowing_again_changes_nothing(client: str, rules: Mapping[Subject, Decision]) -> None:
    held, _ = narrowed(entries_of(rules), CLIENTS[client])

    assert narrowed(held, CLIENTS[client]) == (held, ())


@pytest.mark.parametrize("client", CLIENTS)
@settings(max_examples=12, deadline=None)
@given(rules=RULES)
def test_every_permission_that_is_not_as_it_was_is_a_loss(client: str, rules: Mapping[Subject, Decision]) -> None:
    model = entries_of(rules)

    held, losses = narrowed(model, CLIENTS[client])

    assert {name for name, entry in model.items() if held.get(name) != entry} <= {loss.name for loss in losses}


@settings(max_examples=12, deadline=None)
@given(first=RULES, second=RULES, one=st.sampled_from(sorted(CLIENTS)), other=st.sampled_from(sorted(CLIENTS)))
def test_passing_from_client_to_client_never_allows_more(
    first: Mapping[Subject, Decision], second: Mapping[Subject, Decision], one: str, other: str
) -> None:
    model = entries_of({**first, **second})

    there, lost = narrowed(model, CLIENTS[one])
    back, lost_again = narrowed(there, CLIENTS[other])

    assert widenings(model, back, (*lost, *lost_again)) == []


def test_the_corpus_is_large_and_each_subject_of_it_is_met() -> None:
    met = {name for name in SUBJECTS for act in WITNESSES if decide(entries(deny=name), act) is Decision.DENY}

    assert len(set(WITNESSES)) >= 200
    assert set(SUBJECTS) - met == set()


def test_a_client_that_can_say_nothing_gets_nothing() -> None:
    model = entries(allow="shell", ask="read", deny="edit; default")

    held, losses = narrowed(model, nothing)

    assert held == {}
    assert {loss.name for loss in losses} == set(model)


def codes(losses: Sequence[Loss]) -> dict[str, str]:
    return {loss.name.name: loss.code for loss in losses}
