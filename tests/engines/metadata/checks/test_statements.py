import pytest

from syncd.engines.metadata.checks.statements import one_query
from syncd.engines.metadata.checks.verdict import Level
from tests.engines.metadata.checks.dialects import BIGQUERY, DUCKDB, ORACLE
from tests.engines.metadata.checks.queries import VALID, Query

GOOD = [
    *(("bigquery", query) for query in (*VALID, *BIGQUERY)),
    *(("duckdb", query) for query in DUCKDB),
    *(("oracle", query) for query in ORACLE),
]


@pytest.mark.parametrize(("dialect", "query"), [pytest.param(dialect, query, id=f"{dialect}: {query.id}") for dialect, query in GOOD])
def test_a_query_passes(dialect: str, query: Query) -> None:
    assert one_query(query.sql, dialect) == ()
    assert one_query(f"{query.sql};\n-- the end", dialect) == ()


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("INSERT INTO t VALUES (1)", id="insert"),
        pytest.param("update t set a = 1", id="update"),
        pytest.param("DELETE FROM t", id="delete"),
        pytest.param("MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", id="merge"),
        pytest.param("CREATE TABLE t AS SELECT 1", id="create"),
        pytest.param("/* SELECT */ DROP TABLE t", id="drop behind a comment"),
        pytest.param("TRUNCATE TABLE t", id="truncate"),
        pytest.param("CALL p()", id="call"),
        pytest.param("SET x = 1", id="set"),
        pytest.param("BEGIN SELECT 1 END", id="a block"),
        pytest.param("EXPLAIN SELECT 1", id="explain"),
        pytest.param("(((DELETE FROM t)))", id="a verb in brackets"),
        pytest.param("WITH a AS (SELECT 1 AS x) DELETE FROM t", id="a verb behind WITH"),
        pytest.param("WITH a AS (SELECT 1 AS x), b AS (SELECT 2 AS y) INSERT INTO t SELECT x FROM a", id="insert behind WITH"),
        pytest.param("WITH a AS (DELETE FROM t RETURNING x) SELECT x FROM a", id="a verb inside WITH"),
        pytest.param("WITH a AS (SELECT 1 AS x)", id="WITH and nothing behind it"),
        pytest.param("SELECT a INTO u FROM t", id="select into"),
        pytest.param("SELECT a FROM t FOR UPDATE", id="for update"),
        pytest.param("SELECT a FROM t FOR SHARE", id="for share"),
        pytest.param("nothing that is SQL", id="prose"),
    ],
)
@pytest.mark.parametrize("dialect", ["bigquery", "duckdb", "oracle"])
def test_what_is_more_than_a_query_is_refused(dialect: str, sql: str) -> None:
    assert [complaint.code for complaint in one_query(sql, dialect)][:1] == ["sql.not_read_only"]


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        pytest.param("bigquery", "EXPORT DATA OPTIONS (uri = 'gs://x') AS SELECT 1", id="export"),
        pytest.param("bigquery", "SELECT * FROM EXTERNAL_QUERY('c', 'SELECT 1')", id="another database"),
        pytest.param("duckdb", "COPY t TO 'x.csv'", id="copy"),
        pytest.param("duckdb", "ATTACH 'x.db'", id="attach"),
        pytest.param("duckdb", "PRAGMA database_list", id="pragma"),
        pytest.param("duckdb", "SELECT * FROM read_csv('x.csv')", id="a csv file"),
        pytest.param("duckdb", "SELECT * FROM main.read_parquet(['x'])", id="a parquet file with its schema"),
        pytest.param("duckdb", "SELECT * FROM \"read_text\"('x')", id="a quoted function"),
        pytest.param("duckdb", "SELECT count(*) FROM glob('/*')", id="a listing of files"),
        pytest.param("duckdb", "SELECT a FROM 'x.csv'", id="a file as a table"),
        pytest.param("duckdb", "SELECT a FROM t JOIN 'x.csv' ON true", id="a file in a join"),
        pytest.param("duckdb", "SELECT * FROM query('SELECT 1')", id="a query out of text"),
        pytest.param("duckdb", "SELECT nextval('s')", id="a sequence of duckdb"),
        pytest.param("oracle", "SELECT s.NEXTVAL FROM dual", id="a sequence of oracle"),
        pytest.param("oracle", "SELECT UTL_HTTP.REQUEST('http://x') FROM dual", id="a package that reaches out"),
        pytest.param("oracle", "SELECT a FROM t@other", id="a link"),
    ],
)
def test_what_reaches_beyond_the_tables_is_refused(dialect: str, sql: str) -> None:
    assert {complaint.code for complaint in one_query(sql, dialect)} == {"sql.not_read_only"}


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        pytest.param("SELECT 1; SELECT 2", "sql.not_one_statement", id="two"),
        pytest.param("SELECT 1; DROP TABLE t;", "sql.not_one_statement", id="a drop behind"),
        pytest.param(" -- nothing\n;", "sql.not_one_statement", id="none"),
        pytest.param("SELECT (1", "sql.unreadable", id="an open bracket"),
        pytest.param("SELECT 1)", "sql.unreadable", id="a bracket too many"),
        pytest.param("SELECT (1]", "sql.unreadable", id="brackets that do not match"),
        pytest.param(f"SELECT {'(' * 5000}1{')' * 5000}", "sql.unreadable", id="too many brackets"),
        pytest.param("SELECT 'a", "sql.unreadable", id="an open string"),
        pytest.param("SELECT 1 FROM t WHERE a = ?", "sql.placeholder", id="a placeholder"),
        pytest.param("SELECT 1 FROM t WHERE a = {{ day }}", "sql.placeholder", id="a template"),
    ],
)
@pytest.mark.parametrize("dialect", ["bigquery", "duckdb", "oracle"])
def test_what_is_not_one_readable_statement_is_refused(dialect: str, sql: str, code: str) -> None:
    (complaint,) = one_query(sql, dialect)

    assert (complaint.level, complaint.code) == (Level.STATEMENT, code)


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT REPLACE(a, 'x', 'y') AS b, (REPLACE(a, 'x', 'y')) AS c FROM t", id="a function"),
        pytest.param("SELECT '; DROP TABLE t', 'FOR UPDATE' FROM t", id="a string"),
        pytest.param("SELECT t.update, t.into, (delete, x) FROM t", id="a column"),
        pytest.param("SELECT a FROM t -- ; DELETE FROM t", id="a comment"),
    ],
)
@pytest.mark.parametrize("dialect", ["bigquery", "duckdb", "oracle"])
def test_a_verb_that_is_none_does_no_harm(dialect: str, sql: str) -> None:
    assert one_query(sql, dialect) == ()
