"""Tables, views, indexes and comments: what the dictionary tells, and where storage keeps it."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.sql_type import Type


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: Type
    stored: str
    """Name in storage."""
    nullable: bool = True
    default: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    columns: tuple[str, ...]
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    owner: str
    name: str
    number: int
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    indexes: tuple[Index, ...] = ()
    row_dependencies: bool = False
    comment: str = ""
    created: int = 0
    changed: int = 0
    """When its definition changed last, in nanoseconds since 1970."""
    readable_from: int = 0
    """The SCN before which it had another definition."""

    @property
    def stored(self) -> str:
        return f"t{self.number}"

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def need(self, name: str, at: int = 0) -> Column:
        column = self.column(name)
        if column is None:
            raise OracleError(904, f'"{name}": invalid identifier', at)
        return column


@dataclass(frozen=True, slots=True)
class View:
    owner: str
    name: str
    number: int
    columns: tuple[str, ...]
    text: str
    comment: str = ""
    created: int = 0
    described: tuple[Column, ...] = ()
    """Its columns as they were when it was made."""


@dataclass(slots=True)
class Catalogue:
    """All definitions; `version` tells one state of them from another."""

    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    views: dict[tuple[str, str], View] = field(default_factory=dict)
    version: int = 0
    objects: int = 0

    def number(self) -> int:
        self.objects += 1
        return self.objects

    def find(self, path: tuple[str, ...], schema: str) -> Table | View | None:
        key = (path[0], path[1]) if len(path) > 1 else (schema, path[0])
        return self.tables.get(key) or self.views.get(key)

    def table(self, path: tuple[str, ...], schema: str, at: int = 0) -> Table:
        found = self.find(path, schema)
        if not isinstance(found, Table):
            raise missing(path, schema, at)
        return found

    def put(self, entry: Table | View) -> None:
        self.version += 1
        if isinstance(entry, Table):
            self.tables[entry.owner, entry.name] = entry
        else:
            self.views[entry.owner, entry.name] = entry

    def remove(self, entry: Table | View) -> None:
        self.version += 1
        kind: dict[tuple[str, str], Table] | dict[tuple[str, str], View] = self.tables if isinstance(entry, Table) else self.views
        del kind[entry.owner, entry.name]

    def dump(self) -> str:
        tables = [asdict(table) for table in self.tables.values()]
        views = [asdict(view) for view in self.views.values()]
        return json.dumps({"tables": tables, "views": views, "objects": self.objects}, default=lambda kind: kind.value)

    @staticmethod
    def load(text: str) -> "Catalogue":
        content = json.loads(text)
        found = Catalogue(objects=content["objects"])
        for row in content["tables"]:
            found.put(_table(row))
        for row in content["views"]:
            described = tuple(map(_column, row["described"]))
            found.put(View(**{**row, "columns": tuple(row["columns"]), "described": described}))
        return found


def missing(path: tuple[str, ...], schema: str, at: int) -> OracleError:
    return OracleError(942, "table or view does not exist", at)


def _table(row: dict[str, Any]) -> Table:
    table = Table(**row)
    return replace(
        table,
        columns=tuple(map(_column, row["columns"])),
        keys=tuple(Key(**{**key, "columns": tuple(key["columns"])}) for key in row["keys"]),
        indexes=tuple(Index(**{**index, "columns": tuple(index["columns"])}) for index in row["indexes"]),
    )


def _column(row: dict[str, Any]) -> Column:
    return Column(**{**row, "type": _type(row["type"])})


def _type(row: dict[str, Any]) -> Type:
    return Type(**{**row, "kind": Kind(row["kind"])})
