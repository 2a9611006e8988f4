"""A scan in DuckDB's words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pyarrow as pa

from syncd.connectors.duckdb.file import Cursor
from syncd.connectors.duckdb.tables import column_of, from_clause, temporal
from syncd.domain.position import position
from syncd.domain.scan import GONE, Position, Scan, Since
from syncd.domain.schema import Table
from syncd.kit.sql import Clause, Term, all_of, behind, quote, up_to

GRAIN = 1000
"""Rows between two remembered positions; also the rows of a first page, before their size is known."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Grain:
    """Some rows next to each other in the order; `start` and `end` are the positions of the first and the last."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Page:
    after: Position | None
    grains: Sequence[Grain]
    last: bool
    """Whether all rows behind `after` belong to it: some may have come since the grains were measured."""

    @property
    def unordered(self) -> bool:
        """All its rows stand at one position, and they may be very many: rows without a key."""
        return len(self.grains) == 1 and self.grains[0].start == self.grains[0].end and not self.last


class Query:
    """A scan in DuckDB's words."""

    def __init__(self, table: Table, scan: Scan) -> None:
        self._table = table
        self._scan = scan
        self._from = from_clause(scan.relation)
        self._terms = [self._term(name) for name in scan.order]
        self._order = ", ".join(f"{term.column} NULLS FIRST" for term in self._terms)
        self._scope = [
            *([self._since(scan.since)] if scan.since else []),
            *([up_to(self._terms, scan.until)] if scan.until else []),
            *([self._among(scan.keys)] if scan.keys is not None else []),
        ]

    def count(self, cursor: Cursor) -> int:
        where = self._where(self._scan.after)
        [[rows]] = cursor.execute(f"SELECT count(*) FROM {self._from} WHERE {where.text}", where.values).fetchall()
        return int(rows)

    def grains(self, cursor: Cursor) -> list[Grain]:
        where = self._where(self._scan.after)
        columns = ", ".join(f"{term.column} AS {quote(name)}" for term, name in zip(self._terms, self._scan.order, strict=True))
        text = f"SELECT {columns} FROM {self._from} WHERE {where.text} ORDER BY {self._order}"
        names = self._scan.order
        with cursor.sql(text, params=where.values).to_arrow_reader(GRAIN) as reader:
            return [Grain(position(batch, 0, names), position(batch, batch.num_rows - 1, names)) for batch in reader]

    def page(self, cursor: Cursor, page: Page, rows: int) -> pa.RecordBatchReader:
        where = self._where(page.after, None if page.last else page.grains[-1].end)
        order = "" if page.unordered else f" ORDER BY {self._order}"
        text = f"SELECT {self._columns()} FROM {self._from} WHERE {where.text}{order}"
        return cursor.sql(text, params=where.values).to_arrow_reader(min(rows, GRAIN * len(page.grains)))

    def _columns(self) -> str:
        names = [f"{quote(column_of(self._table, name).name)} AS {quote(name)}" for name in self._scan.columns] or ["*"]
        gone = self._scan.gone
        return ", ".join([*names, f"coalesce(CAST((\n{gone}\n) AS BOOLEAN), FALSE) AS {quote(GONE)}"] if gone else names)

    def _where(self, after: Position | None, end: Position | None = None) -> Clause:
        terms = self._terms
        clauses = [behind(terms, after)] if after else []
        if end:
            behind_nulls = after is not None and after[0] is not None
            clauses.append(up_to([replace(terms[0], nullable=not behind_nulls), *terms[1:]], end))
        return all_of([*self._scope, *clauses])

    def _since(self, since: Since) -> Clause:
        column = column_of(self._table, since.column)
        bound = f"{quote(column.name)} >= CAST(? AS {column.type})"
        if since.lookback and temporal(column):
            return Clause(f"{bound} - to_microseconds(?)", (since.value, since.lookback // _MICROSECOND))
        return Clause(bound, (since.value,))

    def _among(self, keys: Sequence[Position]) -> Clause:
        """Text that is no value of the key's type is the key of no row."""
        if not keys:
            return Clause("1 = 0")
        columns = [column_of(self._table, name) for name in self._scan.key]
        tuples = ", ".join(quote(column.name) for column in columns)
        wanted = ", ".join(f"TRY_CAST(k{n} AS {column.type})" for n, column in enumerate(columns))
        lists = ", ".join(f"unnest(CAST(? AS VARCHAR[])) AS k{n}" for n in range(len(columns)))
        return Clause(f"({tuples}) IN (SELECT {wanted} FROM (SELECT {lists}))", tuple(list(values) for values in zip(*keys, strict=True)))

    def _term(self, name: str) -> Term:
        column = column_of(self._table, name)
        return Term(quote(column.name), f"CAST(? AS {column.type})", column.nullable)
