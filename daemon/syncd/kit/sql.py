"""Identifiers and positions as SQL text. Values never stand in the text: they are bound."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PART = r'"(?:[^"]|"")+"|[^".]+'
_NAME = re.compile(rf"(?:{_PART})(?:\.(?:{_PART}))*")


def quote(identifier: str) -> str:
    """One identifier, taken literally. Raises `ValueError` for what no identifier can be."""
    if not identifier or "\0" in identifier:
        raise ValueError(f"{identifier!r} cannot be a name")
    return '"' + identifier.replace('"', '""') + '"'


def table_parts(name: str) -> tuple[str, ...]:
    """The identifiers of a table's name as people write it: `shop.products`, `shop."odd.name"`."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no table name; expected 'table', 'schema.table' or parts in double quotes")
    return tuple(part[1:-1].replace('""', '"') if part.startswith('"') else part for part in re.findall(_PART, name))


def quote_table(name: str) -> str:
    """A table's name, each of its parts quoted."""
    return ".".join(quote(part) for part in table_parts(name))


@dataclass(frozen=True, slots=True)
class Term:
    """One column of an order: its SQL, the SQL of one bound value to compare it with, and whether it can be NULL."""

    column: str
    value: str = "?"
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition and the values to bind, in the order of their placeholders."""

    text: str
    values: tuple[object, ...] = ()


def all_of(clauses: Sequence[Clause]) -> Clause:
    """A condition that holds where all of them hold; everywhere if there are none."""
    if not clauses:
        return Clause("1 = 1")
    return Clause(" AND ".join(f"({clause.text})" for clause in clauses), tuple(value for clause in clauses for value in clause.values))


def behind(terms: Sequence[Term], position: Sequence[object]) -> Clause:
    """Rows strictly behind a position in ascending order, NULLs first.

    The first column also stands alone in a plain comparison, so that a database can use its index or skip blocks.
    """
    (term, *rest), (value, *others) = terms, position
    if value is None:
        greater, equal = Clause(f"{term.column} IS NOT NULL"), Clause(f"{term.column} IS NULL")
    else:
        greater, equal = (Clause(f"{term.column} {sign} {term.value}", (value,)) for sign in (">", "="))
    if not rest:
        return greater
    deeper = all_of([equal, behind(rest, others)])
    either = Clause(f"{greater.text} OR {deeper.text}", (*greater.values, *deeper.values))
    return either if value is None else all_of([Clause(f"{term.column} >= {term.value}", (value,)), either])


def up_to(terms: Sequence[Term], position: Sequence[object]) -> Clause:
    """Rows at a position or before it in ascending order, NULLs first."""
    (term, *rest), (value, *others) = terms, position
    deeper = [up_to(rest, others)] if rest else []
    if value is None:
        return all_of([Clause(f"{term.column} IS NULL"), *deeper])
    or_null = f" OR {term.column} IS NULL" if term.nullable else ""
    at_most = Clause(f"{term.column} <= {term.value}{or_null}", (value,))
    if not rest:
        return at_most
    equal = all_of([Clause(f"{term.column} = {term.value}", (value,)), *deeper])
    return all_of([at_most, Clause(f"{term.column} < {term.value}{or_null} OR {equal.text}", (value, *equal.values))])
