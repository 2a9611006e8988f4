"""What there is to read: names looked up, columns, comments and keys, out of Oracle's dictionary."""

import re
from dataclasses import dataclass

import pyarrow as pa

from syncd.connectors.oracle.kinds import Kind
from syncd.connectors.oracle.sessions import Session, Statement
from syncd.connectors.oracle.settings import Settings
from syncd.connectors.oracle.types import VERSION, Carrier, carrier, carrier_of_version
from syncd.domain.errors import SourceMismatch
from syncd.domain.scan import Relation
from syncd.domain.schema import Column, Table
from syncd.kit.sql import quote, table_parts
from syncd.kit.text import did_you_mean

_MANY = 2000
"""Names that are looked through for a similar one."""
_MOST_SYNONYMS = 8
"""One that leads to itself can be made, and fails only when it is used (ORA-01775)."""


@dataclass(frozen=True, slots=True)
class Described:
    """A relation as it was found: where it stands in FROM, and how each of its columns is carried."""

    table: Table
    source: str
    carriers: dict[str, Carrier]
    owner: str = ""
    """Empty for a query."""
    name: str = ""

    def carrier(self, name: str) -> Carrier:
        """How a column is carried. Raises `SourceMismatch` if there is none, or it cannot be."""
        found = self.carriers.get(name) or self.carriers.get(self._spelt(name))
        if found is None:
            raise SourceMismatch(f"'{self.table.name}' has no column '{name}'{did_you_mean(name, self.table.names)}")
        return found

    def _spelt(self, name: str) -> str:
        alike = [column for column in self.table.names if column.casefold() == name.casefold()]
        return alike[0] if len(alike) == 1 else ""


async def describe(session: Session, relation: Relation, settings: Settings) -> Described:
    """Look a relation up. Raises `SourceMismatch` if there is no such thing, or it may not be seen."""
    if relation.query:
        return await _describe_query(session, relation, settings)
    owner, name, kind = await _find(session, relation.table, settings)
    found = await session.rows(Statement(_COLUMNS, (owner, name)))
    kinds = [Kind.declared(row[1:7]) for row in found]
    carriers = {column: carrier(quote(column), column, each, settings) for (column, *_), each in zip(found, kinds, strict=True)}
    columns = tuple(Column(row[0], each.text, row[7] != "N", row[8] or "") for row, each in zip(found, kinds, strict=True))
    columns = tuple(_with_obstacle(column, carriers[column.name]) for column in columns)
    version = VERSION if kind == "TABLE" else ""
    table = Table(
        name=relation.table,
        columns=columns,
        schema=pa.schema([(name, each.arrow) for name, each in carriers.items()]),
        primary_key=tuple(row[0] for row in await session.rows(Statement(_KEY, (owner, name)))),
        version=version,
        proposed_watermark=proposed_watermark(columns),
        comment=await _comment(session, owner, name),
    )
    if version:
        carriers = {**carriers, VERSION: carrier_of_version()}
    return Described(table, f"{quote(owner)}.{quote(name)}", carriers, owner, name)


async def _describe_query(session: Session, relation: Relation, settings: Settings) -> Described:
    text = f"(\n{relation.query.strip().rstrip(';')}\n)"
    found = await session.columns(f"SELECT * FROM {text}")
    kinds = {info.name: Kind.fetched(info) for info in found}
    carriers = {name: carrier(quote(name), name, kind, settings) for name, kind in kinds.items()}
    columns = (Column(info.name, kinds[info.name].text, bool(info.null_ok)) for info in found)
    return Described(
        Table(
            name=relation.name,
            columns=tuple(_with_obstacle(column, carriers[column.name]) for column in columns),
            schema=pa.schema([(name, each.arrow) for name, each in carriers.items()]),
        ),
        text,
        carriers,
    )


def _with_obstacle(column: Column, carried: Carrier) -> Column:
    return Column(column.name, column.type, column.nullable, column.comment, carried.obstacle)


async def _find(session: Session, written: str, settings: Settings, synonyms: int = _MOST_SYNONYMS) -> tuple[str, str, str]:
    """Owner, name and type of a table or view. A name counts as it is written, else in upper case; at most so many synonyms lead to it."""
    try:
        parts = table_parts(written)
    except ValueError as error:
        raise SourceMismatch(str(error)) from error
    if len(parts) > _LONGEST:
        raise SourceMismatch(f"'{written}' names no table; expected 'table' or 'owner.table'")
    owner, name = parts if len(parts) == _LONGEST else (settings.schema or settings.user.upper(), parts[0])
    meant = [(owner, name), (owner, name.upper()), (owner.upper(), name.upper())]
    for who, what in meant:
        if found := await session.rows(Statement(_OBJECT, (who, what))):
            return who, what, str(found[0][0])
    public = [("PUBLIC", name.upper())] if len(parts) < _LONGEST else []
    for who, what in [*meant, *public] if synonyms else []:
        if found := await session.rows(Statement(_SYNONYM, (who, what))):
            return await _find(session, f"{quote(found[0][0])}.{quote(found[0][1])}", settings, synonyms - 1)
    known = [str(row[0]) for row in await session.rows(Statement(_KNOWN, (owner, owner.upper())))]
    raise SourceMismatch(
        f"there is no table '{written}' that {settings.user} may read{did_you_mean(name, known)}",
        hint=f"correct the name, set `schema` of the connection, or GRANT READ ON it TO {settings.user}",
    )


_LONGEST = 2
_OBJECT = (
    "SELECT object_type FROM all_objects WHERE owner = :1 AND object_name = :2 "
    "AND object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW') ORDER BY object_type"
)
_SYNONYM = "SELECT table_owner, table_name FROM all_synonyms WHERE owner = :1 AND synonym_name = :2 AND db_link IS NULL"
_KNOWN = (
    "SELECT object_name FROM all_objects WHERE owner IN (:1, :2) "
    f"AND object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW') AND ROWNUM <= {_MANY}"
)
_COLUMNS = (
    "SELECT c.column_name, c.data_type, c.data_precision, c.data_scale, c.data_length, c.char_length, c.char_used, c.nullable, m.comments "
    "FROM all_tab_columns c LEFT JOIN all_col_comments m "
    "ON m.owner = c.owner AND m.table_name = c.table_name AND m.column_name = c.column_name "
    "WHERE c.owner = :1 AND c.table_name = :2 ORDER BY c.column_id"
)
_KEY = (
    "SELECT k.column_name FROM all_constraints c JOIN all_cons_columns k "
    "ON k.owner = c.owner AND k.constraint_name = c.constraint_name AND k.table_name = c.table_name "
    "WHERE c.owner = :1 AND c.table_name = :2 AND c.constraint_type = 'P' AND c.status = 'ENABLED' ORDER BY k.position"
)
_COMMENT = "SELECT comments FROM all_tab_comments WHERE owner = :1 AND table_name = :2"


async def _comment(session: Session, owner: str, name: str) -> str:
    found = await session.rows(Statement(_COMMENT, (owner, name)))
    return str(found[0][0] or "") if found else ""


_CHANGE = re.compile(r"modif|updat|chang|last_|upd_|chg_|mtime|_mod$|mod_d|수정", re.IGNORECASE)
_MOMENT = re.compile(r"^(DATE|TIMESTAMP)")


def proposed_watermark(columns: tuple[Column, ...]) -> str:
    """The first column that holds a moment and is named after changes; one that may not be NULL comes before one that may."""
    fits = [column for column in columns if _MOMENT.match(column.type) and _CHANGE.search(column.name)]
    return min(fits, key=lambda column: column.nullable).name if fits else ""
