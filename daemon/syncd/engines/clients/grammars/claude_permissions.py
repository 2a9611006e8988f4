"""Permissions as Claude Code and its relatives write them: `Tool` and `Tool(what)` in the lists `allow`, `ask` and `deny`.

What names another tool, or says something that the unified model has no words for, is not read and stays. A rule in several lists counts
by the strictest of them, as it does for the clients.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entries, Entry, Kind, Name
from syncd.engines.clients.permissions.narrowing import narrowed
from syncd.kit.documents.document import Document
from syncd.ports.clients import Expressed

_CONTAINER = "permissions"
_RULE = re.compile(r"(?P<tool>[A-Z][A-Za-z]*)(?:\((?P<what>.+)\))?", re.DOTALL)
_MCP = re.compile(r"mcp__(?P<server>[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*)(?:__(?P<tool>\*|[A-Za-z0-9_-]+))?")
_TOOLS = {"Bash": "shell", "Read": "read", "Edit": "edit", "WebFetch": "fetch", "WebSearch": "search"}
_NAMES = {tool: name for name, tool in _TOOLS.items()}
_STRICTEST_FIRST = tuple(reversed(Decision))
_PREFIX_ENDS = (":*", " *")
_ANYTHING = ("*", ":*")


@dataclass(frozen=True, slots=True)
class Grammar:
    """Where the relatives differ."""

    domain: str
    """With `%s` for a host."""


def read(grammar: Grammar, value: Mapping[str, Any]) -> tuple[dict[Name, Entry], tuple[str, ...]]:
    """The permissions of a settings file, and notes on rules that contradict each other."""
    decisions: dict[Subject, Decision] = {}
    notes = []
    for decision in _STRICTEST_FIRST:
        for rule in _rules(value, decision):
            subject = parse(grammar, rule)
            if subject is None:
                continue
            first = decisions.setdefault(subject, decision)
            if first is not decision:
                notes.append(f"'{subject}' is also in the list '{decision.value}'; '{first.value}' counts")
    return {Name(Kind.PERMISSIONS, str(subject)): {"decision": decision.value} for subject, decision in decisions.items()}, tuple(notes)


def express(grammar: Grammar, entries: Entries) -> Expressed:
    """What the client can hold of the permissions among some entries."""

    def can(subject: Subject, decision: Decision) -> Sequence[tuple[Subject, Decision]] | None:
        own = _same(grammar, subject) if decision is Decision.ALLOW else _same(grammar, subject) or _stricter(grammar, subject)
        return None if own is None else ((own, decision),)

    held, losses = narrowed({name: entry for name, entry in entries.items() if name.kind is Kind.PERMISSIONS}, can)
    return Expressed(held, losses)


def edit(grammar: Grammar, document: Document, wanted: Mapping[Name, Entry | None]) -> None:
    """Move, add and remove the rules of some permissions, one list element each, as they are spelled. Raises `Uneditable`."""
    there = read(grammar, document.value)[0]
    changes = {name.name: entry for name, entry in wanted.items() if name.kind is Kind.PERMISSIONS and there.get(name) != entry}
    new = {name: str(entry["decision"]) for name, entry in changes.items() if entry is not None}
    spellings: dict[str, str] = {}
    for decision in _STRICTEST_FIRST:
        for number, rule in reversed([*enumerate(_list(document.value, decision))]):
            subject = str(parse(grammar, rule) if isinstance(rule, str) else None)
            if subject not in changes:
                continue
            if new.get(subject) == decision.value:
                del new[subject]
            else:
                spellings[subject] = rule
                document.remove((_CONTAINER, decision.value, number))
    for name, value in new.items():
        document.append((_CONTAINER, value), spellings.get(name) or spell(grammar, Subject.parse(name)))


def parse(grammar: Grammar, rule: str) -> Subject | None:
    """What a rule is about; None if that cannot be said in the words of the unified model."""
    mcp = _MCP.fullmatch(rule)
    if mcp:
        tool = mcp["tool"] or "*"
        return Subject("mcp", "server", mcp["server"]) if tool == "*" else Subject("mcp", "tool", f"{mcp['server']}/{tool}")
    match = _RULE.fullmatch(rule)
    if not match or match["tool"] not in _TOOLS:
        return None
    tool, what = _TOOLS[match["tool"]], match["what"]
    if what is None:
        return Subject(tool)
    if what != what.strip():
        return None
    match tool:
        case "shell":
            return _command(what)
        case "read" | "edit":
            return Subject(tool, "path", what)
        case "fetch":
            return _domain(grammar, what)
        case _:
            return None


def spell(grammar: Grammar, subject: Subject) -> str:
    """The rule for a subject that `parse` would give back."""
    if subject.tool == "mcp":
        return "mcp__" + subject.text.replace("/", "__", 1)
    tool = _NAMES.get(subject.tool, subject.tool)
    match subject.matcher:
        case "":
            return tool
        case "prefix":
            return f"{tool}({subject.text}:*)"
        case "domain":
            return f"{tool}({grammar.domain % subject.text})"
        case _:
            return f"{tool}({subject.text})"


def tool_name(server: str) -> str:
    """A server's name as it stands in the names of its tools."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", server)


def _same(grammar: Grammar, subject: Subject) -> Subject | None:
    """The subject itself, if the client has words for it."""
    return subject if parse(grammar, spell(grammar, subject)) == subject else None


def _stricter(grammar: Grammar, subject: Subject) -> Subject | None:
    """A subject that takes in all of another one: good enough to deny or to ask."""
    own = parse(grammar, spell(grammar, subject))
    match subject.matcher, own:
        case "exact" | "glob", Subject("shell", "glob" | "prefix"):
            return own
        case "server", _:
            return _same(grammar, Subject("mcp", "server", tool_name(subject.text)))
        case _:
            return None


def _command(what: str) -> Subject | None:
    if what in _ANYTHING:
        return Subject("shell")
    if what.endswith(_PREFIX_ENDS) and "*" not in what[:-1]:
        words = what[:-2]
        return Subject("shell", "prefix", words) if words == words.strip() and words else None
    if ":*" in what:
        return None
    return Subject("shell", "glob" if "*" in what else "exact", what)


def _domain(grammar: Grammar, what: str) -> Subject | None:
    before, _, _ = grammar.domain.partition("%s")
    host = what.removeprefix(before)
    if not what.startswith(before) or not host or re.search(r"[\s/:]", host):
        return None
    return Subject("fetch", "domain", host)


def _list(value: Mapping[str, Any], decision: Decision) -> Sequence[Any]:
    container = value.get(_CONTAINER)
    held = container.get(decision.value) if isinstance(container, Mapping) else None
    return held if isinstance(held, list) else []


def _rules(value: Mapping[str, Any], decision: Decision) -> Sequence[str]:
    return [rule for rule in _list(value, decision) if isinstance(rule, str)]
