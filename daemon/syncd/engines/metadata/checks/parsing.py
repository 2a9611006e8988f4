"""From the words of a query to its blocks."""

from collections.abc import Sequence

from syncd.engines.metadata.checks.blocks import Block, Group, Mention, Node, Output, Path, Query, Reference, grouped, path_at, split
from syncd.engines.metadata.checks.lexing import Kind, Token, tokens
from syncd.engines.metadata.checks.vocabulary import RESERVED, SOFT

_CLAUSES = {"SELECT", "FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "FETCH"}
_OPERATORS = {"UNION", "INTERSECT", "EXCEPT", "MINUS"}
_VALUES = {"END", "NULL", "TRUE", "FALSE"}
_RESHAPES = {"PIVOT", "UNPIVOT", "MATCH_RECOGNIZE", "MODEL"}


def parsed(sql: str, dialect: str) -> Query:
    """Read a query that is one statement; what is none comes out as blocks without content."""
    statement = [token for token in tokens(sql, dialect) if token.kind is not Kind.BROKEN]
    return _query(split(grouped(statement), ";")[0], None, None)


def _query(items: Sequence[Node], outer: Block | None, above: Query | None) -> Query:
    query = Query(outer, above=above)
    rest = _ctes(items, query) if items and items[0].word == "WITH" else tuple(items)
    for operand in _operands(rest):
        _operand(operand, query)
    return query


def _ctes(items: Sequence[Node], query: Query) -> tuple[Node, ...]:
    """Take `WITH a AS (…), b (c) AS (…)` in; answer what stands behind it."""
    at, name = 1, ""
    columns: tuple[str, ...] = ()
    while at < len(items):
        item = items[at]
        if isinstance(item, Group) and items[at - 1].word in {"AS", "MATERIALIZED"}:
            query.ctes[name] = (_query(item.items, query.outer, query), columns)
            columns = ()
        elif isinstance(item, Group) and items[at - 1].is_name:
            columns = _listed_names(item)
        elif item.word in {"SELECT", "FROM"} or (isinstance(item, Group) and item.is_query):
            return tuple(items[at:])
        elif isinstance(item, Token) and item.is_name and item.word not in {"AS", "RECURSIVE", "NOT", "MATERIALIZED"}:
            name = item.text
        at += 1
    return ()


def _listed_names(group: Group) -> tuple[str, ...]:
    return tuple(item.text for item in group.items if isinstance(item, Token) and item.is_name)


def _operands(items: Sequence[Node]) -> list[tuple[Node, ...]]:
    parts: list[list[Node]] = [[]]
    for before, item in zip([None, *items], items, strict=False):
        excludes = item.word == "EXCEPT" and before is not None and before.word == "*"
        if item.word in _OPERATORS and not excludes:
            parts.append([])
        elif parts[-1] or item.word not in {"ALL", "DISTINCT"}:
            parts[-1].append(item)
    return [tuple(part) for part in parts]


def _operand(items: tuple[Node, ...], query: Query) -> None:
    first = items[0] if items else None
    if not isinstance(first, Group):
        query.blocks.append(_block(items, query))
        return
    inner = _query(first.items, query.outer, query)
    block = Block(query, _clauses(items[1:]))
    block.references.append(Reference(query=inner))
    block.outputs.append(Output("", Path((), (), first.start, star=True), ()))
    block.inner.append(inner)
    for name, content in block.clauses:
        _Walk(block, name).over(content)
    query.blocks.append(block)


def _clauses(items: Sequence[Node]) -> list[tuple[str, tuple[Node, ...]]]:
    found: list[tuple[str, list[Node]]] = []
    for at, item in enumerate(items):
        if _begins_a_clause(items, at):
            found.append((item.word, []))
        elif found:
            found[-1][1].append(item)
    return [(name, tuple(content)) for name, content in found]


def _begins_a_clause(items: Sequence[Node], at: int) -> bool:
    """Not so the FROM of `IS DISTINCT FROM`, nor the GROUP of `WITHIN GROUP`."""
    back, before = (items[at - 2].word if at > 1 else ""), (items[at - 1].word if at else "")
    after = items[at + 1].word if at + 1 < len(items) else ""
    word = items[at].word
    if (word, after) in {("START", "WITH"), ("CONNECT", "BY")}:
        return True
    return word in _CLAUSES and before not in {".", "WITHIN"} and (back, before) not in {("IS", "DISTINCT"), ("NOT", "DISTINCT")}


def _block(items: Sequence[Node], query: Query) -> Block:
    block = Block(query, _clauses(items))
    block.opaque = any(item.word in _RESHAPES | {"|>"} for item in items)
    for name, content in block.clauses:
        if name == "FROM":
            _From(block).over(content)
    for name, content in block.clauses:
        if name == "SELECT":
            block.outputs += _outputs(content)
        if name != "FROM":
            _Walk(block, name).over(content)
    if not any(name == "SELECT" for name, _ in block.clauses):
        block.outputs.append(Output("", Path((), (), 0, star=True), ()))
    return block


def _outputs(content: Sequence[Node]) -> list[Output]:
    start = next((at for at, item in enumerate(content) if item.word not in {"ALL", "DISTINCT"}), 0)
    if len(content) > start + 1 and content[start].word in {"AS", "ON"}:  # SELECT AS STRUCT, SELECT DISTINCT ON (…)
        start += 2
    return [_output(items) for items in split(content[start:], ",") if items]


def _output(items: tuple[Node, ...]) -> Output:
    if items[0].word == "*":
        return Output("", Path((), (), 0, star=True), items)
    path, behind = path_at(items, 0) if items[0].is_name and items[0].word not in RESERVED else (None, 0)
    rest, last = items[behind:], items[-1]
    if path is not None and path.star:
        return Output("", path, items)
    if path is not None and not rest:
        return Output(path.steps[-1], path, items)
    aliased = isinstance(last, Token) and last.is_name and len(items) > 1 and _may_alias(items[-2], last)
    alias = last.text if aliased and isinstance(last, Token) else ""
    plain = aliased and (len(rest) == 1 or (len(rest) == 2 and rest[0].word == "AS"))  # noqa: PLR2004
    return Output(alias, path if plain else None, items)


def _may_alias(before: Node, name: Node) -> bool:
    """A name that stands directly behind the end of an expression."""
    if before.word == "AS":
        return True
    if name.word in RESERVED:
        return False
    return isinstance(before, Group) or before.word in _VALUES or before.kind in (Kind.STRING, Kind.NUMBER, Kind.QUOTED) or _ends(before)


def _ends(before: Token) -> bool:
    return before.kind is Kind.WORD and before.word not in RESERVED


class _Walk:
    """Over an expression: what it mentions goes to the block."""

    def __init__(self, block: Block, clause: str) -> None:
        self._block = block
        self._clause = clause

    def over(self, items: Sequence[Node]) -> None:
        at, ended = 0, False
        while at < len(items):
            item = items[at]
            if isinstance(item, Group):
                self._group(item, after=items[at - 1].word if at else "")
                at, ended = at + 1, True
            elif item.is_name and not (item.kind is Kind.WORD and item.word in RESERVED):
                at, ended = self._name(items, at, ended=ended)
            else:
                at, ended = self._other(items, at, item)

    def _group(self, group: Group, after: str) -> None:
        if group.is_query:
            inner = _query(group.items, self._block, self._block.query)
            inner.only_asked_for = after == "EXISTS"
            self._block.inner.append(inner)
        else:
            self.over(group.items)

    def _other(self, items: Sequence[Node], at: int, item: Token) -> tuple[int, bool]:
        after = items[at + 1] if at + 1 < len(items) else None
        if item.word == "AS" and after is not None and after.is_name:
            return self._behind_type(items, at + 2), False
        if item.word in {"STRUCT", "ARRAY"} and after is not None and after.word == "<":
            return self._behind_type(items, at + 1), False
        if item.word in {"OVER", "FOR"} and isinstance(after, Token) and after.is_name:
            self._block.names.add(after.text)
            return at + 2, True
        return at + 1, item.word in _VALUES or item.kind in (Kind.STRING, Kind.NUMBER)

    @staticmethod
    def _behind_type(items: Sequence[Node], at: int) -> int:
        """Behind `<a INT64, b ARRAY<STRING>>`, if that stands there."""
        if at >= len(items) or items[at].word != "<":
            return at
        depth = 0
        for index in range(at, len(items)):
            depth += {"<": 1, ">": -1, "<>": 0}.get(items[index].word, 0)
            if depth == 0:
                return index + 1
        return len(items)

    def _name(self, items: Sequence[Node], at: int, *, ended: bool) -> tuple[int, bool]:
        """Take a name in; answer where to go on, and whether an expression ends there."""
        block, name = self._block, items[at]
        path, behind = path_at(items, at)
        after = items[behind] if behind < len(items) else None
        if ended and len(path.steps) == 1:
            return behind, False
        if name.word == "LAMBDA" and isinstance(after, Token) and after.is_name:
            return self._parameters(items, behind), False
        if after is not None and (after.word in {"=>", ":=", ":"} or (after.word == "AS" and self._clause == "WINDOW")):
            block.names.add(path.steps[0])
            return behind + 1, False
        if isinstance(after, Group) and after.opener == "(":
            self._called(path, name, after)
            return behind, True
        lambdas = after is not None and after.word == "->"
        if lambdas:
            block.names.add(path.steps[0])
        soft = len(path.steps) == 1 and name.word in SOFT
        block.mentions.append(Mention(path, self._clause, soft or lambdas))
        return behind, True

    def _parameters(self, items: Sequence[Node], at: int) -> int:
        """Of `lambda x, place: …`."""
        while at < len(items) and items[at].word != ":":
            item = items[at]
            self._block.names |= {item.text} if isinstance(item, Token) and item.is_name else set()
            at += 1
        return at + 1

    def _called(self, path: Path, name: Node, arguments: Group) -> None:
        if isinstance(name, Token) and len(path.steps) == 1:
            self._block.calls.append(name)
        outer_join = [item.word for item in arguments.items] == ["+"]
        if outer_join or len(path.steps) > 1:
            steps = len(path.steps) - (0 if outer_join else 1)
            self._block.mentions.append(Mention(Path(path.steps[:steps], path.quoted[:steps], path.start), self._clause, not outer_join))


_JOINS = {"INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL", "ASOF", "POSITIONAL", "SEMI", "ANTI", "LATERAL", "ONLY"}


class _From:
    """Over what stands behind FROM: tables go to the block, and what their joins mention."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._walk = _Walk(block, "FROM")

    def over(self, items: Sequence[Node]) -> None:
        for part in split(items, ",", "JOIN", "APPLY"):
            start = next((at for at, item in enumerate(part) if item.word not in _JOINS), len(part))
            if start < len(part):
                self._reference(part[start:])

    def _reference(self, part: tuple[Node, ...]) -> None:
        first = part[0]
        at = 1
        if isinstance(first, Group) and first.is_query:
            reference = Reference(query=_query(first.items, self._block, self._block.query))
            self._block.inner.append(reference.query)  # type: ignore[arg-type]
        elif isinstance(first, Group) and first.items and first.items[0].word != "VALUES":
            self.over(first.items)
            self._walk.over(self._conditions(part[1:]))
            return
        elif isinstance(first, Group) or not first.is_name:
            reference = Reference(call=Group("(", (), 0))
        else:
            reference, at = self._named(part)
        self._block.references.append(reference)
        at = self._alias(part, at, reference)
        self._walk.over(self._behind(part[at:]))

    def _named(self, part: tuple[Node, ...]) -> tuple[Reference, int]:
        path, at = _table_path(part)
        after = part[at] if at < len(part) else None
        if isinstance(after, Group) and after.opener == "(":
            if path.steps[-1].upper() == "UNNEST" and after.items and after.items[0].is_name:
                listed, end = path_at(after.items, 0)
                if end == len(after.items) and after.items[0].word not in RESERVED:
                    return Reference(path, call=after, listed=listed), at + 1
            self._walk.over(after.items)
            return Reference(path, call=after), at + 1
        unbacked = after is not None and after.word == "*"
        return Reference(path, unbacked=unbacked), at + (1 if unbacked else 0)

    def _alias(self, part: tuple[Node, ...], at: int, reference: Reference) -> int:
        while at < len(part) and part[at].word == "FOR":
            at = next(
                (
                    index
                    for index in range(at, len(part))
                    if part[index].word in {"AS", "ON", "USING"} and part[index - 1].word != "SYSTEM_TIME"
                ),
                len(part),
            )
        if at < len(part) and part[at].word == "AS":
            at += 1
        item = part[at] if at < len(part) else None
        if isinstance(item, Token) and item.is_name and not (item.kind is Kind.WORD and item.word in RESERVED | _JOINS):
            reference.alias = item.text
            at += 1
            after = part[at] if at < len(part) else None
            if isinstance(after, Group) and after.opener == "(":
                reference.columns = _listed_names(after)
                at += 1
        return at

    def _behind(self, rest: tuple[Node, ...]) -> tuple[Node, ...]:
        """Conditions of a join. `WITH OFFSET AS place` defines a name."""
        if len(rest) > 1 and rest[0].word == "WITH" and rest[1].word in {"OFFSET", "ORDINALITY"}:
            name = next(
                (item.text for item in rest[2:4] if isinstance(item, Token) and item.is_name and item.word not in RESERVED), "offset"
            )
            self._block.names.add(name)
        return self._conditions(rest)

    @staticmethod
    def _conditions(rest: Sequence[Node]) -> tuple[Node, ...]:
        start = next((at for at, item in enumerate(rest) if item.word in {"ON", "USING"}), len(rest))
        return tuple(rest[start:])


def _table_path(part: tuple[Node, ...]) -> tuple[Path, int]:
    """As `path_at`, but an unquoted project may have dashes in it."""
    at = 0
    while at + 2 < len(part) and part[at + 1].word == "-":
        at += 2
    if part[0].word == "UNNEST" or at == 0:
        return path_at(part, 0)
    path, behind = path_at(part, at)
    dashed = "".join(item.text for item in part[: at + 1] if isinstance(item, Token))
    return Path((dashed, *path.steps[1:]), path.quoted, part[0].start if isinstance(part[0], Token) else 0), behind
