"""What a prompt is told of a table or family, in few words, and all of it back again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.folding.family import Family, Version
from syncd.engines.metadata.folding.rangetexts import read, written
from syncd.engines.metadata.folding.suffixes import count
from syncd.engines.metadata.folding.typetexts import typetext, without

_MOST_MATCHED = 12

Columns = tuple[tuple[str, str], ...]
"""Names and types of top-level columns."""


def record(unit: Table | Family) -> dict[str, object]:
    """The description of a table or family. JSON-able, its keys always in this order, none of them empty.

    kind          of what is no plain table: `view`, `materialized view`, …
    description
    columns       name -> type, records written out: {"geo": "STRUCT<city STRING, country STRING>"}; of the newest shard
    comments      path of a column -> its comment: {"geo.city": "…"}
    primary_key, partitioning, clustering, labels
    shards        of a family:
        form          of the suffixes: `YYYYMMDD`, …
        count
        ranges        without a gap, or regular: ["20240101..20240131", "20240204 every 7 until 20241229"]
        versions      which of them have other columns than `columns`, and how: `ranges`, `without` (columns, or fields inside
                      them, that they lack), `with` (columns that only they have), `types` (of columns that have another one)
        also_matched  what a `*` behind the prefix would match too; the first 12
    """
    table = unit.newest if isinstance(unit, Family) else unit
    parts: dict[str, object] = {
        "kind": "" if table.kind is TableKind.TABLE else table.kind.value,
        "description": table.comment,
        "columns": {column.name: typetext(column) for column in table.columns},
        "comments": dict(_comments(table.columns)),
        "primary_key": list(table.primary_key),
        "partitioning": table.partitioning,
        "clustering": list(table.clustering),
        "labels": dict(sorted(table.labels.items())),
        "shards": _shards(unit) if isinstance(unit, Family) else {},
    }
    return _filled(parts)


def _filled(parts: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in parts.items() if value}


def _comments(columns: Iterable[Column], above: str = "") -> Iterator[tuple[str, str]]:
    for column in columns:
        if column.comment:
            yield f"{above}{column.name}", column.comment
        yield from _comments(column.fields, f"{above}{column.name}.")


def _shards(family: Family) -> dict[str, object]:
    newest = {column.name: column for column in family.newest.columns}
    matched, more = family.also_matched[:_MOST_MATCHED], len(family.also_matched) - _MOST_MATCHED
    parts = {
        "form": family.form,
        "count": count(family.form, family.ranges),
        "ranges": list(written(family.form, family.ranges)),
        "versions": [_difference(version, family.form, newest) for version in family.versions[:-1]],
        "also_matched": [*matched, *([f"and {more} more"] if more > 0 else [])],
    }
    return _filled(parts)


def _difference(version: Version, form: str, newest: Mapping[str, Column]) -> dict[str, object]:
    columns = {column.name: column for column in version.columns}
    lacking = [name for name in newest if name not in columns]
    types: dict[str, str] = {}
    for name, column in columns.items():
        if name in newest and typetext(column) != typetext(newest[name]):
            paths = [".".join((name, *path)) for path in _lacking(column, newest[name])]
            if _tells_all(paths, column, newest):
                lacking += paths
            else:
                types[name] = typetext(column)
    added = {name: typetext(column) for name, column in columns.items() if name not in newest}
    return _filled({"ranges": list(written(form, version.ranges)), "without": lacking, "with": added, "types": types})


def _lacking(old: Column, new: Column) -> Iterator[tuple[str, ...]]:
    """Paths of the fields inside a column that only the new one has."""
    known = {field.name: field for field in old.fields}
    for field in new.fields:
        inner = _lacking(known[field.name], field) if field.name in known else [()]
        yield from ((field.name, *path) for path in inner)


def _tells_all(paths: Sequence[str], old: Column, newest: Mapping[str, Column]) -> bool:
    """Whether leaving out some fields of the newest column gives the old one, whatever their names are."""
    if "." in old.name or not newest.keys().isdisjoint(paths):
        return False
    return _older({old.name: typetext(newest[old.name])}, {"without": paths}) == ((old.name, typetext(old)),)


def expand(name: str, told: Mapping[str, Any]) -> Mapping[str, Columns]:
    """Every table that a record tells of, with its columns: nothing is lost by folding but the order of columns of older shards.

    `name` is that of the unit, as the record goes by.
    """
    columns = tuple(told.get("columns", {}).items())
    shards = told.get("shards")
    if not shards:
        return {name: columns}
    prefix = name.removesuffix("*").rstrip("0123456789")
    tables = {f"{prefix}{suffix}": columns for suffix in read(shards["form"], shards["ranges"])}
    for version in shards.get("versions", ()):
        older = _older(dict(columns), version)
        tables |= {f"{prefix}{suffix}": older for suffix in read(shards["form"], version["ranges"])}
    return tables


def _older(columns: dict[str, str], version: Mapping[str, Any]) -> Columns:
    for path in version.get("without", ()):
        if path in columns:
            del columns[path]
        else:
            name, *inner = path.split(".")
            columns[name] = without(columns[name], inner)
    return tuple((columns | version.get("types", {}) | version.get("with", {})).items())
