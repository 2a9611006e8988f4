"""Shapes: symbols in order, with gaps between them that anything fits into.

A shape stands for many sequences of symbols (the characters of a command, the parts of a path). A sequence is a shape without gaps.
"""

from collections.abc import Callable, Iterator

Shape = tuple[str | None, ...]
"""None is a gap: any number of any symbols."""
Same = Callable[[str, str], bool]
"""Whether two symbols fit."""

_MOST_PLACES = 250_000


def takes_in(wide: Shape, narrow: Shape, same: Same) -> bool:
    """Whether every sequence of one shape is proven to be of another one; `same` gets their symbols in this order."""
    gap = wide.index(None) if None in wide else len(wide)
    if len(narrow) < gap or not all(ours and theirs and same(ours, theirs) for ours, theirs in zip(wide[:gap], narrow[:gap], strict=True)):
        return False
    places = _with_gaps_left_out(wide, {gap})
    for symbol in narrow[gap:]:
        places = _with_gaps_left_out(wide, {reached for place in places for reached in _after(wide, place, symbol, same)})
        if not places:
            return False
    return len(wide) in places


def meet(one: Shape, other: Shape, same: Same) -> bool:
    """Whether a sequence may be of both shapes; yes, unless the opposite is proven."""
    if _run_into(one, other) or _run_into(other, one) or len(one) * len(other) > _MOST_PLACES:
        return True
    if not all(same(ours, theirs) for ours, theirs in zip(_head(one), _head(other), strict=False)):
        return False
    seen: set[tuple[int, int]] = set()
    ahead = [(0, 0)]
    while ahead:
        place = ahead.pop()
        if place == (len(one), len(other)):
            return True
        if place not in seen:
            seen.add(place)
            ahead.extend(_further(one, other, place, same))
    return False


def _head(shape: Shape) -> Iterator[str]:
    """The symbols before the first gap."""
    for symbol in shape:
        if symbol is None:
            return
        yield symbol


def _run_into(one: Shape, other: Shape) -> bool:
    """Whether the gap at the end of one shape has room for all of the other, and the one at its start for all of the first."""
    return bool(one and other) and one[-1] is None and other[0] is None


def _with_gaps_left_out(shape: Shape, places: set[int]) -> set[int]:
    for place in sorted(places):
        at = place
        while at < len(shape) and shape[at] is None:
            at += 1
            places.add(at)
    return places


def _after(shape: Shape, place: int, symbol: str | None, same: Same) -> Iterator[int]:
    if place == len(shape):
        return
    expected = shape[place]
    if expected is None:
        yield place
    elif symbol is not None and same(expected, symbol):
        yield place + 1


def _further(one: Shape, other: Shape, place: tuple[int, int], same: Same) -> Iterator[tuple[int, int]]:
    first, second = place
    ours = one[first] if first < len(one) else ""
    theirs = other[second] if second < len(other) else ""
    if ours is None:
        yield first + 1, second
    if theirs is None:
        yield first, second + 1
    if ours is None and theirs:
        yield first, second + 1
    elif theirs is None and ours:
        yield first + 1, second
    elif ours and theirs and same(ours, theirs):
        yield first + 1, second + 1
