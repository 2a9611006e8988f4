"""SQLite FTS5 keeps the promises of a target, and finds what was written."""

import asyncio
import json
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from subprocess import PIPE

import pytest

from syncd.connectors.fts5 import CONNECTOR, Settings, search
from syncd.domain.batch import Severity
from syncd.domain.errors import TargetMismatch, TargetUnavailable
from syncd.ports.connecting import Indexes, IndexShape
from tests.contracts.target import ADA, BOB, EVE, SHAPE, TargetContract, all_ids, batch, batch_of_rows, contents, drain, prepared, row


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(path=tmp_path / "state" / "search.db")


@pytest.fixture
async def indexes(settings: Settings) -> AsyncIterator[Indexes]:
    assert CONNECTOR.indexes is not None
    async with CONNECTOR.indexes(settings) as found:
        yield found


@pytest.fixture
def name() -> str:
    return "products"


def ask(path: Path, question: str) -> list[tuple[object, ...]]:
    """What any SQLite program would be answered."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def found(settings: Settings, words: str, limit: int = 20, index: str = "products") -> list[object]:
    return [document["id"] for document in search(settings.path, index, words, limit)]


def is_consistent(path: Path, index: str) -> bool:
    """Words, documents and their count say the same."""
    with closing(sqlite3.connect(path)) as connection:
        [[number, counted, has_words]] = connection.execute(
            "SELECT number, documents, has_words FROM syncd_indexes WHERE name = ?", [index]
        )
        if has_words:
            connection.execute(f"INSERT INTO syncd_words_{number} (syncd_words_{number}, rank) VALUES ('integrity-check', 1)")
        [[documents]] = connection.execute(f"SELECT count(*) FROM syncd_documents_{number}")
        [[verdict]] = connection.execute("PRAGMA integrity_check")
    return bool(verdict == "ok" and counted == documents)


class TestFTS5(TargetContract):
    pass


FEW, MANY = range(100, 103), range(100, 1300)
"""Ids of documents that make an index one without words, and one with."""


def fillers(ids: range) -> list[dict[str, object]]:
    return [{"id": n, "title": f"other {n}"} for n in ids]


# ── searching ────────────────────────────────────────────────────────────────────────────────────────────────────────────

STEW = {"id": 1, "title": "Kimchi Stew", "title_ko": "김치찌개", "tags": ["spicy", {"origin": "전주"}], "price": 12}
SOUP = {"id": 2, "title": "Soybean paste soup", "title_ko": "우리집 된장찌개", "note": 'say "100%" C:\\tea\n끝'}


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("kimchi", [1]),
        ("KIMCHI", [1]),
        ("imch", [1]),
        ("soup paste", [2]),
        ("kimchi soup", []),
        ("김치찌개", [1]),
        ("된장찌", [2]),
        ("찌개", [1, 2]),
        ("찌개 우리집", [2]),
        ("끝", [2]),
        ("전주", [1]),
        ("spicy", [1]),
        ("st", [1, 2]),
        ("pa", [2]),
        ("title", []),
        ("12", []),
        ("100%", [2]),
        ("1%0", []),
        ("%", [2]),
        ("___", []),
        ('"100', [2]),
        ("C:\\tea", [2]),
        ("c:\\", [2]),
        ("", [1, 2]),
    ],
)
@pytest.mark.parametrize("others", [FEW, MANY])
async def test_search_finds_parts_of_words_in_any_script(
    indexes: Indexes, settings: Settings, others: range, words: str, ids: list[int]
) -> None:
    await prepared(indexes, "products", STEW, SOUP, *fillers(others))

    assert [key for key in found(settings, words, limit=5000) if key in (1, 2)] == ids


async def test_an_index_that_grows_keeps_finding_what_it_had(indexes: Indexes, settings: Settings) -> None:
    target = await prepared(indexes, "products", STEW)

    for start in range(100, 2100, 400):
        await drain(target, batch(*fillers(range(start, start + 400)), gone=[str(start + 5)]))
        assert found(settings, "김치찌개") == [1]

    assert found(settings, "other 2099") == [2099]
    assert is_consistent(settings.path, "products")


async def test_search_stops_at_its_limit(indexes: Indexes, settings: Settings) -> None:
    await prepared(indexes, "products", *({"id": n, "title": "kimchi"} for n in range(10)))

    assert found(settings, "kimchi", limit=3) == [0, 1, 2]


@pytest.mark.parametrize("others", [FEW, MANY])
async def test_search_no_longer_finds_what_was_replaced_or_deleted(indexes: Indexes, settings: Settings, others: range) -> None:
    target = await prepared(indexes, "products", STEW, SOUP, *fillers(others))

    await drain(target, batch({**STEW, "title_ko": "비빔밥"}, gone=["2"]))

    assert found(settings, "김치찌개") == []
    assert found(settings, "soybean") == []
    assert found(settings, "비빔밥") == [1]
    assert is_consistent(settings.path, "products")


async def test_search_follows_a_swap(indexes: Indexes, settings: Settings) -> None:
    await prepared(indexes, "products", STEW, *fillers(MANY))
    await prepared(indexes, "shadow", SOUP)

    await indexes.swap("products", "shadow")

    assert found(settings, "찌개") == [2]
    assert found(settings, "찌개", index="shadow") == [1]


async def test_searching_an_unknown_index_is_a_mismatch(indexes: Indexes, settings: Settings) -> None:
    await prepared(indexes, "products", STEW)

    with pytest.raises(TargetMismatch, match=r"no index 'prodcts'; did you mean 'products'"):
        found(settings, "kimchi", index="prodcts")


def test_searching_a_missing_file_is_unavailable_and_makes_none(settings: Settings) -> None:
    with pytest.raises(TargetUnavailable, match=r"search\.db"):
        found(settings, "kimchi")

    assert not settings.path.exists()


async def test_any_sqlite_can_query_an_index_by_its_name_with_the_help_of_its_words(indexes: Indexes, settings: Settings) -> None:
    await prepared(indexes, 'odd "index" 이름', STEW, SOUP, *fillers(MANY))
    question = """SELECT id FROM "odd ""index"" 이름" WHERE text LIKE '%된장찌%'"""

    assert ask(settings.path, question) == [("2",)]
    assert any("VIRTUAL TABLE INDEX 0:L" in str(step) for step in ask(settings.path, f"EXPLAIN QUERY PLAN {question}"))


async def test_documents_that_are_no_json_for_sqlite_are_stored_and_found(indexes: Indexes, settings: Settings) -> None:
    target = await prepared(indexes, "products")
    deep = '{"id":1,"title":"bottomless","deep":' + "[" * 3000 + "]" * 3000 + "}"

    await drain(target, batch_of_rows([("1", deep), ("2", '{"id":2,"half":"\\ud800","title":"halves"}')]))

    assert await all_ids(target) == ["1", "2"]
    assert ask(settings.path, "SELECT id FROM products WHERE text LIKE '%bottomless%'") == [("1",)]
    assert found(settings, "halves") == [2]
    assert is_consistent(settings.path, "products")


# ── settings of an index ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_only_searchable_attributes_are_searched(indexes: Indexes, settings: Settings) -> None:
    shape = IndexShape("id", {"searchableAttributes": ["title", "origin.town", "it's"]})
    target = indexes.index("products")
    await target.prepare(shape)

    await drain(target, batch({"id": 1, "title": "stew", "note": "secret", "origin": {"town": "Jeonju"}, "it's": "odd"}))

    assert [found(settings, words) for words in ("stew", "jeonju", "odd", "secret")] == [[1], [1], [1], []]


@pytest.mark.parametrize("others", [FEW, MANY])
async def test_changed_searchable_attributes_hold_for_documents_that_are_there(indexes: Indexes, settings: Settings, others: range) -> None:
    target = await prepared(indexes, "products", STEW, SOUP, *fillers(others))
    before = await indexes.inspect("products", SHAPE)

    after = await target.prepare(IndexShape("id", {"searchableAttributes": ["title_ko"]}))

    assert after == before
    assert found(settings, "kimchi") == []
    assert found(settings, "된장찌개") == [2]
    assert is_consistent(settings.path, "products")


async def test_settings_without_a_use_are_named(indexes: Indexes) -> None:
    state = await indexes.index("products").prepare(IndexShape("id", {"filterableAttributes": ["price"], "searchableAttributes": ["*"]}))

    assert [(finding.severity, finding.code) for finding in state.findings] == [(Severity.NOTE, "setting_ignored")]
    assert "filterableAttributes" in state.findings[0].message


@pytest.mark.parametrize("wrong", ["title", [1], [""], ['a"b'], {"title": 1}])
async def test_searchable_attributes_that_are_none_are_a_mismatch(indexes: Indexes, wrong: object) -> None:
    with pytest.raises(TargetMismatch, match="searchableAttributes"):
        await indexes.index("products").prepare(IndexShape("id", {"searchableAttributes": wrong}))

    assert await indexes.inspect("products", SHAPE) is None


async def test_another_primary_key_is_found_on_inspection(indexes: Indexes) -> None:
    await prepared(indexes, "products", ADA)

    state = await indexes.inspect("products", IndexShape("sku"))

    assert state is not None
    assert [finding.severity for finding in state.findings] == [Severity.PROBLEM]


# ── ids and names ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("json_id", ["null", "true", "1.5", "1.0", "[1]", '{"a":1}', '""', "NaN", '"\\ud800"', '"a\\u0000b"', "", "x"])
async def test_what_is_neither_an_integer_nor_a_text_is_refused(indexes: Indexes, json_id: str) -> None:
    target = await prepared(indexes, "products")
    rows = batch_of_rows([row(ADA), (json_id, '{"name":"odd"}'), row(BOB)])

    [receipt] = await drain(target, rows)

    assert [(refusal.row, refusal.code) for refusal in receipt.refused] == [(1, "invalid_document_id")]
    assert list(target.unfit(rows.rows)) == list(receipt.refused)
    assert await contents(target) == {"1": ADA, "2": BOB}


@pytest.mark.parametrize("value", ["a b/c.d", "한국 🌶️", 'it\'s "quoted"', "%", "x" * 5000, 2**70, -1, "007"])
async def test_any_other_integer_or_text_is_fine(indexes: Indexes, value: object) -> None:
    target = await prepared(indexes, "products", {"id": value})

    await drain(target, batch({"id": value, "again": True}))

    assert await contents(target, [str(value)]) == {str(value): {"id": value, "again": True}}
    await drain(target, batch(gone=[str(value)]))
    assert await all_ids(target) == []


async def test_the_last_document_of_a_batch_with_one_id_wins(indexes: Indexes, settings: Settings) -> None:
    target = await prepared(indexes, "products")

    await drain(target, batch({"id": 7, "name": "first"}, {"id": "7", "name": "second"}))

    assert await contents(target) == {"7": {"id": "7", "name": "second"}}
    assert is_consistent(settings.path, "products")


@pytest.mark.parametrize("wrong", ["", "a\0b", "syncd_indexes", "SQLITE_x"])
async def test_names_that_the_file_needs_itself_are_a_mismatch(indexes: Indexes, wrong: str) -> None:
    with pytest.raises(TargetMismatch, match="cannot be an index"):
        indexes.index(wrong)


async def test_names_that_differ_in_case_only_are_a_mismatch(indexes: Indexes) -> None:
    await prepared(indexes, "products", ADA)

    with pytest.raises(TargetMismatch, match="'products', which SQLite does not tell from 'Products'"):
        await indexes.index("Products").prepare(SHAPE)


async def test_an_index_that_was_never_prepared_is_a_mismatch(indexes: Indexes) -> None:
    with pytest.raises(TargetMismatch, match="there is no index 'products'"):
        await drain(indexes.index("products"), batch(ADA))


async def test_swapping_two_missing_indexes_is_a_mismatch(indexes: Indexes) -> None:
    with pytest.raises(TargetMismatch, match="no indexes 'one' and 'two'"):
        await indexes.swap("one", "two")


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", [b"not a database at all" * 1000])
async def test_a_file_that_is_no_database_is_a_mismatch_and_stays_as_it_is(settings: Settings, content: bytes) -> None:
    settings.path.parent.mkdir()
    settings.path.write_bytes(content)

    with pytest.raises(TargetMismatch, match=r"search\.db cannot be used: file is not a database"):
        await CONNECTOR.check(settings)

    assert settings.path.read_bytes() == content


async def test_the_database_of_another_program_is_a_mismatch(settings: Settings) -> None:
    settings.path.parent.mkdir()
    ask(settings.path, "CREATE TABLE theirs (id)")

    with pytest.raises(TargetMismatch, match="is the database of another program"):
        await CONNECTOR.check(settings)


async def test_a_file_that_somebody_else_writes_is_unavailable(indexes: Indexes, settings: Settings) -> None:
    assert CONNECTOR.indexes is not None
    target = await prepared(indexes, "products", ADA)
    impatient = settings.model_copy(update={"busy_timeout": settings.busy_timeout / 1000})

    with closing(sqlite3.connect(settings.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TargetUnavailable, match="locked"):
            await CONNECTOR.check(impatient)
        other.execute("ROLLBACK")

    await drain(target, batch(BOB))
    assert await all_ids(target) == ["1", "2"]


async def test_a_full_disk_is_unavailable_and_leaves_everything_as_it_was(indexes: Indexes, settings: Settings) -> None:
    target = await prepared(indexes, "products", ADA)
    [[pages]] = ask(settings.path, "PRAGMA page_count")
    await indexes.index("products")._file.call(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall())  # type: ignore[attr-defined]

    with pytest.raises(TargetUnavailable, match="full"):
        await drain(target, *(batch({"id": n, "text": f"{n} " * 5000}) for n in range(10, 20)))

    assert await all_ids(target) == ["1"]
    assert is_consistent(settings.path, "products")


async def test_two_connections_to_one_file_take_turns(indexes: Indexes, settings: Settings) -> None:
    assert CONNECTOR.indexes is not None
    one = await prepared(indexes, "one")
    async with CONNECTOR.indexes(settings) as others:
        two = await prepared(others, "two")

        await asyncio.gather(
            drain(one, *(batch({"id": n}) for n in range(50))),
            drain(two, *(batch({"id": n}) for n in range(50))),
        )

    assert len(await all_ids(one)) == len(await all_ids(indexes.index("two"))) == 50


async def test_what_was_written_is_there_after_opening_again(settings: Settings) -> None:
    assert CONNECTOR.indexes is not None
    async with CONNECTOR.indexes(settings) as first:
        await prepared(first, "products", ADA, BOB, EVE)
        before = await first.inspect("products", SHAPE)

    async with CONNECTOR.indexes(settings) as second:
        assert await second.inspect("products", SHAPE) == before
        assert await contents(second.index("products")) == {"1": ADA, "2": BOB, "e-3": EVE}


async def test_a_check_tells_what_is_there_and_makes_nothing(settings: Settings) -> None:
    assert CONNECTOR.indexes is not None
    assert await CONNECTOR.check(settings) == f"SQLite {sqlite3.sqlite_version}, {settings.path} will be made"
    assert not settings.path.exists()

    async with CONNECTOR.indexes(settings) as indexes:
        await prepared(indexes, "products", ADA)

    assert await CONNECTOR.check(settings) == f"SQLite {sqlite3.sqlite_version}, 1 index"


async def test_the_index_of_a_thousand_tables_is_prepared_quickly(indexes: Indexes) -> None:
    for n in range(1000):
        await indexes.index(f"table-{n}").prepare(SHAPE)

    began = time.monotonic()
    for n in range(0, 1000, 10):
        await indexes.index(f"table-{n}").prepare(SHAPE)
        await drain(indexes.index(f"table-{n}"), batch(ADA))

    assert time.monotonic() - began < 5


# ── crashes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_WRITER = """
import asyncio, itertools, sys
from syncd.connectors.fts5 import CONNECTOR, Settings
from tests.contracts.target import SHAPE, alone, batch

async def endless(first):
    for turn in itertools.count(first):
        rows = ({"id": n, "turn": turn, "text": f"kimchi {turn} {n}"} for n in range(turn % 7, 1100))
        yield batch(*rows, {"id": f"own-{turn}"}, gone=[str(turn % 7 - 1)], reaches=str(turn))

async def main(path, first):
    async with CONNECTOR.indexes(Settings(path=path)) as indexes:
        target = indexes.index("products")
        await target.prepare(SHAPE)
        async for receipt in target.apply(endless(first), alone):
            print(receipt.batch.reaches, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_a_killed_process_leaves_every_batch_that_it_had_a_receipt_for(settings: Settings) -> None:
    assert CONNECTOR.indexes is not None
    reached = -1
    for moment in range(4):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _WRITER, str(settings.path), str(reached + 1), stdout=PIPE, env=_environment()
        )
        assert writer.stdout is not None
        receipts = [int(await writer.stdout.readline()) for _ in range(2 + 3 * moment)]
        writer.send_signal(signal.SIGKILL)
        receipts += [int(line) for line in (await writer.stdout.read()).split()]
        await writer.wait()

        assert receipts == list(range(reached + 1, receipts[-1] + 1))
        reached = receipts[-1]
        assert is_consistent(settings.path, "products")
        async with CONNECTOR.indexes(settings) as indexes:
            stored = await contents(indexes.index("products"))
        assert {f"own-{turn}" for turn in range(reached + 1)} <= stored.keys()
        turns = {document["turn"] for document in stored.values() if "turn" in document}
        assert max(json.loads(str(turn)) for turn in turns) in (reached, reached + 1)


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(path for path in [str(Path(__file__).parents[2]), *sys.path] if path)}
