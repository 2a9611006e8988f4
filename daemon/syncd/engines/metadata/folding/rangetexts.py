"""Ranges of suffixes as text: `20240101..20240131`, `20240203`, and `20240205..20240209 every 7 until 20241227` for what comes regularly.

`every` counts in what the last part of the suffix counts: for `YYYYMMDD` in days, for `YYYYMM` in months.
"""

from collections.abc import Iterable, Iterator, Sequence

from syncd.engines.metadata.folding.family import Ranges
from syncd.engines.metadata.folding.suffixes import form_of

_BETWEEN, _EVERY, _UNTIL = "..", " every ", " until "
_REGULAR = 3
"""So many ranges at least are told as one."""


def written(form: str, ranges: Ranges) -> Iterator[str]:
    """Few texts for many ranges."""
    known = form_of(form)
    spans = [(known.position(first), known.position(last)) for first, last in ranges]
    at = 0
    while at < len(spans):
        first, last = ranges[at]
        text = first if first == last else f"{first}{_BETWEEN}{last}"
        many = _alike(spans, at)
        if many < _REGULAR:
            many = 1
        else:
            text += f"{_EVERY}{spans[at + 1][0] - spans[at][0]}{_UNTIL}{ranges[at + many - 1][1]}"
        yield text
        at += many


def _alike(spans: Sequence[tuple[int, int]], at: int) -> int:
    """How many from here on are of one length and one distance."""
    if at + 1 == len(spans):
        return 1
    step = spans[at + 1][0] - spans[at][0]
    end = at + 1
    while end < len(spans) and spans[end] == (spans[end - 1][0] + step, spans[end - 1][1] + step):
        end += 1
    return end - at


def read(form: str, texts: Iterable[str]) -> Iterator[str]:
    """Every suffix that some texts tell of."""
    known = form_of(form)
    for text in texts:
        span, _, regular = text.partition(_EVERY)
        step, _, until = regular.partition(_UNTIL)
        first, _, last = span.partition(_BETWEEN)
        begin, end = known.position(first), known.position(last or first)
        for start in range(begin, known.position(until or first) + 1, int(step or 1)):
            yield from map(known.suffix, range(start, start + end - begin + 1))
