"""Whether somebody who was given permissions in other words may do more with them."""

from collections.abc import Sequence
from functools import lru_cache

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entries, Kind, Loss, Name
from syncd.engines.clients.permissions.narrowing import Act, Rule, decide, entries_of, rules_of
from tests.engines.clients.permissions.witnesses import WITNESSES

_FREEDOM = {Decision.DENY: 0, Decision.ASK: 1, None: 2, Decision.ALLOW: 3}
"""What nothing is said about is up to the client: no less than asked about, no more than allowed."""


def widenings(before: Entries, after: Entries, losses: Sequence[Loss]) -> list[str]:
    """Witnesses that are freer than before, each as text.

    What was denied or asked about may be freer only if it is not allowed, and each permission that did so is a loss.
    """
    lost = {loss.name for loss in losses}
    return [
        f"{act.tool} {act.text!r}: {was} became {now}"
        for act, was, now in zip(WITNESSES, _verdicts(before), _verdicts(after), strict=True)
        if _FREEDOM[now] > _FREEDOM[was] and (now is Decision.ALLOW or not _responsible(before, act, was) <= lost)
    ]


def _verdicts(entries: Entries) -> Sequence[Decision | None]:
    return _verdicts_of(frozenset(rules_of(entries).items()))


@lru_cache
def _verdicts_of(rules: frozenset[Rule]) -> Sequence[Decision | None]:
    entries = entries_of(dict(rules))
    return tuple(decide(entries, act) for act in WITNESSES)


def _responsible(entries: Entries, act: Act, decision: Decision | None) -> set[Name]:
    """The permissions each of which alone makes an act as little free as it is."""
    rules = rules_of(entries)
    alone = {subject for subject, own in rules.items() if own is decision and decide(entries_of({subject: own}), act) is decision}
    explicit = alone - {Subject("default")}
    return {Name(Kind.PERMISSIONS, str(subject)) for subject in explicit or alone}
