"""What OpenCode may do: `permission` is read from top to bottom, and the last rule that matches decides.

The unified model knows no order: the strictest decides. So a rule is understood only as far as both agree on it. What a later, weaker
rule overrides stays in OpenCode alone, and new rules stand where no stricter one is overridden by them. `"*": "ask"` at the start of a
tool's patterns is how people write "else ask", which every client does anyway, and `"*"` as the first tool of all is OpenCode's own
default: neither is a permission, and others may follow. A tool that is meant as a whole beside patterns is `"?*"`.

`*` is any text, also with slashes; ` *` at the end may be missing. A path pattern is understood where it means the same as elsewhere.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from syncd.domain.permission import Decision, Subject
from syncd.kit.documents.document import Place, Uneditable
from syncd.kit.documents.jsonc import Jsonc

MEMBER = "permission"
_TOOLS = {"bash": "shell", "edit": "edit", "read": "read", "webfetch": "fetch", "websearch": "search"}
_KEYS = {tool: key for key, tool in _TOOLS.items()}
_NO_SERVERS = ("doom_loop", "external_directory", "plan_enter", "plan_exit")
_MCP = re.compile(r"(?P<server>[A-Za-z0-9-]+)_(?P<tool>\*|[A-Za-z0-9_-]+)")
_SAME_PATH = re.compile(r"(?:~/|(?![~/.]))[^*?\[\]{}!\\]*[^*?\[\]{}!\\/]/\*\*|\.[^*?\[\]{}!\\/.][^*?\[\]{}!\\]*/\*\*|\*[^*?\[\]{}!\\/]+\*?")
_NAME = re.compile(r"[^*?\[\]{}!\\/~]+")
_WHOLE = "?*"
_SHALLOW = 2
"""Length of the place of a tool; that of a pattern is longer."""
_STRICTNESS = {Decision.ALLOW: 0, Decision.ASK: 1, Decision.DENY: 2}


@dataclass(frozen=True, slots=True)
class _Rule:
    key: str
    pattern: str | None
    """None if the tool has one word for everything."""
    decision: Decision
    subject: Subject | None
    """None if no other client could be told."""
    fallback: bool
    place: Place


def decisions(value: Any) -> tuple[dict[Subject, Decision], tuple[str, ...]]:
    """What `permission` says, and notes on what stays in OpenCode alone."""
    rules = _rules(value)
    understood = _understood(rules)
    found: dict[Subject, Decision] = {}
    for rule in understood:
        if rule.subject:
            found[rule.subject] = max(rule.decision, found.get(rule.subject, rule.decision), key=_STRICTNESS.__getitem__)
    alone = (rule for rule in rules if rule not in understood and not rule.fallback)
    return found, tuple(f"permission {' '.join(map(str, rule.place[1:]))} stays in OpenCode alone" for rule in alone)


def can(subject: Subject, decision: Decision) -> Sequence[tuple[Subject, Decision]] | None:
    """How OpenCode says one thing; an ask or deny may become one that covers more."""
    spelled = _spelled(subject)
    if spelled is not None and _subject(*spelled) == subject:
        return [(subject, decision)]
    wider = _wider(subject) if decision is not Decision.ALLOW else None
    return [(wider, decision)] if wider else None


def say(document: Jsonc, subject: Subject, decision: Decision | None) -> Jsonc:
    """The document with one thing said, or not said any more if `decision` is None. Raises `Uneditable`."""
    before, _ = decisions(document.value.get(MEMBER))
    if before.get(subject) is decision:
        return document
    content = document.content()
    meant = {**before, subject: decision}
    own = [rule for rule in _understood(_rules(document.value.get(MEMBER))) if rule.subject == subject]
    if decision and len(own) == 1:
        document.set(own[0].place, decision.value)
        if _says(document, meant):
            return document
        document = Jsonc(content)
    for rule in own:
        _remove(document, rule.place)
    if decision:
        document = _added(document, subject, decision)
    if decision and not _says(document, meant):
        document = _in_order(content, subject, decision)
    if not _says(document, meant):
        raise Uneditable(f"other rules of permission decide about '{subject}'; the order in which they stand is left alone")
    return document


def _says(document: Jsonc, meant: Mapping[Subject, Decision | None]) -> bool:
    return decisions(document.value.get(MEMBER))[0] == {subject: decision for subject, decision in meant.items() if decision}


def _rules(value: Any) -> list[_Rule]:
    """All rules in the order of the text. What OpenCode itself refuses is none."""
    if isinstance(value, str):
        return [_Rule("*", None, Decision(value), None, fallback=True, place=(MEMBER,))] if _is_decision(value) else []
    found: list[_Rule] = []
    for key, held in value.items() if isinstance(value, Mapping) else ():
        patterns = held.items() if isinstance(held, Mapping) else [(None, held)]
        for number, (pattern, word) in enumerate(patterns):
            if _is_decision(word):
                usual = number == 0 and pattern == "*" and word == Decision.ASK.value
                fallback = usual or (key == "*" and not found)
                place = (MEMBER, key) if pattern is None else (MEMBER, key, pattern)
                found.append(_Rule(key, pattern, Decision(word), None if fallback else _subject(key, pattern), fallback, place))
    return found


def _understood(rules: Sequence[_Rule]) -> list[_Rule]:
    """The rules that decide whatever they are about, or that only stricter ones of the understood override."""
    found: list[_Rule] = []
    for number in reversed(range(len(rules))):
        rule = rules[number]
        later = [each for each in rules[number + 1 :] if each.decision is not rule.decision and _meet(rule, each)]
        if rule.subject and all(_stricter(each, rule) and each in found for each in later):
            found.insert(0, rule)
    return found


def _subject(key: str, pattern: str | None) -> Subject | None:
    tool = _TOOLS.get(key)
    if pattern in (None, "*", _WHOLE):
        if tool:
            return Subject(tool)
        named = None if key in _NO_SERVERS else _MCP.fullmatch(key)
        if named is None or pattern is not None:
            return None
        if named["tool"] == "*":
            return Subject("mcp", "server", named["server"])
        return Subject("mcp", "tool", f"{named['server']}/{named['tool']}")
    if tool == "shell":
        return _command(pattern)
    return Subject(tool, "path", pattern) if tool in ("read", "edit") and _SAME_PATH.fullmatch(pattern) else None


def _command(pattern: str) -> Subject | None:
    words = pattern.removesuffix(" *")
    if "?" in pattern or not words.strip():
        return None
    if "*" not in words:
        return Subject("shell", "exact" if words == pattern else "prefix", words)
    return Subject("shell", "glob", pattern) if words == pattern else None


def _spelled(subject: Subject) -> tuple[str, str | None] | None:
    """Key and pattern of a subject, which may turn out to mean something else."""
    match subject.tool, subject.matcher:
        case "mcp", "server":
            return f"{subject.text}_*", None
        case "mcp", "tool":
            return subject.text.replace("/", "_", 1), None
        case tool, "" if tool in _KEYS:
            return _KEYS[tool], None
        case "shell", "prefix":
            return "bash", f"{subject.text} *"
        case ("shell", "exact" | "glob") | ("read" | "edit", "path"):
            return _KEYS[subject.tool], subject.text
        case _:
            return None


def _wider(subject: Subject) -> Subject | None:
    """Something that OpenCode can say and that covers the subject."""
    match subject.tool, subject.matcher:
        case "shell", "glob":
            return Subject("shell") if subject.text == "*" else _command(subject.text)
        case "read" | "edit", "path":
            within = subject.text.removeprefix("./")
            text = f"*{within}" if _NAME.fullmatch(within) else within
            return Subject(subject.tool, "path", text) if _SAME_PATH.fullmatch(text) else None
        case _:
            return None


def _added(document: Jsonc, subject: Subject, decision: Decision) -> Jsonc:
    """The document with one rule more, before the first stricter one that it would override."""
    key, pattern = _spelled(subject) or ("", None)
    held = document.value.get(MEMBER, {})
    there = held.get(key) if isinstance(held, Mapping) else None
    if isinstance(held, str):
        document.set((MEMBER,), {"*": held, key: decision.value if pattern is None else {pattern: decision.value}})
        return document
    if isinstance(there, str) and pattern is not None:
        pairs = [(_WHOLE, there), (pattern, decision.value)]
        document.set((MEMBER, key), dict(sorted(pairs, key=lambda pair: _STRICTNESS[Decision(pair[1])])))
        return document
    new = _Rule(key, pattern, decision, subject, fallback=False, place=())
    stricter = [rule for rule in _rules(held) if _forbids(rule, new)]
    if any((rule.key, rule.pattern or _WHOLE) == (key, pattern or _WHOLE) for rule in stricter):
        raise Uneditable(f"what permission says about '{subject}' has exceptions that only OpenCode understands")
    if isinstance(there, Mapping):
        before = stricter[0].pattern if stricter and stricter[0].key == key else None
        return _placed(document, (MEMBER, key, pattern or _WHOLE), decision.value, before)
    word = decision.value if pattern is None else {pattern: decision.value}
    return _placed(document, (MEMBER, key), word, stricter[0].key if stricter else None)


def _in_order(content: bytes, subject: Subject, decision: Decision) -> Jsonc:
    """The document with one rule more, and all that are understood beside it behind the others, the strictest last."""
    document = Jsonc(content)
    key, pattern = _spelled(subject) or ("", None)
    inside = isinstance(document.value[MEMBER].get(key), Mapping) if isinstance(document.value.get(MEMBER), Mapping) else False
    place: Place = (MEMBER, key, pattern or _WHOLE) if inside else (MEMBER, key)
    everything = _rules(document.value.get(MEMBER))
    understood = _understood(everything)
    new = _Rule(key, pattern, decision, subject, fallback=False, place=place)
    if any(_forbids(each, new) for each in everything if each not in understood):
        raise Uneditable(f"'{subject}' would have to override a rule of permission that only OpenCode understands")
    rules = [rule for rule in understood if rule.place[:-1] == place[:-1]]
    for rule in everything:
        if rule in rules or rule.place == place:
            document.remove(rule.place)
    words = [(rule.place, rule.decision) for rule in rules if rule.subject != subject]
    for each, word in sorted([*words, (place, decision)], key=lambda pair: _STRICTNESS[pair[1]]):
        document.set(each, word.value)
    return document


def _placed(document: Jsonc, place: Place, value: Any, before: str | None) -> Jsonc:
    """A new member, the last one or before another. The other is found by trying, for the parser to decide."""
    held: Any = document.value.get(MEMBER, {})
    if before is None or place[-1] in (held if len(place) == _SHALLOW else held.get(place[1], {})):
        document.set(place, value)
        return document
    text = document.content().decode()
    member = f"{json.dumps(place[-1], ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)},"
    for match in re.finditer(rf"(?P<indent>(?:\r?\n[ \t]*)?){re.escape(json.dumps(before, ensure_ascii=False))}\s*:", text):
        at = match.end("indent")
        changed = Jsonc((text[:at] + member + (match["indent"] or " ") + text[at:]).encode())
        if _flat(changed.value) == list(_with(_flat(document.value), (*place[:-1], before), place, value)):
            return changed
    raise Uneditable(f"no place before '{before}' was found")


def _flat(value: Any, place: Place = ()) -> list[tuple[Place, Any]]:
    """Everything in a document in its order; members of lists count as one."""
    if not isinstance(value, Mapping):
        return [(place, value)]
    return [(place, None), *(pair for name, inner in value.items() for pair in _flat(inner, (*place, name)))]


def _with(flat: Sequence[tuple[Place, Any]], before: Place, place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    for each in flat:
        if each[0] == before:
            yield from _flat(value, place)
        yield each


def _remove(document: Jsonc, place: Place) -> None:
    """Remove a rule, and what it leaves empty."""
    document.remove(place)
    for outer in (place[:length] for length in range(len(place) - 1, 0, -1)):
        held: Any = document.value
        for step in outer:
            held = held[step]
        if held:
            return
        document.remove(outer)


def _meet(one: _Rule, other: _Rule) -> bool:
    """Whether both may be about the same act; True unless that is sure not to be."""
    wild = any("*" in each.key for each in (one, other))
    keys = one.key == other.key or (wild and (fnmatchcase(one.key, other.key) or fnmatchcase(other.key, one.key)))
    both_wild = "*" in one.key and "*" in other.key
    return (keys or both_wild) and _patterns_meet(one.pattern or "*", other.pattern or "*")


@lru_cache(maxsize=50_000)
def _patterns_meet(one: str, other: str) -> bool:
    words = [pattern.removesuffix(" *") for pattern in (one, other)]
    if not any(re.search(r"[*?]", each) for each in words):
        longer, shorter = sorted(zip(words, (one, other), strict=True), key=lambda pair: -len(pair[0]))
        return longer[0] == shorter[0] or (shorter[0] != shorter[1] and longer[0].startswith(f"{shorter[0]} "))
    heads = sorted((re.split(r"[*?]", each, maxsplit=1)[0] for each in words), key=len)
    tails = sorted((re.split(r"[*?]", each)[-1] for each in (one, other)), key=len)
    return heads[1].startswith(heads[0]) and tails[1].endswith(tails[0])


def _forbids(one: _Rule, other: _Rule) -> bool:
    """Whether the other must not override it. What is said about everything else is made to be overridden."""
    return _stricter(one, other) and _meet(one, other) and not one.fallback


def _stricter(one: _Rule, other: _Rule) -> bool:
    return _STRICTNESS[one.decision] > _STRICTNESS[other.decision]


def _is_decision(word: Any) -> bool:
    return isinstance(word, str) and word in {decision.value for decision in Decision}
