"""Queries of a dialect translated to that of DuckDB, and planned over an empty replica.

What comes of a translation differs from what was meant here and there, so a complaint counts only if it is of a kind that no translation
makes, and if the query fails in both ways that it can be translated: as it stands, and with every name of it resolved first. To reject
a good query is worse than to have no opinion of a bad one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.named import Named, named
from syncd.engines.metadata.checks.replica import Replica, words
from syncd.kit.threads import in_thread

_SUFFIX = Column("_TABLE_SUFFIX", "STRING")
_PSEUDO = (Column("_PARTITIONTIME", "TIMESTAMP"), Column("_PARTITIONDATE", "DATE"), Column("_FILE_NAME", "STRING"), _SUFFIX)
_TELLING = {
    "bigquery": re.compile(r".*"),
    "oracle": re.compile(r".*"),
}


class SqlglotAnalyser:
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
        complaints: list[str | None] = []
        for error in self._attempts(replica, query):
            if error is None:
                return ""
            complaints.append(self._told(error))
        return None if None in complaints or not complaints else complaints[0]

    def _attempts(self, replica: Replica, query: str) -> Iterator[Exception | None]:
        """What comes of the query translated as it stands, then with its names resolved."""
        tables = {_key(".".join(each.path)): each for each in named(query, self._catalog)}
        try:
            tree = self._renamed(sqlglot.parse_one(query, read=self._catalog.dialect), tables)
            made = {name: _columns(table, query) for name, table in zip(_names(tables), tables.values(), strict=True)}
            if not all([replica.make((name,), columns) for name, columns in made.items()]):
                return
            yield replica.plan(tree.sql(dialect="duckdb"))
            schema = MappingSchema({}, dialect=self._catalog.dialect, normalize=False)
            for name, columns in made.items():
                schema.add_table(exp.to_table(name, quoted=True), {column.name.lower(): _type(column) for column in columns})
            resolved = qualify(tree, schema=schema, dialect=self._catalog.dialect, validate_qualify_columns=False)
            yield replica.plan(resolved.sql(dialect="duckdb"))
        except (SqlglotError, RecursionError, ValueError) as error:
            yield error

    def _renamed(self, tree: exp.Expression, tables: Mapping[str, Named]) -> exp.Expression:
        names = dict(zip(tables, _names(tables), strict=True))
        for table in list(tree.find_all(exp.Table)):
            written = _key(".".join(part.name for part in table.parts))
            if written in names:
                fresh = exp.to_table(names[written], quoted=True)
                fresh.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.parts[-1].name, quoted=True)))
                for each in ("joins", "pivots", "sample", "laterals"):
                    fresh.set(each, table.args.get(each))
                table.replace(fresh)
        return tree

    def _told(self, error: Exception) -> str | None:
        if not isinstance(error, duckdb.Error):
            return None
        return words(error)


def _key(name: str) -> str:
    return name.lower()


def _names(tables: Mapping[str, Named]) -> list[str]:
    return [re.sub(r"\W+", "_", name) for name in tables]


def _columns(table: Named, query: str) -> tuple[Column, ...]:
    """Pseudo columns only where the query speaks of them: `SELECT *` has none."""
    return table.columns + tuple(column for column in _PSEUDO if column.name in query.upper())


def _type(column: Column) -> str:
    if column.fields:
        kind = f"STRUCT<{', '.join(f'`{field.name}` {_type(field)}' for field in column.fields)}>"
    else:
        kind = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(column.type, column.type)
    return f"ARRAY<{kind}>" if column.repeated else kind
