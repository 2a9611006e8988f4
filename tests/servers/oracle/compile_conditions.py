"""Conditions: comparisons with Oracle's implicit conversions, AND, OR, IN, LIKE, BETWEEN, EXISTS."""

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.compile_base import Compiler, Typed, condition, sort_key
from tests.servers.oracle.sql_type import LARGE, PADDED, Group, of_group

_PRECEDENCE = (
    Group.DOUBLE,
    Group.FLOAT,
    Group.NUMBER,
    Group.ZONED,
    Group.LOCAL,
    Group.TIME,
    Group.MONTHS,
    Group.SECONDS,
    Group.ROWID,
    Group.RAW,
    Group.BOOLEAN,
)
"""The first of these that either side has is what both are compared as."""


def comparison(compiler: Compiler, sign: str, left: Typed, right: Typed, at: int) -> str:
    """A comparison, or `IS` where NULLs are equal."""
    if native := _native(sign, left, right):
        return native
    groups = {left.type.group, right.type.group}
    if large := groups & LARGE:
        raise OracleError(932, f"inconsistent datatypes: expected - got {of_group(large.pop()).kind.value}", at)
    if Group.NULL not in groups and len(groups) > 1:
        group = next((group for group in _PRECEDENCE if group in groups), Group.TEXT)
        left, right = (compiler.convert(side, of_group(group), at) for side in (left, right))
    one, other = (sort_key(side, at) if side.type.group is Group.ZONED else side.sql for side in (left, right))
    if Group.TEXT in groups and {left.type.kind, right.type.kind} & PADDED:
        one, other = _padded(left, right, one, other)
    return f"({one} {sign} {other})"


def _native(sign: str, left: Typed, right: Typed) -> str:
    """The comparison of a number that the storage counts itself, such as an SCN, without a call for each row."""
    if left.native and right.native:
        return f"({left.native} {sign} {right.native})"
    for one, other, swapped in ((left, right, False), (right, left, True)):
        if one.native and not one.native.lstrip("-").isdigit() and other.sql.startswith(":") and other.type.group is Group.NUMBER:
            sides = [one.native, f"(SELECT number_native({other.sql}))"]
            return f"({sides[swapped]} {sign} {sides[not swapped]})"
    return ""


def _padded(left: Typed, right: Typed, one: str, other: str) -> tuple[str, str]:
    """Blanks at the end do not count between a CHAR and a literal or another CHAR."""
    for column, literal, swapped in ((left, right, False), (right, left, True)):
        if column.type.kind in PADDED and column.literal is None and literal.literal is not None:
            padded = literal.literal.ljust(column.type.size).replace("'", "''")
            return (f"'{padded}'", other) if swapped else (one, f"'{padded}'")
    if left.type.kind in PADDED and right.type.kind in PADDED:
        return f"unpadded({one})", f"unpadded({other})"
    return one, other


@condition(tree.Compare)
def _compare(compiler: Compiler, node: tree.Compare) -> str:
    if isinstance(node.left, tree.Row) and isinstance(node.right, tree.Row):
        return _rows(compiler, node.sign, node.left, node.right, node.at)
    return comparison(compiler, node.sign, compiler.value(node.left), compiler.value(node.right), node.at)


def _rows(compiler: Compiler, sign: str, left: tree.Row, right: tree.Row, at: int) -> str:
    if sign not in ("=", "<>"):
        raise OracleError(1796, "this operator cannot be used with lists", at)
    if len(left.items) != len(right.items):
        raise OracleError(947 if len(right.items) < len(left.items) else 913, "not enough values", at)
    pairs = zip(left.items, right.items, strict=True)
    equal = " AND ".join(comparison(compiler, "=", compiler.value(one), compiler.value(other), at) for one, other in pairs)
    return f"({equal})" if sign == "=" else f"(NOT ({equal}))"


@condition(tree.Junction)
def _junction(compiler: Compiler, node: tree.Junction) -> str:
    found = f"({f' {node.word} '.join(compiler.condition(item) for item in node.items)})"
    bound = _keyset_bound(node)
    return f"({compiler.condition(bound)} AND {found})" if bound else found


def _keyset_bound(node: tree.Junction) -> tree.Node | None:
    """Of `a > x OR (a = x AND …)`: `a >= x`, which an index can begin at."""
    if node.word != "OR" or len(node.items) != 2:
        return None
    first, second = node.items
    if not isinstance(first, tree.Compare) or first.sign not in "<>" or not isinstance(second, tree.Junction) or second.word != "AND":
        return None
    start = second.items[0]
    if not isinstance(start, tree.Compare) or start.sign != "=" or start.left != first.left:
        return None
    return tree.Compare(first.sign + "=", first.left, first.right) if start.right == first.right else None


@condition(tree.Not)
def _not(compiler: Compiler, node: tree.Not) -> str:
    return f"(NOT {compiler.condition(node.value)})"


@condition(tree.IsNull)
def _is_null(compiler: Compiler, node: tree.IsNull) -> str:
    return f"({compiler.value(node.value).sql} IS NULL)"


@condition(tree.Between)
def _between(compiler: Compiler, node: tree.Between) -> str:
    operand = compiler.value(node.value)
    low = comparison(compiler, ">=", operand, compiler.value(node.low), node.at)
    return f"({low} AND {comparison(compiler, '<=', operand, compiler.value(node.high), node.at)})"


@condition(tree.Like)
def _like(compiler: Compiler, node: tree.Like) -> str:
    operand = compiler.value(node.value)
    if operand.type.group is not Group.LOB:
        operand = compiler.as_group(node.value, Group.TEXT)
    pattern = compiler.as_group(node.pattern, Group.TEXT).sql
    escape = compiler.as_group(node.escape, Group.TEXT).sql if node.escape else "'\x01'"
    return f"like_text({operand.sql}, {pattern}, {escape})"


@condition(tree.In)
def _in(compiler: Compiler, node: tree.In) -> str:
    if len(node.items) == 1 and isinstance(node.items[0], tree.Query):
        return _in_query(compiler, node, node.items[0])
    if isinstance(node.value, tree.Row):
        rows = [item for item in node.items if isinstance(item, tree.Row)]
        if len(rows) != len(node.items):
            raise OracleError(920, "invalid relational operator", node.at)
        return f"({' OR '.join(_rows(compiler, '=', node.value, row, node.at) for row in rows)})"
    operand = compiler.value(node.value)
    values = [compiler.value(item) for item in node.items]
    if all(value.type.group is operand.type.group for value in values) and _direct(operand):
        return f"({operand.sql} IN ({', '.join(value.sql for value in values)}))"
    return f"({' OR '.join(comparison(compiler, '=', operand, value, node.at) for value in values)})"


def _direct(value: Typed) -> bool:
    """Whether equal values have equal bytes."""
    return value.type.group not in (Group.ZONED, Group.LOB, Group.BLOB) and value.type.kind not in PADDED


def _in_query(compiler: Compiler, node: tree.In, query: tree.Query) -> str:
    from tests.servers.oracle.compile_queries import compile_query  # noqa: PLC0415 - the two are recursive

    operands = node.value.items if isinstance(node.value, tree.Row) else (node.value,)
    relation = compile_query(compiler.build, query, compiler.scope)
    if len(relation.fields) != len(operands):
        wrong = (913, "too many values") if len(relation.fields) > len(operands) else (947, "not enough values")
        raise OracleError(*wrong, query.at)
    left, right = [], []
    for operand, field in zip(operands, relation.fields, strict=True):
        value = compiler.value(operand)
        target = value.type if value.type.kind is not Kind.NULL else field.value.type
        left.append(sort_key(value, node.at) if not value.native else value.sql)
        right.append(compiler.convert(field.value, target, node.at))
    columns = ", ".join(sort_key(Typed(value.sql, value.type)) for value in right)
    return f"(({', '.join(left)}) IN (SELECT {columns} FROM ({relation.sql})))"


@condition(tree.Exists)
def _exists(compiler: Compiler, node: tree.Exists) -> str:
    from tests.servers.oracle.compile_queries import compile_query  # noqa: PLC0415 - the two are recursive

    return f"EXISTS ({compile_query(compiler.build, node.query, compiler.scope).sql})"
