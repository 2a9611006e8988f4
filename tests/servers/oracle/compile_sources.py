"""What stands in FROM: tables at a moment, their versions, views, queries, and how they join."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.catalogue import Table, View, missing
from tests.servers.oracle.compile_base import Build, Compiler, Field, Parameter, Run, Scope, Source, Typed
from tests.servers.oracle.dictionary import VIEWS
from tests.servers.oracle.sql_type import NUMBER, ROWID, Group, Type, raw, text
from tests.servers.oracle.storage import BLOCK, DELETED, UNCOMMITTED, UPDATED

_ROW_BITS = 40


@dataclass(slots=True)
class Relation:
    """A query of the storage; its columns are c1, c2, …"""

    sql: str
    fields: list[Field]
    values: list[Typed] = field(default_factory=list)
    """What the columns are computed by, inside the query."""


def compile_from(build: Build, sources: tuple[tree.From, ...], scope: Scope) -> str:
    """The FROM clause; fills the scope."""
    text_ = ""
    for source in sources:
        sql, found = compile_source(build, source, scope)
        if source.join in ("LEFT JOIN", "FULL JOIN"):
            _make_nullable(found)
        if source.join in ("RIGHT JOIN", "FULL JOIN"):
            for each in scope.sources:
                _make_nullable(each)
        scope.sources.append(found)
        text_ += f" {source.join.removeprefix('CROSS ')} {sql}" if source.join else sql
        if source.on is not None:
            text_ += f" ON {Compiler(build, scope).condition(source.on)}"
        elif source.using:
            text_ += f" ON {_using(build, scope, source)}"
    return text_


def _make_nullable(source: Source) -> None:
    source.fields = [Field(each.name, Typed(each.value.sql, each.value.type)) for each in source.fields]


def _using(build: Build, scope: Scope, source: tree.From) -> str:
    from tests.servers.oracle.compile_conditions import comparison  # noqa: PLC0415 - the two are recursive

    tests = []
    for name in source.using:
        found = [value for each in scope.sources for value in each.find(name)]
        if len(found) < 2:
            raise OracleError(904, f'"{name}": invalid identifier', source.at)
        tests.append(comparison(Compiler(build, scope), "=", found[0], found[-1], source.at))
    scope.merged.update(source.using)
    return " AND ".join(tests)


def compile_source(build: Build, node: tree.From, scope: Scope) -> tuple[str, Source]:
    alias = build.alias()
    if node.query is not None:
        return _derived(build, node.query, scope.parent, alias, node.alias)
    shared = scope.common(node.name[0]) if len(node.name) == 1 else None
    if shared is not None:
        definition, around = shared
        sql, source = _derived(build, definition.query, around, alias, node.alias or node.name[0])
        return sql, _renamed(source, definition.columns)
    name = node.name[-1]
    if name in VIEWS and node.name[:-1] in ((), ("SYS",)):
        return _dictionary_view(build, node, alias)
    found = build.catalogue.find(node.name, build.schema)
    if isinstance(found, View):
        return _view(build, found, alias, node.alias or found.name)
    if found is None:
        raise missing(node.name, build.schema, node.at)
    return _table(build, found, node, scope, alias)


def _derived(build: Build, query: tree.Query, parent: Scope | None, alias: str, name: str) -> tuple[str, Source]:
    from tests.servers.oracle.compile_queries import compile_query  # noqa: PLC0415 - the two are recursive

    relation = compile_query(build, query, parent)
    fields = [Field(each.name, Typed(f"{alias}.{each.value.sql}", each.value.type, each.value.nullable)) for each in relation.fields]
    return f"({relation.sql}) AS {alias}", Source(name, fields)


def _renamed(source: Source, names: tuple[str, ...]) -> Source:
    if names:
        source.fields = [Field(name, each.value) for name, each in zip(names, source.fields, strict=True)]
    return source


def _dictionary_view(build: Build, node: tree.From, alias: str) -> tuple[str, Source]:
    name = node.name[-1]
    if name in build.refused:
        raise missing(node.name, build.schema, node.at)
    build.views.add(name)
    fields = [Field(column, Typed(f"{alias}.c{n}", type_)) for n, (column, type_) in enumerate(VIEWS[name].columns, 1)]
    return f"temp.{stored_view(name)} AS {alias}", Source(node.alias or name, fields, "SYS")


def stored_view(name: str) -> str:
    """The temporary table that holds a dictionary view's rows."""
    return '"d_' + name + '"'


def _view(build: Build, view: View, alias: str, name: str) -> tuple[str, Source]:
    from tests.servers.oracle.parse_statements import parse  # noqa: PLC0415 - only for views

    query, _ = parse(view.text)
    around, build.schema = build.schema, view.owner
    try:
        sql, source = _derived(build, query, None, alias, name)  # type: ignore[arg-type]
    finally:
        build.schema = around
    source.owner = view.owner
    return sql, _renamed(source, view.columns)


def visible(build: Build, prefix: str = "") -> str:
    """The versions that the statement sees."""
    scn = build.parameter(lambda run: run.scn, "scn")
    mark = build.parameter(lambda run: run.mark, "mark")
    return f"({prefix}_b <= {scn} OR {prefix}_b = {mark}) AND {prefix}_e > {scn} AND {prefix}_e <> {mark}"


def table_source(table: Table, alias: str, name: str) -> Source:
    fields = [Field(column.name, Typed(f"{alias}.{column.stored}", column.type, column.nullable)) for column in table.columns]
    return Source(
        name or table.name, fields, table.owner, {"ROWID": Typed(f"({alias}._r + {table.number << _ROW_BITS})", ROWID, nullable=False)}
    )


def _table(build: Build, table: Table, node: tree.From, scope: Scope, alias: str) -> tuple[str, Source]:
    source = table_source(table, alias, node.alias)
    if node.moment is not None and "FLASHBACK" in build.refused:
        raise OracleError(1031, "insufficient privileges", node.moment.at)
    if node.moment is not None and node.moment.versions:
        return _versions(build, table, node.moment, source, alias)
    if node.moment is None:
        seen, scn = visible(build), build.parameter(lambda run: run.scn, "scn")
    else:
        scn = _snapshot(build, table, node.moment, node.moment.low or tree.Null())
        seen = f"_b <= {scn} AND _e > {scn}"
    if node.sample is not None:
        percent = Compiler(build, Scope(scope.parent)).as_group(node.sample, Group.NUMBER).sql
        seen += f" AND abs(random() % 1000000) < 10000 * number_native({percent})"
    native = _row_scn(table, alias, scn)
    source.pseudo["ORA_ROWSCN"] = Typed(f"int_number({native})", NUMBER, native=native)
    return f"(SELECT * FROM {table.stored} WHERE {seen}) AS {alias}", source


def _row_scn(table: Table, alias: str, scn: str) -> str:
    """The SCN of a row, or of its block; NULL for what is not committed."""
    if table.row_dependencies:
        return f"nullif({alias}._b, max({alias}._b, {UNCOMMITTED}))"
    block = f"SELECT max(k.scn) FROM {table.stored}_blocks k WHERE k.block = {alias}._r / {BLOCK} AND k.scn <= {scn}"
    return f"(CASE WHEN {alias}._b < {UNCOMMITTED} THEN ({block}) END)"


def _snapshot(build: Build, table: Table, moment: tree.Moment, bound: tree.Node) -> str:
    """A place for the SCN that an expression says."""
    apart = build.apart()
    inner = Compiler(apart, Scope(None))
    value = inner.value(bound)
    group = Group.NUMBER if moment.unit == "SCN" else Group.ZONED
    sql = f"SELECT {inner.convert(value, NUMBER if group is Group.NUMBER else Type(Kind.TIMESTAMP_TZ, scale=9), bound.at).sql}"
    return build.parameter(_evaluated(sql, apart.parameters, moment, table.readable_from))


def _evaluated(sql: str, parameters: list[Parameter], moment: tree.Moment, readable_from: int) -> Callable[[Run], Any]:
    return lambda run: run.snapshot(moment.unit, run.scalar(sql, parameters), moment, readable_from)


_VERSION_FIELDS = (
    ("VERSIONS_STARTSCN", "vs", NUMBER),
    ("VERSIONS_ENDSCN", "ve", NUMBER),
    ("VERSIONS_OPERATION", "vo", text(1)),
)


def _versions(build: Build, table: Table, moment: tree.Moment, source: Source, alias: str) -> tuple[str, Source]:
    """All committed versions within two moments; a deletion is a version of its own."""
    low = _snapshot(build, table, moment, moment.low) if moment.low else build.parameter(_lowest(moment, table))
    high = _snapshot(build, table, moment, moment.high) if moment.high else build.parameter(lambda run: run.scn)
    made = f"CASE WHEN _b >= {low} THEN _b END AS vs, CASE WHEN _e <= {high} THEN _e END AS ve"
    operation = f"CASE WHEN _b >= {low} THEN CASE WHEN _o & {UPDATED} THEN 'U' ELSE 'I' END END AS vo"
    sql = (
        f"SELECT *, {made}, {operation} FROM {table.stored} WHERE _b <= {high} AND _e > {low} UNION ALL "
        f"SELECT *, _e, NULL, 'D' FROM {table.stored} WHERE _o & {DELETED} AND _e BETWEEN {low} AND {high}"
    )
    for name, column, type_ in _VERSION_FIELDS:
        stored = f"{alias}.{column}"
        native = stored if type_ is NUMBER else ""
        source.pseudo[name] = Typed(f"int_number({stored})" if native else stored, type_, native=native)
    source.pseudo["VERSIONS_XID"] = Typed(f"(SELECT xid FROM commits WHERE scn = {alias}.vs)", raw(8))
    for name, column in (("VERSIONS_STARTTIME", "vs"), ("VERSIONS_ENDTIME", "ve")):
        source.pseudo[name] = Typed(f"scn_time(int_number({alias}.{column}))", Type(Kind.TIMESTAMP, scale=0))
    return f"({sql}) AS {alias}", source


def _lowest(moment: tree.Moment, table: Table) -> Parameter:
    return lambda run: run.snapshot("MINVALUE", None, moment, table.readable_from)
