"""What the subjects of permissions have to do with one another, and with what a client is about to do.

What cannot be told is never guessed: `matches` then answers None, `covers` no and `overlap` yes.

A shell command line is matched command by command. Only a subject that itself spells an operator is also matched with whole lines, and
so has to do with every command.
"""

import posixpath
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from operator import eq
from urllib.parse import urlsplit

from syncd.domain.permission import Subject
from syncd.engines.clients.permissions import command_regex
from syncd.engines.clients.permissions.shapes import Shape, meet, takes_in

_OPERATOR = re.compile(r"[;&|\n`()]")
_OPERATOR_IN_REGEX = re.compile(r"[;&\n`]|\\[|()]|\[[^\]]*[|()]")
_ODD_IN_PATTERNS = re.compile(r"^!|[{}\[\]\\]")
_WILD = re.compile(r"[*?]")
_MOST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class _Meaning:
    """Shapes of everything that a subject is about."""

    shapes: tuple[Shape, ...]
    precise: bool = True
    """They are of nothing else."""
    expression: str = ""
    """The regular expression that counts, if the shapes are not precise and it can be used."""
    root: str = ""
    """What a path is relative to."""


_UNKNOWN = _Meaning(((None,),), precise=False)


def matches(subject: Subject, text: str) -> bool | None:
    """Whether an act of the subject's tool is what it is about; None if that cannot be told.

    `text` is a simple command, a path (absolute, below `~/`, or relative to the project), an address, or SERVER/TOOL.
    """
    if not subject.matcher:
        return True
    meaning = _meaning(subject)
    if subject.matcher == "path":
        return _path_matches(meaning, text)
    command = _blanks(text) if subject.tool == "shell" else text
    act = tuple(_host(text) if subject.tool == "fetch" else command)
    if not any(takes_in(shape, act, eq) for shape in meaning.shapes):
        return False
    if meaning.precise:
        return True
    return command_regex.fully(meaning.expression, command) if meaning.expression else None


def covers(wide: Subject, narrow: Subject) -> bool:
    """Whether all that one subject is about is proven to be what another one is about, too."""
    if wide == narrow:
        return True
    if wide.tool != narrow.tool or wide.tool == "default":
        return False
    if not wide.matcher or not narrow.matcher:
        return not wide.matcher
    if compound(narrow) and not compound(wide) and wide.matcher != "prefix":
        return False
    one, other = _meaning(wide), _meaning(narrow)
    if one.root != other.root or _UNKNOWN in (one, other):
        return False
    if one.precise:
        same = _segment_covers if wide.matcher == "path" else eq
        return all(any(takes_in(shape, each, same) for shape in one.shapes) for each in other.shapes)
    return matches(wide, narrow.text) is True if narrow.matcher == "exact" else one == other


@lru_cache(maxsize=50_000)
def overlap(one: Subject, other: Subject) -> bool:
    """Whether one act may be about both: yes, unless the opposite is proven. Everything may be about `default`."""
    if "default" in (one.tool, other.tool):
        return True
    if one.tool != other.tool:
        return False
    if not one.matcher or not other.matcher or compound(one) or compound(other):
        return True
    if other.matcher == "exact":
        one, other = other, one
    if one.matcher == "exact":
        return matches(other, one.text) is not False
    first, second = _meaning(one), _meaning(other)
    same = _segments_meet if one.matcher == "path" else eq
    return first.root != second.root or any(meet(shape, each, same) for shape in first.shapes for each in second.shapes)


def compound(subject: Subject) -> bool:
    """Whether a subject spells an operator of the shell, so that it is about whole lines."""
    if subject.tool != "shell":
        return False
    return bool((_OPERATOR_IN_REGEX if subject.matcher == "regex" else _OPERATOR).search(subject.text))


@lru_cache(maxsize=_MOST_KEPT)
def _meaning(subject: Subject) -> _Meaning:
    text = subject.text
    match subject.matcher:
        case "exact":
            return _Meaning((tuple(_blanks(text)),))
        case "prefix":
            words = tuple(_blanks(text))
            return _Meaning(((*words, " ", None), words))
        case "regex":
            return _regex(text)
        case "path":
            return _path(text)
        case "server":
            return _Meaning(((*_gapped(text), "/", None),))
        case _:
            return _Meaning((_gapped(text.lower() if subject.matcher == "domain" else text),))


def _gapped(text: str) -> Shape:
    return tuple(None if character == "*" else character for character in text)


def _blanks(command: str) -> str:
    """Words with single blanks between them."""
    return " ".join(command.split())


def _regex(text: str) -> _Meaning:
    body = command_regex.bare(text)
    if not body or not command_regex.usable(body):
        return _UNKNOWN
    shape, precise = command_regex.shape(body)
    return _Meaning((shape,), precise, "" if precise else body)


def _host(address: str) -> str:
    try:
        return (urlsplit(address if "://" in address else f"//{address}").hostname or "").lower()
    except ValueError:
        return ""


def _path(pattern: str) -> _Meaning:
    """A pattern as version control ignores files by; a folder stands for all that is in it."""
    if _ODD_IN_PATTERNS.search(pattern):
        return _UNKNOWN
    root, rest = "", pattern.removeprefix("./")
    if pattern.startswith(("//", "~/")):
        root, rest = pattern[0], pattern[2:]
    elif "/" not in pattern.rstrip("/"):
        rest = f"**/{pattern}"
    segments = [segment for segment in rest.split("/") if segment not in ("", ".")]
    if ".." in segments:
        return _UNKNOWN
    return _Meaning(((*(None if segment == "**" else segment for segment in segments), None),), root=root)


def _path_matches(meaning: _Meaning, path: str) -> bool | None:
    place = posixpath.normpath(path)
    root = place[0] if place.startswith(("/", "~/")) else ""
    names = tuple(name for name in place.removeprefix(root).split("/") if name)
    if meaning == _UNKNOWN or ".." in names:
        return None
    return root == meaning.root and any(takes_in(shape, names, _name_fits) for shape in meaning.shapes)


def _name_fits(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern)


def _segment_covers(wide: str, narrow: str) -> bool:
    return wide in ("*", narrow) or (not _WILD.search(narrow) and fnmatchcase(narrow, wide))


def _segments_meet(one: str, other: str) -> bool:
    if _WILD.search(one) and _WILD.search(other):
        return True
    return fnmatchcase(one, other) or fnmatchcase(other, one)
