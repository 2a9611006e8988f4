"""What a query demands of `_TABLE_SUFFIX`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncd.engines.metadata.checks.blocks import Block, Group, Node, split
from syncd.engines.metadata.checks.lexing import Kind, Token

SUFFIX = "_TABLE_SUFFIX"
_FLIPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "="}
_LOW, _HIGH = "low", "high"
_BOUNDS = {">": {_LOW}, ">=": {_LOW}, "<": {_HIGH}, "<=": {_HIGH}, "=": {_LOW, _HIGH}, "IN": {_LOW, _HIGH}, "BETWEEN": {_LOW, _HIGH}}


@dataclass(frozen=True, slots=True)
class Comparison:
    qualifier: str
    """The alias before the suffix, in small letters; empty without."""
    operator: str
    """`=`, `<`, `<=`, `>`, `>=`, `IN`, `BETWEEN`, or another one that bounds nothing."""
    operands: tuple[tuple[Node, ...], ...]

    @property
    def bounds(self) -> frozenset[str]:
        """Of `low` and `high`; a text that begins with no digit bounds nothing, because letters sort behind digits."""
        if any(not text[:1].isdecimal() for text in self.texts):
            return frozenset()
        return frozenset(_BOUNDS.get(self.operator, ()))

    @property
    def texts(self) -> tuple[str, ...]:
        """Operands that are nothing but a text."""
        return tuple(item.text for operand in self.operands for item in operand[:1] if len(operand) == 1 and _is_text(item))  # type: ignore[union-attr]


def comparisons(block: Block) -> list[Comparison]:
    """All in the WHERE of one SELECT, whatever AND, OR and NOT make of them."""
    return list(_everywhere(block.clause("WHERE")))


def is_bounded(block: Block, alias: str) -> bool:
    """WHERE lets only suffixes between two bounds pass, for the table of an alias."""
    return _bounds(block.clause("WHERE"), alias) == {_LOW, _HIGH}


def _bounds(items: Sequence[Node], alias: str) -> set[str]:
    branches = split(items, "OR")
    if len(branches) > 1:
        return set.intersection(*(_bounds(branch, alias) for branch in branches))
    found: set[str] = set()
    for part in _conjuncts(items):
        inner = part[0] if len(part) == 1 else None
        if isinstance(inner, Group) and not inner.is_query:
            found |= _bounds(inner.items, alias)
        else:
            compared = _comparison(part)
            if compared is not None and compared.qualifier in {"", alias}:
                found |= compared.bounds
    return found


def _everywhere(items: Sequence[Node]) -> Iterator[Comparison]:
    for branch in split(items, "OR"):
        for part in _conjuncts(branch):
            compared = _comparison(part)
            if compared is not None:
                yield compared
            for item in part:
                if isinstance(item, Group) and not item.is_query and compared is None:
                    yield from _everywhere(item.items)


def _conjuncts(items: Sequence[Node]) -> list[tuple[Node, ...]]:
    """Cut at AND, but not at that of BETWEEN."""
    parts: list[list[Node]] = [[]]
    between = False
    for item in items:
        if item.word == "AND" and not between:
            parts.append([])
            continue
        between = item.word == "BETWEEN" or (between and item.word != "AND")
        parts[-1].append(item)
    return [tuple(part) for part in parts if part]


def _comparison(part: tuple[Node, ...]) -> Comparison | None:
    """What a condition demands, if it compares the bare suffix."""
    at = next((index for index, item in enumerate(part) if item.word == SUFFIX), None)
    if at is None:
        return None
    qualified = at > 1 and part[at - 1].word == "."
    first = part[at - 2] if qualified else None
    qualifier = first.text.lower() if isinstance(first, Token) else ""
    before, behind = part[: at - 2 if qualified else at], part[at + 1 :]
    if behind and not before:
        return Comparison(qualifier, *_behind(behind))
    if len(before) > 1 and not behind and before[-1].word in _FLIPPED:
        return Comparison(qualifier, _FLIPPED[before[-1].word], (before[:-1],))
    return Comparison(qualifier, "", ())


def _behind(items: tuple[Node, ...]) -> tuple[str, tuple[tuple[Node, ...], ...]]:
    operator, rest = items[0].word, items[1:]
    if operator == "BETWEEN":
        return operator, tuple(split(rest, "AND"))
    if operator == "IN" and rest and isinstance(rest[0], Group):
        return operator, () if rest[0].is_query else tuple(split(rest[0].items, ","))
    if operator == "NOT":
        return f"NOT {rest[0].word if rest else ''}", (rest[1:],)
    return operator, (rest,)


def _is_text(item: Node) -> bool:
    return isinstance(item, Token) and item.kind is Kind.STRING
