"""Shell commands as policy rules in TOML name them, and back.

A `commandRegex` is looked for behind `"command":"` in the call as JSON text, with nothing to end it: `git` also meets `github`, `.*` runs
on into the next member, and a quote in a command has a backslash before it. So patterns that we write end with the closing quote, and a
regular expression of somebody else is understood only as far as these differences do not matter. `commandPrefix` wants exactly the blanks
that it has, so that what is not simply allowed is an expression that leaves room for others.
"""

import json
import re

from syncd.domain.permission import Decision, Subject

_ANY = r'([^"\\]|\\.)*'
"""Any text inside a JSON string."""
_BLANKS = r"( |\\[nrt])+"
_WORD_END = r'([ "]|\\[nrt"])'
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")
_NARROW = re.compile(r'(?:\\[.*+?()\[\]{}|/^$dws -]|\[[\w./: -]+\]|\{\d+(?:,\d*)?\}|\(\?:|[()|*+?]|[^\\\[\](){}|.*+?^$"\x00-\x1f\x7f])*')
"""Means the same for a command and for its JSON text, and ends with it."""
_WIDE = re.compile(
    r'(?:\\[.*+?()\[\]{}|/^$dw -]|\[[\w./: -]+\]|\{\d+(?:,\d*)?\}|\(\?:|\.[*+]|[()|*+?]|[^\\\[\](){}|.*+?^$"\x00-\x1f\x7f])*'
)
"""Means at least as much for the JSON text of a command as for the command."""
_NESTED = re.compile(r"\([^)]*[*+?{].*\)[*+?{]")
"""The client drops a rule that looks as if it took long to match, and with it a denial."""
_LONGEST = 2048


def spell(subject: Subject, decision: Decision) -> dict[str, str] | None:
    """The members of a rule about a command; None if no rule says it without allowing more."""
    literal = _literal if decision is Decision.ALLOW else _roomy
    match subject.matcher:
        case "prefix" if subject.text != subject.text.strip():
            return None
        case "prefix" if decision is Decision.ALLOW or " " not in subject.text:
            return {"commandPrefix": subject.text}
        case "prefix":
            return _checked(literal(subject.text) + _WORD_END)
        case "exact":
            return _checked(literal(subject.text) + '"')
        case "glob":
            return _checked(_ANY.join(map(literal, subject.text.split("*"))) + '"')
        case "regex":
            return _spell_regex(subject.text, decision)
        case _:
            return {}


def prefix(text: str) -> Subject | None:
    """What an element of `commandPrefix` is about; None if it is nothing that can be said."""
    return Subject("shell", "prefix", text) if text and text == text.strip() else None


def pattern(text: str, decision: Decision) -> Subject | None:
    """What a `commandRegex` is about; None if it cannot be said."""
    bare = text.replace(_BLANKS, " ")
    if bare.endswith(_WORD_END):
        return prefix(_plain(bare.removesuffix(_WORD_END)) or "")
    if bare.endswith('"'):
        words = [_plain(part) for part in bare[:-1].split(_ANY)]
        if len(words) == 1 and words[0]:
            return Subject("shell", "exact", words[0])
        if all(each is not None and "*" not in each for each in words):
            return Subject("shell", "glob", "*".join(each or "" for each in words))
    if _splits(text):
        return None
    body = text[:-1] if text.endswith('"') else f"{_without_tail(text)}.*"
    subject = Subject("shell", "regex", f"^{body}$")
    return subject if body and spell(subject, decision) is not None else None


def _spell_regex(text: str, decision: Decision) -> dict[str, str] | None:
    body = text.removeprefix("^")
    if body.endswith("$") and not body.endswith("\\$"):
        body = body[:-1]
    if _splits(body):
        body = f"({body})"
    core = _without_tail(body)
    allowed = _NARROW if decision is Decision.ALLOW else _WIDE
    if not allowed.fullmatch(core) or not _compiles(core):
        return None
    return _checked(core if core != body else f'{body}"')


def _without_tail(body: str) -> str:
    return body[:-2] if body.endswith(".*") and not body.endswith("\\.*") else body


def _splits(body: str) -> bool:
    """Whether an alternative begins outside of all brackets."""
    depth = 0
    for token in re.findall(r"\\.|\[[^\]]*\]|.", body, re.DOTALL):
        depth += (token == "(") - (token == ")")  # noqa: S105 - a token of a pattern
        if token == "|" and not depth:  # noqa: S105 - a token of a pattern
            return True
    return False


def _compiles(body: str) -> bool:
    try:
        re.compile(body)
    except re.error:
        return False
    return True


def _checked(expression: str) -> dict[str, str] | None:
    safe = expression and len(expression) < _LONGEST and not _NESTED.search(expression)
    return {"commandRegex": expression} if safe else None


def _literal(text: str) -> str:
    """Text as a pattern for its JSON spelling."""
    return _SPECIAL.sub(r"\\\g<0>", json.dumps(text, ensure_ascii=False)[1:-1])


def _roomy(text: str) -> str:
    """Like `_literal`, with room for other blanks."""
    return _literal(text).replace(" ", _BLANKS)


def _plain(literal: str) -> str | None:
    """The opposite of `_literal`; None if there is more than text."""
    spelled = re.sub(r"\\(.)", r"\1", literal)
    try:
        text = str(json.loads(f'"{spelled}"'))
    except ValueError:
        return None
    return text if _literal(text) == literal else None
