"""What there is to read: columns and types, and how far a relation is complete."""

import duckdb

from syncd.connectors.duckdb.file import Cursor, Settings
from syncd.domain.errors import SourceMismatch
from syncd.domain.scan import Horizon, Relation
from syncd.domain.schema import Column, Table
from syncd.kit.files import look
from syncd.kit.sql import quote, quote_table, table_parts
from syncd.kit.text import did_you_mean


def from_clause(relation: Relation) -> str:
    if relation.removed:
        raise SourceMismatch(f"DuckDB remembers no rows that were deleted from '{relation.name}'", hint="tell deletions in another way")
    if relation.query:
        return f"(\n{relation.query.strip().rstrip(';')}\n)"
    try:
        return quote_table(relation.table)
    except ValueError as error:
        raise SourceMismatch(str(error)) from error


def describe(cursor: Cursor, relation: Relation) -> Table:
    rows = f"SELECT * FROM {from_clause(relation)}"
    try:
        described = cursor.execute(f"DESCRIBE {rows}").fetchall()
    except duckdb.CatalogException as error:
        known = [name for (name,) in cursor.execute(_TABLES).fetchall()]
        if not relation.table or relation.table in known:
            raise
        raise SourceMismatch(
            f"there is no table '{relation.table}'{did_you_mean(relation.table, known)}",
            hint="correct `source.table`, or make the table",
        ) from error
    return Table(
        name=relation.name,
        columns=tuple(Column(name, kind, nullable=null == "YES") for name, kind, null, *_ in described),
        schema=cursor.sql(f"{rows} LIMIT 0").to_arrow_reader(1).schema,
        primary_key=tuple(name for name, _, _, key, *_ in described if key == "PRI"),
    )


_TABLES = """
SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views() WHERE NOT internal
UNION SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name <> 'main'
"""


def column_of(table: Table, name: str) -> Column:
    """DuckDB does not tell upper from lower case in names."""
    found = next((column for column in table.columns if column.name.casefold() == name.casefold()), None)
    if found is None:
        raise SourceMismatch(f"'{table.name}' has no column '{name}'{did_you_mean(name, table.names)}")
    return found


def temporal(column: Column) -> bool:
    return column.type.startswith(("DATE", "TIMESTAMP"))


def horizon(cursor: Cursor, relation: Relation, table: Table, watermark: str, settings: Settings) -> Horizon:
    column = column_of(table, watermark)
    name = quote(column.name)
    highest, now = f"max({name})", "CAST(NULL AS VARCHAR)"
    values: list[object] = []
    if temporal(column):
        zoned = column.type == "TIMESTAMP WITH TIME ZONE"
        now = f"CAST({'now()' if zoned else 'now() AT TIME ZONE ?'} AS {column.type})"
        values = [] if zoned else [settings.timezone, settings.timezone]
        highest = f"CASE WHEN count({name}) > 0 THEN least(max({name}), {now}) END"
    text = f"SELECT CAST({highest} AS VARCHAR), CAST({now} AS VARCHAR), count(*) - count({name}) FROM {from_clause(relation)}"
    [[reaches, clock_now, nulls]] = cursor.execute(text, values).fetchall()
    return Horizon(reaches, exact=False, now=clock_now, nulls=nulls, stamp=look(*settings.files) if _holds(cursor, relation) else "")


def is_computed(cursor: Cursor, relation: Relation) -> bool:
    """Whether rows may have to be joined, grouped or read from elsewhere first: those of a table alone have a `rowid`."""
    try:
        cursor.execute(f"SELECT rowid FROM {from_clause(relation)} LIMIT 0")
    except duckdb.BinderException:
        return True
    return False


def _holds(cursor: Cursor, relation: Relation) -> bool:
    """Whether all rows are in the file itself: it is a table, and no view anywhere has its name."""
    name = table_parts(relation.table)[-1] if relation.table else ""
    [[held]] = cursor.execute(_HELD, [name, name]).fetchall()
    return bool(held)


_HELD = """
SELECT EXISTS (FROM duckdb_tables() WHERE lower(table_name) = lower(?))
AND NOT EXISTS (FROM duckdb_views() WHERE lower(view_name) = lower(?))
"""
