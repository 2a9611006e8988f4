"""What can be told about a regular expression without trusting it.

It comes from a configuration file, may be invalid, and may take for ever.
"""

import re
import warnings
from math import comb

from syncd.engines.clients.permissions.shapes import Shape

_TOKEN = re.compile(r"(?:\\(?P<escaped>[^A-Za-z0-9])|(?P<gap>\.\*)|(?P<plain>[^\\^$.|?*+()\[\]{}]))(?![*+?{])")
_ATOM = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)
_GROUP = re.compile(r"\((?:\?(?:[:=!]|<[=!]|P<\w+>))?([^()]*)\)([*+{]?)")
_REPEATING = re.compile(r"[*+{]")
_CHOOSING = re.compile(r"[|?]")
_REPEATED_TWICE = re.compile(r"[*+}][*+{]")
_MOST_STEPS = 2_000_000
"""About a tenth of a second."""
_MOST_CHOICES = 40


def bare(text: str) -> str:
    """An expression that has to match the whole text, without what says just this: anchors, and brackets around everything."""
    body = text.removeprefix("^")
    if body.endswith("$") and not re.search(r"(?<!\\)(?:\\\\)*\\\$$", body):
        body = body[:-1]
    inside = re.fullmatch(r"\((?:\?:)?(.*)\)", body, re.DOTALL)
    return inside[1] if inside and _closes(inside[1]) and not inside[1].startswith("?") else body


def usable(body: str) -> bool:
    """Whether it is valid, and does not repeat what repeats."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(body)
    except (re.error, Warning, OverflowError, RecursionError):
        return False
    flat = _ATOM.sub("x", body)
    while group := _GROUP.search(flat):
        varies = _REPEATING.search(group[1]) or _CHOOSING.search(group[1])
        if varies and group[2]:
            return False
        flat = f"{flat[: group.start()]}{'x*' if varies else 'x'}{group[2]}{flat[group.end() :]}"
    return not _REPEATED_TWICE.search(flat)


def shape(body: str) -> tuple[Shape, bool]:
    """A shape of everything that it matches, and whether it is of nothing else."""
    if _splits(body):
        return (None,), False
    symbols: list[str | None] = []
    place = 0
    while token := _TOKEN.match(body, place):
        symbols.append(None if token["gap"] else token["escaped"] or token["plain"])
        place = token.end()
    return (tuple(symbols), True) if place == len(body) else ((*symbols, None), False)


def fully(body: str, text: str) -> bool | None:
    """Whether a usable one matches the whole of a text; None if it would take too long to tell."""
    flat = _ATOM.sub("x", body)
    repeats, choices = len(_REPEATING.findall(flat)), len(_CHOOSING.findall(flat))
    if comb(len(text) + repeats, repeats) << min(choices, _MOST_CHOICES) > _MOST_STEPS:
        return None
    return re.fullmatch(body, text, re.DOTALL) is not None


def _splits(body: str) -> bool:
    """Whether an alternative begins outside of all brackets."""
    flat = _ATOM.sub("x", body)
    while group := _GROUP.search(flat):
        flat = f"{flat[: group.start()]}x{group[2]}{flat[group.end() :]}"
    return "|" in flat


def _closes(body: str) -> bool:
    """Whether each bracket is closed inside."""
    depth = 0
    for character in _ATOM.sub("x", body):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0
