import array
import json
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracledb
import pyarrow as pa
import pytest

from tests.servers.oracle.backend import Bind, Column, Kind, OracleError, Result, Value
from tests.servers.oracle.documents import number
from tests.servers.oracle.server import Server
from tests.servers_own.oracle_script import Script, failing, raised, texts

oracledb.enable_thin_mode()  # type: ignore[no-untyped-call]

ROOT = Path(__file__).parents[2]
SECOND = bytes([120, 126, 2, 3, 5, 6, 7])
QUIET, FRACTION = SECOND + bytes(4), SECOND + (123456789).to_bytes(4, "big")
MOMENT = datetime(2026, 2, 3, 4, 5, 6)  # noqa: DTZ001 - the driver knows no zones
ASTRAL = "가나다 😀 𝄞 " * 40
LARGE = "한글 😀 text " * 220_000
ABANDONED = """
import oracledb, sys
oracledb.connect(user="syncd", password="secret", dsn=sys.argv[1]).cursor().execute("select wait")
"""
NAMES = [("1", "one"), ("2", None), ("3", "x" * 300)]


@pytest.fixture
def script() -> Script:
    script = Script()
    script.query("select names", texts("ID", "NAME"), NAMES)
    script.query("select many", texts("ID", "NAME"), [(str(row), "n" * (row % 700)) for row in range(1200)])
    script.query(
        "select lobs",
        [Column("C", Kind.CLOB), Column("N", Kind.NCLOB), Column("B", Kind.BLOB)],
        [(ASTRAL, ASTRAL, b"\0\1" * 999), (None, None, None)],
    )
    script.change("update")
    return script


@pytest.fixture(params=[19, 23])
def server(script: Script, request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(script, flavour=request.param) as server:
        yield server


@pytest.fixture
def connection(server: Server) -> Iterator[oracledb.Connection]:
    with connect(server) as connection:
        yield connection


def connect(server: Server, **more: Any) -> oracledb.Connection:
    return oracledb.connect(**{"user": "syncd", "password": "secret", "dsn": server.dsn, **more})


# ── log-in ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_client_learns_which_version_it_has_met(server: Server, connection: oracledb.Connection) -> None:
    connection.ping()

    assert connection.version.split(".")[0] == str(server._house.flavour.version[0])
    assert connection.service_name == "freepdb1"


def test_a_session_is_one_of_the_user_in_upper_case(script: Script, connection: oracledb.Connection) -> None:
    assert script.done == ["session of SYNCD"]


@pytest.mark.parametrize("who", [{"password": "guess"}, {"user": "nobody"}])
def test_who_does_not_know_the_password_stays_outside(server: Server, who: dict[str, str]) -> None:
    with pytest.raises(oracledb.DatabaseError, match="ORA-01017"):
        connect(server, **who)


def test_a_service_that_does_not_exist_is_refused(server: Server) -> None:
    with pytest.raises(oracledb.OperationalError, match="DPY-6005") as caught:
        connect(server, dsn=f"127.0.0.1:{server.port}/OTHER")

    assert "DPY-6001" in str(caught.value.__cause__)


def test_a_long_connect_string_and_a_small_packet_size_are_understood(server: Server) -> None:
    address = f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={server.port}))"
    padding = "(CONNECT_DATA=(SERVICE_NAME=freepdb1)(X=" + "y" * 300 + "))"

    with connect(server, dsn=f"(DESCRIPTION=(SDU=600){address}{padding})") as connection:
        assert len(connection.cursor().execute("select many").fetchall()) == 1200


def test_a_server_that_has_ended_leaves_no_thread_and_no_client(script: Script) -> None:
    before = threading.active_count()
    with Server(script) as server:
        connection = connect(server)

    assert threading.active_count() == before
    with pytest.raises(oracledb.DatabaseError, match="DPY-4011"):
        connection.ping()
    assert script.done[-1] == "closed"


def test_the_command_says_when_it_is_ready_and_ends_when_it_is_told() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.servers.oracle",
        "--port",
        "0",
        "--user",
        "me",
        "--password",
        "word",
        "--service",
        "XE",
        "--flavour",
        "19",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        ready = server.stdout.readline().split() if server.stdout else []
        with oracledb.connect(user="me", password="word", dsn=ready[-1].removeprefix("me@")) as connection:
            major = connection.version.split(".")[0]
        server.terminate()

    assert major == "19"
    assert server.returncode == 0


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_arrive_as_they_are(connection: oracledb.Connection) -> None:
    cursor = connection.cursor()

    assert cursor.execute("select names").fetchall() == NAMES
    assert [column.name for column in cursor.description or ()] == ["ID", "NAME"]


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100_000])
def test_the_size_of_a_fetch_changes_nothing(connection: oracledb.Connection, rows: int) -> None:
    cursor = connection.cursor()
    cursor.arraysize, cursor.prefetchrows = rows, rows

    assert cursor.execute("select names").fetchall() == NAMES
    assert len(cursor.execute("select many").fetchall()) == 1200


def test_a_statement_is_run_again_without_its_text(script: Script, connection: oracledb.Connection) -> None:
    for prefetched in (2, 0, 2):
        cursor = connection.cursor()
        cursor.prefetchrows = prefetched
        assert cursor.execute("select names").fetchall() == NAMES

    assert [sql for sql, _ in script.executed].count("select names") == 3


def test_cursors_are_closed_behind_statements_that_nobody_keeps(server: Server, script: Script) -> None:
    for row in range(400):
        script.query(f"select {row}", texts("A"), [(str(row),)])

    with connect(server, stmtcachesize=5) as connection:
        assert [connection.cursor().execute(f"select {row}").fetchone() for row in range(400)] == [(str(row),) for row in range(400)]


def test_data_frames_hold_the_same(connection: oracledb.Connection) -> None:
    frames = connection.fetch_df_batches("select many", size=700)
    whole = connection.fetch_df_all("select names")

    assert [frame.num_rows() for frame in frames] == [700, 500]
    assert pa.table(whole).to_pydict() == {"ID": ["1", "2", "3"], "NAME": ["one", None, "x" * 300]}


def test_an_error_among_the_rows_ends_the_fetch(script: Script, connection: oracledb.Connection) -> None:
    script.replies["select old"] = lambda _: failing(texts("A"), [("1",)] * 5, OracleError(1555, "snapshot too old"))

    with pytest.raises(oracledb.DatabaseError, match="ORA-01555: snapshot too old"):
        connection.cursor().execute("select old").fetchall()


def test_a_query_is_described_without_being_run(script: Script, connection: oracledb.Connection) -> None:
    cursor = connection.cursor()

    cursor.parse("select names")

    assert [column[0] for column in cursor.description or ()] == ["ID", "NAME"]
    assert "select names" not in [sql for sql, _ in script.executed]
    assert cursor.execute("select names").fetchall() == NAMES


def test_a_column_that_becomes_a_lob_under_a_cursor_is_still_read(script: Script, connection: oracledb.Connection) -> None:
    assert connection.cursor().execute("select names").fetchall() == NAMES
    script.query("select names", [Column("ID", Kind.CLOB), Column("NAME", Kind.VARCHAR2, 300)], NAMES)

    assert connection.cursor().execute("select names").fetchall() == NAMES


# ── types ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def double(value: float) -> bytes:
    plain = struct.pack(">d", value)
    return bytes([plain[0] | 0x80]) + plain[1:] if value >= 0 else bytes(byte ^ 0xFF for byte in plain)


Told = tuple[str, int | None, int | None, int | None]
TREE = {"a": [1, "가", None, True, {}], "b": {"a": 2.5, "c": []}}
TYPES = [
    (Column("C", Kind.VARCHAR2, 50), "가 😀", "가 😀", ("DB_TYPE_VARCHAR", 50, None, None)),
    (Column("C", Kind.NVARCHAR2, 50), "가 😀", "가 😀", ("DB_TYPE_NVARCHAR", 50, None, None)),
    (Column("C", Kind.CHAR, 4), "ab  ", "ab  ", ("DB_TYPE_CHAR", 4, None, None)),
    (Column("C", Kind.NCHAR, 4), "가   ", "가   ", ("DB_TYPE_NCHAR", 4, None, None)),
    (Column("C", Kind.LONG), "x" * 70_000, "x" * 70_000, ("DB_TYPE_LONG", None, None, None)),
    (Column("C", Kind.NUMBER), number(Decimal("-0.00012")), Decimal("-0.00012"), ("DB_TYPE_NUMBER", 127, 0, -127)),
    (Column("C", Kind.NUMBER, precision=38), number(Decimal("9" * 38)), 10**38 - 1, ("DB_TYPE_NUMBER", 39, 38, 0)),
    (Column("C", Kind.NUMBER, precision=5, scale=-2), number(Decimal(1200)), 1200, ("DB_TYPE_NUMBER", 6, 5, -2)),
    (Column("C", Kind.NUMBER), number(Decimal("1E125")), Decimal("1E125"), ("DB_TYPE_NUMBER", 127, 0, -127)),
    (Column("C", Kind.NUMBER), number(Decimal(0)), 0, ("DB_TYPE_NUMBER", 127, 0, -127)),
    (Column("C", Kind.FLOAT, precision=63), number(Decimal("1.5")), Decimal("1.5"), ("DB_TYPE_NUMBER", 64, 63, -127)),
    (Column("C", Kind.BINARY_DOUBLE), double(-1.25), -1.25, ("DB_TYPE_BINARY_DOUBLE", 127, None, None)),
    (Column("C", Kind.BINARY_FLOAT), double(2.5)[:1] + struct.pack(">f", 2.5)[1:], 2.5, ("DB_TYPE_BINARY_FLOAT", 127, None, None)),
    (Column("C", Kind.DATE), QUIET, MOMENT, ("DB_TYPE_DATE", 23, None, None)),
    (Column("C", Kind.TIMESTAMP, scale=9), FRACTION, MOMENT.replace(microsecond=123456), ("DB_TYPE_TIMESTAMP", 23, 0, 9)),
    (Column("C", Kind.TIMESTAMP, scale=0), QUIET, MOMENT, ("DB_TYPE_TIMESTAMP", 23, None, None)),
    (Column("C", Kind.TIMESTAMP_LTZ), QUIET, MOMENT, ("DB_TYPE_TIMESTAMP_LTZ", 23, 0, 6)),
    (Column("C", Kind.TIMESTAMP_TZ), QUIET + bytes([29, 60]), MOMENT + timedelta(hours=9), ("DB_TYPE_TIMESTAMP_TZ", 23, 0, 6)),
    (Column("C", Kind.INTERVAL_DS), b"\x80\0\0\x01\x3e\x3f\x40\x80\0\0\0", timedelta(1, 7384), ("DB_TYPE_INTERVAL_DS", None, 2, 6)),
    (Column("C", Kind.INTERVAL_YM), b"\x80\0\0\x01\x3e", oracledb.IntervalYM(1, 2), ("DB_TYPE_INTERVAL_YM", None, 2, 0)),
    (Column("C", Kind.RAW, 9), b"\0\xff", b"\0\xff", ("DB_TYPE_RAW", 9, None, None)),
    (Column("C", Kind.ROWID), "AAAR3sAAEAAAACXAAB", "AAAR3sAAEAAAACXAAB", ("DB_TYPE_ROWID", None, None, None)),
    (Column("C", Kind.BOOLEAN), b"\1", True, ("DB_TYPE_BOOLEAN", None, None, None)),
    (Column("C", Kind.BOOLEAN), b"\0", False, ("DB_TYPE_BOOLEAN", None, None, None)),
    (Column("C", Kind.JSON), json.dumps(TREE), TREE, ("DB_TYPE_JSON", None, None, None)),
    (Column("C", Kind.JSON), '"x"', "x", ("DB_TYPE_JSON", None, None, None)),
    (Column("C", Kind.VECTOR), "[1.5, -2]", array.array("f", [1.5, -2]), ("DB_TYPE_VECTOR", None, None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("column", "stored", "arrives"), [(column, stored, rest) for column, stored, *rest in TYPES])
def test_a_value_of_each_type_arrives(script: Script, server: Server, column: Column, stored: Value, arrives: tuple[object, Told]) -> None:
    script.query("select typed", [column, Column("AFTER", Kind.VARCHAR2, 9)], [(stored, "after"), (None, "after")])
    read, told = arrives

    with connect(server) as connection:
        cursor = connection.cursor()
        cursor.execute("select typed", fetch_decimals=isinstance(read, Decimal))

        assert cursor.fetchall() == [(read, "after"), (None, "after")]
        described = (cursor.description or [])[0]
        assert (described.type_code.name, described.display_size, described.precision, described.scale) == told


def test_a_column_that_is_always_null_takes_no_room(script: Script, connection: oracledb.Connection) -> None:
    script.query("select nothing", [Column("NULL", Kind.NULL), Column("A", Kind.VARCHAR2, 1)], [(None, "a"), (None, "b")])

    assert connection.cursor().execute("select nothing").fetchall() == [(None, "a"), (None, "b")]


def test_columns_say_whether_they_can_be_null(script: Script, connection: oracledb.Connection) -> None:
    script.query("select keyed", [Column("ID", Kind.NUMBER, nullable=False), Column("A", Kind.NUMBER)], [])

    cursor = connection.cursor()
    cursor.execute("select keyed")

    assert [column.null_ok for column in cursor.description or ()] == [False, True]


BINDS = [
    ("가 😀", None, Bind(Kind.VARCHAR2, "가 😀")),
    ("가 😀", oracledb.DB_TYPE_NVARCHAR, Bind(Kind.NVARCHAR2, "가 😀")),
    ("ab", oracledb.DB_TYPE_CHAR, Bind(Kind.CHAR, "ab")),
    ("", None, Bind(Kind.VARCHAR2, None)),
    (None, None, Bind(Kind.VARCHAR2, None)),
    (-12, None, Bind(Kind.NUMBER, number(Decimal(-12)))),
    (Decimal("1.5"), None, Bind(Kind.NUMBER, number(Decimal("1.5")))),
    (1.25, oracledb.DB_TYPE_BINARY_DOUBLE, Bind(Kind.BINARY_DOUBLE, double(1.25))),
    (MOMENT, None, Bind(Kind.DATE, QUIET)),
    (MOMENT, oracledb.DB_TYPE_TIMESTAMP, Bind(Kind.TIMESTAMP, QUIET)),
    (MOMENT.replace(microsecond=5), oracledb.DB_TYPE_TIMESTAMP, Bind(Kind.TIMESTAMP, SECOND + (5000).to_bytes(4, "big"))),
    (timedelta(1, 7384), None, Bind(Kind.INTERVAL_DS, b"\x80\0\0\x01\x3e\x3f\x40\x80\0\0\0")),
    (b"\0\xff", None, Bind(Kind.RAW, b"\0\xff")),
    (LARGE, None, Bind(Kind.VARCHAR2, LARGE)),
    (LARGE, oracledb.DB_TYPE_LONG, Bind(Kind.LONG, LARGE)),
    (b"\0\xff" * 20_000, oracledb.DB_TYPE_BLOB, Bind(Kind.RAW, b"\0\xff" * 20_000)),
    (None, oracledb.DB_TYPE_CLOB, Bind(Kind.CLOB, None)),
]  # fmt: skip


@pytest.mark.parametrize(("value", "size", "bound"), BINDS, ids=lambda value: getattr(value, "kind", ""))
def test_a_bind_arrives_with_its_type(
    script: Script, connection: oracledb.Connection, value: object, size: oracledb.DbType | None, bound: Bind
) -> None:
    script.change("update :a, :b, :c")
    cursor = connection.cursor()
    if size:
        cursor.setinputsizes(None, size, None)

    cursor.execute("update :a, :b, :c", ["first", value, 3])

    assert script.executed[-1][1] == [[Bind(Kind.VARCHAR2, "first"), bound, Bind(Kind.NUMBER, number(Decimal(3)))]]


def test_binds_come_in_the_order_of_their_occurrence(script: Script, connection: oracledb.Connection) -> None:
    script.change("update :b, :a, :b")

    connection.cursor().execute("update :b, :a, :b", {"a": "A", "b": "B"})

    assert [[bind.value for bind in row] for row in script.executed[-1][1]] == [["B", "A", "B"]]


# ── LOBs ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lobs_are_read_through_their_locators(connection: oracledb.Connection) -> None:
    rows = connection.cursor().execute("select lobs").fetchall()

    assert [lob.read() for lob in rows[0]] == [ASTRAL, ASTRAL, b"\0\1" * 999]
    assert rows[1] == (None, None, None)
    assert rows[0][0].size() == len(ASTRAL.encode("utf-16-be")) // 2
    assert rows[0][2].read(3, 4) == b"\0\1\0\1"


def test_locators_are_forgotten_with_their_last_use(server: Server, connection: oracledb.Connection) -> None:
    for _ in range(3):
        connection.cursor().execute("select lobs").fetchall()
    connection.ping()

    assert server.sessions[0].lobs == 0


def test_lobs_come_inline_where_the_client_wants_them_so(connection: oracledb.Connection) -> None:
    expected = [(ASTRAL, ASTRAL, b"\0\1" * 999), (None, None, None)]

    for _ in range(2):
        assert connection.cursor().execute("select lobs", fetch_lobs=False).fetchall() == expected


def test_lobs_in_data_frames_are_whole(script: Script, connection: oracledb.Connection) -> None:
    script.query("select large", [Column("C", Kind.CLOB)], [(LARGE,), ("short",), (None,)])

    (column,) = pa.table(connection.fetch_df_all("select large")).to_pydict().values()

    assert column == [LARGE, "short", None]


def test_a_temporary_lob_is_written_piece_by_piece_and_bound(script: Script, connection: oracledb.Connection) -> None:
    script.change("update :1, :2")
    text, data = connection.createlob(oracledb.DB_TYPE_CLOB), connection.createlob(oracledb.DB_TYPE_BLOB, b"12345")
    text.write("가😀나", 1)
    text.write("다", 4)
    data.trim(3)
    data.open()
    was_open = data.isopen()
    data.close()

    connection.cursor().execute("update :1, :2", [text, data])

    assert script.executed[-1][1] == [[Bind(Kind.CLOB, "가😀다"), Bind(Kind.BLOB, b"123")]]
    assert (text.size(), was_open, data.isopen()) == (4, True, False)


# ── changes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_tells_its_rows(connection: oracledb.Connection) -> None:
    cursor = connection.cursor()

    cursor.execute("update")

    assert cursor.rowcount == 1
    assert cursor.lastrowid == "AAAAAAAAAAAAAAAAAB"


def test_many_rows_of_binds_arrive_at_once_and_again(script: Script, connection: oracledb.Connection) -> None:
    script.change("update :1, :2")
    rows = [(row, "x" * row) for row in range(1, 2000)]

    for _ in range(2):
        cursor = connection.cursor()
        cursor.executemany("update :1, :2", rows)

    assert cursor.rowcount == 1999
    _, iterations = script.executed[-1]
    assert [row[1].value for row in iterations] == [text for _, text in rows]
    assert len([sql for sql, _ in script.executed if sql == "update :1, :2"]) == 2


def test_a_failed_row_tells_how_many_came_before_it(script: Script, connection: oracledb.Connection) -> None:
    script.fail("update :1", OracleError(1, "unique constraint (SYNCD.PK) violated", done=2))

    cursor = connection.cursor()
    with pytest.raises(oracledb.IntegrityError, match="ORA-00001"):
        cursor.executemany("update :1", [(1,), (2,), (2,)])

    assert cursor.rowcount == 2


def test_failed_rows_can_be_told_at_the_end(script: Script, connection: oracledb.Connection) -> None:
    def reply(iterations: Any) -> Result:
        wrong = iterations[0][0].value == number(Decimal(2))
        return raised(OracleError(1, "unique constraint violated")) if wrong else Result(rowcount=3)

    script.replies["update :1"] = reply

    cursor = connection.cursor()
    cursor.executemany("update :1", [(1,), (2,), (3,)], batcherrors=True, arraydmlrowcounts=True)

    assert [(error.offset, error.code) for error in cursor.getbatcherrors()] == [(1, 1)]
    assert cursor.getarraydmlrowcounts() == [3, 0, 3]


def test_a_block_reads_its_binds_as_often_as_it_is_asked(script: Script, connection: oracledb.Connection) -> None:
    script.change("begin p(:a, :a); end;")

    cursor = connection.cursor()
    cursor.execute("begin p(:a, :a); end;", a="once")
    cursor.executemany("begin p(:a, :a); end;", [{"a": "twice"}, {"a": "thrice"}])

    assert [row[0].value for _, iterations in script.executed[1:] for row in iterations] == ["once", "twice", "thrice"]


def test_a_transaction_is_seen_until_it_ends(script: Script, connection: oracledb.Connection) -> None:
    connection.cursor().execute("update")
    during = connection.transaction_in_progress
    connection.commit()
    after = connection.transaction_in_progress
    connection.cursor().execute("update")
    connection.rollback()

    assert (during, after) == (True, False)
    assert script.done[1:] == ["commit", "rollback"]


def test_autocommit_commits_with_the_statement(script: Script, connection: oracledb.Connection) -> None:
    connection.autocommit = True

    connection.cursor().execute("update")
    connection.cursor().execute("update")

    assert script.done[1:] == ["commit", "commit"]
    assert not connection.transaction_in_progress


def test_a_pool_rolls_back_what_a_borrower_left(script: Script, server: Server) -> None:
    with closing(oracledb.create_pool(user="syncd", password="secret", dsn=server.dsn, min=1, max=2, ping_interval=0)) as pool:
        with pool.acquire() as connection:
            connection.cursor().execute("update")
        with pool.acquire() as connection:
            assert connection.cursor().execute("select names").fetchall() == NAMES

    assert "rollback" in script.done


# ── errors, breaks, and the rest ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_error_has_a_number_a_position_and_a_text(connection: oracledb.Connection) -> None:
    with pytest.raises(oracledb.DatabaseError) as caught:
        connection.cursor().execute("select * from nothing")

    (error,) = caught.value.args
    assert (error.full_code, error.offset) == ("ORA-00942", 14)
    assert error.message.startswith("ORA-00942: table or view does not exist")


def test_a_bug_of_the_database_is_told_as_one(script: Script, connection: oracledb.Connection, capsys: pytest.CaptureFixture[str]) -> None:
    script.fail("select buggy", KeyError("what"))

    with pytest.raises(oracledb.DatabaseError, match="ORA-20999: KeyError: 'what'"):
        connection.cursor().execute("select buggy")

    connection.ping()
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [1, 3000])
def test_what_the_server_cannot_do_is_said_and_the_session_lives_on(connection: oracledb.Connection, rows: int) -> None:
    cursor = connection.cursor()
    ids = cursor.var(int, arraysize=rows)
    cursor.setinputsizes(None, ids)

    with pytest.raises(oracledb.DatabaseError, match=r"ORA-03001.*RETURNING"):
        cursor.executemany("insert into a values (:1) returning id into :2", [("text" * 10,)] * rows)

    assert connection.cursor().execute("select names").fetchall() == NAMES


@pytest.mark.parametrize(("value", "size"), [({"a": 1}, oracledb.DB_TYPE_JSON), (array.array("f", [1]), oracledb.DB_TYPE_VECTOR)])
def test_binds_that_the_server_cannot_read_are_refused(connection: oracledb.Connection, value: object, size: oracledb.DbType) -> None:
    cursor = connection.cursor()
    cursor.setinputsizes(size)

    with pytest.raises(oracledb.DatabaseError, match="ORA-03001"):
        cursor.execute("update :1", [value])

    assert connection.cursor().execute("select names").fetchall() == NAMES


def test_a_statement_that_takes_too_long_is_broken_off_and_the_session_lives_on(connection: oracledb.Connection) -> None:
    connection.call_timeout = 50

    with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
        connection.cursor().execute("select wait")

    connection.call_timeout = 0
    assert connection.cursor().execute("select names").fetchall() == NAMES


def test_a_statement_can_be_cancelled_from_another_thread(script: Script, connection: oracledb.Connection) -> None:
    def cancel() -> None:
        script.waiting.wait(10)
        connection.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()

    with pytest.raises(oracledb.OperationalError, match="ORA-01013"):
        connection.cursor().execute("select wait")

    canceller.join()
    assert connection.cursor().execute("select names").fetchall() == NAMES


def test_a_break_that_comes_too_late_meets_the_next_call(connection: oracledb.Connection) -> None:
    connection.ping()
    connection.cancel()

    with pytest.raises(oracledb.OperationalError, match="ORA-01013"):
        connection.ping()

    assert connection.cursor().execute("select names").fetchall() == NAMES


def test_the_current_schema_is_known_on_both_sides(script: Script, connection: oracledb.Connection) -> None:
    connection.cursor().execute("ALTER SESSION SET CURRENT_SCHEMA = stock")
    by_statement = connection.current_schema
    connection.current_schema = "SALES"
    connection.ping()

    assert by_statement == "STOCK"
    assert script.executed[-1][0] == "ALTER SESSION SET CURRENT_SCHEMA = SALES"


def test_what_a_client_says_of_itself_is_kept(server: Server, connection: oracledb.Connection) -> None:
    connection.module, connection.action, connection.client_identifier, connection.clientinfo = "syncd", "scan", "me", "가"
    connection.ping()

    assert server.sessions[0].attributes == {"client_identifier": "me", "module": "syncd", "action": "scan", "client_info": "가"}


def test_a_killed_session_is_dead_at_its_next_call(server: Server, script: Script, connection: oracledb.Connection) -> None:
    server.kill(connection.session_id)

    with pytest.raises(oracledb.DatabaseError, match="DPY-4011"):
        connection.ping()
    assert script.closed.wait(10)


def test_a_client_that_vanishes_interrupts_its_statement(script: Script, server: Server) -> None:
    client = subprocess.Popen([sys.executable, "-c", ABANDONED, server.dsn])
    assert script.waiting.wait(20)

    client.kill()

    assert script.closed.wait(10)
    client.wait()


async def test_the_asynchronous_client_works_too(server: Server) -> None:
    async with oracledb.connect_async(user="syncd", password="secret", dsn=server.dsn) as connection:
        pipeline = oracledb.create_pipeline()
        pipeline.add_fetchall("select names")
        pipeline.add_execute("update")
        pipeline.add_fetchall("select names")
        results = await connection.run_pipeline(pipeline)

        assert [result.rows for result in results] == [NAMES, None, NAMES]
        assert await connection.fetchall("select lobs", fetch_lobs=False) == [(ASTRAL, ASTRAL, b"\0\1" * 999), (None, None, None)]


def test_rows_leave_fast_enough_for_the_tests_of_others(script: Script, connection: oracledb.Connection) -> None:
    columns = [
        Column("I", Kind.NUMBER, precision=9),
        *texts("A", "B", "C"),
        Column("D", Kind.DATE),
        Column("T", Kind.TIMESTAMP),
        Column("N", Kind.NUMBER),
    ]
    script.query(
        "select wide",
        columns,
        [(number(Decimal(row)), f"row {row}", "b" * 20, None, QUIET, FRACTION, b"\xc1\x02") for row in range(20_000)],
    )
    started = time.process_time()

    rows = sum(frame.num_rows() for frame in connection.fetch_df_batches("select wide", size=10_000))

    assert rows == 20_000
    assert time.process_time() - started < 2
