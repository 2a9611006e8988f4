"""Queries of another dialect, translated to that of DuckDB and planned over an empty replica.

To reject a good query is worse than to have no opinion of a bad one, and a translation is not always what was meant. So a complaint
counts only if it is of a kind that no translation makes, and if the query fails in both ways that it can be translated: as it stands,
and with its names resolved first. Names are no such kind; they have been looked up before, in the query itself.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.named import Named, named
from syncd.engines.metadata.checks.replica import Replica, words
from syncd.kit.threads import in_thread

_PSEUDO = (Column("_PARTITIONTIME", "TIMESTAMP"), Column("_PARTITIONDATE", "DATE"), Column("_FILE_NAME", "STRING"))
_SUFFIX = Column("_TABLE_SUFFIX", "STRING")
_GROUPS = r"must appear in the GROUP BY clause|WHERE clause cannot contain (aggregates|window functions)"
_NUMERIC = r"No function matches the given name and argument types '(sum|avg|stddev\w*|var_\w+|variance)\("
_UNLIKE = r"Cannot compare values of type (VARCHAR and type (BIGINT|DOUBLE|BOOLEAN)|(BIGINT|DOUBLE|BOOLEAN) and type VARCHAR)"
_TELLING = {
    "bigquery": re.compile(f"{_GROUPS}|{_NUMERIC}|{_UNLIKE}|aggregate function calls cannot be nested"),
    "oracle": re.compile(_GROUPS),  # it converts text to numbers by itself, and an aggregate may hold another
}
"""What DuckDB says of faults that are faults in the dialect too."""
_BIGQUERY_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


class SqlglotAnalyser:
    """For queries in the dialects of BigQuery and Oracle."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @property
    def name(self) -> str:
        return f"sqlglot {sqlglot.__version__}"

    async def analyse(self, queries: Sequence[str]) -> Sequence[str | None]:
        if not queries:
            return ()
        with await in_thread(lambda: Replica(self._catalog.dialect)) as replica:
            return await in_thread(lambda: [self._opinion(replica, query) for query in queries], replica.interrupt)

    def _opinion(self, replica: Replica, query: str) -> str | None:
        """Empty as soon as one translation passes."""
        complaints: list[str] = []
        try:
            for complaint in self._complaints(replica, query):
                if complaint is None or not complaint:
                    return complaint
                complaints.append(complaint)
        except (SqlglotError, RecursionError, ValueError):  # its optimizer raises all three
            return None
        return complaints[0] if complaints else None

    def _complaints(self, replica: Replica, query: str) -> Iterator[str | None]:
        """One for each translation. Raises what sqlglot raises."""
        dialect = self._catalog.dialect
        tables = {".".join(each.path).lower(): each for each in named(query, self._catalog)}
        tree = sqlglot.parse_one(query, read=dialect)
        schema = MappingSchema(dialect=dialect, normalize=False)
        for name, table in tables.items():
            columns = _columns(table, query)
            if not replica.make((_renamed(name),), columns):
                yield None
            kinds = {self._key(column.name): _bigquery_type(column) for column in columns} if dialect == "bigquery" else {}
            schema.add_table(exp.to_table(_quoted(name)), kinds or {self._key(column.name): "" for column in columns})
        _rename(tree, tables)
        yield self._planned(replica, tree)
        resolved = qualify(tree.copy(), schema=schema, dialect=dialect, validate_qualify_columns=False, expand_alias_refs=False)
        if dialect == "bigquery":
            yield _unlike(annotate_types(resolved, schema=schema, dialect=dialect)) or self._planned(replica, resolved)

    def _planned(self, replica: Replica, tree: exp.Expression) -> str | None:
        error = replica.plan(tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE))
        if error is None:
            return ""
        said = words(error)
        telling = isinstance(error, duckdb.BinderException) and _TELLING[self._catalog.dialect].search(said)
        return said if telling else None

    def _key(self, column: str) -> str:
        return column if self._catalog.dialect == "oracle" else column.lower()
