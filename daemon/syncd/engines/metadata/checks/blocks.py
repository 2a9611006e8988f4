"""The shape of a query: its SELECTs, what each reads from, and every name it uses. Knows no table.

No grammar of a dialect is behind it, so it takes what it does not know for what does no harm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from syncd.engines.metadata.checks.lexing import Kind, Token

INDEX = "[]"
"""A step that takes one element of a list."""

DEEPEST = 60
"""Brackets inside brackets that are told apart; no query that somebody wants to read has as many."""


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between two brackets."""

    opener: str
    items: tuple["Node", ...]
    start: int

    word = ""
    is_name = False

    @property
    def is_query(self) -> bool:
        first = self.items[0] if self.items else None
        if isinstance(first, Group):
            return first.opener == "(" and first.is_query and not _goes_on(self.items)
        return self.opener == "(" and first is not None and first.word in {"SELECT", "WITH", "FROM"}


Node: TypeAlias = Token | Group


@dataclass(frozen=True, slots=True)
class Path:
    """`a.b[0].c`, as it stands: `INDEX` for what is in square brackets."""

    steps: tuple[str, ...]
    quoted: tuple[bool, ...]
    start: int
    star: bool = False
    """`.*` stands behind it, or it is a star alone and has no steps."""

    @property
    def shown(self) -> str:
        return ".".join(self.steps).replace(f".{INDEX}", INDEX)


@dataclass(frozen=True, slots=True)
class Mention:
    path: Path
    clause: str
    """`SELECT`, `FROM`, `WHERE`, …"""
    doubtful: bool = False
    """It may be something else than a name."""


@dataclass(slots=True, eq=False)
class Reference:
    """One thing that FROM names."""

    path: Path | None = None
    """A table, a CTE or a list; of a function its name."""
    query: "Query | None" = None
    call: Group | None = None
    """The arguments, if it is a function."""
    listed: Path | None = None
    """What UNNEST takes, if it is a path."""
    alias: str = ""
    columns: tuple[str, ...] = ()
    """Names that it gives to the columns."""
    unbacked: bool = False
    """A star stands behind the name outside of its quotes."""


@dataclass(frozen=True, slots=True)
class Output:
    """One column of a result."""

    alias: str
    path: Path | None
    """If it is nothing but a name, or stars."""
    items: tuple[Node, ...]


@dataclass(slots=True, eq=False)
class Block:
    """One SELECT."""

    query: "Query"
    clauses: list[tuple[str, tuple[Node, ...]]]
    references: list[Reference] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """What the query itself defines on the way: windows, parameters of lambdas, offsets."""
    calls: list[Token] = field(default_factory=list)
    inner: list["Query"] = field(default_factory=list)
    opaque: bool = False
    """It reshapes its columns, so that nobody here knows their names."""

    def clause(self, name: str) -> tuple[Node, ...]:
        return next((items for found, items in self.clauses if found == name), ())


@dataclass(slots=True, eq=False)
class Query:
    """SELECTs that UNION and its like bind together."""

    outer: Block | None
    ctes: dict[str, tuple["Query", tuple[str, ...]]] = field(default_factory=dict)
    above: "Query | None" = None
    """The query whose CTEs it may name beyond its own."""
    blocks: list[Block] = field(default_factory=list)
    only_asked_for: bool = False
    """EXISTS stands before it: whichever columns it has, nobody reads them."""

    def every_block(self) -> Iterator[Block]:
        """Of the whole tree."""
        for query, _ in self.ctes.values():
            yield from query.every_block()
        for block in self.blocks:
            yield block
            for query in block.inner:
                yield from query.every_block()


def grouped(tokens: Sequence[Token]) -> tuple[Node, ...]:
    """A tree of brackets; one that is not closed ends with the text."""
    levels: list[tuple[str, int, list[Node]]] = [("", 0, [])]
    for token in tokens:
        if token.word in {"(", "[", "{"} and len(levels) <= DEEPEST:
            levels.append((token.word, token.start, []))
        elif token.word in {")", "]", "}"} and len(levels) > 1:
            opener, start, items = levels.pop()
            levels[-1][2].append(Group(opener, tuple(items), start))
        else:
            levels[-1][2].append(token)
    while len(levels) > 1:
        opener, start, items = levels.pop()
        levels[-1][2].append(Group(opener, tuple(items), start))
    return tuple(levels[0][2])


def split(items: Sequence[Node], *words: str) -> list[tuple[Node, ...]]:
    """Cut at words that stand outside of brackets."""
    parts: list[list[Node]] = [[]]
    for item in items:
        if item.word in words:
            parts.append([])
        else:
            parts[-1].append(item)
    return [tuple(part) for part in parts]


def path_at(items: Sequence[Node], at: int) -> tuple[Path, int]:
    """The path that begins with the name at a position, and the position behind it."""
    first = items[at]
    assert isinstance(first, Token)  # noqa: S101 - for the type checker: who calls has seen a name
    steps, quoted = [first.text], [first.kind is Kind.QUOTED]
    star, at = False, at + 1
    while at < len(items) and not star:
        item, after = items[at], items[at + 1] if at + 1 < len(items) else None
        if isinstance(item, Group) and item.opener == "[":
            steps.append(INDEX)
            quoted.append(False)
            at += 1
        elif item.word == "." and isinstance(after, Token) and (after.is_name or after.word == "*"):
            star = after.word == "*"
            if not star:
                steps.append(after.text)
                quoted.append(after.kind is Kind.QUOTED)
            at += 2
        else:
            break
    return Path(tuple(steps), tuple(quoted), first.start, star), at


def doubled(clauses: Sequence[tuple[str, tuple[Node, ...]]]) -> Iterator[str]:
    """What is wrong with the clauses of a block."""
    names = [name for name, _ in clauses]
    yield from (f"{name} stands twice" for name in sorted(set(names)) if name in {"SELECT", "FROM", "WHERE"} and names.count(name) > 1)
    for name, items in clauses:
        first = items[0].word if items else ""
        if name in {"GROUP", "ORDER"} and first not in {"BY", "SIBLINGS"}:
            yield f"BY is missing behind {name}"
        if name in {"FROM", "WHERE", "HAVING"} and not items:
            yield f"nothing stands behind {name}"


def _goes_on(items: Sequence[Node]) -> bool:
    """A bracket that is an operand of something else than UNION and its like."""
    operators = {"UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", "ALL", "DISTINCT", "SELECT"}
    return any(before is items[0] and after.word not in operators for before, after in pairwise(items))
