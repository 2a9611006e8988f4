from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.oracle.backend import Bind, Kind, OracleError
from tests.servers.oracle.database import Database
from tests.servers_own.oracle_values import Client

PEOPLE = "CREATE TABLE people (id NUMBER(10) PRIMARY KEY, name VARCHAR2(20 CHAR), born DATE, pay NUMBER(8,2), town VARCHAR2(10))"
ROWS = [
    (1, "Ada", "1815-12-10", "10.50", "London"),
    (2, "가나", "1900-01-01", None, None),
    (3, "Bob", None, "-3.25", "Paris"),
    (4, None, None, 7, "Paris"),
]


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    database = Database()
    client = Client(database.session("SYNCD", 1))
    client.run(PEOPLE)
    client.many("INSERT INTO people VALUES (:1, :2, TO_DATE(:3, 'YYYY-MM-DD'), :4, :5)", ROWS)
    client.run("CREATE TABLE orders (id NUMBER PRIMARY KEY, person NUMBER, at TIMESTAMP(6) WITH TIME ZONE, doc CLOB, flag CHAR(3))")
    client.run("INSERT INTO orders VALUES (10, 1, TIMESTAMP '2026-01-02 03:04:05.678 +09:00', 'text', 'Y')")
    client.run("INSERT INTO orders VALUES (11, 3, TIMESTAMP '2026-01-01 18:04:05.678 +00:00', NULL, 'NO')")
    client.session.commit()
    yield database
    database.close()


@pytest.fixture
def client(database: Database) -> Client:
    return Client(database.session("SYNCD", 2))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT id FROM people WHERE pay > 0 ORDER BY pay", ["4", "1"]),
        ("SELECT id FROM people ORDER BY pay", ["3", "4", "1", "2"]),
        ("SELECT id FROM people ORDER BY pay DESC", ["2", "1", "4", "3"]),
        ("SELECT id FROM people ORDER BY pay NULLS FIRST, id", ["2", "3", "4", "1"]),
        ("SELECT id FROM people ORDER BY 1 DESC", ["4", "3", "2", "1"]),
        ("SELECT id AS x FROM people ORDER BY x OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", ["2", "3"]),
        ("SELECT id FROM people WHERE ROWNUM <= 2", ["1", "2"]),
        ("SELECT id FROM (SELECT id FROM people ORDER BY id DESC) WHERE ROWNUM < 3", ["4", "3"]),
        ("SELECT ROWNUM FROM people ORDER BY id DESC", ["4", "3", "2", "1"]),
        ("SELECT COUNT(*) FROM people WHERE ROWNUM <= 3", ["3"]),
        ("SELECT id FROM people WHERE id IN (1, 3, '4') ORDER BY id", ["1", "3", "4"]),
        ("SELECT id FROM people WHERE (id, town) IN ((1, 'London'), (3, 'Rome'))", ["1"]),
        ("SELECT id FROM people WHERE id NOT IN (SELECT person FROM orders) ORDER BY id", ["2", "4"]),
        ("SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id AND o.doc IS NULL)", ["3"]),
        ("SELECT id FROM people WHERE name LIKE '_b%' ESCAPE '!' OR name LIKE 'A%' ORDER BY id", ["1"]),
        ("SELECT id FROM people WHERE born BETWEEN DATE '1815-01-01' AND '31-DEC-15' ORDER BY id", ["1", "2"]),
        ("SELECT id FROM people WHERE NOT (town = 'Paris') ORDER BY id", ["1"]),
        ("SELECT town || COUNT(*) FROM people GROUP BY town HAVING COUNT(*) > 1", ["Paris2"]),
        ("SELECT COUNT(town) + COUNT(DISTINCT town) FROM people", ["5"]),
        ("SELECT SUM(pay) / COUNT(pay) - AVG(pay) FROM people", ["0"]),
        ("SELECT MAX(name) FROM people", ["가나"]),
        ("SELECT DISTINCT town FROM people ORDER BY town", ["London", "Paris", None]),
        ("SELECT id FROM people WHERE id = 1 UNION ALL SELECT id FROM orders ORDER BY 1 DESC", ["11", "10", "1"]),
        ("SELECT town FROM people MINUS SELECT 'Paris' FROM dual ORDER BY 1", ["London", None]),
        ("WITH p AS (SELECT id, pay FROM people), q (n) AS (SELECT MAX(id) FROM p) SELECT n FROM q", ["4"]),
        ("SELECT p.name FROM people p JOIN orders o ON o.person = p.id WHERE o.id = 11", ["Bob"]),
        ("SELECT o.id FROM people p LEFT JOIN orders o ON o.person = p.id AND o.id > 10 ORDER BY p.id", [None, None, "11", None]),
        ("SELECT p.id FROM people p, orders o WHERE p.id = o.person ORDER BY 1", ["1", "3"]),
        ("SELECT COUNT(*) FROM orders JOIN people USING (id)", ["0"]),
        ("SELECT (SELECT name FROM people WHERE id = o.person) FROM orders o ORDER BY o.id", ["Ada", "Bob"]),
        ("SELECT id FROM orders WHERE at = TIMESTAMP '2026-01-01 18:04:05.678 UTC' ORDER BY id", ["10", "11"]),
        ("SELECT id FROM orders WHERE flag = 'Y'", ["10"]),
        ("SELECT NTILE(2) OVER (ORDER BY id) FROM people ORDER BY id", ["1", "1", "2", "2"]),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY town ORDER BY id DESC) FROM people ORDER BY id", ["1", "1", "2", "1"]),
        ('SELECT /*+ FULL(p) PARALLEL(4) */ id FROM syncd.people p WHERE "ID" = 2 -- two', ["2"]),
        ("SELECT id FROM people SAMPLE (100) WHERE ROWID = (SELECT MAX(ROWID) FROM people)", ["4"]),
        ("SELECT p.id FROM people p, people o WHERE p.ROWID = CHARTOROWID(ROWIDTOCHAR(o.ROWID)) AND o.id = 3", ["3"]),
        ("SELECT dummy FROM sys.dual", ["X"]),
    ],
)
def test_a_query_finds_what_oracle_would_find(client: Client, sql: str, expected: list[str | None]) -> None:
    assert [row[0] for row in client.rows(sql)] == expected


@pytest.mark.parametrize(
    ("sql", "code", "position"),
    [
        ("SELEC 1 FROM dual", 900, 0),
        ("SELECT 1 FRM dual", 923, 13),
        ("SELECT FROM dual", 936, 7),
        ("SELECT id FROM people LIMIT 5", 933, 28),
        ("SELECT id FROM nowhere", 942, 15),
        ("SELECT nothing FROM people", 904, 7),
        ("SELECT NOSUCH(id) FROM people", 904, 7),
        ("SELECT id FROM people WHERE id IN (1", 907, 36),
        ("SELECT id FROM people p JOIN orders o ON p.id = o.person", 918, 7),
        ("SELECT id, COUNT(*) FROM people", 937, 7),
        ("SELECT id, COUNT(*) FROM people GROUP BY town", 979, 7),
        ("SELECT 'abc FROM dual", 1756, 7),
        ("SELECT 'abc' + 1 FROM dual", 1722, 0),
        ("SELECT 1 / 0 FROM dual", 1476, 0),
        ("SELECT 9.9E125 * 10 FROM dual", 1426, 0),
        ("SELECT id FROM orders ORDER BY doc", 932, 31),
        ("SELECT id FROM orders WHERE doc = 'x'", 932, 28),
        ("SELECT TO_DATE('2026-13-01', 'YYYY-MM-DD') FROM dual", 1843, 0),
        ("SELECT TO_DATE('2026-02-30', 'YYYY-MM-DD') FROM dual", 1839, 0),
        ("SELECT TO_DATE('2026-02-03x', 'YYYY-MM-DD') FROM dual", 1830, 0),
        ("SELECT TO_DATE('2026', 'YYYY-MM-DD') FROM dual", 1840, 0),
        ("SELECT TO_DATE('x', 'YYYY') FROM dual", 1858, 0),
        ("SELECT TO_CHAR(SYSDATE, 'YYYY-WHAT') FROM dual", 1821, 0),
        ("SELECT 1 FROM dual UNION ALL SELECT 'a' FROM dual", 1790, 0),
        ("INSERT INTO people (id) VALUES (1, 2)", 913, 12),
        ("INSERT INTO people (id) VALUES (1)", 1, 0),
        ("INSERT INTO people (name) VALUES ('x')", 1400, 0),
        ("INSERT INTO people (id, town) VALUES (9, '가나다라')", 12899, 0),
        ("INSERT INTO people (id, pay) VALUES (9, 1000000)", 1438, 0),
        ("UPDATE people SET id = NULL WHERE id = 1", 1407, 0),
        ("CREATE TABLE people (x NUMBER)", 955, 0),
        ("CREATE TABLE x (y VARCHAR3(1))", 902, 18),
        ("DROP TABLE nowhere", 942, 0),
        ("ALTER SESSION SET nonsense = 1", 2248, 29),
        ("SELECT * FROM people AS OF SCN 99999999999", 8181, 21),
        ("SELECT * FROM people WHERE id = :1", 1008, 0),
        ("BEGIN NULL; END;", 900, 0),
    ],
)
def test_what_is_wrong_is_an_error_with_oracles_number_and_place(client: Client, sql: str, code: int, position: int) -> None:
    error = client.error(sql)

    client.session.rollback()
    assert (error.code, error.position) == (code, position), str(error)


def test_a_query_tells_names_and_types_of_its_columns(client: Client) -> None:
    columns = client.columns(
        "SELECT p.*, COUNT(*) OVER () n, 'abc', name || '!' AS \"Mixed\", o.at, pay+1, o.ROWID, NULL x FROM people p, orders o"
    )

    assert [(c.name, c.kind, c.size, c.precision, c.scale, c.nullable) for c in columns] == [
        ("ID", Kind.NUMBER, 0, 10, 0, False),
        ("NAME", Kind.VARCHAR2, 20, None, None, True),
        ("BORN", Kind.DATE, 0, None, None, True),
        ("PAY", Kind.NUMBER, 0, 8, 2, True),
        ("TOWN", Kind.VARCHAR2, 10, None, None, True),
        ("N", Kind.NUMBER, 0, None, None, False),
        ("'abc'", Kind.CHAR, 3, None, None, False),
        ("Mixed", Kind.VARCHAR2, 21, None, None, True),
        ("AT", Kind.TIMESTAMP_TZ, 0, None, 6, True),
        ("PAY+1", Kind.NUMBER, 0, None, None, True),
        ("ROWID", Kind.ROWID, 18, None, None, False),
        ("X", Kind.NULL, 0, None, None, True),
    ]


ALL_TYPES = """CREATE TABLE everything (
  id NUMBER(18), v VARCHAR2(10), nv NVARCHAR2(5), c CHAR(4), nc NCHAR(2), l LONG, n NUMBER, np NUMBER(38,0), neg NUMBER(5,-2), f FLOAT,
  bf BINARY_FLOAT, bd BINARY_DOUBLE, d DATE, ts TIMESTAMP(9), tz TIMESTAMP(3) WITH TIME ZONE, lz TIMESTAMP WITH LOCAL TIME ZONE,
  ym INTERVAL YEAR(4) TO MONTH, ds INTERVAL DAY TO SECOND(6), r RAW(16), ri ROWID, cl CLOB, ncl NCLOB, b BLOB, bo BOOLEAN, j JSON,
  x XMLTYPE, ve VECTOR
)"""


def test_the_dictionary_writes_types_as_oracle_does(client: Client) -> None:
    client.run(ALL_TYPES)

    found = client.rows(
        "SELECT data_type, data_precision, data_scale, char_length FROM user_tab_columns WHERE table_name = 'EVERYTHING' ORDER BY column_id"
    )

    client.run("DROP TABLE everything PURGE")
    assert [" ".join(part or "-" for part in row) for row in found] == [
        "NUMBER 18 0 0",
        "VARCHAR2 - - 10",
        "NVARCHAR2 - - 5",
        "CHAR - - 4",
        "NCHAR - - 2",
        "LONG - - 0",
        "NUMBER - - 0",
        "NUMBER 38 0 0",
        "NUMBER 5 -2 0",
        "FLOAT 126 - 0",
        "BINARY_FLOAT - - 0",
        "BINARY_DOUBLE - - 0",
        "DATE - - 0",
        "TIMESTAMP(9) - 9 0",
        "TIMESTAMP(3) WITH TIME ZONE - 3 0",
        "TIMESTAMP(6) WITH LOCAL TIME ZONE - 6 0",
        "INTERVAL YEAR(4) TO MONTH 4 - 0",
        "INTERVAL DAY(2) TO SECOND(6) 2 6 0",
        "RAW - - 0",
        "ROWID - - 0",
        "CLOB - - 0",
        "NCLOB - - 0",
        "BLOB - - 0",
        "BOOLEAN - - 0",
        "JSON - - 0",
        "XMLTYPE - - 0",
        "VECTOR - - 0",
    ]


def test_binds_take_the_type_that_the_client_says(client: Client) -> None:
    assert client.rows("SELECT :1, :2, :1 FROM dual WHERE :4 = :5", 1, "x", None, 7, "7") == [("1", "x", None)]
    assert client.value("SELECT id FROM people WHERE id = :id AND name = :name", "1", "Ada") == "1"
    assert client.value("SELECT TO_CHAR(:1, 'YYYY') FROM dual", Bind(Kind.DATE, b"x~\x01\x02\x01\x01\x01\0\0\0\0")) == "2026"


def test_the_dictionary_knows_tables_keys_comments_and_objects(client: Client) -> None:
    client.run("CREATE TABLE noted (a NUMBER, b VARCHAR2(3) NOT NULL, CONSTRAINT noted_pk PRIMARY KEY (a)) ROWDEPENDENCIES")
    client.run("COMMENT ON TABLE noted IS 'It''s noted'")
    client.run("COMMENT ON COLUMN noted.b IS 'a letter'")
    client.run("CREATE INDEX noted_b ON noted (b)")

    assert client.rows("SELECT dependencies FROM all_tables WHERE owner = 'SYNCD' AND table_name = :t", "NOTED") == [("ENABLED",)]
    assert client.rows("SELECT comments FROM user_tab_comments WHERE table_name = 'NOTED'") == [("It's noted",)]
    assert client.rows("SELECT comments FROM all_col_comments WHERE table_name = 'NOTED' AND comments IS NOT NULL") == [("a letter",)]
    assert client.rows(
        "SELECT c.constraint_name, k.column_name, k.position FROM all_constraints c JOIN all_cons_columns k ON k.owner = c.owner AND "
        "k.constraint_name = c.constraint_name WHERE c.constraint_type = 'P' AND c.table_name = 'NOTED'"
    ) == [("NOTED_PK", "A", "1")]
    assert client.rows("SELECT object_type FROM all_objects WHERE object_name = 'NOTED' AND last_ddl_time <= SYSDATE") == [("TABLE",)]
    assert client.rows("SELECT column_name FROM user_ind_columns WHERE index_name = 'NOTED_B'") == [("B",)]
    client.run("DROP TABLE noted")


def test_a_table_changes_its_columns_and_keeps_its_rows(client: Client) -> None:
    client.run("CREATE TABLE grown (a NUMBER PRIMARY KEY, b VARCHAR2(2))")
    client.run("INSERT INTO grown VALUES (1, 'x')")

    client.run("ALTER TABLE grown ADD (c NUMBER DEFAULT 7 NOT NULL, d DATE)")
    client.run("ALTER TABLE grown MODIFY b VARCHAR2(5)")
    client.run("ALTER TABLE grown DROP COLUMN d")
    client.run("ALTER TABLE grown RENAME COLUMN b TO e")

    client.run("INSERT INTO grown (a, e) VALUES (2, 'long')")
    assert client.rows("SELECT * FROM grown ORDER BY a") == [("1", "x", "7"), ("2", "long", "7")]
    client.run("TRUNCATE TABLE grown")
    assert client.rows("SELECT * FROM grown") == []
    client.run("DROP TABLE grown")


def test_a_view_shows_its_query(client: Client) -> None:
    client.run("CREATE OR REPLACE VIEW paid (who, pay) AS SELECT name, pay FROM people WHERE pay IS NOT NULL")

    assert client.rows("SELECT who FROM paid WHERE pay < 0") == [("Bob",)]
    assert client.columns("SELECT * FROM paid")[0].name == "WHO"
    client.run("DROP VIEW paid")


def test_rows_come_from_queries_and_merges(client: Client) -> None:
    client.run("CREATE TABLE copy (id NUMBER PRIMARY KEY, name VARCHAR2(20), made DATE DEFAULT SYSDATE)")

    assert client.run("INSERT INTO copy (id, name) SELECT id, name FROM people WHERE id < 3") == 2
    merge = "MERGE INTO copy c USING people p ON (c.id = p.id) WHEN MATCHED THEN UPDATE SET c.name = p.name || '!' "
    assert client.run(merge + "WHEN NOT MATCHED THEN INSERT (id, name) VALUES (p.id, p.name)") == 4
    assert client.run("UPDATE copy c SET name = (SELECT town FROM people p WHERE p.id = c.id) WHERE id = 3") == 1

    assert client.rows("SELECT id, name FROM copy WHERE made IS NOT NULL ORDER BY id") == [
        ("1", "Ada!"),
        ("2", "가나!"),
        ("3", "Paris"),
        ("4", None),
    ]
    client.session.rollback()
    client.run("DROP TABLE copy")


def test_keys_may_move_within_one_update(client: Client) -> None:
    client.run("CREATE TABLE shifted (id NUMBER PRIMARY KEY)")
    client.many("INSERT INTO shifted VALUES (:1)", [(1,), (2,), (3,)])
    client.session.commit()

    assert client.run("UPDATE shifted SET id = id + 1") == 3

    assert client.rows("SELECT id FROM shifted ORDER BY id") == [("2",), ("3",), ("4",)]
    client.session.commit()
    client.run("DROP TABLE shifted")


@pytest.mark.parametrize(("rows", "code", "done"), [([1, 2, 1, 4], 1, 2), ([5, 100, 6], 1438, 1), ([None], 1400, 0)])
def test_an_array_stops_at_the_row_that_fails_and_keeps_those_before(client: Client, rows: list[int | None], code: int, done: int) -> None:
    client.run("DROP TABLE IF EXISTS listed")
    client.run("CREATE TABLE listed (id NUMBER(2) PRIMARY KEY)")

    with pytest.raises(OracleError) as caught:
        client.many("INSERT INTO listed VALUES (:1)", [(row,) for row in rows])

    assert (caught.value.code, caught.value.done) == (code, done)
    assert client.rows("SELECT id FROM listed ORDER BY id") == [(str(row),) for row in rows[:done]]
    client.session.rollback()


def test_a_file_keeps_tables_rows_and_their_past(tmp_path: Path) -> None:
    first = Database(tmp_path / "oracle.db")
    client = Client(first.session("SYNCD", 1))
    client.run("CREATE TABLE kept (id NUMBER PRIMARY KEY, name VARCHAR2(9))")
    client.run("INSERT INTO kept VALUES (1, 'old')")
    client.session.commit()
    scn = client.value("SELECT current_scn FROM v$database")
    client.run("UPDATE kept SET name = 'new'")
    client.session.commit()
    client.run("INSERT INTO kept VALUES (2, 'lost')")
    first.close()

    again = Database(tmp_path / "oracle.db")
    client = Client(again.session("SYNCD", 1))

    assert client.rows("SELECT * FROM kept") == [("1", "new")]
    assert client.rows(f"SELECT name FROM kept AS OF SCN {scn}") == [("old",)]
    assert client.error("INSERT INTO kept VALUES (1, 'again')").code == 1
    again.close()
