"""Oracle describes its tables, and queries are parsed, never run."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import oracledb
import pytest

from syncd.connectors.oracle import CONNECTOR, sessions
from syncd.domain.errors import BadCredentials, SourceMismatch, SourceUnavailable
from syncd.domain.schema import TableKind
from syncd.ports.warehouse import Examined, SchemaReader
from tests.connectors.oracle_sessions import SHORT, settings_for
from tests.servers.oracle.database import Database
from tests.servers.oracle.dictionary import VIEWS
from tests.servers.oracle.faults import SILENCE, At, Delay, Fault
from tests.servers.oracle.server import Server
from tests.servers.oracle.storage import Storage

_SECOND = 10**9
_NOON = 1_772_366_400 * _SECOND


class Clock:
    """The server's, in nanoseconds since 1970."""

    def __init__(self) -> None:
        self.now = _NOON

    def __call__(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * _SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[Server]:
    database = Database()
    database.storage.close()
    database.storage = Storage(None, clock)
    with Server(database) as server:
        yield server


@pytest.fixture
async def reader(server: Server, tmp_path: Path) -> AsyncIterator[SchemaReader]:
    assert CONNECTOR.schemas is not None
    async with CONNECTOR.schemas(settings_for(server.dsn, tmp_path)) as reader:
        yield reader


Run = Callable[..., None]
"""Runs statements in the server."""


@pytest.fixture
def run(server: Server) -> Run:
    def run(*statements: str) -> None:
        with oracledb.connect(user="syncd", password="secret", dsn=server.dsn) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    return run


Tells = Callable[..., None]
"""Lets a view of the dictionary tell of some more rows."""


@pytest.fixture
def tells(monkeypatch: pytest.MonkeyPatch) -> Tells:
    def tells(view: str, *rows: tuple[Any, ...]) -> None:
        before = VIEWS[view].rows
        monkeypatch.setitem(VIEWS, view, replace(VIEWS[view], rows=lambda world: chain(before(world), rows)))

    return tells


async def only(reader: SchemaReader, query: str) -> Examined:
    [found] = await reader.examine([query])
    return found


# ── listing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_schema_may_be_written_in_lower_case(reader: SchemaReader, run: Run) -> None:
    run("CREATE TABLE t (a NUMBER)")

    assert [each.name for each in await reader.list(["syncd", "SYNCD"])] == ["SYNCD.T"]


async def test_an_unknown_schema_is_a_mismatch_that_names_a_similar_one(reader: SchemaReader) -> None:
    with pytest.raises(SourceMismatch, match=r"'sincd'.*did you mean 'SYNCD'"):
        await reader.list(["sincd"])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("ALTER TABLE t ADD (b NUMBER)", id="a new column"),
        pytest.param("ALTER TABLE t RENAME COLUMN a TO b", id="another name"),
        pytest.param("ALTER TABLE t MODIFY (a NUMBER(5))", id="another type"),
        pytest.param("ALTER TABLE t ADD PRIMARY KEY (a)", id="a key"),
        pytest.param("COMMENT ON TABLE t IS 'other'", id="another comment on the table"),
        pytest.param("COMMENT ON COLUMN t.a IS 'other'", id="another comment on a column"),
    ],
)
async def test_a_change_of_a_table_changes_its_hint(reader: SchemaReader, run: Run, clock: Clock, change: str) -> None:
    run("CREATE TABLE t (a NUMBER, z NUMBER)", "COMMENT ON TABLE t IS 'x'", "COMMENT ON COLUMN t.a IS 'y'")
    clock.wait(5)
    [before] = await reader.list(["SYNCD"])

    run(change)
    clock.wait(5)

    [after] = await reader.list(["SYNCD"])
    assert before.hint
    assert after.hint
    assert before.hint != after.hint


async def test_swapped_comments_change_the_hint(reader: SchemaReader, run: Run, clock: Clock) -> None:
    run("CREATE TABLE t (a NUMBER, b NUMBER)", "COMMENT ON COLUMN t.a IS 'x'", "COMMENT ON COLUMN t.b IS 'y'")
    clock.wait(5)
    [before] = await reader.list(["SYNCD"])

    run("COMMENT ON COLUMN t.a IS 'y'", "COMMENT ON COLUMN t.b IS 'x'")

    [after] = await reader.list(["SYNCD"])
    assert before.hint != after.hint


async def test_a_hint_stays_as_long_as_only_rows_change(reader: SchemaReader, run: Run, clock: Clock) -> None:
    run("CREATE TABLE t (a NUMBER)", "COMMENT ON COLUMN t.a IS 'x'")
    clock.wait(5)
    before = await reader.list(["SYNCD"])

    run("INSERT INTO t VALUES (1)")
    clock.wait(5)

    assert await reader.list(["SYNCD"]) == before


async def test_a_table_that_was_changed_a_moment_ago_has_no_hint_as_another_change_may_follow_in_the_same_second(
    reader: SchemaReader, run: Run, clock: Clock
) -> None:
    run("CREATE TABLE t (a NUMBER)")
    clock.wait(0.4)

    [listed] = await reader.list(["SYNCD"])

    assert listed.hint == ""


async def test_a_view_has_no_hint_as_its_columns_change_with_those_of_its_tables(reader: SchemaReader, run: Run, clock: Clock) -> None:
    run("CREATE TABLE t (a NUMBER)", "CREATE VIEW v AS SELECT a FROM t")
    clock.wait(5)

    table, view = await reader.list(["SYNCD"])

    assert (bool(table.hint), view.hint) == (True, "")


async def test_a_materialized_view_is_listed_once_and_what_the_server_made_for_itself_is_not(
    reader: SchemaReader, run: Run, tells: Tells
) -> None:
    run("CREATE TABLE m (a NUMBER)")
    kept = ("SYNCD", "M", None, 1, "MATERIALIZED VIEW", _NOON, _NOON, "x", "VALID", "N", "N", "N")
    own = [("SYNCD", "SYS_IOT_OVER_1", None, 2, "TABLE", _NOON, _NOON, "x", "VALID", "N", "Y", "N")]
    own += [("SYNCD", "BIN$x==$0", None, 3, "TABLE", _NOON, _NOON, "x", "VALID", "N", "N", "N")]
    own += [("SYNCD", "DR$T$I", None, 4, "TABLE", _NOON, _NOON, "x", "VALID", "N", "N", "Y")]
    tells("ALL_OBJECTS", kept, *own)

    [listed] = await reader.list(["SYNCD"])

    [table] = await reader.describe([listed.name])
    assert (listed.name, listed.kind, table.kind) == ("SYNCD.M", TableKind.MATERIALIZED, TableKind.MATERIALIZED)


# ── describing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_types_stand_as_oracle_writes_them(reader: SchemaReader, run: Run) -> None:
    run("CREATE TABLE t (a NUMBER(5,2), b VARCHAR2(40 CHAR), c TIMESTAMP(3) WITH TIME ZONE, d CLOB, e RAW(16), f NUMBER)")

    [table] = await reader.describe(["SYNCD.T"])

    kinds = ["NUMBER(5,2)", "VARCHAR2(40 CHAR)", "TIMESTAMP(3) WITH TIME ZONE", "CLOB", "RAW(16)", "NUMBER"]
    assert [column.type for column in table.columns] == kinds


async def test_keys_are_described_in_their_own_order(reader: SchemaReader, run: Run) -> None:
    run("CREATE TABLE t (a NUMBER, b NUMBER, c NUMBER, PRIMARY KEY (b, a))")

    [table] = await reader.describe(["SYNCD.T"])

    assert table.primary_key == ("B", "A")
    assert [column.nullable for column in table.columns] == [False, False, True]


async def test_how_a_table_is_partitioned_is_described(reader: SchemaReader, run: Run, tells: Tells) -> None:
    run("CREATE TABLE sales (sold DATE, region NUMBER)", "CREATE TABLE t (a NUMBER)")
    tells("ALL_PART_TABLES", ("SYNCD", "SALES", "RANGE", "NONE", 12))
    tells("ALL_PART_KEY_COLUMNS", ("SYNCD", "SALES", "TABLE", "REGION", 2), ("SYNCD", "SALES", "TABLE", "SOLD", 1))

    sales, plain = await reader.describe(["SYNCD.SALES", "SYNCD.T"])

    assert (sales.partitioning, plain.partitioning) == ("RANGE(SOLD, REGION)", "")


async def test_a_name_may_hold_anything(reader: SchemaReader, run: Run) -> None:
    run('CREATE TABLE "odd.table" ("a b" VARCHAR2(9))', """INSERT INTO "odd.table" VALUES ('x')""")
    [listed] = await reader.list(["SYNCD"])

    [table] = await reader.describe([listed.name])

    assert (table.name, table.names) == ("SYNCD.odd.table", ("a b",))
    assert await reader.samples(table.name, ["a b"], 3) == {"a b": ["x"]}


async def test_many_tables_take_a_handful_of_statements(reader: SchemaReader, server: Server, run: Run) -> None:
    run(*(f"CREATE TABLE t{n} (a NUMBER PRIMARY KEY, b VARCHAR2(9))" for n in range(40)))
    listed = await reader.list(["SYNCD"])
    statements = server.faults.add(Fault(At.EXECUTE, Delay(0), forever=True))

    tables = await reader.describe([each.name for each in listed])

    assert [table.name for table in tables] == [each.name for each in listed]
    assert {table.names for table in tables} == {("A", "B")}
    assert statements.met == 5


# ── examining ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_query_is_parsed_and_not_run(reader: SchemaReader) -> None:
    assert await only(reader, "SELECT 1 / 0 AS n FROM dual;") == Examined(analysed=True, ran=False)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        pytest.param("SELECT nosuch FROM t", 'ORA-00904: "NOSUCH": invalid identifier', id="an unknown column"),
        pytest.param("SELECT 1 FROM nosuch", "ORA-00942: table or view does not exist", id="an unknown table"),
        pytest.param("SELECT a FROM t WHERE", "ORA-00936: missing expression", id="no SQL"),
        pytest.param("SELECT a FROM t WHERE a = :which", "without bind variables, found :WHICH", id="a variable"),
        pytest.param("SELECT 1 FROM dual; DELETE FROM t", "ORA-00", id="two statements"),
        pytest.param("DROP TABLE t", "which begins with SELECT or WITH", id="a definition, which parsing would carry out"),
        pytest.param("/* SELECT */ DROP TABLE t", "which begins with SELECT or WITH", id="one behind a comment"),
        pytest.param("-- SELECT\nTRUNCATE TABLE t", "which begins with SELECT or WITH", id="one behind a line of comment"),
        pytest.param("BEGIN DELETE FROM t; END;", "which begins with SELECT or WITH", id="a block"),
        pytest.param("", "which begins with SELECT or WITH", id="nothing"),
    ],
)
async def test_a_problem_is_told_in_oracles_words(reader: SchemaReader, run: Run, query: str, problem: str) -> None:
    run("CREATE TABLE t (a NUMBER)", "INSERT INTO t VALUES (1)")

    found = await only(reader, query)

    assert problem in found.problem
    assert not found.analysed
    assert [each.name for each in await reader.list(["SYNCD"])] == ["SYNCD.T"]


@pytest.mark.parametrize(
    "query", ["-- all\nSELECT a FROM t", "(SELECT a FROM t)", "WITH x AS (SELECT a FROM t) SELECT * FROM x", "select a from t"]
)
async def test_a_query_may_begin_in_any_way(reader: SchemaReader, run: Run, query: str) -> None:
    run("CREATE TABLE t (a NUMBER)")

    assert await only(reader, query) == Examined(analysed=True, ran=False)


# ── samples ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_samples_are_the_most_frequent_values_as_text_and_cut(reader: SchemaReader, run: Run) -> None:
    run(
        "CREATE TABLE t (a VARCHAR2(9), b NUMBER, c DATE, d CLOB, e RAW(2))",
        "INSERT INTO t VALUES ('rare', 1.5, DATE '2026-03-01', RPAD('x', 1000, 'x'), HEXTORAW('FF'))",
        *["INSERT INTO t VALUES ('often', 2, NULL, NULL, NULL)"] * 2,
    )

    found = await reader.samples("SYNCD.T", ["A", "B", "C", "D", "E"], 2)

    assert found == {"A": ["often", "rare"], "B": ["2", "1.5"], "C": ["2026-03-01 00:00:00"], "D": ["x" * 200], "E": ()}


async def test_samples_of_an_unknown_table_or_column_are_a_mismatch_that_names_it(reader: SchemaReader, run: Run) -> None:
    run("CREATE TABLE t (a NUMBER)")

    with pytest.raises(SourceMismatch, match="NOSUCH"):
        await reader.samples("SYNCD.NOSUCH", ["A"], 2)
    with pytest.raises(SourceMismatch, match=r"no column 'AA'.*did you mean 'A'"):
        await reader.samples("SYNCD.T", ["AA"], 2)


# ── failing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_server_that_is_not_there_is_unavailable(reader: SchemaReader, server: Server) -> None:
    server.refuse()

    with pytest.raises(SourceUnavailable):
        await reader.list(["SYNCD"])


async def test_a_wrong_password_is_told(server: Server, tmp_path: Path) -> None:
    assert CONNECTOR.schemas is not None
    async with CONNECTOR.schemas(settings_for(server.dsn, tmp_path, password="wrong")) as reader:
        with pytest.raises(BadCredentials):
            await reader.list(["SYNCD"])


Question = Callable[[SchemaReader], Awaitable[object]]


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(lambda reader: reader.list(["SYNCD"]), id="while tables are listed"),
        pytest.param(lambda reader: reader.describe(["SYNCD.T"]), id="while they are described"),
        pytest.param(lambda reader: reader.examine(["SELECT a FROM t"]), id="while a query is parsed"),
        pytest.param(lambda reader: reader.samples("SYNCD.T", ["A"], 1), id="while values are read"),
    ],
)
async def test_a_server_that_falls_silent_is_given_up(
    server: Server, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, question: Question
) -> None:
    monkeypatch.setattr(sessions, "_GRACE", SHORT)
    run("CREATE TABLE t (a NUMBER)")
    server.faults.add(Fault(At.EXECUTE, SILENCE, matching=" FROM "))
    assert CONNECTOR.schemas is not None
    async with CONNECTOR.schemas(settings_for(server.dsn, tmp_path, call_timeout=timedelta(seconds=0.3))) as reader:
        with pytest.raises(SourceUnavailable):
            await question(reader)

        assert [table.name for table in await reader.describe(["SYNCD.T"])] == ["SYNCD.T"]
