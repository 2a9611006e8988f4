"""Questions to a long log: answered step by step, and without reading what cannot hold the answer."""

from contextlib import aclosing
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from syncd.domain.audit import Entry
from syncd.ledger import formats, shipping, trigrams
from syncd.ledger.formats import SCHEMA, Copy, Form, Sink
from syncd.ledger.outbox import Line
from syncd.ledger.questions import Span, parts
from syncd.ledger.trigrams import Trigrams
from syncd.ports.ledger import AuditQuery
from tests.ledger.evidence import Books, in_sqlite, opened

WHOLE = (0, 100)


def lines(*details: str) -> list[Line]:
    return [(number, number, "a", "s", "r", "x", "ok", detail, b"p", b"h") for number, detail in enumerate(details, start=1)]


def sealed(folder: Path, *details: str) -> Path:
    """A file whose groups have two rows each."""
    path = folder / "2026-10.parquet"
    with path.open("wb") as file, Copy(Form.PARQUET, Sink(file)) as copy:
        for line in lines(*details):
            copy.write([line])
        copy.close()
    return path


def bits_of(*texts: str) -> bytes:
    gathered = Trigrams()
    gathered.add([pa.array(texts, pa.string())])
    return gathered.taken()


async def in_groups(books: Books, query: AuditQuery) -> list[list[int]]:
    async with aclosing(books.audit.search(query)) as groups:
        return [[entry.sequence for entry in group] async for group in groups]


@pytest.mark.parametrize(
    ("text", "asked", "admitted"),
    [
        pytest.param("a Wartungsfenster", "WARTUNG", True, id="a part of a word in another case"),
        pytest.param("a Wartungsfenster", "wartezeit", False, id="another word"),
        pytest.param("one two", "one two", True, id="words with a space between"),
        pytest.param("one two", "one three", False, id="only one of two words"),
        pytest.param("one two", "on", True, id="too short to tell"),
        pytest.param("one two", "한글", True, id="letters that are not counted"),
        pytest.param("\u212aelvin", "kelvin", True, id="a sign that is a letter in lower case, in the text"),
        pytest.param("kelvin", "\u212aelvin", True, id="a sign that is a letter in lower case, in the question"),
        pytest.param("\u0130zmir", "izmir", True, id="a letter of Turkey"),
        pytest.param("", "abc", False, id="nothing"),
    ],
)
def test_trigrams_tell_where_a_text_cannot_stand(text: str, asked: str, *, admitted: bool) -> None:
    places = trigrams.of_text(asked)

    assert trigrams.admit(bits_of(text), places) is admitted


def test_arrow_and_duckdb_agree_on_what_is_one_of_the_letters_a_to_z_in_lower_case() -> None:
    letters = pa.array([chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000])
    arrow = pc.utf8_lower(letters)

    with duckdb.connect() as db:
        db.register("letters", pa.table({"letter": letters, "arrow": arrow}))
        rows = db.execute("SELECT arrow, lower(letter) AS duck FROM letters WHERE least(arrow, duck) BETWEEN 'a' AND 'zz'").fetchall()

    assert {one for one, _ in rows} == set("abcdefghijklmnopqrstuvwxyz")
    assert [row for row in rows if row[0] != row[1]] == []


@pytest.mark.parametrize(
    ("text", "span", "found"),
    [
        pytest.param("ceres", WHOLE, [(2, 4)], id="the group that can hold it"),
        pytest.param("alpha", WHOLE, [(4, 6), (0, 2)], id="two groups, the newest first"),
        pytest.param("rhea", WHOLE, [(2, 6)], id="groups beside each other at once"),
        pytest.param("alpha", (1, 5), [(4, 5), (1, 2)], id="within the span only"),
        pytest.param("nowhere", WHOLE, [], id="nowhere"),
        pytest.param("", WHOLE, [WHOLE], id="everything where no text is asked for"),
        pytest.param("7", WHOLE, [WHOLE], id="everything where the text has no letters"),
    ],
)
def test_of_a_sealed_file_only_those_parts_are_read_that_can_hold_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, span: Span, found: list[Span]
) -> None:
    monkeypatch.setattr(formats, "_ROW_GROUP", 2)
    file = sealed(tmp_path, "Alpha", "beta", "Ceres", "Rhea", "alphabet", "rhea")

    assert parts(file, text, span) == found


def test_a_file_that_tells_no_trigrams_or_is_damaged_is_read_whole(tmp_path: Path) -> None:
    foreign, damaged = tmp_path / "2026-09.parquet", tmp_path / "2026-10.parquet"
    pq.write_table(pa.table({name: pa.array([], SCHEMA.field(name).type) for name in SCHEMA.names}), foreign)
    damaged.write_bytes(b"PAR1 of old PAR1")

    assert parts(foreign, "nowhere", WHOLE) == [WHOLE]
    assert parts(damaged, "nowhere", WHOLE) == [WHOLE]


async def test_texts_are_found_in_sealed_months_just_as_in_growing_ones(tmp_path: Path) -> None:
    texts = ("TREASURE", "한글 t", "e-7", "shop", "\u212aing", "run.st", "nowhere", "r-10-", "x")
    async with opened(tmp_path) as books:
        books.clock.now = datetime(2026, 10, 1, tzinfo=UTC)
        await books.audit.record([Entry("chest.found", detail={"what": what}) for what in ("한글 Treasure-7", "the KING", "x")])
        await books.fill(10, 11)
        before = [await in_groups(books, AuditQuery(text=text, until=books.clock.now)) for text in texts]

        await books.sealer.tend()

        assert books.month("2026-10.parquet").exists()
        assert [await in_groups(books, AuditQuery(text=text, until=books.clock.now)) for text in texts] == before
        assert [sum(map(len, groups)) for groups in before] == [1, 1, 1, 10, 1, 10, 0, 10, 1]


async def test_a_search_goes_back_step_by_step_and_finds_what_one_step_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11, 10, 12)
        queries = [AuditQuery(), AuditQuery(limit=7), AuditQuery(text='"n":3'), AuditQuery(run="r-10-0"), AuditQuery(text="nowhere")]
        at_once = [await in_groups(books, query) for query in queries]
        monkeypatch.setattr(shipping, "_FIRST_STEP", 3)
        monkeypatch.setattr(shipping, "_WIDENING", 1)

        in_steps = [await in_groups(books, query) for query in queries]

        assert [list(chain(*groups)) for groups in in_steps] == [list(chain(*groups)) for groups in at_once]
        assert [len(groups) for groups in in_steps] == [14, 3, 4, 2, 0]
        assert [len(groups) for groups in at_once] == [1, 1, 1, 1, 0]


async def test_others_record_and_ask_while_somebody_reads_the_first_hits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "_FIRST_STEP", 5)
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        async with aclosing(books.audit.search(AuditQuery())) as groups:
            first = await anext(groups)

            await books.fill(12)
            await books.sealer.tend()
            rest = [entry.sequence async for group in groups for entry in group]

        assert [entry.sequence for entry in first] + rest == list(range(20, 0, -1))
        assert len(await books.audit.query(AuditQuery(action="run.started"))) == 30


async def test_an_entry_that_the_outbox_lost_is_answered_from_its_month(tmp_path: Path) -> None:
    async with opened(tmp_path) as books:
        await books.fill(10, 11)
        whole = await books.audit.query(AuditQuery())
        in_sqlite(tmp_path / "state.db", "DELETE FROM outbox WHERE sequence IN (7, 17)")

        assert await books.audit.query(AuditQuery()) == whole
