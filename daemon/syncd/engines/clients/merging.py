"""Several new versions of one text become one, if they change different lines."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise


def merged(base: str, texts: Sequence[str]) -> str | None:
    """One text with the changes of all; None where two of them change the same lines differently.

    Lines that two texts insert at one place are all kept, in the order of the texts: nobody has to choose between additions.
    """
    result = base
    for text in texts:
        once = _both(base, result, text)
        if once is None:
            return None
        result = once
    return result


def _both(base: str, ours: str, theirs: str) -> str | None:
    old = base.split("\n")
    mine, others = _changes(old, ours), _changes(old, theirs)
    changes = sorted(mine + [change for change in others if change not in mine], key=lambda change: change[:2])
    if any(_collide(first, second) for first, second in pairwise(changes)):
        return None
    lines: list[str] = []
    place = 0
    for start, end, new in changes:
        lines += [*old[place:start], *new]
        place = end
    return "\n".join([*lines, *old[place:]])


Change = tuple[int, int, tuple[str, ...]]
"""The lines from one number up to another become others."""


def _changes(old: Sequence[str], text: str) -> list[Change]:
    new = text.split("\n")
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(start, end, tuple(new[from_:to])) for tag, start, end, from_, to in codes if tag != "equal"]


def _collide(first: Change, second: Change) -> bool:
    if first[0] == first[1] and second[0] == second[1]:
        return False  # both only insert
    return first[0] == second[0] or second[0] < first[1]
