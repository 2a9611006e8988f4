"""What the stand-in thinks of a query: enough to tell a good one from one that names what is not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError
from sqlglot.optimizer.qualify import qualify


@dataclass(frozen=True)
class Judged:
    """`problem` with the status and the reason that it is refused with; empty for a statement that could be run."""

    problem: str = ""
    status: int = 400
    reason: str = "invalidQuery"
    bytes: int = 0
    kind: str = "SELECT"


def judge(query: str, columns: Mapping[str, Mapping[str, str]]) -> Judged:
    """Judge a query by the columns of all tables, each by its name `dataset.table`: their types by their names."""
    try:
        statements = sqlglot.parse(query, dialect="bigquery")
    except ParseError as error:
        return Judged(problem=f"Syntax error: {error}")
    if len(statements) != 1:
        return Judged(kind="SCRIPT")
    [statement] = statements
    assert statement is not None
    if not isinstance(statement, exp.Query):
        return Judged(kind=statement.key.upper())
    return _judged(statement, columns)


def _judged(query: exp.Query, columns: Mapping[str, Mapping[str, str]]) -> Judged:
    schema: dict[str, Any] = {}
    for table in query.find_all(exp.Table):
        if not table.db:  # a part of the query itself
            continue
        name = f"{table.db}.{table.name}"
        if name not in columns:
            return Judged(f"Not found: Table {name} was not found in location US", 404, "notFound")
        schema.setdefault(table.db, {})[table.name] = dict(columns[name])
    try:
        qualify(query, dialect="bigquery", schema=schema or None)
    except OptimizeError as error:
        return Judged(problem=f"Unrecognized name: {error}")
    return Judged()
