"""L0: a text is one statement, and it can only read."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from syncd.engines.metadata.checks.blocks import DEEPEST
from syncd.engines.metadata.checks.lexing import Kind, Token, tokens
from syncd.engines.metadata.checks.verdict import Complaint, Level

_READS = {"bigquery": {"SELECT"}, "duckdb": {"SELECT", "FROM", "VALUES"}, "oracle": {"SELECT"}}
_VERBS = _READS["duckdb"] | {"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"}
_CLOSES = {")": "(", "]": "[", "}": "{"}
_LOCKS = {"UPDATE", "SHARE", "NO", "KEY"}
_OUTSIDE = {
    "bigquery": re.compile(r"EXTERNAL_QUERY"),
    "duckdb": re.compile(
        r"(READ|WRITE|ST_READ|PRAGMA)_\w+|\w+_SCAN|(PARQUET|SQLITE|POSTGRES|MYSQL)_\w+|GLOB|SNIFF_CSV|ST_READ|QUERY|NEXTVAL|SETSEED|GETENV"
        r"|(FORCE_)?CHECKPOINT|\w*_SECRETS?|LOAD_AWS_CREDENTIALS|(FROM|GET)_SUBSTRAIT\w*|ICEBERG_\w+|DELTA_\w+"
    ),
    "oracle": re.compile(r"UTL_(?!RAW|MATCH)\w+|DBMS_(?!LOB|RANDOM)\w+|HTTPURITYPE|NEXTVAL|SYS_EVAL|XMLFILE|BFILENAME"),
}
"""Functions that reach beyond the tables, or leave something behind."""


def one_query(sql: str, dialect: str) -> tuple[Complaint, ...]:
    """What speaks against keeping a text: it is no statement, more than one, or more than a query. Empty if nothing does."""
    read = list(tokens(sql, dialect))
    broken = _unreadable(read)
    if broken:
        return (Complaint(Level.STATEMENT, "sql.unreadable", broken),)
    statements = list(_statements(read))
    if len(statements) != 1:
        found = f"expected one statement, found {len(statements)}"
        return (Complaint(Level.STATEMENT, "sql.not_one_statement", found),)
    rules: tuple[Callable[[Sequence[Token], str], Iterator[str]], ...] = (_verbs, _writes, _reaches_outside, _reads_files)
    return (
        *(Complaint(Level.STATEMENT, "sql.not_read_only", found) for rule in rules for found in rule(statements[0], dialect)),
        *(
            Complaint(Level.STATEMENT, "sql.placeholder", f"the placeholder {token.text} has no value; write one into the query")
            for token in statements[0]
            if token.kind is Kind.PLACEHOLDER
        ),
    )


def _unreadable(read: Sequence[Token]) -> str:
    """The first comment, string or bracket that is not closed; empty if all are."""
    opened: list[Token] = []
    for token in read:
        if token.kind is Kind.BROKEN:
            return f"cannot be read from character {token.start + 1} on: a quote or comment is not closed, or a character is none of SQL"
        if token.word in _CLOSES.values():
            opened.append(token)
            if len(opened) > DEEPEST:
                return f"brackets inside brackets: expected at most {DEEPEST}"
        elif token.word in _CLOSES and (not opened or opened.pop().word != _CLOSES[token.word]):
            return f"the bracket {token.text} at character {token.start + 1} closes none"
    return f"the bracket {opened[-1].text} at character {opened[-1].start + 1} is not closed" if opened else ""


def _statements(read: Sequence[Token]) -> Iterator[list[Token]]:
    current: list[Token] = []
    for token in read:
        if token.word != ";":
            current.append(token)
        elif current:
            yield current
            current = []
    if current:
        yield current


def _verbs(statement: Sequence[Token], dialect: str) -> Iterator[str]:
    """What is done, by the whole statement and by each bracket that begins with a verb."""
    allowed = _READS[dialect]
    first = next((token for token in statement if token.word != "("), statement[0])
    verb = _behind_with(statement) if first.word == "WITH" else first
    if verb is None or (verb.word not in allowed and verb.word != "("):
        found = "nothing" if verb is None else verb.text[:40]
        yield f"expected a statement that begins with {' or '.join(sorted({*allowed, 'WITH'} - {'VALUES'}))}, found {found}"
    for before, token, after in zip(statement, statement[1:], [*statement[2:], None], strict=False):
        names = after is not None and after.word in {"(", ",", ")"}
        if before.word == "(" and token.word in _VERBS - _READS["duckdb"] and not names:
            yield f"{token.word} inside the query changes a table"


def _behind_with(statement: Sequence[Token]) -> Token | None:
    """The verb of `WITH … AS (…) VERB`, or the bracket that holds it."""
    depth = 0
    start = next(index for index, token in enumerate(statement) if token.word == "WITH")
    for before, token in pairwise(statement[start:]):
        if depth == 0 and before.word == ")" and (token.word in _VERBS | {"("} or _begins_a_command(token)):
            return token
        depth += {"(": 1, ")": -1}.get(token.word, 0)
    return None


def _begins_a_command(token: Token) -> bool:
    return token.word in {"EXPORT", "CREATE", "DROP", "ALTER", "CALL", "COPY", "EXECUTE", "TRUNCATE"}


def _writes(statement: Sequence[Token], _dialect: str) -> Iterator[str]:
    for before, token, after in zip([None, *statement], statement, [*statement[1:], None], strict=False):
        named = before is not None and before.word == "."
        if token.word == "INTO" and not named:
            yield "INTO writes the result somewhere"
        if token.word == "FOR" and not named and after is not None and after.word in _LOCKS:
            yield f"FOR {after.word} locks rows"


def _reaches_outside(statement: Sequence[Token], dialect: str) -> Iterator[str]:
    pattern = _OUTSIDE[dialect]
    for token, after in zip(statement, [*statement[1:], None], strict=True):
        called = after is not None and after.word in ({"(", "."} if dialect == "oracle" else {"("})
        named = token.is_name and pattern.fullmatch(token.text.upper()) is not None
        if named and (called or token.text.upper() == "NEXTVAL"):
            yield f"{token.text} reaches beyond the tables of the warehouse, or leaves something behind"
        if dialect == "oracle" and token.word == "@":
            yield "a link reads another database"


def _reads_files(statement: Sequence[Token], dialect: str) -> Iterator[str]:
    """DuckDB takes a text for a file where a table is expected; FROM also stands inside functions and in IS DISTINCT FROM."""
    called: list[str] = []
    for back, before, token in zip([None, None, *statement], [None, *statement], statement, strict=False):
        if token.word == "(":
            called.append(before.word if before is not None else "")
        elif token.word == ")":
            called.pop()
        elif dialect == "duckdb" and token.kind is Kind.STRING and before is not None and before.word in {"FROM", "JOIN"}:
            inside = called[-1] if called else ""
            if (back is None or back.word != "DISTINCT") and inside not in {"EXTRACT", "TRIM", "SUBSTRING", "OVERLAY", "POSITION"}:
                yield "a text behind FROM or JOIN reads a file"
