"""Shell commands as regular expressions for whole commands, and back.

Whether the client's matching begins and ends at the borders of a command is documented by an example only, so everything has anchors. What
denies or asks leaves room: for blanks in front, for other blanks between words, for line ends.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from syncd.domain.permission import Decision, Subject

_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")


@dataclass(frozen=True, slots=True)
class _Style:
    start: str
    blank: str
    more: str
    """Behind the words of a prefix."""
    any: str
    end: str


_EXACTLY = _Style("^", " ", "( .*)?", ".*", "$")
_ROOMY = _Style(r"^\s*", r"\s+", r"(\s[\s\S]*)?", r"[\s\S]*", r"\s*$")


def spell(subject: Subject, decision: Decision) -> str | None:
    """The expression for a command; None if it says nothing about commands, or does not compile."""
    if subject.matcher == "regex":
        text = subject.text if parse(subject.text) == subject else f"^(?:{subject.text.removeprefix('^').removesuffix('$')})$"
        return text if _compiles(subject.text) and parse(text) == subject else None
    return _spell(subject, _EXACTLY if decision is Decision.ALLOW else _ROOMY)


@lru_cache(maxsize=50_000)
def parse(text: str) -> Subject:
    """What an expression is about: one of our own shapes, else the expression itself.

    Brackets around all of it say that an expression of our own shape is meant as an expression.
    """
    wrapped = re.fullmatch(r"\^\(\?:(.*)\)\$", text, re.DOTALL)
    if wrapped and parse(f"^{wrapped[1]}$").matcher != "regex":
        return Subject("shell", "regex", f"^{wrapped[1]}$")
    for style in (_EXACTLY, _ROOMY):
        if text.startswith(style.start) and text.endswith(style.end):
            inner = text[len(style.start) : len(text) - len(style.end)]
            for subject in _candidates(inner, style):
                if _spell(subject, style) == text:
                    return subject
    return Subject("shell", "regex", text)


def _spell(subject: Subject, style: _Style) -> str | None:
    match subject.matcher:
        case "exact":
            inner = _literal(subject.text, style)
        case "prefix":
            inner = _literal(subject.text, style) + style.more
        case "glob":
            inner = style.any.join(_literal(part, style) for part in subject.text.split("*"))
        case _:
            return None
    return f"{style.start}{inner}{style.end}"


def _candidates(inner: str, style: _Style) -> list[Subject]:
    """What an expression of this style may be about; to be spelled again."""
    found = [Subject("shell", "glob", "*".join(_plain(part, style) for part in inner.split(style.any)))] if style.any in inner else []
    if inner.endswith(style.more):
        found.insert(0, Subject("shell", "prefix", _plain(inner.removesuffix(style.more), style)))
    return [*found, Subject("shell", "exact", _plain(inner, style))] if inner else []


def _literal(text: str, style: _Style) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text).replace(" ", style.blank)


def _plain(literal: str, style: _Style) -> str:
    return re.sub(r"\\(.)", r"\1", literal.replace(style.blank, " "), flags=re.DOTALL)


def _compiles(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
