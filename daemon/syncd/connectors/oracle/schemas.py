"""Oracle keeps the promises of a reader of schemas.

A query is only parsed, which looks up its names and types and carries nothing out. Parsing a definition (DDL) would: so nothing is parsed
that does not begin as a query does.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from syncd.connectors.oracle.failures import code_of
from syncd.connectors.oracle.inventory import describe, listed
from syncd.connectors.oracle.sessions import Session, Sessions, Statement
from syncd.connectors.oracle.settings import Settings
from syncd.domain.errors import SourceMismatch
from syncd.domain.schema import Column, Table
from syncd.kit.sql import quote
from syncd.kit.text import did_you_mean
from syncd.ports.warehouse import Examined, Listed, SchemaReader

_PATIENCE = timedelta(seconds=60)
"""For one round trip: all questions here are small."""
_SAMPLED_ROWS = 100_000
_SAMPLE_LENGTH = 200

_QUERY = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*+(?:SELECT|WITH)\b", re.IGNORECASE | re.DOTALL)
_ERROR = re.compile(r"(?:ORA-\d{5}: .*)", re.DOTALL)


class OracleSchemas:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings.model_copy(update={"call_timeout": min(settings.call_timeout, _PATIENCE)})
        self._sessions = Sessions(self._settings)

    @property
    def dialect(self) -> str:
        return "oracle"

    async def stamp(self) -> str:
        """Nothing tells it without looking at the tables."""
        return ""

    async def list(self, schemas: Sequence[str]) -> Sequence[Listed]:
        async with self._sessions.session() as session:
            return await listed(session, schemas)

    async def describe(self, names: Sequence[str]) -> Sequence[Table]:
        async with self._sessions.session() as session:
            return await describe(session, names)

    async def examine(self, queries: Sequence[str]) -> Sequence[Examined]:
        async with self._sessions.session() as session:
            return [await _examined(session, query.strip().removesuffix(";")) for query in queries]

    async def samples(self, name: str, columns: Sequence[str], count: int) -> Mapping[str, Sequence[str]]:
        async with self._sessions.session() as session:
            found = await describe(session, [name])
            if not found:
                raise SourceMismatch(f"there is no table '{name}' any more", hint="list the tables again")
            return {each: await _sampled(session, found[0], each, count) for each in columns}

    async def close(self) -> None:
        await self._sessions.close()


async def _examined(session: Session, query: str) -> Examined:
    problem = await _problem(session, query) if _QUERY.match(query) else "expected one query, which begins with SELECT or WITH"
    return Examined(analysed=not problem, ran=False, problem=problem)


async def _problem(session: Session, query: str) -> str:
    """What the server has against a query, in its own words; it has not looked at any row."""
    try:
        if binds := await session.binds(query):
            return f"expected a query without bind variables, found :{', :'.join(binds)}"
        await session.columns(query)
    except SourceMismatch as error:
        if not code_of(error).startswith("ORA-"):
            raise
        return _words(error)
    return ""


def _words(error: SourceMismatch) -> str:
    found = _ERROR.search(str(error))
    return found[0] if found else str(error)


async def _sampled(session: Session, table: Table, name: str, count: int) -> Sequence[str]:
    """The most frequent values in some of the rows, each cut to a length; none of a type that has no text."""
    column = table.column(name)
    if column is None:
        raise SourceMismatch(f"'{table.name}' has no column '{name}'{did_you_mean(name, table.names)}")
    text = _text(column)
    return [str(value) for (value,) in await session.rows(_sample(table.name, name, text, count))] if text else ()


def _text(column: Column) -> str:
    """SQL of a value `v` of this column as a short text."""
    return next((text for prefix, text in _TEXTS.items() if column.type.startswith(prefix)), "")


_TEXTS = {
    **dict.fromkeys(("VARCHAR2", "NVARCHAR2", "CHAR", "NCHAR"), f"RTRIM(SUBSTR(v, 1, {_SAMPLE_LENGTH}))"),
    **dict.fromkeys(("CLOB", "NCLOB"), f"TO_CHAR(SUBSTR(v, 1, {_SAMPLE_LENGTH}))"),
    **dict.fromkeys(("NUMBER", "FLOAT", "BINARY_"), "TO_CHAR(v, 'TM9')"),
    **dict.fromkeys(("DATE", "TIMESTAMP"), "TO_CHAR(v, 'YYYY-MM-DD HH24:MI:SS')"),
}


def _sample(table: str, column: str, text: str, count: int) -> Statement:
    owner, _, name = table.partition(".")
    some = f"SELECT {quote(column)} AS v FROM {quote(owner)}.{quote(name)} WHERE {quote(column)} IS NOT NULL AND ROWNUM <= {_SAMPLED_ROWS}"
    grouped = f"SELECT {text} AS t, COUNT(*) AS n FROM ({some}) GROUP BY {text} ORDER BY COUNT(*) DESC, {text}"
    return Statement(f"SELECT t FROM ({grouped}) WHERE ROWNUM <= :1", (count,))


@asynccontextmanager
async def opened_schemas(settings: Settings) -> AsyncIterator[SchemaReader]:
    """A reader of the schemas that a user may see."""
    reader = OracleSchemas(settings)
    try:
        yield reader
    finally:
        await reader.close()
