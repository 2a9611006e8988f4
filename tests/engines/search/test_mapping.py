"""Rows become documents."""

import json

import duckdb
import pyarrow as pa
import pytest

from syncd.domain.scan import UNFIT
from syncd.engines.search.fields import Fields, MappingInvalid, composite_id
from syncd.engines.search.mapping import Mapper, Unmapped

ROWS = "SELECT * FROM (VALUES (1, ' Ada ', '7.5', false), (2, 'Bob', 'x', false), (3, '한국', '9', true)) t(id, name, price, __gone)"


def table(statement: str = ROWS) -> pa.Table:
    with duckdb.connect() as db:
        return db.sql(statement).to_arrow_table()


def fields(**expressions: str) -> Fields:
    return Fields((("id", "id"), *expressions.items()), "id")


def bound(mapping: Fields, rows: pa.Table, key: tuple[str, ...] = ("id",)) -> Mapper:
    mapper = Mapper(mapping, key)
    mapper.bind(rows.schema)
    return mapper


def test_a_document_holds_what_the_expressions_say() -> None:
    with bound(fields(title="trim(name)"), table()) as mapper:
        mapped = mapper.documents(table().to_batches()[0])

    assert [json.loads(text) for text in mapped.rows.column("document").to_pylist()] == [
        {"id": 1, "title": "Ada"},
        {"id": 2, "title": "Bob"},
    ]


def test_a_row_that_the_source_calls_deleted_becomes_a_deletion_in_its_place() -> None:
    with bound(fields(title="name"), table()) as mapper:
        mapped = mapper.documents(table().to_batches()[0])

    assert mapped.gone.to_pylist() == ["3"]
    assert mapped.gone_positions.to_pylist() == [2]
    assert mapped.positions.to_pylist() == [0, 1]


def test_a_row_on_which_an_expression_fails_stands_alone_and_is_named() -> None:
    with bound(fields(price="cast(price AS DOUBLE)"), table()) as mapper:
        mapped = mapper.documents(table().to_batches()[0])

    assert mapped.rows.column("id").to_pylist() == ["1", "null"]
    assert list(mapped.unmapped) == ["2"]
    assert mapped.unmapped["2"].code == "mapping_failed"
    assert "price" in mapped.unmapped["2"].reason
    assert "'x'" in mapped.unmapped["2"].reason


def test_rows_that_the_source_calls_unfit_are_refused_with_its_reason_and_the_others_stay_in_their_places() -> None:
    [batch] = table("SELECT n AS id, 'x' AS name, n = 5 AS __gone FROM range(6) t(n)").to_batches()
    batch = batch.append_column(UNFIT, pa.array([None, "column at holds 0044 BC", None, "column at holds 0001 BC", None, "also old"]))

    with bound(fields(title="name"), table()) as mapper:
        mapped = mapper.documents(batch)

    assert mapped.rows.column("mark").to_pylist() == ["0", "1", "2", "3", "4"]
    assert mapped.rows.column("id").to_pylist() == ["0", "null", "2", "null", "4"]
    assert mapped.gone.to_pylist() == ["5"]
    assert mapped.unmapped == {
        "1": Unmapped("unfit_value", "column at holds 0044 BC"),
        "3": Unmapped("unfit_value", "column at holds 0001 BC"),
    }


def test_a_row_that_is_unfit_stands_beside_one_on_which_an_expression_fails() -> None:
    [batch] = table("SELECT n AS id, CASE n WHEN 1 THEN 'x' ELSE '7' END AS price FROM range(3) t(n)").to_batches()
    batch = batch.append_column(UNFIT, pa.array([None, None, "too large"]))

    with bound(fields(price="cast(price AS DOUBLE)"), table("SELECT 1::BIGINT AS id, '7' AS price")) as mapper:
        mapped = mapper.documents(batch)

    assert {mark: why.code for mark, why in mapped.unmapped.items()} == {"1": "mapping_failed", "2": "unfit_value"}
    assert mapped.rows.column("id").to_pylist() == ["0", "null", "null"]


def test_a_row_whose_key_is_unfit_is_refused_too() -> None:
    [batch] = table("SELECT CASE n WHEN 1 THEN NULL ELSE n END AS id FROM range(3) t(n)").to_batches()
    batch = batch.append_column(UNFIT, pa.array([None, "column id holds 1E125", None]))

    with bound(Fields((("id", "id"),), "id"), table("SELECT 1::BIGINT AS id")) as mapper:
        mapped = mapper.documents(batch)

    assert mapped.rows.column("id").to_pylist() == ["0", "null", "2"]
    assert [why.reason for why in mapped.unmapped.values()] == ["column id holds 1E125"]


def test_an_unknown_column_is_named_with_what_there_is() -> None:
    with pytest.raises(MappingInvalid, match=r"mapping\.title.*nme") as caught:
        bound(fields(title="nme"), table())

    assert "name" in caught.value.hint


def test_the_document_id_may_use_key_columns_only() -> None:
    mapping = Fields((("id", "name || id"),), "id")

    with pytest.raises(MappingInvalid, match="key columns alone"):
        bound(mapping, table())


def test_the_same_content_has_the_same_fingerprint_and_other_content_another() -> None:
    with bound(fields(title="name"), table()) as mapper:
        first = mapper.documents(table().to_batches()[0]).rows.column("fingerprint").to_pylist()
        again = mapper.documents(table().to_batches()[0]).rows.column("fingerprint").to_pylist()
        other = mapper.documents(table(ROWS.replace("Bob", "Rob")).to_batches()[0]).rows.column("fingerprint").to_pylist()

    assert first == again
    assert first[0] == other[0]
    assert first[1] != other[1]


def test_rows_without_a_usable_id_have_marks_of_their_own() -> None:
    rows = table("SELECT * FROM (VALUES (NULL, 'a'), (NULL, 'b')) t(id, name)")
    with bound(fields(name="name"), rows) as mapper:
        marks = mapper.documents(rows.to_batches()[0]).rows.column("mark").to_pylist()

    assert all(mark.startswith("!") for mark in marks)
    assert len(set(marks)) == 2


def test_only_the_columns_that_documents_need_are_read() -> None:
    with bound(fields(title="upper(name)"), table()) as mapper:
        needed = mapper.columns

    assert needed == ("id", "name")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("a_b", "c"), ("a", "b_c"), id="an underscore within a part"),
        pytest.param(("a", "_b"), ("a_", "b"), id="an underscore at a border"),
        pytest.param(("", "a"), ("a", ""), id="an empty part"),
        pytest.param(("a__b", "c"), ("a", "b__c"), id="the separator within a part"),
        pytest.param(("한", "글"), ("한글", ""), id="letters outside ASCII"),
        pytest.param(("a b", "c"), ("a_20b", "c"), id="what an escape looks like"),
    ],
)
def test_different_composite_keys_have_different_ids(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert composed(one) != composed(other)


def composed(key: tuple[str, str]) -> str:
    with duckdb.connect() as db:
        ((identity,),) = db.execute(f"SELECT {composite_id(['a', 'b'])} FROM (SELECT ? AS a, ? AS b)", list(key)).fetchall()
    assert set(identity) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    return str(identity)


@pytest.mark.parametrize(
    ("identity", "marks", "ids"),
    [
        ("id", ["1", "2"], ["1", "2"]),
        ("'a' || id", ["a1", "a2"], ['"a1"', '"a2"']),
        ("to_json(id)", ["1", "2"], ["1", "2"]),
        ("to_json('a\"' || id)", ['a"1', 'a"2'], ['"a\\"1"', '"a\\"2"']),
        ("DATE '2026-01-01' + id", ["2026-01-02", "2026-01-03"], ['"2026-01-02"', '"2026-01-03"']),
    ],
)
def test_a_row_is_known_by_its_id_as_plain_text_whatever_the_type(identity: str, marks: list[str], ids: list[str]) -> None:
    rows = table("SELECT range::INTEGER AS id FROM range(1, 3)")

    with bound(Fields((("id", identity),), "id"), rows) as mapper:
        mapped = mapper.documents(rows.to_batches()[0])
        listed = mapper.ids(rows.to_batches()[0])

    assert mapped.rows.column("mark").to_pylist() == marks
    assert mapped.rows.column("id").to_pylist() == ids
    assert listed.to_pylist() == marks


@pytest.mark.parametrize("identity", ["NULLIF(id, 1)", "NULLIF(id, 1)::VARCHAR", "id::DOUBLE", "to_json(NULLIF(id, 1))", "id = 1"])
def test_rows_without_a_usable_id_have_marks_that_no_row_with_one_has(identity: str) -> None:
    rows = table("SELECT 1 AS id")

    with bound(Fields((("id", identity),), "id"), rows) as mapper:
        mapped = mapper.documents(rows.to_batches()[0])

    assert mapped.rows.column("mark").to_pylist()[0].startswith("!")
