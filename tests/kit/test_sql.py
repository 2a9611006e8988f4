"""Identifiers are taken literally, and positions cut an order in two without loss."""

import itertools
import sqlite3
from collections.abc import Sequence

import pytest

from syncd.kit.sql import Clause, Term, all_of, behind, quote, quote_table, table_parts, up_to

VALUES = (None, "a", "b", "c")
ROWS = sorted(itertools.product(VALUES, VALUES), key=lambda row: [(value is not None, value or "") for value in row])


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("id", '"id"'),
        ("select", '"select"'),
        ('a"b', '"a""b"'),
        ("a.b", '"a.b"'),
        ("한국", '"한국"'),
        ('"; drop table t; --', '"""; drop table t; --"'),
    ],
)
def test_an_identifier_is_taken_literally(name: str, quoted: str) -> None:
    assert quote(name) == quoted


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_no_identifier_can_be_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        quote(name)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("products", ("products",)),
        ("main.products", ("main", "products")),
        ("odd name", ("odd name",)),
        ('"odd.name"', ("odd.name",)),
        ('shop."a ""b"". c"', ("shop", 'a "b". c')),
        ("a.b.c", ("a", "b", "c")),
    ],
)
def test_a_table_name_may_be_qualified_and_quoted(name: str, parts: tuple[str, ...]) -> None:
    assert table_parts(name) == parts
    assert quote_table(name) == ".".join(quote(part) for part in parts)


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", '"a', 'a"b', '"a"b', '""'])
def test_what_is_no_table_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no table name"):
        table_parts(name)


def _select(condition: Clause) -> list[tuple[str | None, ...]]:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a TEXT, b TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", reversed(ROWS))
        found: list[tuple[str | None, ...]] = connection.execute(
            f"SELECT a, b FROM t WHERE {condition.text} ORDER BY a NULLS FIRST, b NULLS FIRST", condition.values
        ).fetchall()
    connection.close()
    return found


@pytest.mark.parametrize("terms", [[Term("a"), Term("b")], [Term("a", "CAST(? AS TEXT)"), Term("b", "upper(lower(?)) COLLATE NOCASE")]])
@pytest.mark.parametrize("split", range(len(ROWS)))
def test_a_position_cuts_an_order_in_two(terms: Sequence[Term], split: int) -> None:
    assert _select(behind(terms, ROWS[split])) == ROWS[split + 1 :]
    assert _select(up_to(terms, ROWS[split])) == ROWS[: split + 1]


@pytest.mark.parametrize(("start", "end"), list(itertools.combinations(range(len(ROWS)), 2)))
def test_two_positions_cut_out_what_is_between(start: int, end: int) -> None:
    terms = [Term("a"), Term("b")]

    assert _select(all_of([behind(terms, ROWS[start]), up_to(terms, ROWS[end])])) == ROWS[start + 1 : end + 1]


def test_a_column_that_cannot_be_null_is_compared_plainly() -> None:
    assert up_to([Term("a", nullable=False)], ["x"]) == Clause("a <= ?", ("x",))
    assert behind([Term("a")], ["x"]) == Clause("a > ?", ("x",))


def test_the_first_column_stands_alone_too() -> None:
    assert behind([Term("a"), Term("b")], ["x", "y"]).text.startswith("(a >= ?) AND ")


def test_no_conditions_hold_everywhere() -> None:
    assert _select(all_of([])) == ROWS


def test_values_never_stand_in_the_text() -> None:
    clause = all_of([behind([Term("a"), Term("b")], ["'; DROP", "TABLE t"]), up_to([Term("a")], ["--"])])

    assert not any(value in clause.text for value in ("DROP", "TABLE", "--"))
    assert clause.text.count("?") == len(clause.values)
