"""INSERT, UPDATE, DELETE and MERGE, compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.catalogue import Column, Table
from tests.servers.oracle.compile_base import Build, Compiler, Parameter, Scope, Typed, of_kind
from tests.servers.oracle.compile_queries import compile_query
from tests.servers.oracle.compile_sources import compile_source, table_source, visible
from tests.servers.oracle.parse_statements import parse_default
from tests.servers.oracle.sql_type import Type

HIDDEN = ("_v", "_r", "_b", "_e", "_o")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the value of one column comes from: a bind, a place in the computed row, or neither for NULL."""

    column: Column
    type: Type
    bind: int | None = None
    computed: int | None = None


@dataclass(slots=True)
class Insert:
    """`sql` yields what is computed: a row for each that is inserted. Without it all values are binds."""

    table: Table
    slots: list[Slot]
    sql: str = ""
    parameters: Sequence[Parameter] = ()
    single: bool = True
    """Inserts exactly one row; else as many as the query yields."""
    constant: bool = False
    """What is computed is the same for all rows of binds."""


@dataclass(slots=True)
class Update:
    """`sql` yields the hidden columns of the versions that change, then all columns with their new values. A deletion has no changes."""

    table: Table
    sql: str
    parameters: Sequence[Parameter]
    changes: list[tuple[int, Column, Type]] = field(default_factory=list)
    """Place of each column that changes, and the type of its new value."""


@dataclass(slots=True)
class Merge:
    update: Update | None
    insert: Insert | None


def compile_insert(build: Build, node: tree.Insert) -> Insert:
    table = build.catalogue.table(node.table.name, build.schema, node.table.at)
    columns = _columns(table, node.columns)
    if node.query is not None:
        return _insert_query(build, table, columns, node.query)
    return _insert_values(build, table, _given(node.table, columns, node.values), Scope())


def _columns(table: Table, names: Sequence[tree.Name]) -> list[Column]:
    return [table.need(name.parts[-1], name.at) for name in names] or list(table.columns)


def _given(table: tree.From, columns: Sequence[Column], values: Sequence[tree.Node]) -> dict[str, tree.Node]:
    if len(columns) != len(values):
        wrong = (947, "not enough values") if len(values) < len(columns) else (913, "too many values")
        raise OracleError(*wrong, table.at)
    return {column.name: value for column, value in zip(columns, values, strict=True) if not isinstance(value, tree.Default)}


def _insert_values(build: Build, table: Table, given: Mapping[str, tree.Node], scope: Scope) -> Insert:
    compiler = Compiler(build, scope)
    slots: list[Slot] = []
    computed: list[str] = []
    for column in table.columns:
        node = given.get(column.name) or (parse_default(column.default) if column.default and column.name not in given else None)
        if node is None:
            slots.append(Slot(column, column.type))
        elif isinstance(node, tree.Bind):
            slots.append(Slot(column, of_kind(build.binds[node.index]), bind=node.index))
        else:
            value = compiler.value(node)
            slots.append(Slot(column, value.type, computed=len(computed)))
            computed.append(value.sql)
    variable = any(isinstance(each, tree.Bind) for node in given.values() if not isinstance(node, tree.Bind) for each in tree.walk(node))
    sql = f"SELECT {', '.join(computed)}" if computed else ""
    return Insert(table, slots, sql, build.parameters, constant=not variable)


def _insert_query(build: Build, table: Table, columns: list[Column], query: tree.Query) -> Insert:
    relation = compile_query(build, query, None)
    if len(relation.fields) != len(columns):
        wrong = (947, "not enough values") if len(relation.fields) < len(columns) else (913, "too many values")
        raise OracleError(*wrong, query.at)
    places = {column.name: place for place, column in enumerate(columns)}
    compiler = Compiler(build, Scope())
    slots: list[Slot] = []
    defaults: list[str] = []
    for column in table.columns:
        if column.name in places:
            slots.append(Slot(column, relation.fields[places[column.name]].value.type, computed=places[column.name]))
        elif column.default:
            value = compiler.value(parse_default(column.default))
            slots.append(Slot(column, value.type, computed=len(columns) + len(defaults)))
            defaults.append(value.sql)
        else:
            slots.append(Slot(column, column.type))
    return Insert(table, slots, f"SELECT {', '.join(['*', *defaults])} FROM ({relation.sql})", build.parameters, single=False)


def compile_update(build: Build, node: tree.Update) -> Update:
    table, scope, alias = _target(build, node.table)
    return _update(build, table, scope, node.changes, f"{table.stored} AS {alias} WHERE {_where(build, scope, alias, node.where)}")


def compile_delete(build: Build, node: tree.Delete) -> Update:
    table, scope, alias = _target(build, node.table)
    where = _where(build, scope, alias, node.where)
    return Update(table, f"SELECT {_hidden(alias)} FROM {table.stored} AS {alias} WHERE {where}", build.parameters)


def _target(build: Build, node: tree.From) -> tuple[Table, Scope, str]:
    table = build.catalogue.table(node.name, build.schema, node.at)
    alias = build.alias()
    return table, Scope(None, [table_source(table, alias, node.alias)]), alias


def _hidden(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in HIDDEN)


def _where(build: Build, scope: Scope, alias: str, condition: tree.Node | None) -> str:
    seen = visible(build, f"{alias}.")
    return seen if condition is None else f"{seen} AND {Compiler(build, scope).condition(condition)}"


def _update(build: Build, table: Table, scope: Scope, changes: Sequence[tuple[tree.Name, tree.Node]], rest: str) -> Update:
    compiler = Compiler(build, scope)
    values: dict[str, Typed] = {}
    for name, given in changes:
        column = table.need(name.parts[-1], name.at)
        default = parse_default(column.default) if column.default else tree.Null()
        values[column.name] = compiler.value(default if isinstance(given, tree.Default) else given)
    own = {each.name: each.value.sql for each in scope.sources[0].fields}
    alias = scope.sources[0].fields[0].value.sql.partition(".")[0]
    columns = [values[each.name].sql if each.name in values else own[each.name] for each in table.columns]
    places = [(place, each, values[each.name].type) for place, each in enumerate(table.columns) if each.name in values]
    return Update(table, f"SELECT {', '.join([_hidden(alias), *columns])} FROM {rest}", build.parameters, places)


def compile_merge(build: Build, node: tree.Merge) -> Merge:
    table, scope, alias = _target(build, node.table)
    source_sql, source = compile_source(build, node.source, Scope())
    scope.sources.append(source)
    where = _where(build, scope, alias, node.on)
    update = insert = None
    if node.changes:
        update = _update(build, table, scope, node.changes, f"{table.stored} AS {alias} JOIN {source_sql} WHERE {where}")
    if node.values:
        given = _given(node.table, _columns(table, node.columns), node.values)
        insert = _insert_values(build, table, given, Scope(None, [source]))
        unmatched = f"NOT EXISTS (SELECT 1 FROM {table.stored} AS {alias} WHERE {where})"
        insert = Insert(
            table, insert.slots, f"{insert.sql or 'SELECT 1'} FROM {source_sql} WHERE {unmatched}", build.parameters, single=False
        )
    return Merge(update, insert)
