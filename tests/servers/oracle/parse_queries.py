"""Queries."""

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.parse_expressions import RESERVED, parse_expression, parse_order, parse_sum, starts_query
from tests.servers.oracle.sql_cursor import Cursor

_JOINS = (
    (("INNER", "JOIN"), "JOIN"),
    (("JOIN",), "JOIN"),
    (("LEFT", "OUTER", "JOIN"), "LEFT JOIN"),
    (("LEFT", "JOIN"), "LEFT JOIN"),
    (("RIGHT", "OUTER", "JOIN"), "RIGHT JOIN"),
    (("RIGHT", "JOIN"), "RIGHT JOIN"),
    (("FULL", "OUTER", "JOIN"), "FULL JOIN"),
    (("FULL", "JOIN"), "FULL JOIN"),
    (("CROSS", "JOIN"), "CROSS JOIN"),
    ((",",), "CROSS JOIN"),
)


def parse_query(cursor: Cursor) -> tree.Query:
    at = cursor.token.start
    shared = cursor.several(_shared) if cursor.accept("WITH") else ()
    body = _sets(cursor)
    order = cursor.several(parse_order) if cursor.accept("ORDER", "BY") else ()
    offset = fetch = None
    if cursor.accept("OFFSET"):
        offset = parse_expression(cursor)
        cursor.accept_any("ROWS", "ROW")
    if cursor.accept("FETCH"):
        cursor.accept_any("FIRST", "NEXT")
        fetch = tree.Number("1") if cursor.sees_any("ROW", "ROWS") else parse_expression(cursor)
        cursor.accept_any("ROWS", "ROW")
        cursor.expect("ONLY")
    return tree.Query(body, shared, order, offset, fetch, at=at)


def _shared(cursor: Cursor) -> tree.Shared:
    name = cursor.name()
    columns = cursor.enclosed(Cursor.name) if cursor.sees("(") else ()
    cursor.expect("AS")
    cursor.expect("(")
    query = parse_query(cursor)
    cursor.expect(")")
    return tree.Shared(name, query, columns)


def _sets(cursor: Cursor) -> tree.Select | tree.Both:
    left = _operand(cursor)
    while word := cursor.accept_any("UNION", "MINUS", "EXCEPT", "INTERSECT"):
        if word == "UNION" and cursor.accept("ALL"):
            word = "UNION ALL"
        right = _operand(cursor)
        left = tree.Query(tree.Both("EXCEPT" if word == "MINUS" else word, left, right))
    return left.body if not left.shared and not left.order and left.fetch is None and left.offset is None else _whole(left)


def _whole(query: tree.Query) -> tree.Select:
    """A query in parentheses with an order of its own, as the source of another."""
    return tree.Select((tree.Item(tree.Star()),), (tree.From(query=query),))


def _operand(cursor: Cursor) -> tree.Query:
    if cursor.sees("(") and starts_query(cursor):
        cursor.expect("(")
        query = parse_query(cursor)
        cursor.expect(")")
        return query
    return tree.Query(_select(cursor))


def _select(cursor: Cursor) -> tree.Select:
    at = cursor.token.start
    if not cursor.accept("SELECT"):
        raise OracleError(928, "missing SELECT keyword", at)
    distinct = cursor.accept_any("DISTINCT", "UNIQUE", "ALL") in ("DISTINCT", "UNIQUE")
    items = cursor.several(_item)
    sources: tuple[tree.From, ...] = ()
    if cursor.token.kind != "end" and not cursor.sees(")"):
        cursor.expect("FROM")
        sources = _sources(cursor)
    where = parse_expression(cursor) if cursor.accept("WHERE") else None
    group = cursor.several(parse_expression) if cursor.accept("GROUP", "BY") else ()
    having = parse_expression(cursor) if cursor.accept("HAVING") else None
    return tree.Select(items, sources, distinct, where, group, having, at=at)


def _item(cursor: Cursor) -> tree.Item:
    start = cursor.token.start
    value: tree.Node = tree.Star(at=cursor.next().start) if cursor.sees("*") else parse_expression(cursor)
    text = cursor.sql[start : cursor.before.end]
    return tree.Item(value, _alias(cursor), text, at=start)


def _alias(cursor: Cursor) -> str:
    if cursor.accept("AS"):
        return cursor.name()
    token = cursor.token
    return cursor.name() if token.kind == "quoted" or (token.kind == "name" and token.value not in RESERVED) else ""


def _sources(cursor: Cursor) -> tuple[tree.From, ...]:
    found = [parse_source(cursor)]
    while True:
        join = next((join for words, join in _JOINS if cursor.accept(*words)), "")
        if not join:
            return tuple(found)
        found.append(_joined(cursor, join))


def _joined(cursor: Cursor, join: str) -> tree.From:
    source = parse_source(cursor)
    on: tree.Node | None = None
    using: tuple[str, ...] = ()
    if cursor.accept("USING"):
        using = cursor.enclosed(Cursor.name)
    elif join != "CROSS JOIN":
        cursor.expect("ON")
        on = parse_expression(cursor)
    return tree.From(source.name, source.query, source.alias, source.moment, source.sample, join, on, using, at=source.at)


def parse_source(cursor: Cursor) -> tree.From:
    """A table or a query in FROM, without its join."""
    at = cursor.token.start
    name: tuple[str, ...] = ()
    query = sample = None
    if cursor.sees("("):
        cursor.expect("(")
        query = parse_query(cursor)
        cursor.expect(")")
    elif cursor.token.kind == "name" and cursor.token.value in RESERVED:
        raise cursor.unexpected("name")
    else:
        name = cursor.path()
    moment = _moment(cursor)
    if cursor.accept("SAMPLE"):
        cursor.accept("BLOCK")
        cursor.expect("(")
        sample = parse_expression(cursor)
        cursor.expect(")")
    return tree.From(name, query, _source_alias(cursor), moment, sample, at=at)


def _source_alias(cursor: Cursor) -> str:
    if cursor.sees("AS"):
        raise OracleError(933, "SQL command not properly ended", cursor.token.start)
    token = cursor.token
    if token.kind == "quoted" or (token.kind == "name" and token.value not in RESERVED):
        return cursor.name()
    return ""


def _moment(cursor: Cursor) -> tree.Moment | None:
    at = cursor.token.start
    for unit in ("SCN", "TIMESTAMP"):
        if cursor.accept("AS", "OF", unit):
            return tree.Moment(unit, parse_sum(cursor), at=at)
        if cursor.accept("VERSIONS", "BETWEEN", unit):
            low = None if cursor.accept("MINVALUE") else parse_sum(cursor)
            cursor.expect("AND")
            high = None if cursor.accept("MAXVALUE") else parse_sum(cursor)
            return tree.Moment(unit, low, high, versions=True, at=at)
    return None
