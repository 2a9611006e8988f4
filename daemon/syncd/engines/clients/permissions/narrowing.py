"""What follows from several permissions, and what is left of them where a client cannot say all of them.

The strictest permission that is about an act counts; `default` counts if there is none. A client that cannot say a permission never
gets to allow more for it: what it cannot deny is asked about, or at least not allowed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from syncd.domain.permission import Decision, Subject, strictest
from syncd.domain.unified import Entries, Entry, Kind, Loss, Name
from syncd.engines.clients.permissions.overlap import compound, covers, matches, overlap

Rule = tuple[Subject, Decision]
Rules = Mapping[Subject, Decision]
Can = Callable[[Subject, Decision], Sequence[Rule] | None]
"""How a client says one permission, in the words in which it is read again: as it is, stricter, as several ones, or None."""

_DEFAULT = Subject("default")
_LINE = re.compile(
    r"""
    (?P<kept>'[^']*'|"(?:\\.|[^"\\`$]|\$(?!\())*"|\\.)
    |(?P<split>&&|\|[|&]?|[;\n]|(?<![<>&])&(?![&>]))
    |(?P<nested>\$\(|[<>]\(|[`()])
    |(?P<odd>["'<>])
    """,
    re.DOTALL | re.VERBOSE,
)
"""What matters in a command line: quoted text, operators, commands inside of commands, and redirections."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a client is about to do."""

    tool: str
    text: str
    """A command line, a path (absolute, below `~/`, or relative to the project), an address, what to search for, or SERVER/TOOL."""


def decide(entries: Entries, act: Act) -> Decision | None:
    """What permissions say about an act; None if they say nothing.

    The strictest part of a command line counts. What is put into it from elsewhere, or goes to a file, is not allowed unasked.
    """
    rules = rules_of(entries)
    if act.tool != "shell":
        return _said(rules, act.tool, act.text)
    commands, simple = _commands(act.text)
    said = [_said(rules, act.tool, command) for command in commands or ("",)]
    whole = {subject: decision for subject, decision in rules.items() if compound(subject) and decision is not Decision.ALLOW}
    strict = strictest([*filter(None, said), *_decisions(whole, act.tool, act.text)])
    if strict is Decision.ALLOW and None in said:
        strict = None
    return strict if simple or strict in (Decision.ASK, Decision.DENY) else Decision.ASK


def narrowed(entries: Entries, can: Can) -> tuple[Entries, tuple[Loss, ...]]:
    """What a client can hold of permissions without allowing more, and what becomes of the others.

    Raises `ValueError` if `can` allows more than it was asked for.
    """
    rules = rules_of(entries)
    answers = {subject: _restricted(subject, decision, can) for subject, decision in rules.items() if decision is not Decision.ALLOW}
    unheld = [subject for subject, answer in answers.items() if answer.holds is None and subject != _DEFAULT]
    blocked: dict[Subject, list[Subject]] = {}
    for subject, decision in rules.items():
        if decision is Decision.ALLOW:
            blocked[subject] = [each for each in unheld if overlap(each, subject)]
            answers[subject] = _asked(subject, can) if blocked[subject] else _allowed(subject, can)
    held: dict[Subject, Decision] = {}
    for subject, decision in (rule for answer in answers.values() for rule in answer.rules):
        held[subject] = strictest([decision, held.get(subject, decision)]) or decision
    losses = [loss for subject in rules for loss in _losses(_Case(subject, rules, answers[subject], blocked, held))]
    return entries_of(held), tuple(losses)


def rules_of(entries: Entries) -> dict[Subject, Decision]:
    """The permissions among some entries. Raises `ValueError` for what is none."""
    return {Subject.parse(name.name): Decision(entry["decision"]) for name, entry in entries.items() if name.kind is Kind.PERMISSIONS}


def entries_of(rules: Rules) -> dict[Name, Entry]:
    """The opposite of `rules_of`."""
    return {Name(Kind.PERMISSIONS, str(subject)): {"decision": decision.value} for subject, decision in rules.items()}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a client says in place of one permission."""

    rules: tuple[Rule, ...]
    holds: Decision | None
    """The decision that all of the subject is sure to get from these rules."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One permission, and all that a loss of it is explained by."""

    subject: Subject
    rules: Rules
    answer: _Answer
    blocked: Mapping[Subject, Sequence[Subject]]
    held: Rules

    @property
    def decision(self) -> Decision:
        return self.rules[self.subject]


def _restricted(subject: Subject, decision: Decision, can: Can) -> _Answer:
    """How a client denies something or asks about it. What it cannot deny it is made to ask about."""
    rules: tuple[Rule, ...] = ()
    for attempt in (Decision.DENY, Decision.ASK) if decision is Decision.DENY else (Decision.ASK,):
        given = tuple(can(subject, attempt) or ())
        if any(each is Decision.ALLOW for _, each in given):
            raise ValueError(f"'{subject}' is to be {_PARTICIPLE[attempt]}, and not allowed")
        rules = (*rules, *(rule for rule in given if rule not in rules))
        holds = strictest(each for own, each in given if covers(own, subject))
        if holds:
            return _Answer(rules, holds)
    return _Answer(rules, None)


def _asked(subject: Subject, can: Can) -> _Answer:
    """How a client asks about something that would be allowed, and about nothing else."""
    given = tuple(can(subject, Decision.ASK) or ())
    fits = all(each is not Decision.ALLOW and covers(subject, own) for own, each in given)
    return _Answer(given, Decision.ASK) if given and fits else _Answer((), None)


def _allowed(subject: Subject, can: Can) -> _Answer:
    """How a client allows something, as far as it is proven to allow nothing else."""
    given = tuple(can(subject, Decision.ALLOW) or ())
    for own, each in given:
        if (
            each is Decision.ALLOW
            and not covers(subject, own)
            and (own.tool != subject.tool or covers(own, subject) or not overlap(own, subject))
        ):
            raise ValueError(f"'{own}' is more than '{subject}', which is all that may be allowed")
    fitting = tuple((own, each) for own, each in given if each is not Decision.ALLOW or covers(subject, own))
    return _Answer(fitting, Decision.ALLOW if fitting else None)


_PARTICIPLE = {Decision.ALLOW: "allowed", Decision.ASK: "asked about", Decision.DENY: "denied"}


def _losses(case: _Case) -> Iterable[Loss]:
    """What is to be told about one permission: nothing, if the client has it as it is and nothing beside it."""
    name = Name(Kind.PERMISSIONS, str(case.subject))
    now = case.held.get(case.subject)
    as_it_is = case.answer.rules == ((case.subject, case.decision),)
    if as_it_is and now is case.decision:
        return
    field = "" if now is None else "decision"
    if case.decision is Decision.ALLOW:
        yield Loss(name, field, "stricter" if case.answer.rules else "allow_not_expressible", _why_not_allowed(case))
    elif case.answer.holds in (case.decision, Decision.DENY):
        yield Loss(name, field, "stricter", _why_stricter(case))
    else:
        yield Loss(name, field, f"{case.decision.value}_not_expressible", _why_not_restricted(case))


def _why_not_allowed(case: _Case) -> str:
    because = case.blocked[case.subject]
    if because and case.answer.rules:
        return f"asked about, because the client cannot say what is not allowed of it: {_listed(because)}"
    if because:
        return f"left out, because the client cannot say what is not allowed of it: {_listed(because)}"
    return f"held as {_said_as(case.answer.rules)}" if case.answer.rules else "the client cannot allow just this; it is left out"


def _why_stricter(case: _Case) -> str:
    now = case.held.get(case.subject)
    if case.answer.rules == ((case.subject, case.decision),) and now is not None:
        return f"{_PARTICIPLE[now]}, because another permission is held as this one"
    also = [
        subject
        for subject, decision in case.rules.items()
        if decision is Decision.ALLOW and any(overlap(own, subject) for own, _ in case.answer.rules) and not overlap(subject, case.subject)
    ]
    return f"held as {_said_as(case.answer.rules)}" + (f", which also goes for what is allowed: {_listed(also)}" if also else "")


def _why_not_restricted(case: _Case) -> str:
    if case.answer.holds is Decision.ASK:
        return f"the client cannot deny this; it is asked about, as {_said_as(case.answer.rules)}"
    narrower = [subject for subject, because in case.blocked.items() if case.subject in because]
    tried = "neither deny this nor ask about it" if case.decision is Decision.DENY else "not ask about this"
    return f"the client can {tried}; no longer allowed for it: {_listed(narrower) if narrower else 'nothing, nothing allowed it'}"


def _said_as(rules: Iterable[Rule]) -> str:
    return ", ".join(f"'{subject}' {_PARTICIPLE[decision]}" for subject, decision in rules)


def _listed(subjects: Iterable[Subject]) -> str:
    return ", ".join(f"'{subject}'" for subject in subjects)


def _said(rules: Rules, tool: str, text: str) -> Decision | None:
    return strictest(_decisions(rules, tool, text)) or rules.get(_DEFAULT)


def _decisions(rules: Rules, tool: str, text: str) -> Iterable[Decision]:
    """What is said about a simple act. What cannot be told counts against it."""
    for subject, decision in rules.items():
        fits = matches(subject, text) if subject.tool == tool else False
        if fits or (fits is None and decision is not Decision.ALLOW):
            yield decision


def _commands(line: str) -> tuple[list[str], bool]:
    """The commands of a line, and whether they are all that there is to it."""
    commands = [""]
    place, simple = 0, True
    for token in _LINE.finditer(line):
        commands[-1] += line[place : token.end() if token["kept"] or token["odd"] else token.start()]
        if token["split"] or token["nested"]:
            commands.append("")
        simple = simple and not (token["nested"] or token["odd"])
        place = token.end()
    commands[-1] += line[place:]
    return [command.strip() for command in commands if command.strip()], simple
