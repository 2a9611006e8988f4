from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.database import Database
from tests.servers_own.oracle_values import Client


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    client = Client(database.session("SYNCD", 1))
    client.run("CREATE TABLE item (id NUMBER PRIMARY KEY, name VARCHAR2(20)) ROWDEPENDENCIES")
    client.many("INSERT INTO item VALUES (:1, :2)", [(1, "one"), (2, "two"), (3, "three")])
    client.session.commit()
    yield database
    database.close()


@pytest.fixture
def ada(database: Database) -> Client:
    return Client(database.session("SYNCD", 11))


@pytest.fixture
def bob(database: Database) -> Client:
    return Client(database.session("SYNCD", 12))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def names(client: Client) -> list[str | None]:
    return [name for (name,) in client.rows("SELECT name FROM item ORDER BY id")]


def waiting(database: Database) -> None:
    """Until some transaction waits for another."""
    with database.storage.lock:
        while not any(transaction.waits_for for transaction in database.storage.active.values()):
            database.storage.lock.wait(0.01)


def test_others_see_changes_only_once_they_are_committed(ada: Client, bob: Client) -> None:
    ada.run("UPDATE item SET name = 'changed' WHERE id = 1")
    ada.run("DELETE FROM item WHERE id = 2")
    ada.run("INSERT INTO item VALUES (4, 'new')")

    before, own = names(bob), names(ada)
    ada.session.commit()

    assert before == ["one", "two", "three"]
    assert own == names(bob) == ["changed", "three", "new"]


def test_a_rollback_leaves_everything_as_it_was(ada: Client, bob: Client) -> None:
    ada.run("UPDATE item SET name = 'changed', id = id + 10")
    ada.run("UPDATE item SET name = 'again'")
    ada.run("DELETE FROM item WHERE id = 11")
    ada.run("INSERT INTO item VALUES (1, 'new')")

    ada.session.rollback()

    assert names(ada) == names(bob) == ["one", "two", "three"]
    assert not ada.session.in_transaction


def test_a_query_reads_the_moment_it_was_asked_at(ada: Client, bob: Client) -> None:
    bob.many("INSERT INTO item VALUES (:1, 'many')", [(n,) for n in range(10, 3000)])
    bob.session.commit()
    rows = ada.session.execute("SELECT id FROM item ORDER BY id", [[]]).rows
    next(rows)

    bob.run("DELETE FROM item")
    bob.session.commit()

    assert len(list(rows)) == 2992
    assert ada.value("SELECT COUNT(*) FROM item") == "0"


def test_a_transaction_is_one_only_if_it_has_changed_something(ada: Client) -> None:
    ada.run("UPDATE item SET name = 'x' WHERE id = 99")

    assert not ada.session.in_transaction
    assert ada.rows("SELECT * FROM v$transaction") == []


def test_open_transactions_are_shown_with_their_start(ada: Client, bob: Client) -> None:
    ada.run("INSERT INTO item VALUES (4, 'new')")

    assert bob.rows("SELECT status, SYSDATE - start_date < 1, start_scn <= current_scn FROM v$transaction, v$database") == [
        ("ACTIVE", "01", "01")
    ]
    ada.session.rollback()
    assert bob.rows("SELECT start_date FROM v$transaction") == []


def test_a_writer_waits_for_the_row_and_then_sees_what_was_committed(
    database: Database, ada: Client, bob: Client, pool: ThreadPoolExecutor
) -> None:
    ada.run("UPDATE item SET name = name || '+ada' WHERE id = 1")
    later = pool.submit(bob.run, "UPDATE item SET name = name || '+bob' WHERE id = 1")
    waiting(database)

    ada.session.commit()

    assert later.result() == 1
    bob.session.commit()
    assert names(ada)[0] == "one+ada+bob"


def test_a_key_that_another_transaction_inserts_is_waited_for(
    database: Database, ada: Client, bob: Client, pool: ThreadPoolExecutor
) -> None:
    ada.run("INSERT INTO item VALUES (4, 'ada')")
    later = pool.submit(bob.error, "INSERT INTO item VALUES (4, 'bob')")
    waiting(database)

    ada.session.commit()

    assert later.result().code == 1


def test_a_key_that_another_transaction_deletes_is_waited_for(
    database: Database, ada: Client, bob: Client, pool: ThreadPoolExecutor
) -> None:
    ada.run("DELETE FROM item WHERE id = 1")
    later = pool.submit(bob.run, "INSERT INTO item VALUES (1, 'bob')")
    waiting(database)

    ada.session.commit()

    assert later.result() == 1


def test_a_deadlock_is_an_error_for_one_of_the_two(database: Database, ada: Client, bob: Client, pool: ThreadPoolExecutor) -> None:
    ada.run("UPDATE item SET name = 'ada' WHERE id = 1")
    bob.run("UPDATE item SET name = 'bob' WHERE id = 2")
    later = pool.submit(ada.run, "UPDATE item SET name = 'ada' WHERE id = 2")
    waiting(database)

    assert bob.error("UPDATE item SET name = 'bob' WHERE id = 1").code == 60
    bob.session.rollback()
    assert later.result() == 1


def test_a_wait_ends_with_a_cancel(database: Database, ada: Client, bob: Client, pool: ThreadPoolExecutor) -> None:
    ada.run("UPDATE item SET name = 'ada' WHERE id = 1")
    later: Future[OracleError] = pool.submit(bob.error, "DELETE FROM item WHERE id = 1")
    waiting(database)

    bob.session.interrupt()

    assert later.result().code == 1013
    assert bob.rows("SELECT 1 FROM dual") == [("1",)]


def test_a_query_ends_with_a_cancel(ada: Client) -> None:
    ada.many("INSERT INTO item VALUES (:1, 'x')", [(n,) for n in range(10, 2000)])
    rows = ada.session.execute("SELECT a.id FROM item a, item b, item c", [[]]).rows
    next(rows)

    ada.session.interrupt()

    with pytest.raises(OracleError) as caught:
        list(rows)
    assert caught.value.code == 1013


def test_many_writers_lose_no_update(database: Database, pool: ThreadPoolExecutor) -> None:
    def work(number: int) -> None:
        client = Client(database.session("SYNCD", 100 + number))
        for n in range(10):
            client.run("UPDATE item SET name = TO_CHAR(TO_NUMBER(name) + 1) WHERE id = 1")
            client.run("INSERT INTO item VALUES (:1, 'x')", 1000 + number * 10 + n)
            client.session.commit()

    start = Client(database.session("SYNCD", 2))
    start.run("UPDATE item SET name = '0' WHERE id = 1")
    start.session.commit()

    list(pool.map(work, range(8)))

    assert start.value("SELECT name FROM item WHERE id = 1") == "80"
    assert start.value("SELECT COUNT(*) FROM item WHERE id >= 1000") == "80"
    assert start.rows(
        "SELECT COUNT(*), COUNT(DISTINCT versions_startscn) FROM item VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE WHERE id = 1"
    ) == [("82", "82")]


def test_a_table_is_read_as_it_was(ada: Client, bob: Client) -> None:
    scn = ada.value("SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM dual")
    bob.run("UPDATE item SET name = UPPER(name)")
    bob.run("DELETE FROM item WHERE id = 3")
    bob.session.commit()

    found = ada.rows("SELECT name FROM item AS OF SCN :scn i WHERE i.id > :id ORDER BY i.id", int(scn or 0), 1)

    assert found == [("two",), ("three",)]
    assert ada.rows("SELECT COUNT(*) FROM item AS OF TIMESTAMP SCN_TO_TIMESTAMP(:scn)", int(scn or 0)) == [("3",)]
    assert names(ada) == ["ONE", "TWO"]


def test_versions_tell_every_change_and_when_it_was(ada: Client) -> None:
    start = int(ada.value("SELECT current_scn FROM v$database") or 0)
    ada.run("UPDATE item SET name = 'changed' WHERE id = 1")
    ada.run("DELETE FROM item WHERE id = 2")
    ada.session.commit()
    ada.run("INSERT INTO item VALUES (4, 'new')")
    ada.session.commit()

    found = ada.rows(
        "SELECT versions_operation, versions_startscn - :s, versions_endscn - :s, id, name, RAWTOHEX(versions_xid) "
        "FROM item VERSIONS BETWEEN SCN :s AND MAXVALUE ORDER BY id, versions_startscn NULLS FIRST",
        start,
        start,
        start,
    )

    first, second = found[1][-1], found[-1][-1]
    assert found == [
        (None, None, "1", "1", "one", None),
        ("U", "1", None, "1", "changed", first),
        (None, None, "1", "2", "two", None),
        ("D", "1", None, "2", "two", first),
        (None, None, None, "3", "three", None),
        ("I", "2", None, "4", "new", second),
    ]
    assert first != second


def test_the_scn_of_a_row_is_that_of_its_last_commit(ada: Client) -> None:
    before = ada.rows("SELECT ora_rowscn FROM item WHERE id < 3")
    ada.run("UPDATE item SET name = 'x' WHERE id = 1")

    own = ada.value("SELECT ora_rowscn FROM item WHERE id = 1")
    ada.session.commit()

    assert own is None
    after = ada.rows("SELECT ora_rowscn FROM item WHERE id < 3 ORDER BY id")
    assert after[1] == before[1]
    assert int(after[0][0] or 0) > int(before[0][0] or 0)
    assert ada.rows("SELECT id FROM item WHERE ora_rowscn > :1", int(before[0][0] or 0)) == [("1",)]


def test_without_row_dependencies_the_rows_of_a_block_share_their_scn(ada: Client) -> None:
    ada.run("CREATE TABLE packed (id NUMBER PRIMARY KEY, name VARCHAR2(9))")
    ada.many("INSERT INTO packed VALUES (:1, 'x')", [(n,) for n in range(1, 301)])
    ada.session.commit()
    scn = int(ada.value("SELECT MAX(ora_rowscn) FROM packed") or 0)

    ada.run("UPDATE packed SET name = 'y' WHERE id = 100")
    ada.session.commit()

    touched = [int(id_ or 0) for (id_,) in ada.rows("SELECT id FROM packed WHERE ora_rowscn > :1 ORDER BY id", scn)]
    assert 100 in touched
    assert 10 < len(touched) < 100
    assert ada.rows("SELECT COUNT(*) FROM packed AS OF SCN :1 WHERE ora_rowscn > :2", scn, scn) == [("0",)]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM item AS OF SCN 1", 1555),
        ("SELECT * FROM item VERSIONS BETWEEN SCN 1 AND MAXVALUE", 30052),
        ("SELECT * FROM item AS OF SCN 99999999999", 8181),
        ("SELECT * FROM item AS OF SCN 0", 8181),
        ("SELECT * FROM item AS OF TIMESTAMP SYSTIMESTAMP - INTERVAL '10' DAY", 8180),
        ("SELECT SCN_TO_TIMESTAMP(1) FROM dual", 8181),
    ],
)
def test_a_past_that_is_unknown_is_an_error(ada: Client, sql: str, code: int) -> None:
    assert ada.error(sql).code == code


def test_undo_that_is_gone_cannot_be_read(database: Database, ada: Client) -> None:
    scn = int(ada.value("SELECT current_scn FROM v$database") or 0)
    assert ada.rows("SELECT COUNT(*) FROM item AS OF SCN :1", scn) == [("3",)]

    database.forget_undo()

    assert ada.error("SELECT COUNT(*) FROM item AS OF SCN :1", scn).code == 1555
    now = int(ada.value("SELECT current_scn FROM v$database") or 0)
    assert ada.rows("SELECT COUNT(*) FROM item AS OF SCN :1", now) == [("3",)]


def test_a_table_cannot_be_read_as_it_was_before_its_definition_changed(ada: Client) -> None:
    scn = int(ada.value("SELECT current_scn FROM v$database") or 0)
    ada.run("TRUNCATE TABLE item")

    assert ada.error("SELECT COUNT(*) FROM item AS OF SCN :1", scn).code == 1466


@pytest.mark.parametrize(
    ("right", "sql", "code"),
    [
        ("V$TRANSACTION", "SELECT start_date FROM v$transaction", 942),
        ("V$DATABASE", "SELECT current_scn FROM v$database", 942),
        ("FLASHBACK", "SELECT * FROM item AS OF SCN 2000001", 1031),
        ("DBMS_FLASHBACK", "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM dual", 904),
        ("DBMS_FLASHBACK", "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER() FROM dual", 904),
    ],
)
def test_what_a_user_has_no_right_to_is_an_error_until_it_is_granted(
    database: Database, ada: Client, right: str, sql: str, code: int
) -> None:
    database.revoke(right)

    refused = ada.error(sql)

    assert refused.code == code
    database.grant(right)
    assert ada.rows(sql) is not None


def test_a_definition_commits_and_waits_for_nobody(ada: Client, bob: Client) -> None:
    ada.run("INSERT INTO item VALUES (4, 'new')")

    assert bob.error("ALTER TABLE item ADD more NUMBER").code == 54

    ada.run("CREATE TABLE other (id NUMBER)")
    assert names(bob) == ["one", "two", "three", "new"]
    bob.run("ALTER TABLE item ADD more NUMBER")


def test_a_read_only_transaction_reads_one_moment(ada: Client, bob: Client) -> None:
    ada.run("SET TRANSACTION READ ONLY")
    bob.run("DELETE FROM item WHERE id = 1")
    bob.session.commit()

    assert names(ada) == ["one", "two", "three"]
    assert ada.error("DELETE FROM item").code == 1456
    ada.session.commit()
    assert names(ada) == ["two", "three"]


def test_the_time_zone_and_the_formats_are_those_of_the_session(ada: Client) -> None:
    ada.run("ALTER SESSION SET TIME_ZONE = '+09:00'")
    ada.run("ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY/MM/DD'")

    assert ada.value("SELECT TO_CHAR(DATE '2026-01-02') FROM dual") == "2026/01/02"
    assert ada.value("SELECT TO_DATE('2026/01/02') FROM dual") == "2026-01-02 00:00:00"
    assert ada.value("SELECT CAST(TIMESTAMP '2026-01-02 00:00:00' AS TIMESTAMP WITH TIME ZONE) FROM dual") == "2026-01-01 15:00:00 +540"
    assert ada.value("SELECT SESSIONTIMEZONE FROM dual") == "+09:00"


def test_an_index_bounds_a_keyset_scan(database: Database, ada: Client) -> None:
    ada.run("CREATE INDEX item_name ON item (name, id)")
    sql = "SELECT id FROM item WHERE name >= :a AND (name > :a OR (name = :a AND id > :b)) ORDER BY name, id"
    plan = database.plan(sql, "SYNCD", [Kind.VARCHAR2, Kind.VARCHAR2, Kind.VARCHAR2, Kind.NUMBER])

    with database.storage.reading() as connection:
        binds = {f"b{n}": "" for n in range(1, 5)} | {f"p{n}": 0 for n in range(1, 9)}
        steps = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {plan.sql}", binds))  # type: ignore[union-attr]

    assert "USING INDEX" in steps
    assert ada.rows(sql, "one", "one", "one", 1) == [("3",), ("2",)]


def test_no_session_is_left_waiting_when_another_is_closed(database: Database, ada: Client, bob: Client, pool: ThreadPoolExecutor) -> None:
    ada.run("DELETE FROM item WHERE id = 1")
    later = pool.submit(bob.run, "UPDATE item SET name = 'bob' WHERE id = 1")
    waiting(database)

    ada.session.close()

    assert later.result() == 1
