"""Clients that can say only some permissions, as real ones do."""

import re
from collections.abc import Sequence

from syncd.domain.permission import Decision, Subject
from syncd.engines.clients.permissions.narrowing import Can, Rule


def only(*forms: str) -> Can:
    """A client that has words for some forms (`shell prefix`, `read`) and for nothing else."""

    def can(subject: Subject, decision: Decision) -> Sequence[Rule] | None:
        return ((subject, decision),) if f"{subject.tool} {subject.matcher}".strip() in forms else None

    return can


def prefixes(subject: Subject, decision: Decision) -> Sequence[Rule] | None:
    """Prefixes of commands only; they also stand in for what is to be denied or asked about."""
    if subject.tool != "shell" or subject.matcher in ("", "regex"):
        return None
    if subject.matcher == "prefix":
        return ((subject, decision),)
    head = subject.text.split("*")[0]
    words = head if head == subject.text or head.endswith(" ") else head.rpartition(" ")[0]
    if decision is Decision.ALLOW or not words.strip() or re.search(r"[;&|]", words):
        return None
    return ((Subject("shell", "prefix", words.strip()), decision),)


def no_questions(subject: Subject, decision: Decision) -> Sequence[Rule] | None:
    """Everything, but as allowed or denied only; it denies in place of nothing."""
    return None if decision is Decision.ASK else ((subject, decision),)


def only_allowing(subject: Subject, decision: Decision) -> Sequence[Rule] | None:
    """A list of what is allowed."""
    return ((subject, decision),) if decision is Decision.ALLOW else None


def nothing(subject: Subject, decision: Decision) -> None:
    """Nothing."""
    del subject, decision


CLIENTS: dict[str, Can] = {
    "all but regular expressions": only(
        *("shell", "shell exact", "shell prefix", "shell glob", "read", "read path", "edit", "edit path"),
        *("fetch", "fetch domain", "search", "mcp server", "mcp tool"),
    ),
    "prefixes": prefixes,
    "prefixes and regular expressions": only("shell", "shell prefix", "shell regex", "read", "edit", "fetch", "mcp server", "default"),
    "patterns": only("shell", "shell exact", "shell prefix", "shell glob", "read", "edit", "default", "fetch", "mcp server", "mcp tool"),
    "commands and a default": only("shell", "shell exact", "shell prefix", "shell regex", "read", "edit", "default"),
    "no questions": no_questions,
    "only allowing": only_allowing,
    "nothing": nothing,
}
