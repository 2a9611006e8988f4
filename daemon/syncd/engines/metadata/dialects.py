"""How the dialects write what plain queries need. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from syncd.domain.schema import Table
from syncd.engines.metadata.checks.vocabulary import RESERVED, SOFT
from syncd.engines.metadata.folding.family import Family
from syncd.engines.metadata.folding.suffixes import form_of
from syncd.kit.sql import quote

_RESERVED = (RESERVED | SOFT).union(
    """
    ACCESS ADD ALTER ANALYSE ANALYZE ASSERT_ROWS_MODIFIED ASYMMETRIC AUDIT AUTHORIZATION BINARY BIT CHARACTER CHECK CLUSTER COALESCE
    COLLATION COLUMN COLUMNS COLUMN_VALUE COMMENT COMPRESS CONCURRENTLY CONSTRAINT CREATE DEC DEFERRABLE DELETE DESCRIBE DO DROP EXCLUSIVE
    FILE FOREIGN FREEZE GENERATED GRANT GROUPING_ID IDENTIFIED IMMEDIATE INCREMENT INDEX INITIAL INITIALLY INOUT INSERT ISNULL LOCK LONG
    MAXEXTENTS MERGE MLSLABEL MODE MODIFY NATIONAL NESTED_TABLE_ID NOAUDIT NOCOMPRESS NONE NOTNULL NOWAIT NULLIF OFFLINE ONLINE OPTION OUT
    OVERLAPS OVERLAY PCTFREE PIVOT_LONGER PIVOT_WIDER PLACING POSITION PRIMARY PUBLIC REFERENCES RESOURCE RETURNING REVOKE SESSION SETOF
    SHARE SHOW SIZE SUBSTRING SUCCESSFUL SUMMARIZE SYMMETRIC SYNONYM TRIGGER TRIM TUPLE UNPACK UPDATE VALIDATE VARIADIC VERBOSE VIEW
    WHENEVER XMLATTRIBUTES XMLCONCAT XMLELEMENT XMLEXISTS XMLFOREST XMLNAMESPACES XMLPARSE XMLPI XMLROOT XMLSERIALIZE XMLTABLE
    """.split()  # noqa: SIM905 - many words
)
"""Quoted in all dialects, because it does no harm where one of them does not need it."""

_DATE = re.compile(r"(\d{4})[-_]?(\d\d)[-_]?(\d\d)")


@dataclass(frozen=True, slots=True)
class Dialect:
    plain: re.Pattern[str]
    """Names that mean the same without quotes."""
    quotes: tuple[str, str, str]
    """Around a name, and what the quote itself is written as inside."""
    day: str
    """The day of a moment."""
    limit: str

    def name(self, name: str) -> str:
        if self.plain.fullmatch(name) and name.upper() not in _RESERVED:
            return name
        opened, closed, inside = self.quotes
        return f"{opened}{name.replace(closed, inside)}{closed}"

    def first(self, rows: int) -> str:
        return self.limit.format(rows)


DIALECTS: Mapping[str, Dialect] = {
    "bigquery": Dialect(re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), ("`", "`", "\\`"), "DATE({})", "LIMIT {}"),
    "duckdb": Dialect(re.compile(r"[a-z_][a-z0-9_]*"), ('"', '"', '""'), "CAST({} AS DATE)", "LIMIT {}"),
    "oracle": Dialect(re.compile(r"[A-Z][A-Z0-9_$#]*"), ('"', '"', '""'), "TRUNC({})", "FETCH FIRST {} ROWS ONLY"),
}


@dataclass(frozen=True, slots=True)
class From:
    """What a query reads."""

    table: str
    condition: str = ""
    """Without which it would read more than it should."""
    words: str = ""
    """Of a family, which part of it; for a question."""

    def where(self, *conditions: str) -> str:
        """A line with all conditions; empty if there are none."""
        every = [each for each in (self.condition, *conditions) if each]
        return f"\nWHERE {' AND '.join(every)}" if every else ""


def reads(unit: Table | Family, dialect: str, shards: int) -> From:
    """A table, or the last shards of a family, as many as have no gap between them; the newest one where it takes wildcards for more."""
    if isinstance(unit, Table):
        return From(_table(unit.name, dialect))
    form = form_of(unit.form)
    first, last = (form.position(end) for end in unit.ranges[-1])
    names = [form.suffix(at) for at in range(max(first, last - shards + 1), last + 1)]
    words = f" from {_spoken(names[0])} to {_spoken(names[-1])}"
    if len(names) > 1 and dialect == "bigquery" and form.dated:
        told = len(unit.pattern) - len(unit.prefix) - 1
        between = f"_TABLE_SUFFIX BETWEEN '{names[0][told:]}' AND '{names[-1][told:]}'"
        return From(f"`{unit.pattern}`", between, words)
    if len(names) > 1 and dialect == "duckdb":
        listed = ", ".join(f"'{_literal(f'{unit.prefix}{name}')}'" for name in names)
        return From(f"query_table([{listed}], true)", words=words)
    return From(_table(f"{unit.prefix}{names[-1]}", dialect), words=f" in the shard {_spoken(names[-1])}")


def _table(name: str, dialect: str) -> str:
    if dialect == "bigquery":
        return f"`{name}`"
    schema, dot, table = name.partition(".")
    write = DIALECTS[dialect].name
    return f"{write(schema)}.{write(table)}" if dot else write(name)


def _literal(name: str) -> str:
    """Inside a text only what would be read otherwise is quoted."""
    schema, _, table = name.partition(".")
    quoted = (quote(part) if set(part) & set('".') else part for part in (schema, table))
    return ".".join(quoted).replace("'", "''")


def _spoken(suffix: str) -> str:
    return _DATE.sub(r"\1-\2-\3", suffix)
