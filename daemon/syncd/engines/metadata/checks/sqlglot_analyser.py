"""Queries of another dialect, translated to that of DuckDB and planned over an empty replica.

To reject a good query is worse than to have no opinion of a bad one, and a translation is not always what was meant. So a complaint
counts only if it is of a kind that no translation makes, and if the query fails in each way that it can be translated: as it stands, and
with its names resolved first. Names are no such kind; they have been looked up before, in the query itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
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
_SURE = {kind: how for kind, how in BigQuery.EXPRESSION_METADATA.items() if kind is exp.Unnest or not issubclass(kind, exp.Func)}
"""How sqlglot finds the type of an expression; without functions, of which it takes some for another type than they have."""
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


class SqlglotAnalyser:
    """For queries in the dialects of BigQuery and Oracle."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @property
    def name(self) -> str:
        return f"sqlglot {version('sqlglot')}"

    async def analyse(self, queries: Sequence[str]) -> Sequence[str | None]:
        if not queries:
            return ()
        with await in_thread(lambda: Replica(self._catalog.dialect)) as replica:
            return await in_thread(lambda: [self._opinion(replica, query) for query in queries], replica.interrupt)

    def _opinion(self, replica: Replica, query: str) -> str | None:
        try:
            tables = {".".join(each.path).lower(): each for each in named(query, self._catalog)}
            tree = sqlglot.parse_one(query, read=self._catalog.dialect)
            schema = self._schema(replica, tables, query)
            if schema is None:
                return None
            _rename(tree, tables)
            return self._first(replica, self._translations(tree, schema))
        except (SqlglotError, RecursionError, ValueError):  # its optimizer raises all three
            return None

    def _translations(self, tree: exp.Expr, schema: MappingSchema) -> Iterator[exp.Expr | str]:
        """Trees to plan, or what is wrong with the query for certain."""
        dialect = self._catalog.dialect
        resolved = _resolved(tree, schema, dialect)
        if dialect == "bigquery" and (unlike := _unlike(resolved, schema)):
            yield unlike
        yield tree
        yield resolved
        # GROUP BY means the alias in BigQuery and the column in DuckDB, where both have the same name.
        yield _resolved(tree, schema, dialect, expand=True)

    def _first(self, replica: Replica, translations: Iterable[exp.Expr | str]) -> str | None:
        complaints: list[str | None] = []
        for each in translations:
            complaint = each if isinstance(each, str) else self._planned(replica, each)
            if isinstance(each, str) or complaint == "":
                return complaint
            complaints.append(complaint)
        return None if None in complaints else complaints[0]

    def _schema(self, replica: Replica, tables: Mapping[str, Named], query: str) -> MappingSchema | None:
        """The tables of a query, in the replica and for sqlglot. None if one of them cannot be made."""
        dialect = self._catalog.dialect
        schema = MappingSchema(dialect=dialect, normalize=False)
        for name, table in tables.items():
            columns = _columns(table, query)
            if not replica.make((_renamed(name),), columns):
                return None
            if dialect == "bigquery":
                kinds = {column.name.lower(): _bigquery_type(column) for column in columns}
            else:
                kinds = {column.name: "" for column in columns}
            schema.add_table(exp.Table(this=_quoted(name)), kinds)
        return schema

    def _planned(self, replica: Replica, tree: exp.Expr) -> str | None:
        error = replica.plan(tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE))
        if error is None:
            return ""
        said = words(error)
        telling = isinstance(error, duckdb.BinderException) and _TELLING[self._catalog.dialect].search(said)
        return said if telling else None


def _rename(tree: exp.Expr, tables: Mapping[str, Named]) -> None:
    """Each table gets the name that it has in the replica, and keeps the one that the query calls it by."""
    for table in tree.find_all(exp.Table):
        written = ".".join(part.name for part in table.parts).lower()
        if written in tables:
            if not table.args.get("alias"):
                table.set("alias", exp.TableAlias(this=table.parts[-1].copy()))
            table.set("this", _quoted(written))
            table.set("db", None)
            table.set("catalog", None)


def _renamed(name: str) -> str:
    return re.sub(r"\W+", "_", name)


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(_renamed(name), quoted=True)


def _columns(table: Named, query: str) -> tuple[Column, ...]:
    """Pseudo columns only where the query speaks of them: `SELECT *` has none."""
    pseudo = (*_PSEUDO, _SUFFIX) if table.wildcard else _PSEUDO
    return table.columns + tuple(column for column in pseudo if column.name in query.upper())


def _bigquery_type(column: Column) -> str:
    if column.fields:
        kind = f"STRUCT<{', '.join(f'`{field.name.lower()}` {_bigquery_type(field)}' for field in column.fields)}>"
    else:
        kind = _BIGQUERY_TYPES.get(column.type, column.type)
    return f"ARRAY<{kind}>" if column.repeated else kind


def _resolved(tree: exp.Expr, schema: MappingSchema, dialect: str, *, expand: bool = False) -> exp.Expr:
    return qualify(tree.copy(), schema=schema, dialect=dialect, validate_qualify_columns=False, expand_alias_refs=expand)


def _unlike(resolved: exp.Expr, schema: MappingSchema) -> str:
    """A column of text compared with a number, or the other way round: DuckDB converts that, BigQuery does not. Empty if there is none."""
    tree = annotate_types(resolved.copy(), schema=schema, expression_metadata=_SURE, dialect="bigquery")
    for compared in tree.find_all(*_COMPARED):
        for one, other in ((compared.left, compared.right), (compared.right, compared.left)):
            if isinstance(one, (exp.Column, exp.Dot)) and isinstance(other, (exp.Column, exp.Dot, exp.Literal)):
                found, expected = _is_text(other), _is_text(one)
                if found is not None and expected is not None and found != expected:
                    return f"{one.output_name} is {_KIND[expected]}, but compared with {_KIND[found]}; convert one of them, or write it so"
    return ""


_KIND = {True: "text", False: "a number"}


def _is_text(expression: exp.Expr) -> bool | None:
    """Of what is known to be a text or a number; None for all else."""
    if expression.is_type(*exp.DataType.TEXT_TYPES):
        return True
    return False if expression.is_type(*exp.DataType.NUMERIC_TYPES) else None
