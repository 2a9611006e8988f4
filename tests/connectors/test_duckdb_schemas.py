"""DuckDB keeps the promises of a reader of schemas, and queries are looked at where they can do no harm."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.connectors.duckdb import CONNECTOR, Settings, examining
from syncd.connectors.duckdb.examining import Bounds, examine
from syncd.connectors.duckdb.nesting import column
from syncd.domain.errors import SourceMismatch, SourceUnavailable
from syncd.domain.schema import Column
from syncd.kit.sql import quote
from syncd.ports.warehouse import Examined, SchemaReader
from tests.connectors.test_duckdb import another_process, write

ENDLESS = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range % 7 = b.range % 11"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
async def reader(file: Path, tmp_path: Path) -> AsyncIterator[SchemaReader]:
    assert CONNECTOR.schemas is not None
    async with CONNECTOR.schemas(Settings(path=file, spill_dir=tmp_path / "spill")) as reader:
        yield reader


async def only(reader: SchemaReader, query: str) -> Examined:
    [found] = await reader.examine([query])
    return found


# ── names, keys, types ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_only_the_tables_of_the_schemas_asked_for_are_listed(file: Path, reader: SchemaReader) -> None:
    write(
        file,
        "CREATE SCHEMA shop",
        "CREATE SCHEMA old",
        "CREATE TABLE shop.b (i INT)",
        "CREATE TABLE a (i INT)",
        "CREATE TABLE old.c (i INT)",
    )

    listed = await reader.list(["shop", "MAIN"])

    assert [each.name for each in listed] == ["main.a", "shop.b"]


async def test_a_name_may_hold_anything(file: Path, reader: SchemaReader) -> None:
    write(
        file,
        'CREATE SCHEMA "my.shop"',
        'CREATE TABLE "my.shop"."odd ""table" ("a.b" VARCHAR)',
        """INSERT INTO "my.shop"."odd ""table" VALUES ('x')""",
    )
    [listed] = await reader.list(["my.shop"])

    [table] = await reader.describe([listed.name])

    assert table.names == ("a.b",)
    assert await reader.samples(listed.name, ["a.b"], 3) == {"a.b": ["x"]}


async def test_keys_and_comments_of_views_too_are_described(file: Path, reader: SchemaReader) -> None:
    write(
        file,
        "CREATE TABLE t (a INT, b INT, c INT, PRIMARY KEY (b, a))",
        "CREATE VIEW v AS SELECT a AS x FROM t",
        "COMMENT ON VIEW v IS 'all of it'",
        "COMMENT ON COLUMN v.x IS 'the a'",
    )

    table, view = await reader.describe(["main.t", "main.v"])

    assert table.primary_key == ("b", "a")
    assert [column.nullable for column in table.columns] == [False, False, True]
    assert (view.comment, view.columns[0].comment, view.primary_key) == ("all of it", "the a", ())


async def test_a_comment_on_a_table_changes_its_description(file: Path, reader: SchemaReader) -> None:
    write(file, "CREATE TABLE t (a INT)")
    [before] = await reader.describe(["main.t"])

    write(file, "COMMENT ON TABLE t IS 'new'")

    [after] = await reader.describe(["main.t"])
    assert (before.comment, after.comment) == ("", "new")


async def test_an_index_changes_no_description(file: Path, reader: SchemaReader) -> None:
    write(file, "CREATE TABLE t (a INT)")
    before = await reader.describe(["main.t"])

    write(file, "CREATE INDEX i ON t (a)")

    assert await reader.describe(["main.t"]) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("INTEGER", Column("x", "INTEGER"), id="a plain one"),
        pytest.param("DECIMAL(10,2)", Column("x", "DECIMAL(10,2)"), id="one with digits"),
        pytest.param("VARCHAR[]", Column("x", "VARCHAR", repeated=True), id="a list"),
        pytest.param("VARCHAR[][]", Column("x", "VARCHAR[]", repeated=True), id="a list of lists"),
        pytest.param("FLOAT[3]", Column("x", "FLOAT[3]"), id="a list of a fixed length"),
        pytest.param(
            "STRUCT(a INTEGER, b VARCHAR[])[]",
            Column("x", "STRUCT", repeated=True, fields=(Column("a", "INTEGER"), Column("b", "VARCHAR", repeated=True))),
            id="a list of fields",
        ),
        pytest.param(
            'STRUCT("we, ird("")" STRUCT(d DECIMAL(10,2)), z TIMESTAMP WITH TIME ZONE)[3]',
            Column(
                "x",
                "STRUCT[3]",
                fields=(Column('we, ird(")', "STRUCT", fields=(Column("d", "DECIMAL(10,2)"),)), Column("z", "TIMESTAMP WITH TIME ZONE")),
            ),
            id="odd names",
        ),
        pytest.param(
            "STRUCT(e ENUM('a,b', 'c'')d'))", Column("x", "STRUCT", fields=(Column("e", "ENUM('a,b', 'c'')d')"),)), id="commas in a value"
        ),
        pytest.param("MAP(VARCHAR, STRUCT(a INTEGER))", Column("x", "MAP(VARCHAR, STRUCT(a INTEGER))"), id="a map has no fields"),
        pytest.param("UNION(n INTEGER, t VARCHAR)", Column("x", "UNION(n INTEGER, t VARCHAR)"), id="a union has no fields"),
        pytest.param("TUPLE(INTEGER, VARCHAR)", Column("x", "TUPLE(INTEGER, VARCHAR)"), id="fields without names"),
    ],
)
def test_fields_are_read_out_of_a_type(text: str, expected: Column) -> None:
    assert column("x", text) == expected


_NAMES = st.text(st.sampled_from("ab \"'(),[]é"), min_size=1, max_size=6)
_TYPES = st.recursive(
    st.sampled_from(["INTEGER", "VARCHAR", "DECIMAL(5,1)", "TIMESTAMP WITH TIME ZONE", "ENUM('a', '),(''')"]),
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, inner, min_size=1, max_size=3),
        st.tuples(inner),
    ),
    max_leaves=6,
)


def _written(kind: Any) -> str:
    match kind:
        case dict():
            return f"STRUCT({', '.join(f'{quote(name)} {_written(each)}' for name, each in kind.items())})"
        case (inner,):
            return f"{_written(inner)}[]"
        case _:
            return str(kind)


def _rewritten(columns: Sequence[Column]) -> str:
    inside = ", ".join(f"{quote(each.name)} {_rewritten_type(each)}" for each in columns)
    return f"STRUCT({inside})"


def _rewritten_type(each: Column) -> str:
    kind = _rewritten(each.fields) + each.type.removeprefix("STRUCT") if each.fields else each.type
    return f"{kind}[]" if each.repeated else kind


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(_NAMES, _TYPES, min_size=1, max_size=3))
def test_what_is_read_out_of_a_type_says_all_that_duckdb_says(fields: dict[str, Any]) -> None:
    told = _told(_written(fields))

    again = _told(_rewritten_type(column("x", told)))

    assert again == told


_SCRATCH = duckdb.connect(":memory:", config={"threads": 1})


def _told(kind: str) -> str:
    """A type as DuckDB tells it of a column."""
    _SCRATCH.execute(f"CREATE OR REPLACE TABLE t (x {kind})")
    [[told]] = _SCRATCH.execute("SELECT data_type FROM duckdb_columns() WHERE table_name = 't'").fetchall()
    return str(told)


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_file_is_free_between_two_questions(file: Path, reader: SchemaReader) -> None:
    write(file, "CREATE TABLE t (a INT)")
    await reader.list(["main"])
    await reader.examine(["SELECT a FROM t"])

    with another_process(file):
        pass

    assert len(await reader.list(["main"])) == 1


async def test_a_file_that_another_process_writes_is_unavailable(file: Path, reader: SchemaReader) -> None:
    write(file, "CREATE TABLE t (a INT)")

    with another_process(file) as pid:
        for question in (reader.list(["main"]), reader.examine(["SELECT a FROM t"])):
            with pytest.raises(SourceUnavailable, match=f"locked by process {pid} "):
                await question


async def test_a_missing_file_is_unavailable(reader: SchemaReader) -> None:
    for question in (reader.list(["main"]), reader.examine(["SELECT 1"])):
        with pytest.raises(SourceUnavailable, match=r"there is no file .*warehouse\.duckdb"):
            await question


async def test_what_keeps_the_other_process_from_opening_the_file_is_told(file: Path) -> None:
    write(file, "CREATE TABLE t (a INT)")

    with another_process(file) as pid, pytest.raises(SourceUnavailable, match=f"locked by process {pid} "):
        await examine(file, ["SELECT a FROM t"], Bounds())


async def test_what_is_not_in_the_file_yet_is_seen(file: Path, reader: SchemaReader) -> None:
    write(
        file,
        "SET checkpoint_threshold = '1TB'",
        "PRAGMA disable_checkpoint_on_shutdown",
        "CREATE TABLE t (a INT)",
        "INSERT INTO t VALUES (7)",
    )
    assert file.with_name("warehouse.duckdb.wal").exists()

    found = await only(reader, "SELECT a FROM t")

    assert found == Examined(analysed=True, ran=True)
    assert [each.name for each in await reader.list(["main"])] == ["main.t"]


async def test_the_stamp_stays_until_the_file_is_written(file: Path, reader: SchemaReader) -> None:
    write(file, "CREATE TABLE t (a INT)")
    await asyncio.sleep(1.1)  # a file that was changed a moment ago has no stamp
    before = await reader.stamp()

    await reader.list(["main"])
    await reader.examine(["SELECT a FROM t"])

    assert before
    assert await reader.stamp() == before
    write(file, "ALTER TABLE t ADD COLUMN b INT")
    assert await reader.stamp() != before


# ── queries that are good ────────────────────────────────────────────────────────────────────────────────────────────────


GOOD = [
    "SELECT city, count(*) AS n FROM t GROUP BY city ORDER BY n DESC;",
    "WITH x AS (SELECT id FROM main.t) SELECT * FROM x -- all of them",
    "SELECT id, id FROM t",
    "FROM t SELECT date_trunc('month', seen), seen::DATE",
    "SELECT p.key, p.value FROM t, unnest(params) AS u(p)",
    "SELECT json_extract(CAST(params AS JSON), '$[0].key') FROM t",
    "PIVOT t ON city IN ('Seoul', 'Paris') USING count(*)",
    "SELECT seen AT TIME ZONE 'Asia/Seoul' FROM t",
]


async def test_good_queries_are_analysed_and_run(file: Path, reader: SchemaReader) -> None:
    write(file, *TABLE)

    found = await reader.examine(GOOD)

    assert dict(zip(GOOD, found, strict=True)) == dict.fromkeys(GOOD, Examined(analysed=True, ran=True))


TABLE = (
    "CREATE TABLE t (id INT, city VARCHAR, seen TIMESTAMPTZ, params STRUCT(key VARCHAR, value INT)[])",
    "INSERT INTO t VALUES (1, 'Seoul', now(), [{'key': 'a', 'value': 1}]), (2, 'Secretville', now(), NULL)",
)


async def test_a_view_over_files_is_neither_looked_at_nor_held_against_a_query(file: Path, reader: SchemaReader, tmp_path: Path) -> None:
    write(file, *TABLE, f"COPY t TO '{tmp_path}/t.parquet'", f"CREATE VIEW v AS SELECT * FROM read_parquet('{tmp_path}/t.parquet')")

    assert await only(reader, "SELECT city FROM v") == Examined(analysed=False, ran=False)
    [view] = await reader.describe(["main.v"])
    assert view.names == ("id", "city", "seen", "params")


# ── queries that are not ─────────────────────────────────────────────────────────────────────────────────────────────────


PROBLEMS = {
    "SELECT citi FROM t": r'"citi" not found.*Candidate bindings: "city"',
    "SELECT 1 FROM tt": r"tt does not exist! Did you mean",
    "SELECT sum(city) FROM t": r"sum\(VARCHAR\)",
    "SELECT FROM t WHERE": r"Parser Error",
    "SELECT params.key FROM t": r"key",
    "": r"expected one statement, found 0",
    "SELECT 1; SELECT 2": r"expected one statement, found 2",
    "SELECT * FROM t WHERE id = ?": r"parameters",
    "PIVOT t ON city USING count(*)": r"PIVOT needs its values",
    "SELECT nosuch FROM (PIVOT t ON city USING count(*))": r"PIVOT needs its values",
    "FROM query('SELECT x FROM (PIVOT t ON city USING count(*))')": r".",
    "SELECT CAST(city AS INT) FROM t": r"cannot be converted \(Conversion Error\)",
    "SELECT error(city) FROM t": r"does not accept a value",
    "SELECT strptime(city, '%Y') FROM t": r"does not accept a value",
    "SELECT id FROM t WHERE id = 7 OR CAST(city AS DATE) > seen": r"cannot be converted",
    "SELECT (SELECT city FROM t)": r"fails when it is run",
}
"""Each query with what has to stand in the answer."""


async def test_problems_are_told_in_words_that_hold_no_value_of_a_row(file: Path, reader: SchemaReader) -> None:
    write(file, *TABLE)

    found = await reader.examine(list(PROBLEMS))

    for (query, words), each in zip(PROBLEMS.items(), found, strict=True):
        assert re.search(words, each.problem), query
        assert not each.ran
        assert "Secretville" not in each.problem
        assert "\n" not in each.problem


FORBIDDEN = [
    "DROP TABLE t",
    "DELETE FROM t",
    "SELECT 1; DROP TABLE t",
    "COPY t TO '{folder}/stolen.csv'",
    "COPY (SELECT 1) TO '{folder}/stolen.csv'",
    "EXPORT DATABASE '{folder}/stolen.csv'",
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM read_text('{folder}/secret.csv')",
    "SELECT * FROM '{folder}/secret.csv'",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM query('SELECT * FROM read_text(''{folder}/secret.csv'')')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "ATTACH '{folder}/stolen.csv'",
    "CREATE TABLE stolen AS SELECT 1",
    "SELECT nextval('s')",
    "CHECKPOINT",
    "PRAGMA database_list",
    "EXPLAIN ANALYZE DELETE FROM t",
    "CALL enable_logging()",
]


async def test_nothing_but_a_query_of_this_file_is_run(file: Path, reader: SchemaReader, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("word\nhush\n")
    write(file, *TABLE, "CREATE SEQUENCE s")
    before = _content(file)

    found = await reader.examine([query.format(folder=tmp_path) for query in FORBIDDEN])

    for query, each in zip(FORBIDDEN, found, strict=True):
        assert each.problem, query
        assert not each.ran, query
        assert "hush" not in each.problem
    assert _content(file) == before
    assert not (tmp_path / "stolen.csv").exists()


def _content(file: Path) -> bytes:
    return file.read_bytes()


async def test_a_query_that_takes_too_long_is_stopped_and_the_others_are_looked_at(file: Path) -> None:
    write(file, *TABLE)

    slow, good = await examine(file, [ENDLESS, "SELECT id FROM t"], Bounds(seconds=0.3))

    assert slow == Examined(analysed=True, ran=False, problem="takes longer than 0.3 s")
    assert good == Examined(analysed=True, ran=True)


@pytest.mark.parametrize(
    "greedy",
    [
        pytest.param("SELECT list(a.range) FROM range(50000000) a GROUP BY a.range % 1000000", id="many values"),
        pytest.param("SELECT length(repeat('x', 3000000000)) FROM t", id="one value"),
    ],
)
async def test_a_query_that_needs_too_much_memory_is_stopped(file: Path, greedy: str) -> None:
    write(file, *TABLE)

    found, good = await examine(file, [greedy, "SELECT id FROM t"], Bounds(memory="50MB"))

    assert "more memory" in found.problem
    assert good.ran


IMPOSTOR = """
import json, sys, time
print("{}", flush=True)
sys.stdin.readline()
for line in sys.stdin:
    if "crash" in line: sys.exit(1)
    if "hang" in line: time.sleep(60)
    print(json.dumps({"analysed": True, "ran": True, "problem": ""}), flush=True)
"""


async def test_a_query_that_ends_the_process_or_hangs_is_told_and_the_others_are_looked_at(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examining, "_PROGRAM", tmp_path / "impostor.py")
    monkeypatch.setattr(examining, "_GRACE_SECONDS", 0.1)
    (tmp_path / "impostor.py").write_text(IMPOSTOR)

    found = await examine(file, ["good", "crash", "good", "hang", "good"], Bounds(seconds=1))

    good = Examined(analysed=True, ran=True)
    assert [each == good for each in found] == [True, False, True, False, True]
    assert "ended the process" in found[1].problem
    assert found[3].problem == "takes longer than 1 s"


async def test_a_process_that_ends_before_any_query_is_unavailable(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "_PROGRAM", tmp_path / "nothing.py")

    with pytest.raises(SourceUnavailable, match="ended when it started"):
        await examine(file, ["SELECT 1"], Bounds())


async def test_who_stops_waiting_ends_the_process(file: Path) -> None:
    write(file, *TABLE)
    looking = asyncio.create_task(examine(file, [ENDLESS], Bounds(seconds=20)))
    await _looking_at_it()

    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking

    assert not _children()


async def test_the_process_knows_no_variable_of_ours_and_shows_no_query(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hush")
    write(file, *TABLE)
    looking = asyncio.create_task(examine(file, [ENDLESS], Bounds(seconds=0.3)))
    child = await _looking_at_it()

    shown = _shown(child)

    await looking
    assert b"hush" not in shown
    assert b"range" not in shown
    assert b"examiner.py" in shown


async def _looking_at_it() -> int:
    """The process that looks at queries, once it has begun."""
    for _ in range(1000):
        if children := _children():
            return children[0]
        await asyncio.sleep(0.02)
    raise AssertionError("no process has begun to look at queries")


def _shown(process: int) -> bytes:
    """What others can see of a process."""
    return b"".join(Path(f"/proc/{process}/{part}").read_bytes() for part in ("environ", "cmdline"))


def _children() -> list[int]:
    """The processes that look at queries now, once they are what they shall be."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(pid) for pid in (task / "children").read_text().split()]
    return [pid for pid in found if b"examiner.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]


# ── samples ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_samples_are_the_most_frequent_values_cut_to_a_length(file: Path, reader: SchemaReader) -> None:
    write(file, "CREATE TABLE t AS SELECT if(range % 3 = 0, 'rare', 'often') AS a, repeat('x', 1000) AS b, {'c': 1} AS s FROM range(9)")

    found = await reader.samples("main.t", ["a", "b", "s"], 2)

    assert found == {"a": ["often", "rare"], "b": ["x" * 200], "s": ["{'c': 1}"]}


async def test_samples_of_an_unknown_table_or_column_are_a_mismatch_that_names_it(file: Path, reader: SchemaReader) -> None:
    write(file, "CREATE TABLE t (a INT)")

    with pytest.raises(SourceMismatch, match="nosuch"):
        await reader.samples("main.nosuch", ["a"], 2)
    with pytest.raises(SourceMismatch, match="nosuch"):
        await reader.samples("main.t", ["nosuch"], 2)


# ── size ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_hundreds_of_shards_are_described_at_once(file: Path, reader: SchemaReader) -> None:
    nested = "id INT, params STRUCT(key VARCHAR, value STRUCT(s VARCHAR, i BIGINT))[], " + ", ".join(f"c{n} VARCHAR" for n in range(20))
    write(file, "BEGIN", *(f"CREATE TABLE events_{20250000 + n} ({nested})" for n in range(400)), "COMMIT")
    listed = await reader.list(["main"])

    tables = await reader.describe([each.name for each in listed])

    assert len(tables) == 400
    assert {len(table.columns) for table in tables} == {22}
