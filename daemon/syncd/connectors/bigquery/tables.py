"""What the REST API says of tables, in our words.

Shapes: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables. Numbers come as text, moments as milliseconds since 1970.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.domain.schema import Column, Table, TableKind
from syncd.ports.warehouse import Listed

Json = Mapping[str, Any]

_KINDS = {
    "TABLE": TableKind.TABLE,
    "VIEW": TableKind.VIEW,
    "MATERIALIZED_VIEW": TableKind.MATERIALIZED,
    "EXTERNAL": TableKind.EXTERNAL,
    "SNAPSHOT": TableKind.SNAPSHOT,
}
_IN_SQL = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
"""Legacy names of types, as GoogleSQL writes them."""
_INGESTED = "_PARTITIONTIME"
"""The pseudo column of a table that is partitioned by the time of arrival."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def listed(item: Json) -> Listed:
    """An entry of `tables.list`. It tells nothing that changes with a table's schema, so there is no hint."""
    return Listed(_name(item), _kind(item), _moment(item))


def table(answer: Json) -> Table:
    """The answer of `tables.get`."""
    return Table(
        name=_name(answer),
        columns=tuple(map(column, answer.get("schema", {}).get("fields", ()))),
        primary_key=tuple(answer.get("tableConstraints", {}).get("primaryKey", {}).get("columns", ())),
        comment=answer.get("description", ""),
        kind=_kind(answer),
        partitioning=", ".join(_partitioning(answer)),
        clustering=tuple(answer.get("clustering", {}).get("fields", ())),
        labels=dict(sorted(answer.get("labels", {}).items())),
        created_at=_moment(answer),
    )


def column(item: Json) -> Column:
    """A field of a schema. A list is never NULL, but it may be empty: it counts as nullable."""
    return Column(
        name=item["name"],
        type=_type(item),
        nullable=item.get("mode") != "REQUIRED",
        comment=item.get("description", ""),
        repeated=item.get("mode") == "REPEATED",
        fields=tuple(map(column, item.get("fields", ()))),
        flagged=bool(item.get("policyTags", {}).get("names") or item.get("dataPolicies")),
    )


def _name(item: Json) -> str:
    reference = item["tableReference"]
    return f"{reference['datasetId']}.{reference['tableId']}"


def _kind(item: Json) -> TableKind:
    return _KINDS.get(item.get("type", ""), TableKind.OTHER)


def _moment(item: Json) -> datetime | None:
    since = item.get("creationTime")
    return _EPOCH + timedelta(milliseconds=int(since)) if since else None


def _type(item: Json) -> str:
    """`NUMERIC(10, 2)`, `STRING(3)`, `RANGE<DATE>`; of a record `STRUCT`."""
    written: str = item["type"]
    name = _IN_SQL.get(written, written)
    inner = item.get("rangeElementType", {}).get("type")
    if inner:
        return f"{name}<{inner}>"
    bounds = [item[bound] for bound in ("maxLength", "precision", "scale") if item.get(bound)]
    return f"{name}({', '.join(map(str, bounds))})" if bounds else name


def _partitioning(answer: Json) -> Iterator[str]:
    """`DAY(created_at)`, `RANGE(id, 0 to 100 by 10)`, `HIVE(dt, country)`, each perhaps with `filter required`."""
    by_time, by_range = answer.get("timePartitioning"), answer.get("rangePartitioning")
    by_path = answer.get("externalDataConfiguration", {}).get("hivePartitioningOptions")
    if by_time:
        yield f"{by_time.get('type', 'DAY')}({by_time.get('field') or _INGESTED})"
    if by_range:
        bounds = by_range["range"]
        yield f"RANGE({by_range['field']}, {bounds['start']} to {bounds['end']} by {bounds['interval']})"
    if by_path and by_path.get("fields"):
        yield f"HIVE({', '.join(by_path['fields'])})"
    if any(each and each.get("requirePartitionFilter") for each in (answer, by_time, by_path)):
        yield "filter required"
