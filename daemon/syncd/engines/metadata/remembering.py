"""The tables of a warehouse as they were described last, kept small: a shard of yesterday need not be described again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.folding.family import Folded
from syncd.engines.metadata.folding.suffixes import shards
from syncd.ports.warehouse import Listed

NAME = "state/warehouse"
_LIVELY = 3
"""Shards at the end of a family that may still change: Google Analytics updates a daily table for up to three days."""


@dataclass(frozen=True, slots=True)
class Remembered:
    tables: Mapping[str, Table] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)


def to_describe(listed: Sequence[Listed], remembered: Remembered, folded: Folded, *, everything: bool) -> list[str]:
    """Which of the listed tables have to be described: all that may have changed."""
    settled = frozenset() if everything else _settled(folded)
    return [each.name for each in listed if not _is_known(each, remembered, settled)]


def _is_known(listed: Listed, remembered: Remembered, settled: frozenset[str]) -> bool:
    table = remembered.tables.get(listed.name)
    if table is None or table.kind is not listed.kind or table.created_at != listed.created_at:
        return False
    if listed.hint:
        return remembered.hints.get(listed.name) == listed.hint
    return listed.name in settled


def _settled(folded: Folded) -> frozenset[str]:
    """The shards that nobody writes any more."""
    return frozenset(name for family in folded.families for name in [*shards(family)][:-_LIVELY])


def together(listed: Sequence[Listed], remembered: Remembered, described: Sequence[Table]) -> Remembered:
    """What is known now: of the listed tables the new descriptions, and the remembered ones of the others."""
    new = {table.name: table for table in described}
    tables: dict[str, Table] = {}
    for each in listed:
        found = new.get(each.name) or remembered.tables.get(each.name)
        if found is not None:
            tables[each.name] = replace(found, created_at=each.created_at, kind=each.kind)
    return Remembered(tables, {each.name: each.hint for each in listed if each.hint})


def written(remembered: Remembered) -> str:
    """As JSON; descriptions that many tables share stand there once."""
    bodies: dict[str, int] = {}
    tables = {}
    for name, table in remembered.tables.items():
        body = json.dumps(_body(table), ensure_ascii=False, sort_keys=True)
        created = table.created_at.isoformat() if table.created_at else ""
        tables[name] = [bodies.setdefault(body, len(bodies)), created, remembered.hints.get(name, "")]
    return json.dumps({"bodies": [json.loads(body) for body in bodies], "tables": tables}, ensure_ascii=False)


def read(text: str | None) -> Remembered:
    if not text:
        return Remembered()
    members = json.loads(text)
    bodies = [_read_body(body) for body in members["bodies"]]
    tables = {
        name: replace(bodies[number], name=name, created_at=datetime.fromisoformat(created) if created else None)
        for name, (number, created, _) in members["tables"].items()
    }
    return Remembered(tables, {name: hint for name, (_, _, hint) in members["tables"].items() if hint})


def _body(table: Table) -> dict[str, Any]:
    return {
        "columns": [_column(column) for column in table.columns],
        "comment": table.comment,
        "kind": table.kind.value,
        "primary_key": table.primary_key,
        "partitioning": table.partitioning,
        "clustering": table.clustering,
        "labels": dict(table.labels),
    }


def _read_body(body: Mapping[str, Any]) -> Table:
    return Table(
        name="",
        columns=tuple(_read_column(column) for column in body["columns"]),
        primary_key=tuple(body["primary_key"]),
        comment=body["comment"],
        kind=TableKind(body["kind"]),
        partitioning=body["partitioning"],
        clustering=tuple(body["clustering"]),
        labels=body["labels"],
    )


def _column(column: Column) -> list[Any]:
    return [column.name, column.type, column.nullable, column.comment, column.repeated, column.flagged, [*map(_column, column.fields)]]


def _read_column(members: Sequence[Any]) -> Column:
    name, kind, nullable, comment, repeated, flagged, inner = members
    return Column(name, kind, nullable, comment, "", repeated, tuple(map(_read_column, inner)), flagged)
