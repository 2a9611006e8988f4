"""Many tables at once, out of Oracle's dictionary: a handful of questions for hundreds of tables.

A name is `OWNER.TABLE`, as the dictionary writes both.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from syncd.connectors.oracle.kinds import Kind
from syncd.connectors.oracle.sessions import Session, Statement
from syncd.domain.errors import SourceMismatch
from syncd.domain.schema import Column, Table, TableKind
from syncd.kit.text import did_you_mean
from syncd.ports.warehouse import Listed

Row = tuple[Any, ...]

_WIDTHS = (1, 10, 100, 500)
"""Names that one question asks for. Few different ones, so that the server knows the statement already."""


async def listed(session: Session, schemas: Sequence[str]) -> list[Listed]:
    """Tables and views of some schemas. Raises `SourceMismatch` for a schema that is not there."""
    found: list[Listed] = []
    for owner in await _owners(session, schemas):
        said = {name: str(digest) for name, digest in await session.rows(Statement(_SAID, (owner, owner)))}
        objects: dict[str, tuple[TableKind, str]] = {}
        for name, kind, defined in await session.rows(Statement(_LISTED, (owner,))):
            objects[name] = TableKind(kind.lower()), defined or ""
        found += [
            Listed(f"{owner}.{name}", kind, hint=_hint(kind, defined, said.get(name, ""))) for name, (kind, defined) in objects.items()
        ]
    return sorted(found, key=lambda each: each.name)


def _hint(kind: TableKind, defined: str, said: str) -> str:
    """The columns of a view change with those of its tables, which nothing tells in the view."""
    return f"{defined} {said}" if defined and kind is TableKind.TABLE else ""


async def _owners(session: Session, schemas: Sequence[str]) -> list[str]:
    """A schema counts as it is written, else in upper case."""
    known = {str(name) for (name,) in await session.rows(Statement("SELECT username FROM all_users"))}
    owners = []
    for schema in schemas:
        owner = schema if schema in known else schema.upper()
        if owner not in known:
            raise SourceMismatch(
                f"the database has no schema '{schema}'{did_you_mean(owner, known)}",
                hint="correct `schemas`: each is the name of a user, as in ALL_USERS",
            )
        owners.append(owner)
    return list(dict.fromkeys(owners))


# The times of a definition are whole seconds: of one that is younger, another may follow within the same.
# GRANT and the like change LAST_DDL_TIME too; a new key may change only that, and a comment neither. A materialized view comes after the
# table of the same name that holds it.
_LISTED = (
    "SELECT o.object_name, o.object_type, CASE WHEN o.last_ddl_time < SYSDATE - 2 / 86400 "
    "THEN o.timestamp || ' ' || TO_CHAR(o.last_ddl_time, 'YYYY-MM-DD HH24:MI:SS') END "
    "FROM all_objects o WHERE o.owner = :1 AND o.object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW') "
    "AND o.generated = 'N' AND o.secondary = 'N' AND o.object_name NOT LIKE 'BIN$%' ORDER BY o.object_name, o.object_type DESC"
)
_SAID = (
    "SELECT table_name, SUM(hash) FROM ("
    "SELECT table_name, ORA_HASH(comments, 4294967295, ORA_HASH(column_name)) AS hash FROM all_col_comments "
    "WHERE owner = :1 AND comments IS NOT NULL UNION ALL "
    "SELECT table_name, ORA_HASH(comments) AS hash FROM all_tab_comments WHERE owner = :2 AND comments IS NOT NULL"
    ") GROUP BY table_name"
)


async def describe(session: Session, names: Sequence[str]) -> list[Table]:
    """Tables and views by name, in the order asked for; one that is not there is left out."""
    found: dict[str, Table] = {}
    for owner, tables in _by_owner(names).items():
        for start in range(0, len(tables), _WIDTHS[-1]):
            found |= await _described(session, owner, tables[start : start + _WIDTHS[-1]])
    return [found[name] for name in names if name in found]


def _by_owner(names: Sequence[str]) -> Mapping[str, list[str]]:
    """Both parts may hold dots: each dot can be the one between them."""
    tables: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        for at, sign in enumerate(name):
            if sign == ".":
                tables[name[:at]].append(name[at + 1 :])
    return tables


async def _described(session: Session, owner: str, tables: Sequence[str]) -> dict[str, Table]:
    objects, columns, keys, comments, partitions = [
        await _asked(session, question, owner, tables) for question in (_OBJECTS, _COLUMNS, _KEYS, _COMMENTS, _PARTITIONS)
    ]
    return {
        f"{owner}.{name}": Table(
            name=f"{owner}.{name}",
            columns=tuple(map(_column, columns[name])),
            primary_key=tuple(column for (column,) in keys[name]),
            comment=next((str(comment or "") for (comment,) in comments[name]), ""),
            kind=TableKind(kinds[-1][0].lower()),
            partitioning=_partitioning(partitions[name]),
        )
        for name, kinds in objects.items()
    }


async def _asked(session: Session, question: str, owner: str, tables: Sequence[str]) -> dict[str, list[Row]]:
    """The rows of a question by the table that they begin with, without it."""
    width = next(width for width in _WIDTHS if width >= len(tables))
    filled = [*tables, *[tables[-1]] * (width - len(tables))]
    places = ", ".join(f":{place}" for place in range(2, width + 2))
    rows: dict[str, list[Row]] = defaultdict(list)
    for name, *row in await session.rows(Statement(question.format(places), (owner, *filled))):
        rows[name].append(tuple(row))
    return rows


def _column(row: Row) -> Column:
    name, *declared, nullable, comment = row
    return Column(name, Kind.declared(declared).text, nullable != "N", comment or "")


def _partitioning(rows: Sequence[Row]) -> str:
    return f"{rows[0][0]}({', '.join(column for _, column in rows)})" if rows else ""


_OBJECTS = (
    "SELECT object_name, object_type FROM all_objects WHERE owner = :1 AND object_name IN ({}) "
    "AND object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW') ORDER BY object_type DESC"
)
_COLUMNS = (
    "SELECT c.table_name, c.column_name, "
    "c.data_type, c.data_precision, c.data_scale, c.data_length, c.char_length, c.char_used, c.nullable, m.comments "
    "FROM all_tab_columns c LEFT JOIN all_col_comments m "
    "ON m.owner = c.owner AND m.table_name = c.table_name AND m.column_name = c.column_name "
    "WHERE c.owner = :1 AND c.table_name IN ({}) ORDER BY c.table_name, c.column_id"
)
_KEYS = (
    "SELECT c.table_name, k.column_name FROM all_constraints c JOIN all_cons_columns k "
    "ON k.owner = c.owner AND k.constraint_name = c.constraint_name AND k.table_name = c.table_name "
    "WHERE c.owner = :1 AND c.table_name IN ({}) AND c.constraint_type = 'P' AND c.status = 'ENABLED' ORDER BY c.table_name, k.position"
)
_COMMENTS = "SELECT table_name, comments FROM all_tab_comments WHERE owner = :1 AND table_name IN ({})"
_PARTITIONS = (
    "SELECT t.table_name, t.partitioning_type, k.column_name FROM all_part_tables t JOIN all_part_key_columns k "
    "ON k.owner = t.owner AND k.name = t.table_name "
    "WHERE t.owner = :1 AND t.table_name IN ({}) AND k.object_type = 'TABLE' ORDER BY t.table_name, k.column_position"
)
