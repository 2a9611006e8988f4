"""What a statement is compiled to."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.servers.oracle import compile_calls, compile_conditions, compile_values
from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import Column
from tests.servers.oracle.changes import Insert, Merge, Update, compile_delete, compile_insert, compile_merge, compile_update
from tests.servers.oracle.compile_base import Build, Parameter
from tests.servers.oracle.compile_queries import compile_query
from tests.servers.oracle.sql_type import Group

__all__ = ["Plan", "Query", "compile_calls", "compile_conditions", "compile_statement", "compile_values"]


@dataclass(frozen=True, slots=True)
class Query:
    sql: str
    columns: Sequence[Column]
    parameters: Sequence[Parameter]
    views: frozenset[str]
    """Dictionary views that must be filled before."""
    rowids: tuple[int, ...]
    """Places of the columns that become text at the end."""


Plan = Query | Insert | Update | Merge | tree.Node


def compile_statement(build: Build, node: tree.Node) -> Plan:
    """Raises `OracleError`; what is no query and no change of rows stays as it is."""
    match node:
        case tree.Query():
            return _query(build, node)
        case tree.Insert():
            return compile_insert(build, node)
        case tree.Update():
            return compile_update(build, node)
        case tree.Delete():
            return compile_delete(build, node)
        case tree.Merge():
            return compile_merge(build, node)
        case _:
            return node


def _query(build: Build, node: tree.Query) -> Query:
    relation = compile_query(build, node, None)
    columns = []
    for field in relation.fields:
        type_ = field.value.type
        columns.append(Column(field.name, type_.kind, type_.size, type_.precision, type_.scale, field.value.nullable))
    rowids = tuple(place for place, field in enumerate(relation.fields) if field.value.type.group is Group.ROWID)
    return Query(relation.sql, columns, build.parameters, frozenset(build.views), rowids)
