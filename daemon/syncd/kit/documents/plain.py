"""Plain values (mappings with names, lists, scalars) and what an edit makes of them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from syncd.kit.documents.document import Place, Uneditable


def plain(value: Any) -> Any:
    """Any mapping as a dict and any sequence as a list, all the way down. Raises `Uneditable` for a member without a name."""
    match value:
        case Mapping():
            if not all(isinstance(name, str) for name in value):
                raise Uneditable("the name of a member is a text")
            return {name: plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return value


def same(one: Any, other: Any) -> bool:
    """Whether two plain values say the same; `1`, `1.0` and `True` are three values, the order of members is of no account."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(each, other[name]) for name, each in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


def is_deep(value: Any, limit: int) -> bool:
    """Whether mappings and lists are nested in more than `limit` levels."""
    level = [value]
    for _ in range(limit + 1):
        level = [each for outer in level for each in _inside(outer)]
        if not level:
            return False
    return True


def has(whole: Any, place: Place) -> bool:
    """Whether there is something at a place."""
    try:
        at(whole, place)
    except KeyError:
        return False
    return True


def at(whole: Any, place: Place) -> Any:
    """What is at a place. Raises `KeyError`."""
    for step in place:
        whole = _stepped(whole, step, place)
    return whole


def with_set(whole: Any, place: Place, value: Any) -> Any:
    """A copy with a value at a place; mappings are made as needed, also where there is nothing but null. Raises `Uneditable`."""
    if not place:
        return value
    step, rest = place[0], place[1:]
    match whole, step:
        case dict(), str():
            return {**whole, step: with_set(whole.get(step), rest, value)}
        case None, str():
            return {step: with_set(None, rest, value)}
        case list(), int() if 0 <= step < len(whole):
            return [*whole[:step], with_set(whole[step], rest, value), *whole[step + 1 :]]
        case _:
            raise Uneditable(f"there is nothing that could hold {step!r}")


def with_appended(whole: Any, place: Place, value: Any) -> Any:
    """A copy with an element more in the list at a place, which is made if it is missing. Raises `Uneditable`."""
    old = at(whole, place) if has(whole, place) else None
    if old is not None and not isinstance(old, list):
        raise Uneditable(f"{place[-1]!r} is no list")
    return with_set(whole, place, [*(old or []), value])


def without(whole: Any, place: Place) -> Any:
    """A copy without what is at a place. Raises `KeyError`."""
    outer = at(whole, place[:-1])
    _stepped(outer, place[-1], place)
    if isinstance(outer, list):
        left: Any = [each for number, each in enumerate(outer) if number != place[-1]]
    else:
        left = {name: each for name, each in outer.items() if name != place[-1]}
    return with_set(whole, place[:-1], left)


def emptied(whole: Any, place: Place) -> Iterator[Any]:
    """The whole, and copies in which more and more of what is empty on the way to a place is missing, the innermost first."""
    yield whole
    for length in range(len(place), 0, -1):
        outer = place[:length]
        if has(whole, outer):
            if at(whole, outer) not in ({}, []):
                return
            whole = without(whole, outer)
            yield whole


def common(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many elements are the same, from the first on."""
    unequal = (number for number, pair in enumerate(zip(one, other, strict=False)) if not same(*pair))
    return next(unequal, min(len(one), len(other)))


def _stepped(whole: Any, step: str | int, place: Place) -> Any:
    if isinstance(whole, dict) and isinstance(step, str) and step in whole:
        return whole[step]
    if isinstance(whole, list) and isinstance(step, int) and 0 <= step < len(whole):
        return whole[step]
    raise KeyError(place)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
