"""Sample values out of `tabledata.list`, which is free and no query.

A row is `{"f": [{"v": "text"}, {"v": null}, {"v": [{"v": "of a list"}]}]}`, its cells in the order of the columns asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.domain.schema import Column, Table, TableKind

_MOST_ROWS = 1000
_ROWS_PER_VALUE = 20
"""Values repeat: so many rows are looked at for each that is wanted."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wanted(table: Table, names: Sequence[str]) -> Sequence[Column]:
    """Those of some columns that may be looked at, in the order of the table: no records, and nothing that BigQuery marks as sensitive."""
    if table.kind is not TableKind.TABLE:
        return ()
    return [column for column in table.columns if column.name in names and not column.fields and not column.flagged]


def params(columns: Sequence[Column], count: int) -> Mapping[str, str | int]:
    """What to ask for. Moments come as microseconds since 1970 then, not rounded."""
    return {
        "selectedFields": ",".join(column.name for column in columns),
        "maxResults": min(count * _ROWS_PER_VALUE, _MOST_ROWS),
        "formatOptions.useInt64Timestamp": "true",
    }


def values(answer: Mapping[str, Any], columns: Sequence[Column], count: int) -> Mapping[str, Sequence[str]]:
    """At most `count` different values of each column, in the order of the rows."""
    rows = [row["f"] for row in answer.get("rows", ())]
    return {
        column.name: list(dict.fromkeys(text for row in rows for text in _texts(row[place]["v"], column)))[:count]
        for place, column in enumerate(columns)
    }


def _texts(cell: Any, column: Column) -> Iterator[str]:
    for each in [item["v"] for item in cell] if isinstance(cell, list) else [cell]:
        if each is not None:
            yield _moment(each) if column.type == "TIMESTAMP" else str(each)


def _moment(text: str) -> str:
    """ISO 8601, if it is a number of microseconds."""
    try:
        return (_EPOCH + timedelta(microseconds=int(text))).isoformat()
    except (ValueError, OverflowError):
        return str(text)
