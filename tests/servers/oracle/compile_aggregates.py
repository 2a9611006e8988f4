"""Functions over many rows: aggregates and windows."""

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.compile_base import Compiler, Typed, arity, call, sort_key
from tests.servers.oracle.sql_type import LARGE, NUMBER, Group

AGGREGATES = frozenset(("COUNT", "MIN", "MAX", "SUM", "AVG"))


@call("COUNT")
def _count(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    counted = "*" if isinstance(node.args[0], tree.Star) else _countable(compiler.value(node.args[0]))
    native = f"count({'DISTINCT ' if node.distinct else ''}{counted}){_over(compiler, node)}"
    return Typed(f"int_number({native})", NUMBER, nullable=False, native=native)


def _countable(operand: Typed) -> str:
    return operand.sql if operand.type.group in LARGE else sort_key(operand)


@call("MIN", "MAX")
def _extreme(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    operand = compiler.value(node.args[0])
    sort_key(operand, node.at)
    if operand.native:
        native = f"{node.name.lower()}({operand.native}){_over(compiler, node)}"
        return Typed(f"int_number({native})", NUMBER, native=native)
    return Typed(f"{node.name.lower()}({operand.sql}){_over(compiler, node)}", operand.type)


@call("SUM", "AVG")
def _total(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    if node.over is not None:
        raise OracleError(30483, "window functions are not allowed here", node.at)
    operand = compiler.as_group(node.args[0], Group.NUMBER)
    name = "sum_number" if node.name == "SUM" else "average_number"
    return Typed(f"{name}({'DISTINCT ' if node.distinct else ''}{operand.sql})", NUMBER)


def _over(compiler: Compiler, node: tree.Call) -> str:
    if node.over is None:
        return ""
    parts = []
    if node.over.partition:
        parts.append("PARTITION BY " + ", ".join(sort_key(compiler.value(each), each.at) for each in node.over.partition))
    if node.over.order:
        parts.append("ORDER BY " + ", ".join(order_term(compiler.value(each.value), each) for each in node.over.order))
    return f" OVER ({' '.join(parts)})"


def order_term(key: Typed, order: tree.Order) -> str:
    """NULLs come last ascending and first descending, unless told."""
    direction = " DESC" if order.descending else ""
    first = order.descending if order.nulls_first is None else order.nulls_first
    nulls = f" NULLS {'FIRST' if first else 'LAST'}" if key.nullable else ""
    return f"{sort_key(key, order.at)}{direction}{nulls}"


@call("ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE")
def _ranking(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, int(node.name == "NTILE"), int(node.name == "NTILE"))
    if node.over is None:
        raise OracleError(30484, "missing window specification for this function", node.at)
    parts = f"number_int({compiler.as_group(node.args[0], Group.NUMBER).sql})" if node.args else ""
    native = f"{node.name.lower()}({parts}){_over(compiler, node)}"
    return Typed(f"int_number({native})", NUMBER, nullable=False, native=native)
