"""Expressions and conditions."""

from collections.abc import Callable

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.parse_types import parse_type
from tests.servers.oracle.sql_cursor import Cursor

RESERVED = frozenset(
    (  # noqa: SIM905 - words are read as words
        "SELECT FROM WHERE AND OR NOT GROUP HAVING ORDER BY UNION MINUS INTERSECT CONNECT START ON USING INNER LEFT RIGHT FULL CROSS JOIN "
        "FETCH OFFSET FOR WITH AS IN IS LIKE BETWEEN SET VALUES INTO THEN ELSE WHEN DISTINCT ALL"
    ).split()
)
"""Words that are no names of columns or tables unless quoted."""

_COMPARISONS = ("=", "<>", "<=", ">=", "<", ">")


def parse_expression(cursor: Cursor) -> tree.Node:
    return _or(cursor)


def starts_query(cursor: Cursor) -> bool:
    """Whether a query stands here, perhaps in parentheses."""
    ahead = 0
    while cursor.ahead(ahead).value == "(" and cursor.ahead(ahead).kind == "sign":
        ahead += 1
    token = cursor.ahead(ahead)
    return token.kind == "name" and token.value in ("SELECT", "WITH")


def _query(cursor: Cursor) -> tree.Query:
    from tests.servers.oracle.parse_queries import parse_query  # noqa: PLC0415 - the two are recursive

    return parse_query(cursor)


def _or(cursor: Cursor) -> tree.Node:
    return _junction(cursor, "OR", _and)


def _and(cursor: Cursor) -> tree.Node:
    return _junction(cursor, "AND", _not)


def _junction(cursor: Cursor, word: str, item: Callable[[Cursor], tree.Node]) -> tree.Node:
    found = [item(cursor)]
    while cursor.accept(word):
        found.append(item(cursor))
    return found[0] if len(found) == 1 else tree.Junction(word, tuple(found), at=found[0].at)


def _not(cursor: Cursor) -> tree.Node:
    if cursor.accept("NOT"):
        return tree.Not(_not(cursor), at=cursor.before.start)
    return _predicate(cursor)


def _predicate(cursor: Cursor) -> tree.Node:
    left = parse_sum(cursor)
    while True:
        sign = cursor.accept_any(*_COMPARISONS)
        if sign:
            cursor.accept_any("ANY", "SOME")
            left = tree.Compare(sign, left, parse_sum(cursor), at=left.at)
        elif cursor.accept("IS"):
            left = _is(cursor, left)
        elif cursor.sees("NOT") or cursor.sees_any("IN", "LIKE", "BETWEEN"):
            left = _membership(cursor, left)
        else:
            return left


def _is(cursor: Cursor, left: tree.Node) -> tree.Node:
    negated = cursor.accept("NOT")
    if cursor.accept("NULL"):
        found: tree.Node = tree.IsNull(left, at=left.at)
    elif word := cursor.accept_any("TRUE", "FALSE"):
        found = tree.Compare("=", left, tree.Truth(word == "TRUE"), at=left.at)
    else:
        raise OracleError(908, "missing NULL keyword", cursor.token.start)
    return tree.Not(found, at=left.at) if negated else found


def _membership(cursor: Cursor, left: tree.Node) -> tree.Node:
    negated, at = cursor.accept("NOT"), cursor.token.start
    if cursor.accept("IN"):
        found: tree.Node = _in(cursor, left, at)
    elif cursor.accept("LIKE"):
        pattern = parse_sum(cursor)
        found = tree.Like(left, pattern, parse_sum(cursor) if cursor.accept("ESCAPE") else None, at=at)
    elif cursor.accept("BETWEEN"):
        low = parse_sum(cursor)
        cursor.expect("AND")
        found = tree.Between(left, low, parse_sum(cursor), at=at)
    else:
        raise OracleError(920, "invalid relational operator", cursor.token.start)
    return tree.Not(found, at=at) if negated else found


def _in(cursor: Cursor, left: tree.Node, at: int) -> tree.Node:
    if not cursor.sees("("):
        return tree.In(left, (parse_sum(cursor),), at=at)
    if starts_query(cursor):
        cursor.expect("(")
        query = _query(cursor)
        cursor.expect(")")
        return tree.In(left, (query,), at=at)
    return tree.In(left, cursor.enclosed(parse_expression), at=at)


def parse_sum(cursor: Cursor) -> tree.Node:
    left = _product(cursor)
    while sign := cursor.accept_any("+", "-", "||"):
        left = tree.Arithmetic(sign, left, _product(cursor), at=left.at)
    return left


def _product(cursor: Cursor) -> tree.Node:
    left = _unary(cursor)
    while sign := cursor.accept_any("*", "/"):
        left = tree.Arithmetic(sign, left, _unary(cursor), at=left.at)
    return left


def _unary(cursor: Cursor) -> tree.Node:
    at = cursor.token.start
    if cursor.accept("-"):
        return tree.Negative(_unary(cursor), at=at)
    cursor.accept("+")
    return _zoned(cursor)


def _zoned(cursor: Cursor) -> tree.Node:
    value = _primary(cursor)
    while True:
        if cursor.accept("AT", "TIME", "ZONE"):
            value = tree.AtZone(value, _primary(cursor), at=value.at)
        elif cursor.accept("AT", "LOCAL"):
            value = tree.AtZone(value, tree.Name(("SESSIONTIMEZONE",)), at=value.at)
        else:
            return value


def _primary(cursor: Cursor) -> tree.Node:
    token = cursor.token
    match token.kind:
        case "text":
            national = cursor.sql[token.start] in "nN"
            return tree.Text(cursor.next().value, national, at=token.start)
        case "number":
            return tree.Number(cursor.next().value, at=token.start)
        case "bind":
            index = cursor.bind()
            name = token.value[1:].strip()
            return tree.Bind(index, f"#{index}" if name.isdigit() else name.upper(), at=token.start)
        case "sign" if token.value == "(":
            return _parenthesis(cursor)
        case "quoted":
            return _named(cursor)
        case "name" if token.value in _SPECIAL and cursor.ahead(1).value != ".":
            special = _SPECIAL[token.value](cursor)
            return special or _named(cursor)
        case "name" if token.value not in RESERVED:
            return _named(cursor)
        case _:
            raise cursor.unexpected("expression")


def _parenthesis(cursor: Cursor) -> tree.Node:
    at = cursor.token.start
    if starts_query(cursor):
        cursor.expect("(")
        query = _query(cursor)
        cursor.expect(")")
        return query
    items = cursor.enclosed(parse_expression)
    return items[0] if len(items) == 1 else tree.Row(items, at=at)


def _named(cursor: Cursor) -> tree.Node:
    at = cursor.token.start
    parts = [cursor.name()]
    while cursor.accept("."):
        if cursor.accept("*"):
            return tree.Star(parts[-1], at=at)
        parts.append(cursor.name())
    if cursor.sees("(") and not cursor.sees("(", "+", ")"):
        return _call(cursor, ".".join(parts), at)
    return tree.Name(tuple(parts), at=at)


def _call(cursor: Cursor, name: str, at: int) -> tree.Node:
    cursor.expect("(")
    option = cursor.accept_any("BOTH", "LEADING", "TRAILING") if name == "TRIM" else ""
    if name in ("XMLSERIALIZE", "XMLPARSE"):
        cursor.accept_any("CONTENT", "DOCUMENT")
    distinct = cursor.accept_any("DISTINCT", "UNIQUE", "ALL") in ("DISTINCT", "UNIQUE")
    args, returning = [], None
    while not cursor.accept(")"):
        args.append(_argument(cursor))
        if cursor.accept_any("RETURNING", "AS"):
            returning = parse_type(cursor)
        if not cursor.accept_any(",", "FROM") and not cursor.sees(")"):
            raise cursor.unexpected(")")
    if name == "TRIM" and len(args) == 2:
        args.reverse()
    over = _window(cursor) if cursor.accept("OVER") else None
    return tree.Call(name, tuple(args), distinct, over, returning, option, at=at)


def _argument(cursor: Cursor) -> tree.Node:
    if cursor.sees("*"):
        return tree.Star(at=cursor.next().start)
    return parse_expression(cursor)


def _window(cursor: Cursor) -> tree.Window:
    cursor.expect("(")
    partition: tuple[tree.Node, ...] = ()
    order: tuple[tree.Order, ...] = ()
    if cursor.accept("PARTITION", "BY"):
        partition = cursor.several(parse_expression)
    if cursor.accept("ORDER", "BY"):
        order = cursor.several(parse_order)
    cursor.expect(")")
    return tree.Window(partition, order)


def parse_order(cursor: Cursor) -> tree.Order:
    value = parse_expression(cursor)
    descending = cursor.accept_any("ASC", "DESC") == "DESC"
    first = None
    if cursor.accept("NULLS"):
        first = cursor.accept_any("FIRST", "LAST") == "FIRST"
    return tree.Order(value, descending, first, at=value.at)


def _case(cursor: Cursor) -> tree.Node:
    at = cursor.next().start
    operand = None if cursor.sees("WHEN") else parse_expression(cursor)
    whens = []
    while cursor.accept("WHEN"):
        condition = parse_expression(cursor)
        cursor.expect("THEN")
        whens.append((condition, parse_expression(cursor)))
    otherwise = parse_expression(cursor) if cursor.accept("ELSE") else tree.Null()
    cursor.expect("END")
    return tree.Case(operand, tuple(whens), otherwise, at=at)


def _cast(cursor: Cursor) -> tree.Node | None:
    if cursor.ahead(1).value != "(":
        return None
    at = cursor.next().start
    cursor.expect("(")
    value = parse_expression(cursor)
    cursor.expect("AS")
    to = parse_type(cursor)
    cursor.expect(")")
    return tree.Cast(value, to, at=at)


def _exists(cursor: Cursor) -> tree.Node:
    at = cursor.next().start
    cursor.expect("(")
    query = _query(cursor)
    cursor.expect(")")
    return tree.Exists(query, at=at)


def _temporal(cursor: Cursor) -> tree.Node | None:
    if cursor.ahead(1).kind != "text":
        return None
    what = cursor.next()
    value = cursor.string()
    unit = _unit(cursor) if what.value == "INTERVAL" else ""
    return tree.Temporal(what.value, value, unit, at=what.start)


def _unit(cursor: Cursor) -> str:
    words = []
    for _ in range(2):
        words.append(cursor.name())
        if cursor.accept("("):
            cursor.several(Cursor.integer)
            cursor.expect(")")
        if not cursor.accept("TO"):
            break
    return " TO ".join(words)


def _extract(cursor: Cursor) -> tree.Node | None:
    if cursor.ahead(1).value != "(":
        return None
    at = cursor.next().start
    cursor.expect("(")
    option = cursor.name()
    cursor.expect("FROM")
    value = parse_expression(cursor)
    cursor.expect(")")
    return tree.Call("EXTRACT", (value,), option=option, at=at)


def _null(cursor: Cursor) -> tree.Node:
    return tree.Null(at=cursor.next().start)


def _truth(cursor: Cursor) -> tree.Node:
    return tree.Truth(cursor.token.value == "TRUE", at=cursor.next().start)


_SPECIAL: dict[str, Callable[[Cursor], tree.Node | None]] = {
    "CASE": _case,
    "CAST": _cast,
    "EXISTS": _exists,
    "DATE": _temporal,
    "TIMESTAMP": _temporal,
    "INTERVAL": _temporal,
    "EXTRACT": _extract,
    "NULL": _null,
    "TRUE": _truth,
    "FALSE": _truth,
}
