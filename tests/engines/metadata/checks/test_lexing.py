from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.engines.metadata.checks.lexing import Kind, tokens


def read(sql: str, dialect: str) -> list[tuple[str, str]]:
    return [(token.kind.value, token.text) for token in tokens(sql, dialect)]


@pytest.mark.parametrize(
    ("dialect", "sql", "text"),
    [
        pytest.param("bigquery", """'it\\'s; "x"'""", """it\\'s; "x\"""", id="an escaped quote"),
        pytest.param("bigquery", "'''a ' b\n;'''", "a ' b\n;", id="three quotes"),
        pytest.param("bigquery", 'r"""^(a|b)\\d$"""', "^(a|b)\\d$", id="raw and three quotes"),
        pytest.param("bigquery", "rb'\\''", "\\'", id="raw bytes keep the quote behind a backslash"),
        pytest.param("bigquery", '"double"', "double", id="double quotes hold text in BigQuery"),
        pytest.param("duckdb", "'it''s'", "it's", id="a doubled quote"),
        pytest.param("duckdb", "$$it's; x$$", "it's; x", id="dollars"),
        pytest.param("duckdb", "$tag$a $$ b$tag$", "a $$ b", id="dollars with a tag"),
        pytest.param("duckdb", r"e'a\'b'", r"a\'b", id="an escape string"),
        pytest.param("oracle", "q'[it's; x]'", "it's; x", id="q with brackets"),
        pytest.param("oracle", "nq'!it's!'", "it's", id="national q with a mark"),
        pytest.param("oracle", "N'x'", "x", id="national"),
    ],
)
def test_a_string_is_one_token_whatever_stands_in_it(dialect: str, sql: str, text: str) -> None:
    assert read(sql, dialect) == [("string", text)]


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        pytest.param("bigquery", "a -- b ; '\n# c `\n/* d */", id="bigquery"),
        pytest.param("duckdb", "a -- b ; '\n/* c /* d */ ; */", id="duckdb, where comments nest"),
        pytest.param("oracle", "a /*+ hint ' */ -- b", id="oracle"),
    ],
)
def test_comments_are_left_out(dialect: str, sql: str) -> None:
    assert read(sql, dialect) == [("word", "a")]


@pytest.mark.parametrize(
    ("dialect", "sql", "name"),
    [
        pytest.param("bigquery", "`shop-prod.analytics.events_*`", "shop-prod.analytics.events_*", id="backticks"),
        pytest.param("duckdb", '"a ""b"""', 'a "b"', id="double quotes in duckdb"),
        pytest.param("oracle", '"mixedCase"', "mixedCase", id="double quotes in oracle"),
    ],
)
def test_a_quoted_name_comes_without_its_quotes(dialect: str, sql: str, name: str) -> None:
    assert read(sql, dialect) == [("quoted name", name)]


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        pytest.param("bigquery", "@day", id="named"),
        pytest.param("bigquery", "?", id="positional"),
        pytest.param("bigquery", "{{ day }}", id="a template"),
        pytest.param("bigquery", "{day}", id="a format string"),
        pytest.param("duckdb", "$1", id="numbered"),
        pytest.param("duckdb", "$day", id="named in duckdb"),
        pytest.param("oracle", ":day", id="named in oracle"),
        pytest.param("oracle", "&day", id="a substitution"),
    ],
)
def test_a_placeholder_is_told_from_a_name(dialect: str, sql: str) -> None:
    assert read(sql, dialect) == [("placeholder", sql)]


@pytest.mark.parametrize("sql", ["SELECT 'a", "SELECT /* b", "SELECT `c", 'SELECT """d"'])
def test_what_is_not_closed_is_broken_up_to_the_end(sql: str) -> None:
    *_, last = tokens(sql, "bigquery")

    assert last.kind is Kind.BROKEN
    assert last.end == len(sql)


def test_a_struct_of_duckdb_is_no_placeholder() -> None:
    assert "placeholder" not in {kind for kind, _ in read("{'a': x, 'b': 1} || a[1:2] :: INT", "duckdb")}


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab 1'\"`$-/*#\\;.@?{}[]()\n", max_size=40), st.sampled_from(["bigquery", "duckdb", "oracle"]))
def test_tokens_never_overlap_and_no_text_makes_reading_fail(sql: str, dialect: str) -> None:
    found = list(tokens(sql, dialect))

    assert all(token.start < token.end for token in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
