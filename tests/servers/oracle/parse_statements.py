"""Whole statements: queries, changes of rows, definitions, sessions."""

from collections.abc import Callable

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.parse_expressions import parse_expression, parse_sum, starts_query
from tests.servers.oracle.parse_queries import parse_query, parse_source
from tests.servers.oracle.parse_types import parse_type
from tests.servers.oracle.sql_cursor import Cursor
from tests.servers.oracle.sql_type import Type


def parse(sql: str) -> tuple[tree.Node, int]:
    """The tree of one statement, and how many binds it has."""
    cursor = Cursor(sql)
    if starts_query(cursor):
        statement: tree.Node = parse_query(cursor)
    else:
        reader = _STATEMENTS.get(cursor.token.value if cursor.token.kind == "name" else "")
        if reader is None:
            raise OracleError(900, "invalid SQL statement", cursor.token.start)
        cursor.next()
        statement = reader(cursor)
    if cursor.token.kind != "end":
        raise cursor.unexpected("end")
    return statement, cursor.binds


def parse_default(text: str) -> tree.Node:
    """The expression of a column's default."""
    return parse_expression(Cursor(text))


def _insert(cursor: Cursor) -> tree.Node:
    cursor.expect("INTO")
    table = tree.From(cursor.path(), alias=_short_alias(cursor), at=cursor.before.start)
    columns = cursor.enclosed(_column) if cursor.sees("(") and not starts_query(cursor) else ()
    if starts_query(cursor):
        return tree.Insert(table, columns, query=parse_query(cursor))
    cursor.expect("VALUES")
    return tree.Insert(table, columns, cursor.enclosed(_assigned))


def _short_alias(cursor: Cursor) -> str:
    is_name = cursor.token.kind in ("name", "quoted") and not cursor.sees_any("VALUES", "SELECT", "WITH", "SET", "WHERE", "USING", "ON")
    return cursor.name() if is_name else ""


def _column(cursor: Cursor) -> tree.Name:
    at = cursor.token.start
    return tree.Name(cursor.path(), at=at)


def _assigned(cursor: Cursor) -> tree.Node:
    if cursor.accept("DEFAULT"):
        return tree.Default(at=cursor.before.start)
    return parse_expression(cursor)


def _update(cursor: Cursor) -> tree.Node:
    table = tree.From(cursor.path(), alias=_short_alias(cursor), at=cursor.before.start)
    cursor.expect("SET")
    changes = cursor.several(_change)
    return tree.Update(table, changes, parse_expression(cursor) if cursor.accept("WHERE") else None)


def _change(cursor: Cursor) -> tuple[tree.Name, tree.Node]:
    name = _column(cursor)
    cursor.expect("=")
    return name, _assigned(cursor)


def _delete(cursor: Cursor) -> tree.Node:
    cursor.accept("FROM")
    table = tree.From(cursor.path(), alias=_short_alias(cursor), at=cursor.before.start)
    return tree.Delete(table, parse_expression(cursor) if cursor.accept("WHERE") else None)


def _merge(cursor: Cursor) -> tree.Node:
    cursor.expect("INTO")
    table = tree.From(cursor.path(), alias=_short_alias(cursor), at=cursor.before.start)
    cursor.expect("USING")
    source = parse_source(cursor)
    cursor.expect("ON")
    on = parse_expression(cursor)
    changes: tuple[tuple[tree.Name, tree.Node], ...] = ()
    columns: tuple[tree.Name, ...] = ()
    values: tuple[tree.Node, ...] = ()
    while cursor.accept("WHEN"):
        if cursor.accept("MATCHED", "THEN", "UPDATE", "SET"):
            changes = cursor.several(_change)
        else:
            cursor.expect("NOT", "MATCHED", "THEN", "INSERT")
            columns = cursor.enclosed(_column) if cursor.sees("(") else ()
            cursor.expect("VALUES")
            values = cursor.enclosed(_assigned)
    return tree.Merge(table, source, on, changes, columns, values)


def _create(cursor: Cursor) -> tree.Node:
    replace = cursor.accept("OR", "REPLACE")
    cursor.accept_any("FORCE", "NOFORCE", "EDITIONABLE")
    if cursor.accept("VIEW"):
        return _create_view(cursor, replace)
    unique = cursor.accept("UNIQUE")
    if cursor.accept("INDEX"):
        return _create_index(cursor, unique)
    if not cursor.accept("TABLE"):
        raise OracleError(901, "invalid CREATE command", cursor.token.start)
    return _create_table(cursor)


def _create_view(cursor: Cursor, replace: bool) -> tree.Node:
    name = cursor.path()
    columns = cursor.enclosed(Cursor.name) if cursor.sees("(") else ()
    cursor.expect("AS")
    start = cursor.token.start
    query = parse_query(cursor)
    return tree.CreateView(name, columns, cursor.sql[start : cursor.before.end], query, replace)


def _create_index(cursor: Cursor, unique: bool) -> tree.Node:
    name = cursor.path()
    cursor.expect("ON")
    table = cursor.path()
    start = cursor.token.start
    items = cursor.enclosed(parse_expression)
    columns = tuple(item.parts[0] for item in items if isinstance(item, tree.Name))
    if len(columns) < len(items) and unique:
        raise OracleError(900, "invalid SQL statement", start)
    _skip_rest(cursor)
    return tree.CreateIndex(name, table, columns if len(columns) == len(items) else (), unique)


def _create_table(cursor: Cursor) -> tree.Node:
    name = cursor.path()
    columns: list[tree.ColumnSpec] = []
    keys: list[tree.KeySpec] = []
    if cursor.sees("("):
        for element in cursor.enclosed(_element):
            columns.append(element) if isinstance(element, tree.ColumnSpec) else keys.append(element)
    row_dependencies = False
    query = None
    while cursor.token.kind != "end":
        if cursor.accept("AS"):
            query = parse_query(cursor)
        else:
            row_dependencies = cursor.next().value == "ROWDEPENDENCIES" or row_dependencies
    if query is None and not columns:
        raise OracleError(906, "missing left parenthesis", cursor.token.start)
    return tree.CreateTable(name, tuple(columns), tuple(keys), row_dependencies, query)


def _element(cursor: Cursor) -> tree.ColumnSpec | tree.KeySpec:
    if cursor.sees("CONSTRAINT") or cursor.sees("PRIMARY", "KEY") or cursor.sees("UNIQUE", "("):
        return _key(cursor)
    return _column_spec(cursor)


def _key(cursor: Cursor) -> tree.KeySpec:
    name = cursor.name() if cursor.accept("CONSTRAINT") else ""
    primary = cursor.accept("PRIMARY", "KEY")
    if not primary:
        cursor.expect("UNIQUE")
    found = tree.KeySpec(name, cursor.enclosed(Cursor.name), primary)
    while cursor.accept_any("ENABLE", "VALIDATE", "USING", "INDEX"):
        pass
    return found


def _column_spec(cursor: Cursor) -> tree.ColumnSpec:
    at = cursor.token.start
    name, type_ = cursor.name(), parse_type(cursor)
    nullable, default, primary, unique = True, "", False, False
    while not (cursor.sees_any(",", ")") or cursor.token.kind == "end"):
        if cursor.accept("DEFAULT"):
            default = _default(cursor)
        elif cursor.accept("NOT", "NULL"):
            nullable = False
        elif cursor.accept("PRIMARY", "KEY"):
            primary = True
        elif cursor.accept("UNIQUE"):
            unique = True
        elif cursor.accept("CONSTRAINT"):
            cursor.name()
        elif not cursor.accept_any("NULL", "ENABLE"):
            raise cursor.unexpected(")")
    return tree.ColumnSpec(name, type_, nullable, default, primary, unique, at=at)


def _default(cursor: Cursor) -> str:
    cursor.accept("ON", "NULL")
    start = cursor.token.start
    parse_sum(cursor)
    return cursor.sql[start : cursor.before.end]


def _skip_rest(cursor: Cursor) -> None:
    """Where and how an index is stored."""
    while cursor.token.kind != "end":
        cursor.next()


def _drop(cursor: Cursor) -> tree.Node:
    what = cursor.accept_any("TABLE", "VIEW", "INDEX")
    if not what:
        raise OracleError(950, "invalid DROP option", cursor.token.start)
    quiet = cursor.accept("IF", "EXISTS")
    name = cursor.path()
    while cursor.accept_any("PURGE", "CASCADE", "CONSTRAINTS"):
        pass
    return tree.Drop(what, name, quiet)


def _truncate(cursor: Cursor) -> tree.Node:
    cursor.expect("TABLE")
    name = cursor.path()
    while cursor.accept_any("DROP", "REUSE", "ALL", "STORAGE"):
        pass
    return tree.Truncate(name)


def _comment(cursor: Cursor) -> tree.Node:
    cursor.expect("ON")
    if cursor.accept("TABLE"):
        name, column = cursor.path(), ""
    else:
        cursor.expect("COLUMN")
        *owner, column = cursor.path()
        name = tuple(owner)
    cursor.expect("IS")
    return tree.Comment(name, column, cursor.string())


def _alter(cursor: Cursor) -> tree.Node:
    if cursor.accept("SESSION"):
        return _alter_session(cursor)
    if not cursor.accept("TABLE"):
        raise OracleError(940, "invalid ALTER command", cursor.token.start)
    name = cursor.path()
    if cursor.accept("ADD"):
        return _alter_add(cursor, name)
    if cursor.accept("MODIFY"):
        return tree.AlterTable(name, modify=cursor.enclosed(_modified) if cursor.sees("(") else (_modified(cursor),))
    if cursor.accept("DROP"):
        cursor.accept("COLUMN")
        return tree.AlterTable(name, drop=cursor.enclosed(Cursor.name) if cursor.sees("(") else (cursor.name(),))
    if cursor.accept("RENAME", "COLUMN"):
        old = cursor.name()
        cursor.expect("TO")
        return tree.AlterTable(name, rename=(old, cursor.name()))
    raise OracleError(1735, "invalid ALTER TABLE option", cursor.token.start)


def _alter_add(cursor: Cursor, name: tuple[str, ...]) -> tree.Node:
    elements = cursor.enclosed(_element) if cursor.sees("(") else (_element(cursor),)
    keys = [element for element in elements if isinstance(element, tree.KeySpec)]
    columns = tuple(element for element in elements if isinstance(element, tree.ColumnSpec))
    return tree.AlterTable(name, columns, keys[0] if keys else None)


def _modified(cursor: Cursor) -> tuple[str, Type | None, bool | None]:
    name = cursor.name()
    type_ = None if cursor.sees_any("NOT", "NULL") else parse_type(cursor)
    if cursor.accept("NOT", "NULL"):
        return name, type_, False
    return name, type_, True if cursor.accept("NULL") else None


def _alter_session(cursor: Cursor) -> tree.Node:
    cursor.expect("SET")
    settings = []
    while cursor.token.kind != "end":
        name = cursor.name()
        cursor.expect("=")
        token = cursor.next()
        value = token.value
        if token.value == "-" and token.kind == "sign":
            value += cursor.next().value
        settings.append((name, value, token.start))
    return tree.AlterSession(tuple(settings))


def _transaction(word: str) -> Callable[[Cursor], tree.Node]:
    def read(cursor: Cursor) -> tree.Node:
        if word == "SET":
            cursor.expect("TRANSACTION")
            return _set_transaction(cursor)
        cursor.accept("WORK")
        return tree.Transaction(word)

    return read


def _set_transaction(cursor: Cursor) -> tree.Node:
    if cursor.accept("READ", "ONLY"):
        return tree.Transaction("SET READ ONLY")
    if not cursor.accept("READ", "WRITE"):
        cursor.expect("ISOLATION", "LEVEL", "READ", "COMMITTED")
    return tree.Transaction("SET READ WRITE")


_STATEMENTS: dict[str, Callable[[Cursor], tree.Node]] = {
    "INSERT": _insert,
    "UPDATE": _update,
    "DELETE": _delete,
    "MERGE": _merge,
    "CREATE": _create,
    "DROP": _drop,
    "TRUNCATE": _truncate,
    "COMMENT": _comment,
    "ALTER": _alter,
    "COMMIT": _transaction("COMMIT"),
    "ROLLBACK": _transaction("ROLLBACK"),
    "SET": _transaction("SET"),
}
