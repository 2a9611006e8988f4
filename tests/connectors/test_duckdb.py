"""DuckDB keeps the promises of a source, and DuckDB's own surprises."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from syncd.connectors.duckdb import CONNECTOR, Settings
from syncd.domain.errors import SourceMismatch, SourceUnavailable
from syncd.domain.scan import Relation, Scan, Since
from syncd.kit import files
from syncd.kit.sql import quote
from syncd.ports.connecting import Source
from syncd.ports.warehouse import SchemaReader
from tests.contracts import schema_reader
from tests.contracts.schema_reader import NestingContract, SchemaReaderContract
from tests.contracts.source import BY_KEY, Kind, Make, Sample, SourceContract, batches, read, scanning, stands

_TYPES = {Kind.INTEGER: "BIGINT", Kind.TEXT: "VARCHAR", Kind.MOMENT: "TIMESTAMP"}

Opened = Callable[..., Awaitable[Source]]
"""Runs statements in a new database and answers a source that has it open."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.duckdb"


@pytest.fixture
def settings(path: Path, tmp_path: Path) -> Settings:
    return Settings(path=path, spill_dir=tmp_path / "spill")


@pytest.fixture
async def opened(settings: Settings) -> AsyncIterator[Opened]:
    assert CONNECTOR.source is not None
    async with AsyncExitStack() as stack:

        async def create(*statements: str, **changes: object) -> Source:
            write(settings.path, *statements)
            assert CONNECTOR.source is not None
            return await stack.enter_async_context(CONNECTOR.source(settings.model_copy(update=changes)))

        yield create


@pytest.fixture
def make(settings: Settings, opened: Opened) -> Make:
    async def create(*samples: Sample) -> Source:
        with duckdb.connect(str(settings.path)) as connection:
            for sample in samples:
                _create(connection, sample)
        return await opened()

    return create


def write(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def _create(connection: duckdb.DuckDBPyConnection, sample: Sample) -> None:
    columns = [f"{quote(name)} {_TYPES[kind]}{' NOT NULL' if name in sample.required else ''}" for name, kind in sample.columns.items()]
    key = [f"PRIMARY KEY ({', '.join(map(quote, sample.primary_key))})"] if sample.primary_key else []
    connection.execute(f"CREATE TABLE {quote(sample.name)} ({', '.join(columns + key)})")
    if sample.rows:
        rows = pa.table([pa.array(values) for values in zip(*sample.rows, strict=True)], names=list(sample.columns))
        connection.register("sample_rows", rows)
        connection.execute(f"INSERT INTO {quote(sample.name)} SELECT * FROM sample_rows")
        connection.unregister("sample_rows")


@contextmanager
def another_process(path: Path) -> Iterator[int]:
    """A process that has the file open for writing; its id."""
    code = "import duckdb, sys\nheld = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\nsys.stdin.read()"
    with Popen([sys.executable, "-c", code, str(path)], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        try:
            yield process.pid
        finally:
            process.kill()


class TestDuckDB(SourceContract):
    pass


class FileWarehouse:
    """A database file as the warehouse that tests change."""

    schema = "main"

    def __init__(self, path: Path, reader: SchemaReader) -> None:
        self._path = path
        self.reader = reader
        write(path)

    def listed(self, table: str) -> str:
        return f"main.{table}"

    def spelt(self, column: str) -> str:
        return column

    def sql(self, table: str) -> str:
        return table

    async def create(self, *samples: schema_reader.Sample) -> None:
        with duckdb.connect(str(self._path)) as connection:
            for sample in samples:
                _create(connection, Sample(sample.columns, sample.rows, required=sample.required, name=sample.name))
                connection.execute(f"COMMENT ON TABLE {sample.name} IS {_literal(sample.comment)}")
                for column, comment in sample.comments.items():
                    connection.execute(f"COMMENT ON COLUMN {sample.name}.{column} IS {_literal(comment)}")

    async def create_view(self, name: str, of: str) -> None:
        write(self._path, f"CREATE VIEW {name} AS SELECT * FROM {of}")

    async def insert(self, table: str, row: tuple[object, ...]) -> None:
        with duckdb.connect(str(self._path)) as connection:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    async def add(self, table: str, column: str) -> None:
        write(self._path, f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR")

    async def rename(self, table: str, column: str, to: str) -> None:
        write(self._path, f"ALTER TABLE {table} RENAME COLUMN {column} TO {to}")

    async def drop_column(self, table: str, column: str) -> None:
        write(self._path, f"ALTER TABLE {table} DROP COLUMN {column}")

    async def comment(self, table: str, column: str, comment: str) -> None:
        write(self._path, f"COMMENT ON COLUMN {table}.{column} IS {_literal(comment)}")

    async def drop(self, table: str) -> None:
        write(self._path, f"DROP TABLE {table}")

    async def rows(self, table: str) -> int:
        with duckdb.connect(str(self._path)) as connection:
            [[rows]] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
        return int(rows)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture
async def warehouse(settings: Settings) -> AsyncIterator[FileWarehouse]:
    assert CONNECTOR.schemas is not None
    async with CONNECTOR.schemas(settings) as reader:
        yield FileWarehouse(settings.path, reader)


@pytest.fixture
def nested(settings: Settings, warehouse: FileWarehouse) -> tuple[SchemaReader, str]:
    place = 'STRUCT(city VARCHAR, "at" STRUCT(lat DOUBLE, lon DOUBLE))'
    write(settings.path, f"CREATE TABLE n (id INT, place {place}, params STRUCT(key VARCHAR, value INT)[], tags VARCHAR[])")
    return warehouse.reader, "main.n"


class TestSchemaReader(SchemaReaderContract):
    pass


class TestNesting(NestingContract):
    pass


async def test_removed_rows_are_not_remembered(opened: Opened) -> None:
    source = await opened("CREATE TABLE products (id INT)")

    with pytest.raises(SourceMismatch, match="remembers no rows"):
        await source.describe(Relation(table="products", removed=True))


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_that_another_process_writes_is_unavailable_and_the_process_is_named(settings: Settings) -> None:
    assert CONNECTOR.source is not None
    write(settings.path, "CREATE TABLE t (id INT)")

    with another_process(settings.path) as pid, pytest.raises(SourceUnavailable, match=rf"shop\.duckdb is locked by process {pid} "):
        async with CONNECTOR.source(settings) as source:
            await source.describe(Relation(table="t"))


async def test_others_can_write_once_the_source_is_closed(settings: Settings) -> None:
    assert CONNECTOR.source is not None
    write(settings.path, "CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)")
    scan = replace(BY_KEY, relation=Relation(table="t"))
    async with CONNECTOR.source(settings) as source:
        assert await read(source, scan) == [1]

    with another_process(settings.path):
        pass
    write(settings.path, "INSERT INTO t VALUES (2)")

    async with CONNECTOR.source(settings) as source:
        assert await read(source, scan) == [1, 2]


async def test_the_lock_is_kept_while_one_of_several_users_in_this_process_closes(settings: Settings) -> None:
    assert CONNECTOR.source is not None
    write(settings.path, "CREATE TABLE t (id INT)")

    async with CONNECTOR.source(settings) as source:
        await source.describe(Relation(table="t"))
        async with CONNECTOR.source(settings) as other:
            await other.describe(Relation(table="t"))
        code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
        writer = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(settings.path), stderr=PIPE)
        _, complaint = await writer.communicate()

    assert writer.returncode != 0
    assert b"Conflicting lock" in complaint


async def test_a_missing_file_is_unavailable_and_nothing_is_made(settings: Settings) -> None:
    with pytest.raises(SourceUnavailable, match=r"there is no file .*shop\.duckdb"):
        await CONNECTOR.check(settings)

    assert not settings.path.exists()


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 1000, b"SQLite format 3\0" + b"\0" * 4096])
async def test_a_file_that_is_no_database_is_a_mismatch(settings: Settings, content: bytes) -> None:
    settings.path.write_bytes(content)

    with pytest.raises(SourceMismatch, match=r"shop\.duckdb is not a DuckDB database"):
        await CONNECTOR.check(settings)


async def test_a_damaged_file_is_a_mismatch(settings: Settings) -> None:
    write(settings.path, "CREATE TABLE t AS SELECT range AS id FROM range(100000)")
    content = bytearray(settings.path.read_bytes())
    content[4096 : len(content)] = b"\xff" * (len(content) - 4096)
    settings.path.write_bytes(content)

    with pytest.raises(SourceMismatch, match=r"shop\.duckdb"):
        await CONNECTOR.check(settings)


async def test_a_file_is_not_opened_before_there_is_something_to_look_for_in_it(settings: Settings) -> None:
    assert CONNECTOR.source is not None
    write(settings.path, "CREATE TABLE t (id INT)")

    async with CONNECTOR.source(settings) as source:
        with another_process(settings.path):
            assert not await source.unchanged("whatever it looked like")


@pytest.fixture
def settled(path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs statements, and lets so much time pass that the file no longer counts as just changed."""

    def run(*statements: str) -> None:
        write(path, *statements)
        later = time.time() + 5
        monkeypatch.setattr(files, "time", SimpleNamespace(time=lambda: later))

    return run


async def stamp_of(settings: Settings, relation: Relation) -> str:
    assert CONNECTOR.source is not None
    async with CONNECTOR.source(settings) as source:
        return (await source.horizon(relation, "at")).stamp


async def unchanged(settings: Settings, stamp: str) -> bool:
    assert CONNECTOR.source is not None
    async with CONNECTOR.source(settings) as source:
        return await source.unchanged(stamp)


async def test_a_table_that_nobody_wrote_to_is_unchanged(settings: Settings, settled: Callable[..., None]) -> None:
    settled("CREATE TABLE t AS SELECT 1 AS id, now()::TIMESTAMP AS at")

    stamp = await stamp_of(settings, Relation(table="t"))

    assert stamp
    assert await unchanged(settings, stamp)
    assert await stamp_of(settings, Relation(table='main."T"')) == stamp


@pytest.mark.parametrize(
    "change", ["UPDATE t SET id = id + 1", "DELETE FROM t", "CREATE TABLE other (id INT)", "ALTER TABLE t ADD COLUMN n INT"]
)
async def test_whatever_is_written_to_the_file_counts_as_a_change(settings: Settings, settled: Callable[..., None], change: str) -> None:
    settled("CREATE TABLE t AS SELECT 1 AS id, now()::TIMESTAMP AS at")
    stamp = await stamp_of(settings, Relation(table="t"))

    settled(change)

    assert stamp
    assert not await unchanged(settings, stamp)


async def test_a_change_that_stands_in_the_log_only_counts_too(settings: Settings, settled: Callable[..., None]) -> None:
    settled("CREATE TABLE t AS SELECT 1 AS id, now()::TIMESTAMP AS at")
    stamp = await stamp_of(settings, Relation(table="t"))

    settled("PRAGMA disable_checkpoint_on_shutdown", "INSERT INTO t VALUES (2, now())")

    assert settings.files[1].exists()
    assert not await unchanged(settings, stamp)


async def test_a_file_that_was_changed_a_moment_ago_has_no_stamp(settings: Settings) -> None:
    write(settings.path, "CREATE TABLE t AS SELECT 1 AS id, now()::TIMESTAMP AS at")

    assert await stamp_of(settings, Relation(table="t")) == ""


@pytest.mark.parametrize(
    "relation", [Relation(table="v"), Relation(table="s.v"), Relation(query="SELECT * FROM t"), Relation(table="twice")]
)
async def test_what_can_change_while_the_file_does_not_has_no_stamp(
    settings: Settings, settled: Callable[..., None], relation: Relation
) -> None:
    settled(
        "CREATE TABLE t AS SELECT 1 AS id, now()::TIMESTAMP AS at",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE SCHEMA s",
        "CREATE VIEW s.v AS SELECT * FROM t",
        "CREATE TABLE s.twice AS SELECT * FROM t",
        "CREATE VIEW twice AS SELECT * FROM t",
    )

    assert await stamp_of(settings, relation) == ""


async def test_two_connections_to_one_file_need_the_same_settings(settings: Settings) -> None:
    assert CONNECTOR.source is not None
    write(settings.path, "CREATE TABLE t (id INT)")

    async with CONNECTOR.source(settings) as one, CONNECTOR.source(settings) as other:
        await one.describe(Relation(table="t"))
        await other.describe(Relation(table="t"))
        with pytest.raises(SourceMismatch, match="open in this process with other settings"):
            await CONNECTOR.check(settings.model_copy(update={"memory_limit": "64MB"}))


async def test_a_check_tells_what_is_there(settings: Settings) -> None:
    write(settings.path, "CREATE TABLE t (id INT)", "CREATE TABLE u (id INT)", "CREATE VIEW v AS FROM t")

    assert await CONNECTOR.check(settings) == f"DuckDB {duckdb.__version__}, 2 tables, 1 view"


@pytest.mark.parametrize("wrong", [{"memory_limit": "much"}, {"threads": 0}, {"page_bytes": 1}, {"timezone": "Mars/Olympus"}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"path": "shop.duckdb", **wrong})


# ── relations ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["odd", "main.odd", '"odd"', "stock.items", 'stock."weird ""name"". here"', "odd name", "한국"])
async def test_tables_go_by_qualified_and_quoted_names(opened: Opened, name: str) -> None:
    source = await opened(
        'CREATE TABLE odd AS SELECT 1 AS "my ""id""", 2 AS "select"',
        "CREATE SCHEMA stock",
        "CREATE TABLE stock.items AS FROM odd",
        'CREATE TABLE stock."weird ""name"". here" AS FROM odd',
        'CREATE TABLE "odd name" AS FROM odd',
        'CREATE TABLE "한국" AS FROM odd',
    )
    scan = Scan(relation=Relation(table=name), order=("select", 'my "id"'), columns=('my "id"',))

    assert await read(source, scan, 'my "id"') == [1]


async def test_a_name_that_no_table_can_have_is_a_mismatch(opened: Opened) -> None:
    source = await opened()

    with pytest.raises(SourceMismatch, match="is no table name"):
        await source.describe(Relation(table="a..b"))


async def test_a_python_variable_is_no_table(opened: Opened) -> None:
    relation = pa.table({"id": [1]})
    source = await opened()

    with pytest.raises(SourceMismatch, match="there is no table 'relation'") as refused:
        await source.describe(Relation(table="relation"))
    assert refused.value.hint == "correct `source.table`, or make the table"
    assert relation.num_rows == 1


async def test_views_over_parquet_and_csv_are_read_like_tables(opened: Opened, tmp_path: Path) -> None:
    ids = [n * 7919 % 5000 for n in range(5000)]
    pq.write_table(pa.table({"id": ids, "name": [f"n{n}" for n in ids]}), tmp_path / "part.parquet", row_group_size=1000)
    (tmp_path / "part.csv").write_text("id,name\n" + "\n".join(f"{n},n{n}" for n in ids))
    source = await opened(
        f"CREATE VIEW from_parquet AS FROM '{tmp_path}/part.parquet'",
        f"CREATE VIEW from_csv AS FROM '{tmp_path}/part.csv'",
    )

    for view in ("from_parquet", "from_csv"):
        assert await read(source, replace(BY_KEY, relation=Relation(table=view))) == list(range(5000))


async def test_a_view_whose_file_is_gone_is_unavailable(opened: Opened, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1]}), tmp_path / "part.parquet")
    source = await opened(f"CREATE VIEW v AS FROM '{tmp_path}/part.parquet'")
    (tmp_path / "part.parquet").unlink()

    with pytest.raises(SourceUnavailable, match=r"part\.parquet"):
        await batches(source, replace(BY_KEY, relation=Relation(table="v")))


async def test_a_query_may_end_with_a_comment_or_a_semicolon(opened: Opened) -> None:
    source = await opened("CREATE TABLE t AS SELECT 1 AS id")

    for query in ("SELECT id FROM t -- all of it", "SELECT id FROM t;\n"):
        assert await read(source, replace(BY_KEY, relation=Relation(query=query))) == [1]


async def test_a_row_that_cannot_be_read_is_a_mismatch(opened: Opened) -> None:
    source = await opened("CREATE TABLE t AS SELECT range AS id, if(range = 30000, 'x', '1') AS n FROM range(40000)")
    query = Relation(query="SELECT id, CAST(n AS INT) AS n FROM t")

    with pytest.raises(SourceMismatch, match="Could not convert string 'x'"):
        await batches(source, replace(BY_KEY, relation=query))


# ── types ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_VALUES = {
    "BIGINT": ["-9223372036854775808", "-1", "0", "9007199254740993", "9223372036854775807"],
    "HUGEINT": ["-170141183460469231731687303715884105728", "-1", "0", "18446744073709551616"],
    "UHUGEINT": ["0", "340282366920938463463374607431768211455"],
    "BIGNUM": ["-123456789012345678901234567890123456789012345", "-1", "0", "99999999999999999999999999999999999999999999"],
    "DECIMAL(18,3)": ["-12345678901.125", "0", "0.001"],
    "DECIMAL(38,38)": ["-0.5", "0", "0.00000000000000000000000000000000000001", "0.1"],
    "DOUBLE": ["-inf", "-1e300", "-0.1", "0", "5e-324", "0.1", "123456789.123456789", "inf", "nan"],
    "FLOAT": ["-0.1", "1e-40", "0.1", "16777216"],
    "BOOLEAN": ["false", "true"],
    "VARCHAR": ["", " ", "'", "A", "\\x", "a", "가나다", "🌶️"],
    "BLOB": ["", "\\x00", "\\x00\\xFF", "\\x27", "abc"],
    "BIT": ["0", "0101", "1", "10000000001"],
    "UUID": ["00000000-0000-0000-0000-000000000000", "7f000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "DATE": ["-infinity", "0044-03-15 (BC)", "1969-12-31", "2026-11-20", "20226-01-01", "infinity"],
    "TIME": ["00:00:00", "10:00:00.123456", "23:59:59.999999"],
    "TIME_NS": ["00:00:00.000000001", "23:59:59.999999999"],
    "TIMETZ": ["10:00:00.5+02:00", "10:00:00.5-07:30", "10:00:00+15:59:59"],
    "TIMESTAMP": ["-infinity", "0044-03-15 (BC) 01:02:03", "1969-12-31 23:59:59.999999", "2026-11-20 10:00:00.123456", "infinity"],
    "TIMESTAMP_S": ["1969-12-31 23:59:59", "2026-11-20 10:00:00", "infinity"],
    "TIMESTAMP_MS": ["1969-12-31 23:59:59.999", "2026-11-20 10:00:00.123"],
    "TIMESTAMP_NS": ["1700-01-01", "2026-11-20 10:00:00.123456788", "2026-11-20 10:00:00.123456789", "infinity"],
    "TIMESTAMPTZ": ["-infinity", "1969-12-31 23:59:59.999999+00", "2026-11-20 19:00:00.123456+09", "20226-01-01 00:00:00+00", "infinity"],
    "ENUM('small', 'medium', 'big')": ["small", "medium", "big"],
    "INTEGER": ["-2147483648", "7"],
    "UTINYINT": ["0", "255"],
    "JSON": ['"a"', '{"a": 1}'],
}


@pytest.mark.parametrize(("kind", "values"), [pytest.param(kind, values, id=kind) for kind, values in _VALUES.items()])
async def test_positions_of_every_type_lead_back_to_their_row(opened: Opened, kind: str, values: list[str]) -> None:
    rows = ", ".join("(CAST('" + value.replace("'", "''") + f"' AS {kind}))" for value in values)
    source = await opened(f"CREATE TABLE t (id {kind})", f"INSERT INTO t VALUES {rows}, (NULL)")
    scan = replace(BY_KEY, relation=Relation(table="t"))
    whole = await stands(source, scan)

    for split, after in enumerate(whole):
        assert await stands(source, replace(scan, after=after), 2) == whole[split + 1 :]
        if after != (None,):
            assert await stands(source, replace(scan, keys=(after,))) == [after]
            assert await stands(source, replace(scan, since=Since("id", str(after[0])))) == whole[split:]
    assert len(whole) == len(values) + 1


@pytest.mark.parametrize("kind", ["INT[]", "STRUCT(a INT)", "MAP(INT, INT)"])
async def test_a_type_without_a_position_is_a_mismatch_that_names_the_column(opened: Opened, kind: str) -> None:
    source = await opened(f"CREATE TABLE t (id {kind})", "INSERT INTO t VALUES (NULL)")

    with pytest.raises(SourceMismatch, match=r"'id'.*cannot be a key"):
        await batches(source, replace(BY_KEY, relation=Relation(table="t")))


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"])
async def test_a_horizon_of_every_temporal_type_can_be_looked_back_from(opened: Opened, kind: str) -> None:
    days = ("2026-01-01", "2026-01-03", "2026-01-05", "2099-01-01", "infinity")
    source = await opened(f"CREATE TABLE t (id {kind})", f"INSERT INTO t VALUES {', '.join(f'({day!r})' for day in days)}")
    table = Relation(table="t")

    horizon = await source.horizon(table, "id")

    assert horizon.reaches == horizon.now
    scan = replace(BY_KEY, relation=table)
    assert len(await stands(source, replace(scan, since=Since("id", str(horizon.reaches))))) == 2
    assert len(await stands(source, replace(scan, since=Since("id", "2026-01-05", timedelta(days=2))))) == 4


async def test_timestamps_without_a_zone_are_compared_with_the_clock_of_their_zone(opened: Opened) -> None:
    source = await opened("CREATE TABLE t (id TIMESTAMP)", "INSERT INTO t VALUES ('2099-01-01')", timezone="Pacific/Kiritimati")
    [[now]] = duckdb.execute("SELECT CAST(now() AT TIME ZONE 'Pacific/Kiritimati' AS TIMESTAMP)").fetchall()

    horizon = await source.horizon(Relation(table="t"), "id")

    [[late]] = duckdb.execute("SELECT date_diff('second', CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMP))", [now, horizon.reaches]).fetchall()
    assert 0 <= late < 300


# ── size ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_pages_grow_to_their_size_in_bytes_and_nothing_is_lost_between_them(opened: Opened) -> None:
    source = await opened(
        "CREATE TABLE t AS SELECT hash(range) // 2 AS id, repeat('x', 100) AS body FROM range(60000)", page_bytes=1_000_000
    )

    found = await read(source, replace(BY_KEY, relation=Relation(table="t")), rows=5000)

    assert len(found) == 60_000
    assert found == sorted(set(found))


async def test_many_rows_without_a_key_come_before_the_others(opened: Opened) -> None:
    source = await opened("CREATE TABLE t AS SELECT if(range < 5500, NULL, range) AS id FROM range(8000)")

    found = await read(source, replace(BY_KEY, relation=Relation(table="t")))

    assert found == [None] * 5500 + list(range(5500, 8000))


async def test_a_table_far_larger_than_the_memory_limit_is_read_in_order(opened: Opened) -> None:
    source = await opened(
        "CREATE TABLE t AS SELECT hash(range) // 2 AS id, repeat(md5(CAST(range AS VARCHAR)), 60) AS body FROM range(60000)",
        memory_limit="32MB",
        page_bytes=4_000_000,
    )

    found = await read(source, replace(BY_KEY, relation=Relation(table="t")))

    assert len(found) == 60_000
    assert found == sorted(found)


async def test_a_row_too_large_for_the_memory_limit_says_which_setting_to_raise(opened: Opened) -> None:
    source = await opened("CREATE TABLE t AS SELECT 1 AS id, repeat('x', 40000000) AS body", memory_limit="16MB")

    with pytest.raises(SourceUnavailable) as caught:
        await batches(source, replace(BY_KEY, relation=Relation(table="t")))

    assert "memory_limit" in caught.value.hint


# ── cancelling ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ENDLESS = Relation(query="SELECT a.range AS id FROM range(100000000) a, range(100000) b WHERE a.range % 7 = b.range % 11")


async def test_a_cancelled_scan_interrupts_its_query_and_leaves_the_source_usable(opened: Opened) -> None:
    source = await opened("CREATE TABLE t AS SELECT 1 AS id")
    scan = asyncio.create_task(batches(source, replace(BY_KEY, relation=ENDLESS)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(scan), timeout=0.3)

    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(scan, timeout=10)

    assert await read(source, replace(BY_KEY, relation=Relation(table="t"))) == [1]


async def test_a_scan_that_is_left_does_not_keep_the_file(opened: Opened, settings: Settings) -> None:
    source = await opened("CREATE TABLE t AS SELECT range AS id FROM range(100000)")

    async with scanning(source, replace(BY_KEY, relation=Relation(table="t")), 10) as found:
        await anext(found)

    assert await source.count(replace(BY_KEY, relation=Relation(table="t"))) == 100_000
