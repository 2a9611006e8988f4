"""Queries: SELECT with its grouping and ROWNUM, sets of rows, order and limits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.compile_aggregates import AGGREGATES, order_term
from tests.servers.oracle.compile_base import Build, Compiler, Field, Scope, Source, Typed, sort_key, value
from tests.servers.oracle.compile_sources import Relation, compile_from
from tests.servers.oracle.sql_type import NUMBER, Group, common


def compile_query(build: Build, query: tree.Query, parent: Scope | None) -> Relation:
    """SQL whose columns are c1, c2, … and what they are."""
    scope = parent
    if query.shared:
        scope = Scope(parent)
        for shared in query.shared:
            scope.shared[shared.name] = (shared, Scope(parent, shared=dict(scope.shared)))
    if isinstance(query.body, tree.Select):
        relation = _Select(build, query.body, scope).relation(query.order)
    else:
        relation = _sets(build, query.body, query.order, scope)
    return _limited(build, relation, query, scope)


def _limited(build: Build, relation: Relation, query: tree.Query, scope: Scope | None) -> Relation:
    if query.fetch is None and query.offset is None:
        return relation
    outside = Compiler(build, Scope(scope))
    fetch, offset = (
        f"max(number_int({outside.as_group(node, Group.NUMBER).sql}), 0)" if node else default
        for node, default in ((query.fetch, "-1"), (query.offset, "0"))
    )
    return Relation(
        f"SELECT * FROM ({relation.sql}) LIMIT {fetch} OFFSET {offset}"
        if " LIMIT " in relation.sql[-60:]
        else f"{relation.sql} LIMIT {fetch} OFFSET {offset}",
        relation.fields,
    )


@value(tree.Query)
def _scalar(compiler: Compiler, node: tree.Query) -> Typed:
    relation = compile_query(compiler.build, node, compiler.scope)
    if len(relation.fields) != 1:
        raise OracleError(913, "too many values", node.at)
    return Typed(f"({relation.sql})", relation.fields[0].value.type)


def _sets(build: Build, both: tree.Both, order: tuple[tree.Order, ...], scope: Scope | None) -> Relation:
    left, right = (compile_query(build, side, scope) for side in (both.left, both.right))
    if len(left.fields) != len(right.fields):
        raise OracleError(1789, "query block has incorrect number of result columns", both.right.at)
    compiler = Compiler(build, Scope(scope))
    pairs = [_agreed(compiler, one.value, other.value) for one, other in zip(left.fields, right.fields, strict=True)]
    names = [f"c{n}" for n in range(1, len(pairs) + 1)]
    sides = [
        f"SELECT {', '.join(f'{pair[side].sql} AS {name}' for pair, name in zip(pairs, names, strict=True))} FROM ({relation.sql})"
        for side, relation in enumerate((left, right))
    ]
    fields = [Field(field.name, Typed(name, pair[0].type)) for field, pair, name in zip(left.fields, pairs, names, strict=True)]
    sql = f"SELECT * FROM ({sides[0]} {both.word} {sides[1]})"
    if order:
        source = Source("", fields)
        terms = [
            order_term(_output(each.value, fields) or Compiler(build, Scope(scope, [source])).value(each.value), each) for each in order
        ]
        sql += f" ORDER BY {', '.join(terms)}"
    return Relation(sql, fields)


def _agreed(compiler: Compiler, one: Typed, other: Typed) -> tuple[Typed, Typed]:
    """Two columns of one type. Raises `OracleError` where they are of different groups."""
    groups = {one.type.group, other.type.group} - {Group.NULL}
    if len(groups) > 1 and groups != {Group.TEXT, Group.LOB}:
        raise OracleError(1790, "expression must have same datatype as corresponding expression")
    type_ = common(one.type, other.type)
    return Typed(one.sql, type_), Typed(other.sql, type_)


def _output(node: tree.Node, fields: list[Field]) -> Typed | None:
    """A column of the result that ORDER BY names by its position or its name."""
    if isinstance(node, tree.Number):
        place = int(node.value) if node.value.isdigit() else 0
        if not 1 <= place <= len(fields):
            raise OracleError(1785, "ORDER BY item must be the number of a SELECT-list expression", node.at)
        return fields[place - 1].value
    if isinstance(node, tree.Name) and len(node.parts) == 1:
        return next((field.value for field in fields if field.name == node.parts[0]), None)
    return None


@dataclass(slots=True)
class _Clauses:
    """A SELECT as it is put together."""

    sources: str
    where: str
    limit: str = ""


class _Select:
    """One SELECT."""

    def __init__(self, build: Build, select: tree.Select, parent: Scope | None) -> None:
        self._build = build
        self._select = select
        self._scope = Scope(parent)
        self._compiler = Compiler(build, self._scope)

    def relation(self, order: tuple[tree.Order, ...]) -> Relation:
        select = self._select
        clauses = self._clauses(order)
        fields = [field for item in select.items for field in self._item(item)]
        group = [self._compiler.value(node) for node in select.group]
        grouped = bool(group) or any(True for _ in self._aggregates(order))
        if grouped:
            self._check_grouping(order)
        parts = [f"SELECT {'DISTINCT ' if select.distinct else ''}" + ", ".join(f"{f.value.sql} AS c{n}" for n, f in enumerate(fields, 1))]
        parts.append(f"FROM {clauses.sources}" if clauses.sources else "")
        parts.append(f"WHERE {clauses.where}" if clauses.where else "")
        parts.append("GROUP BY " + ", ".join(sort_key(key, select.at) for key in group) if group else "")
        parts.append(f"HAVING {self._compiler.condition(select.having)}" if select.having else "")
        if select.distinct:
            for field in fields:
                sort_key(field.value, select.at)
        terms = [order_term(_output(each.value, fields) or self._compiler.value(each.value), each) for each in order]
        parts.append(f"ORDER BY {', '.join(terms)}" if terms else "")
        parts.append(clauses.limit)
        outputs = [Field(f.name, Typed(f"c{n}", f.value.type, f.value.nullable)) for n, f in enumerate(fields, 1)]
        return Relation(" ".join(filter(None, parts)), outputs, [field.value for field in fields])

    def _clauses(self, order: tuple[tree.Order, ...]) -> _Clauses:
        select = self._select
        sources = compile_from(self._build, select.sources, self._scope)
        conditions = list(_conjuncts(select.where))
        limits = [found for each in conditions if (found := _rownum_limit(each))]
        rest = [each for each in conditions if not _rownum_limit(each)]
        where = " AND ".join(self._compiler.condition(each) for each in rest)
        elsewhere = [*select.items, *select.group, *filter(None, [select.having]), *order]
        counted = any(isinstance(node, tree.Name) and node.parts == ("ROWNUM",) for top in elsewhere for node in tree.walk(top, into=False))
        if not limits and not counted:
            return _Clauses(sources, where)
        limit = self._limit(limits)
        if not counted and not (order or select.group or select.distinct or any(True for _ in self._aggregates(order))):
            return _Clauses(sources, where, limit)
        return self._numbered(_Clauses(sources, where, limit))

    def _limit(self, limits: list[tuple[str, tree.Node]]) -> str:
        outside = Compiler(self._build, Scope(self._scope.parent))
        bounds = []
        for sign, node in limits:
            number = outside.as_group(node, Group.NUMBER).sql
            bounds.append(f"number_int(ceiling({number})) - 1" if sign == "<" else f"number_int(floor_of({number}))")
        if not bounds:
            return ""
        least = f"min({', '.join(bounds)})" if len(bounds) > 1 else bounds[0]
        return f"LIMIT max(ifnull({least}, 0), 0)"

    def _numbered(self, clauses: _Clauses) -> _Clauses:
        """The rows with their ROWNUM as one source, whose columns take the place of those of the sources."""
        alias = self._build.alias()
        used = {node.parts[-1] for top in tree.children(self._select) for node in tree.walk(top) if isinstance(node, tree.Name)}
        columns = [f"row_number() OVER () AS {alias}n"]
        for source in self._scope.sources:
            kept = []
            for field in source.fields:
                columns.append(f"{field.value.sql} AS {alias}c{len(columns)}")
                kept.append(Field(field.name, Typed(columns[-1].rpartition(" ")[2], field.value.type, field.value.nullable)))
            source.fields = kept
            for name in [name for name in source.pseudo if name in used]:
                columns.append(f"{source.pseudo[name].sql} AS {alias}c{len(columns)}")
                source.pseudo[name] = Typed(columns[-1].rpartition(" ")[2], source.pseudo[name].type)
        where = f"WHERE {clauses.where}" if clauses.where else ""
        inner = f"SELECT {', '.join(columns)} FROM {clauses.sources} {where} {clauses.limit}"
        self._scope.rownum = Typed(f"int_number({alias}n)", NUMBER, nullable=False, native=f"{alias}n")
        return _Clauses(f"({inner}) AS {alias}", "")

    def _item(self, item: tree.Item) -> Iterator[Field]:
        if isinstance(item.value, tree.Star):
            yield from self._star(item.value)
        else:
            name = item.alias or (item.value.parts[-1] if isinstance(item.value, tree.Name) else _heading(item.text))
            yield Field(name, self._compiler.value(item.value))

    def _star(self, star: tree.Star) -> Iterator[Field]:
        sources = [source for source in self._scope.sources if not star.source or source.alias == star.source]
        if not sources:
            raise OracleError(904, f'"{star.source}": invalid identifier', star.at)
        for source in sources:
            yield from source.fields

    def _aggregates(self, order: tuple[tree.Order, ...]) -> Iterator[tree.Node]:
        places = [*self._select.items, *filter(None, [self._select.having]), *order]
        return (node for place in places for node in tree.walk(place, into=False) if _is_aggregate(node))

    def _check_grouping(self, order: tuple[tree.Order, ...]) -> None:
        aliases = {item.alias for item in self._select.items if item.alias}
        ordered = [each for each in order if not (isinstance(each.value, tree.Name) and each.value.parts[-1] in aliases)]
        for top in [*self._select.items, *filter(None, [self._select.having]), *ordered]:
            self._check(top)

    def _check(self, node: tree.Node) -> None:
        if _is_aggregate(node) or node in self._select.group or isinstance(node, tree.Query):
            return
        if isinstance(node, tree.Star) or (isinstance(node, tree.Name) and self._scope.own(node.parts, node.at)):
            wrong = (979, "not a GROUP BY expression") if self._select.group else (937, "not a single-group group function")
            raise OracleError(*wrong, node.at)
        for child in tree.children(node):
            self._check(child)


def _is_aggregate(node: tree.Node) -> bool:
    return isinstance(node, tree.Call) and node.name in AGGREGATES and node.over is None


def _heading(text: str) -> str:
    """The name of a column that is an expression: its text without blanks."""
    return "".join(part if part.startswith("'") else re.sub(r"\s+", "", part).upper() for part in re.split(r"('(?:[^']|'')*')", text))


def _conjuncts(node: tree.Node | None) -> Iterator[tree.Node]:
    if isinstance(node, tree.Junction) and node.word == "AND":
        for item in node.items:
            yield from _conjuncts(item)
    elif node is not None:
        yield node


def _rownum_limit(node: tree.Node) -> tuple[str, tree.Node] | None:
    """Of `ROWNUM <= n` and its like."""
    if not isinstance(node, tree.Compare):
        return None
    left, right, sign = node.left, node.right, node.sign
    if isinstance(right, tree.Name) and right.parts == ("ROWNUM",):
        left, right, sign = right, left, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(sign, sign)
    if not (isinstance(left, tree.Name) and left.parts == ("ROWNUM",)):
        return None
    if sign == "=" and isinstance(right, tree.Number) and right.value == "1":
        return "<=", right
    return (sign, right) if sign in ("<", "<=") else None
