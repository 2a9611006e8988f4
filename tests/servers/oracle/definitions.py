"""Definitions: tables, views, indexes, comments. Each is a transaction of its own."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.catalogue import Column, Index, Key, Table, View, missing
from tests.servers.oracle.compile_base import Build
from tests.servers.oracle.compile_queries import compile_query
from tests.servers.oracle.sql_type import Group, Type
from tests.servers.oracle.storage import Storage


class Definitions:
    """Runs one definition for a schema; raises `OracleError`."""

    def __init__(self, storage: Storage, schema: str, default: Callable[[Table, Column], Any]) -> None:
        """`default` computes what a column that is added holds in the rows that are there."""
        self._storage = storage
        self._catalogue = storage.catalogue
        self._schema = schema
        self._default = default

    def run(self, node: tree.Node) -> None:
        with self._storage.writing():
            _HANDLERS[type(node)](self, node)
            self._storage.keep_catalogue()

    @staticmethod
    def knows(node: tree.Node) -> bool:
        return type(node) in _HANDLERS

    def _sql(self, text: str, *values: Any) -> list[Any]:
        return self._storage.writer.execute(text, values).fetchall()

    def _place(self, path: tuple[str, ...]) -> tuple[str, str]:
        return (path[0], path[1]) if len(path) > 1 else (self._schema, path[0])

    def _free(self, path: tuple[str, ...], at: int) -> tuple[str, str]:
        if self._catalogue.find(path, self._schema) is not None:
            raise OracleError(955, "name is already used by an existing object", at)
        return self._place(path)

    def _unused(self, path: tuple[str, ...], at: int) -> Table:
        table = self._catalogue.table(path, self._schema, at)
        if self._storage.users_of(table):
            raise OracleError(54, "resource busy and acquire with NOWAIT specified or timeout expired")
        return table

    def create_table(self, node: tree.CreateTable) -> None:
        owner, name = self._free(node.name, node.at)
        number, now = self._catalogue.number(), self._storage.now()
        columns = tuple(_column(spec, f"c{place}") for place, spec in enumerate(node.columns, 1))
        keys = _keys(node, number)
        names = [column.name for column in columns]
        for duplicate in {each for each in names if names.count(each) > 1}:
            raise OracleError(957, f"duplicate column name: {duplicate}")
        for key in keys:
            for column in key.columns:
                if column not in names:
                    raise OracleError(904, f'"{column}": invalid identifier')
        primary = {column for key in keys if key.primary for column in key.columns}
        columns = tuple(replace(each, nullable=each.nullable and each.name not in primary) for each in columns)
        table = Table(owner, name, number, columns, keys, (), node.row_dependencies, "", now, now, self._storage.scn)
        self._build(table)
        self._catalogue.put(table)

    def _build(self, table: Table) -> None:
        names = ", ".join(["_v INTEGER PRIMARY KEY", "_r", "_b", "_e", "_o", *(column.stored for column in table.columns)])
        self._sql(f"CREATE TABLE {table.stored} ({names})")
        self._sql(f"CREATE TABLE {table.stored}_blocks (block, scn, PRIMARY KEY (block, scn)) WITHOUT ROWID")
        for key in table.keys:
            self._index(table, key.columns, unique=True)

    def _index(self, table: Table, names: tuple[str, ...], unique: bool) -> None:
        """Unique among the versions that end at the same moment, which is enough."""
        columns = [table.need(name) for name in names]
        if unique and any(column.type.group in (Group.ZONED, Group.LOB, Group.BLOB) for column in columns):
            raise OracleError(2329, "column of datatype cannot be unique or a primary key")
        parts = [f"substr({each.stored}, 1, 11)" if each.type.group is Group.ZONED else each.stored for each in columns]
        stored = f"i{self._catalogue.number()}"
        try:
            self._sql(f"CREATE {'UNIQUE' if unique else ''} INDEX {stored} ON {table.stored} ({', '.join([*parts, '_e'])})")
        except sqlite3.IntegrityError as error:
            raise OracleError(1452, "cannot CREATE UNIQUE INDEX; duplicate keys found") from error

    def create_view(self, node: tree.CreateView) -> None:
        known = self._catalogue.find(node.name, self._schema)
        if known is not None and not (node.replace and isinstance(known, View)):
            raise OracleError(955, "name is already used by an existing object", node.at)
        relation = compile_query(Build(self._catalogue, self._schema, ()), node.query, None)
        if node.columns and len(node.columns) != len(relation.fields):
            raise OracleError(1730, "invalid number of column names specified")
        owner, name = self._place(node.name)
        names = node.columns or [field.name for field in relation.fields]
        described = tuple(
            Column(each, field.value.type, "", field.value.nullable) for each, field in zip(names, relation.fields, strict=True)
        )
        self._catalogue.put(View(owner, name, self._catalogue.number(), node.columns, node.text, "", self._storage.now(), described))

    def create_index(self, node: tree.CreateIndex) -> None:
        table = self._unused(node.table, node.at)
        if any(index.name == node.name[-1] for each in self._catalogue.tables.values() for index in each.indexes):
            raise OracleError(955, "name is already used by an existing object")
        if node.columns:
            self._index(table, node.columns, node.unique)
        index = Index(node.name[-1], node.columns, node.unique)
        self._catalogue.put(replace(table, indexes=(*table.indexes, index)))

    def drop(self, node: tree.Drop) -> None:
        if node.what == "INDEX":
            self._drop_index(node)
            return
        found = self._catalogue.find(node.name, self._schema)
        if found is None or isinstance(found, View) is not (node.what == "VIEW"):
            if node.quiet:
                return
            raise missing(node.name, self._schema, node.at)
        if isinstance(found, Table):
            self._unused(node.name, node.at)
            self._sql(f"DROP TABLE {found.stored}")
            self._sql(f"DROP TABLE {found.stored}_blocks")
        self._catalogue.remove(found)

    def _drop_index(self, node: tree.Drop) -> None:
        """The storage keeps its index, which does no harm."""
        for table in list(self._catalogue.tables.values()):
            kept = tuple(index for index in table.indexes if index.name != node.name[-1])
            if len(kept) < len(table.indexes):
                if any(index.unique for index in set(table.indexes) - set(kept)):
                    raise OracleError(900, "invalid SQL statement: the stand-in does not drop unique indexes")
                self._catalogue.put(replace(table, indexes=kept))
                return
        raise OracleError(1418, "specified index does not exist")

    def truncate(self, node: tree.Truncate) -> None:
        table = self._unused(node.name, node.at)
        self._sql(f"DELETE FROM {table.stored}")
        self._sql(f"DELETE FROM {table.stored}_blocks")
        self._changed(table)

    def _changed(self, table: Table) -> None:
        """Its rows cannot be read any more as they were before."""
        self._catalogue.put(replace(table, changed=self._storage.now(), readable_from=self._storage.tick()))

    def comment(self, node: tree.Comment) -> None:
        found = self._catalogue.find(node.name, self._schema)
        if found is None:
            raise missing(node.name, self._schema, node.at)
        if not node.column:
            self._catalogue.put(replace(found, comment=node.text))
        elif isinstance(found, Table):
            found.need(node.column)
            columns = (replace(each, comment=node.text) if each.name == node.column else each for each in found.columns)
            self._catalogue.put(replace(found, columns=tuple(columns)))

    def alter(self, node: tree.AlterTable) -> None:
        table = self._unused(node.name, node.at)
        if node.add:
            self._add(table, node.add)
        elif node.add_key is not None:
            self._add_key(table, node.add_key)
        elif node.modify:
            self._modify(table, node.modify)
        elif node.rename is not None:
            self._rename(table, *node.rename)
        else:
            self._drop_columns(table, node.drop)

    def _add(self, table: Table, specs: tuple[tree.ColumnSpec, ...]) -> None:
        for spec in specs:
            if table.column(spec.name) is not None:
                raise OracleError(1430, "column being added already exists in table", spec.at)
            if not spec.nullable and not spec.default and self._sql(f"SELECT 1 FROM {table.stored} LIMIT 1"):
                raise OracleError(1758, "table must be empty to add mandatory (NOT NULL) column", spec.at)
            column = _column(spec, f"c{self._catalogue.number()}x")
            self._sql(f"ALTER TABLE {table.stored} ADD COLUMN {column.stored}")
            if column.default:
                self._sql(f"UPDATE {table.stored} SET {column.stored} = ?", self._default(table, column))
            table = replace(table, columns=(*table.columns, column), changed=self._storage.now())
        self._catalogue.put(table)

    def _add_key(self, table: Table, spec: tree.KeySpec) -> None:
        if spec.primary and any(key.primary for key in table.keys):
            raise OracleError(2260, "table can have only one primary key")
        self._index(table, spec.columns, unique=True)
        key = Key(spec.name or f"SYS_C{80_000 + self._catalogue.number()}", spec.columns, spec.primary)
        columns = (replace(each, nullable=each.nullable and not (spec.primary and each.name in key.columns)) for each in table.columns)
        self._catalogue.put(replace(table, keys=(*table.keys, key), columns=tuple(columns), changed=self._storage.now()))

    def _modify(self, table: Table, changes: tuple[tuple[str, Type | None, bool | None], ...]) -> None:
        for name, type_, nullable in changes:
            column = table.need(name)
            if type_ is not None and type_.kind is not column.type.kind and self._sql(f"SELECT 1 FROM {table.stored} LIMIT 1"):
                raise OracleError(1439, "column to be modified must be empty to change datatype")
            if nullable is False and self._sql(f"SELECT 1 FROM {table.stored} WHERE {column.stored} IS NULL AND _e >= ? LIMIT 1", 1 << 61):
                raise OracleError(2296, f"cannot enable ({table.owner}.) - null values found")
            new = replace(column, type=type_ or column.type, nullable=column.nullable if nullable is None else nullable)
            columns = tuple(new if each.name == name else each for each in table.columns)
            table = replace(table, columns=columns, changed=self._storage.now())
        self._catalogue.put(table)

    def _rename(self, table: Table, old: str, new: str) -> None:
        table.need(old)
        columns = tuple(replace(each, name=new) if each.name == old else each for each in table.columns)
        keys = tuple(replace(key, columns=tuple(new if each == old else each for each in key.columns)) for key in table.keys)
        self._catalogue.put(replace(table, columns=columns, keys=keys, changed=self._storage.now()))

    def _drop_columns(self, table: Table, names: tuple[str, ...]) -> None:
        for name in names:
            table.need(name)
            if any(name in key.columns for key in table.keys):
                raise OracleError(12991, "column is referenced in a multi-column constraint")
        kept = tuple(column for column in table.columns if column.name not in names)
        if not kept:
            raise OracleError(12983, "cannot drop all columns in a table")
        self._changed(replace(table, columns=kept))


def _column(spec: tree.ColumnSpec, stored: str) -> Column:
    return Column(spec.name, spec.type, stored, spec.nullable, spec.default)


def _keys(node: tree.CreateTable, number: int) -> tuple[Key, ...]:
    inline = [tree.KeySpec("", (spec.name,), spec.primary) for spec in node.columns if spec.primary or spec.unique]
    specs = [*inline, *node.keys]
    if sum(spec.primary for spec in specs) > 1:
        raise OracleError(2260, "table can have only one primary key")
    return tuple(Key(spec.name or f"SYS_C{80_000 + 10 * number + n}", spec.columns, spec.primary) for n, spec in enumerate(specs))


_HANDLERS: dict[type[tree.Node], Callable[[Definitions, Any], None]] = {
    tree.CreateTable: Definitions.create_table,
    tree.CreateView: Definitions.create_view,
    tree.CreateIndex: Definitions.create_index,
    tree.Drop: Definitions.drop,
    tree.Truncate: Definitions.truncate,
    tree.Comment: Definitions.comment,
    tree.AlterTable: Definitions.alter,
}
