"""Policy rules in TOML files: `[[rule]]` with `toolName`, `commandPrefix`, `mcpName`, …, a decision and a priority.

Of all rules that fit, the one of the highest priority decides. What is written here has priorities at which a denial comes before a
question and that before a permission, whatever priorities the rules of others have. A client that cannot read a file of rules goes on
without it, so that such a file is unreadable for us too, and nothing is written as long as there is one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entry, Kind, Name
from syncd.engines.clients.adapters.gemini import policy_commands
from syncd.engines.clients.permissions.overlap import covers, overlap
from syncd.kit.documents.document import Unparsable
from syncd.kit.documents.toml import Toml
from syncd.ports.clients import Files, Unreadable, Unwritable

DECISIONS = {"allow": Decision.ALLOW, "ask_user": Decision.ASK, "deny": Decision.DENY}
_SPELLED = {decision: text for text, decision in DECISIONS.items()}
_STRICTNESS = (Decision.ALLOW, Decision.ASK, Decision.DENY)
_PRIORITY = {Decision.ALLOW: 700, Decision.ASK: 800, Decision.DENY: 900}
_LOWEST, _HIGHEST = 0, 999
_SHELL = "run_shell_command"
_TOOLS: Mapping[str, tuple[str, ...]] = {
    "shell": (_SHELL,),
    "read": ("read_file", "read_many_files", "list_directory", "glob", "grep_search"),
    "edit": ("write_file", "replace"),
    "fetch": ("web_fetch",),
    "search": ("google_web_search",),
}
_CONDITIONS = {"argsPattern", "modes", "subagent", "toolAnnotations", "interactive"}
"""Members that limit a rule to circumstances that the unified model has no words for."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Part:
    """One subject of a rule, and what to take out of which list if the rule is about others too."""

    subject: Subject
    member: str = ""
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule where it stands."""

    path: str
    number: int
    decision: Decision
    priority: int
    parts: tuple[Part, ...]
    """Empty: nothing that can be said."""
    alone: bool
    """The one part is all that the rule is about."""


def spell(subject: Subject, decision: Decision) -> dict[str, Any] | None:
    """The members of a rule that say what it is about; None if none do."""
    match subject:
        case Subject("default"):
            return {"toolName": "*"}
        case Subject("mcp", "server", server) if "*" not in server:
            return {"mcpName": server, "toolName": "*"}
        case Subject("mcp", "tool", text):
            server, _, tool = text.partition("/")
            return {"mcpName": server, "toolName": tool} if server and tool and "*" not in text else None
        case Subject("shell", _, _):
            command = policy_commands.spell(subject, decision)
            return {"toolName": _SHELL, **command} if command is not None else None
        case Subject(tool, "", "") if tool in _TOOLS:
            names = _TOOLS[tool]
            return {"toolName": names[0] if len(names) == 1 else list(names)}
    return None


def can(subject: Subject, decision: Decision) -> tuple[tuple[Subject, Decision], ...] | None:
    """How a permission is expressed, in the words in which it is read again."""
    members = spell(subject, decision)
    parts = _parts(members, decision) if members is not None else ()
    if len(parts) != 1 or (decision is Decision.ALLOW and not covers(subject, parts[0].subject)):
        return None
    return ((parts[0].subject, decision),)


class Policies:
    """The policy files of one user."""

    def __init__(self, files: Files, own: str) -> None:
        """`own` is the file for new rules."""
        self._before = files
        self._own = own
        self._documents: dict[str, Toml] = {}
        self.unreadable: dict[str, Unreadable] = {}
        for path in sorted(files):
            try:
                self._documents[path] = _document(files[path])
            except Unparsable as error:
                self.unreadable[path] = Unreadable(error.line, error.column, error.reason)

    def entries(self) -> dict[Name, Entry]:
        """What the rules say; of several about one subject, what takes effect."""
        return {
            Name(Kind.PERMISSIONS, str(subject)): {"decision": held[0].decision.value}
            for subject in dict.fromkeys(part.subject for rule in self._rules() for part in rule.parts)
            if (held := self._about(subject))
        }

    def notes(self) -> Iterator[str]:
        """Rules that are left alone, and permissions that win over something stricter."""
        rules = list(self._rules())
        for rule in rules:
            if not rule.parts:
                yield f"{rule.path}: rule {rule.number + 1} ({rule.decision.value}) is left alone: only this client knows its conditions"
        for rule in rules:
            for other in rules:
                if _weaker(other, rule.decision) and other.priority >= rule.priority and _meet(rule, other):
                    yield (
                        f"{other.path}: rule {other.number + 1} ({other.decision.value}) comes before "
                        f"{rule.path}: rule {rule.number + 1} ({rule.decision.value})"
                    )

    def write(self, wanted: Mapping[Name, Entry | None]) -> dict[str, bytes]:
        """The files that change so that they say what is wanted. Raises `Unwritable`."""
        for path, fault in self.unreadable.items():
            raise Unwritable(path, fault.reason)
        for name, entry in wanted.items():
            try:
                self._set(Subject.parse(name.name), None if entry is None else Decision(entry["decision"]))
            except ValueError as error:
                raise Unwritable(self._own, f"{name}: {error}") from error
        contents = {path: document.content() for path, document in self._documents.items()}
        return {path: content for path, content in contents.items() if content != self._before.get(path, b"")}

    def _set(self, subject: Subject, decision: Decision | None) -> None:
        held = self._about(subject)
        if (held[0].decision if held else None) is decision:
            return
        kept = next((rule for rule in held if rule.alone), None) if decision else None
        for rule in sorted(held, key=lambda each: (each.path, each.number), reverse=True):
            if rule is kept and decision:
                self._decide(rule, subject, decision)
            else:
                self._remove(rule, subject)
        if decision and kept is None:
            self._append(subject, decision)

    def _rules(self) -> Iterator[Rule]:
        rules = [
            _rule(path, number, rule)
            for path, document in self._documents.items()
            for number, rule in enumerate(document.value.get("rule", []))
        ]
        least = min((rule.priority for rule in rules if not _is_default(rule)), default=_HIGHEST + 1)
        for rule in rules:
            beaten = _is_default(rule) and rule.priority >= least
            yield Rule(rule.path, rule.number, rule.decision, rule.priority, (), alone=False) if beaten else rule

    def _about(self, subject: Subject) -> list[Rule]:
        """The rules about a subject, the one that takes effect first."""
        rules = [rule for rule in self._rules() if any(part.subject == subject for part in rule.parts)]
        return sorted(rules, key=lambda rule: (-rule.priority, -_STRICTNESS.index(rule.decision)))

    def _decide(self, rule: Rule, subject: Subject, decision: Decision) -> None:
        document = self._documents[rule.path]
        preferred = _PRIORITY[decision] if rule.priority == _PRIORITY[rule.decision] else rule.priority
        priority = self._priority(subject, decision, preferred)
        document.set(("rule", rule.number, "decision"), _SPELLED[decision])
        if priority != rule.priority:
            document.set(("rule", rule.number, "priority"), priority)
        members, held = spell(subject, decision) or {}, document.value["rule"][rule.number]
        for member in {"commandPrefix", "commandRegex"} & held.keys() - members.keys():
            document.remove(("rule", rule.number, member))
        if held.get("commandRegex") != members.get("commandRegex") or "commandPrefix" in members.keys() - held.keys():
            for member in {"commandPrefix", "commandRegex"} & members.keys():
                document.set(("rule", rule.number, member), members[member])

    def _remove(self, rule: Rule, subject: Subject) -> None:
        document = self._documents[rule.path]
        part = next(part for part in rule.parts if part.subject == subject)
        if rule.alone or not part.member:
            document.remove(("rule", rule.number))
            return
        held = document.value["rule"][rule.number][part.member]
        for number in reversed(range(len(held))):
            if held[number] in part.elements:
                document.remove(("rule", rule.number, part.member, number))

    def _append(self, subject: Subject, decision: Decision) -> None:
        members = spell(subject, decision)
        if members is None:
            raise Unwritable(self._own, f"permissions/{subject} cannot be said by a rule")
        priority = self._priority(subject, decision, _PRIORITY[decision])
        document = self._documents.setdefault(self._own, Toml(b""))
        document.append(("rule",), {**members, "decision": _SPELLED[decision], "priority": priority})

    def _priority(self, subject: Subject, decision: Decision, preferred: int) -> int:
        """A priority above all that is weaker and below all that is stricter, as far as they meet."""
        own = {(rule.path, rule.number) for rule in self._about(subject)}
        others = [rule for rule in self._rules() if (rule.path, rule.number) not in own]
        if subject.tool == "default":
            low, high, preferred = _LOWEST - 1, min((rule.priority for rule in others), default=_HIGHEST + 1), _LOWEST + 1
        else:
            low = max((rule.priority for rule in others if _is_default(rule)), default=_LOWEST - 1)
            met = [rule for rule in others if not _is_default(rule) and _may_meet(rule, subject)]
            low = max([low, *(rule.priority for rule in met if _weaker(rule, decision))])
            high = min((rule.priority for rule in met if _weaker_than(decision, rule)), default=_HIGHEST + 1)
        for priority in (preferred, _PRIORITY[decision], high - 1):
            if low < priority < high:
                return priority
        raise Unwritable(
            self._own, f"no priority is left for {decision.value} {subject}: rules of others allow at {low} what is stricter at {high}"
        )


def _document(content: bytes) -> Toml:
    """Raises `Unparsable`, also for what the client would not load."""
    if content.startswith(_BOM):
        raise Unparsable("the client cannot read a file with a byte order mark", 1, 1)
    document = Toml(content)
    rules = document.value.get("rule", [])
    if not isinstance(rules, list):
        raise Unparsable("rule is no list of tables")
    for number, rule in enumerate(rules):
        for fault in _faults(rule):
            raise Unparsable(f"rule {number + 1}: {fault}, so the client ignores the whole file")
    return document


def _faults(rule: Any) -> Iterator[str]:
    if not isinstance(rule, Mapping):
        yield "it is no table"
        return
    if rule.get("decision") not in DECISIONS:
        yield "its decision is none of allow, ask_user, deny"
    priority = rule.get("priority")
    if isinstance(priority, bool) or not isinstance(priority, int) or not _LOWEST <= priority <= _HIGHEST:
        yield f"its priority is no whole number from {_LOWEST} to {_HIGHEST}"
    if not all(isinstance(each, str) for member in ("toolName", "commandPrefix") for each in _listed(rule.get(member, ""))):
        yield "its toolName or commandPrefix is neither text nor a list of texts"
    if not all(isinstance(rule.get(member, ""), str) for member in ("mcpName", "commandRegex")):
        yield "its mcpName or commandRegex is no text"
    if not rule.get("toolName") and not rule.get("mcpName"):
        yield "it names no tool"


def _rule(path: str, number: int, rule: Mapping[str, Any]) -> Rule:
    decision = DECISIONS[rule["decision"]]
    parts = () if _CONDITIONS & rule.keys() else _parts(rule, decision)
    held = sum(len(part.elements) for part in parts)
    alone = len(parts) == 1 and (not parts[0].member or held == len(_listed(rule[parts[0].member])))
    return Rule(path, number, decision, rule["priority"], parts, alone)


def _parts(rule: Mapping[str, Any], decision: Decision) -> tuple[Part, ...]:
    """What a rule is about."""
    names = _listed(rule.get("toolName", []))
    server = rule.get("mcpName")
    if server is not None:
        return tuple(_mcp_parts(server, names))
    commands = {"commandPrefix", "commandRegex"} & rule.keys()
    if commands:
        return tuple(_command_parts(rule, decision)) if len(commands) == 1 and rule["toolName"] == _SHELL else ()
    if names == ["*"]:
        return (Part(Subject("default")),)
    return tuple(Part(Subject(tool), "toolName", own) for tool, own in _TOOLS.items() if set(own) <= set(names))


def _mcp_parts(server: str, names: list[str]) -> Iterator[Part]:
    if names in ([], ["*"]) and "*" not in server:
        yield Part(Subject("mcp", "server", server))
    elif not {"*", "/"} & set(server):
        for name in names:
            if name and "*" not in name:
                yield Part(Subject("mcp", "tool", f"{server}/{name}"), "toolName", (name,))


def _command_parts(rule: Mapping[str, Any], decision: Decision) -> Iterator[Part]:
    if "commandRegex" in rule:
        subject = policy_commands.pattern(rule["commandRegex"], decision)
        if subject:
            yield Part(subject)
        return
    for text in dict.fromkeys(_listed(rule["commandPrefix"])):
        subject = policy_commands.prefix(text)
        if subject:
            yield Part(subject, "commandPrefix", (text,))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _is_default(rule: Rule) -> bool:
    return any(part.subject.tool == "default" for part in rule.parts)


def _weaker(rule: Rule, decision: Decision) -> bool:
    return _STRICTNESS.index(rule.decision) < _STRICTNESS.index(decision)


def _weaker_than(decision: Decision, rule: Rule) -> bool:
    return _STRICTNESS.index(decision) < _STRICTNESS.index(rule.decision)


def _meet(rule: Rule, other: Rule) -> bool:
    return bool(other.parts) and not _is_default(rule) and any(_may_meet(rule, part.subject) for part in other.parts)


def _may_meet(rule: Rule, subject: Subject) -> bool:
    """Whether a rule may be about the same acts; a rule that says something unknown may be."""
    return not rule.parts or any(overlap(part.subject, subject) for part in rule.parts)
