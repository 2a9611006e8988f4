"""Documents that Arrow writes are those that SQL writes, character by character."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.engines.search import plain
from syncd.engines.search.fields import Fields
from syncd.engines.search.mapping import Mapper
from syncd.engines.search.plain import Columns

TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "integer": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "small": (pa.uint8(), st.integers(0, 255)),
    "boolean": (pa.bool_(), st.booleans()),
    "text": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]))),
    "controls": (pa.large_string(), st.text(st.sampled_from('\x00\x01\x07\b\t\n\v\f\r\x1b\x1f "\\/\x7f\x80é김🌶'))),
    "money": (pa.decimal128(12, 2), st.decimals(-(10**10) + 1, 10**10 - 1, places=2)),
    "fraction": (pa.decimal128(4, 4), st.decimals(Decimal("-0.9999"), Decimal("0.9999"), places=4)),
    "many": (pa.decimal128(15, 1), st.decimals(-(10**14) + 1, 10**14 - 1, places=1)),
    "day": (pa.date32(), st.dates()),
    "second": (pa.timestamp("s"), st.datetimes().map(lambda moment: moment.replace(microsecond=0))),
    "milli": (pa.timestamp("ms"), st.datetimes().map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))),
    "micro": (pa.timestamp("us"), st.datetimes()),
    "nano": (pa.timestamp("ns"), st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))),  # noqa: DTZ001 - the column has no zone
    "instant": (pa.timestamp("us", "UTC"), st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))),  # noqa: DTZ001
}
SCHEMA = pa.schema([("id", pa.int64()), *((name, kind) for name, (kind, _) in TYPES.items())])
FIELDS = Fields(tuple((name, f'"{name}"') for name in SCHEMA.names), "id")
COLUMNS = Columns(tuple((name, name) for name in SCHEMA.names), "id", ("id",))
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, (_, values) in TYPES.items()}), min_size=1, max_size=6)


def batch_of(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"id": number, **row} for number, row in enumerate(rows)], schema=SCHEMA)


def by_sql(mapper: Mapper, batch: pa.RecordBatch) -> pa.Table:
    return mapper._table(batch, mapper._document, mapper._identity)


@pytest.fixture(scope="module")
def mapper() -> Any:
    with Mapper(FIELDS, ["id"]) as mapper:
        mapper.bind(SCHEMA)
        yield mapper


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, start=st.integers(0, 5))
def test_every_value_is_written_as_by_sql(mapper: Mapper, rows: list[dict[str, Any]], start: int) -> None:
    batch = batch_of(rows).slice(min(start, len(rows) - 1))

    written = plain.rows(COLUMNS, batch)

    assert written is not None
    expected = by_sql(mapper, batch)
    for name in ("document", "mark", "key", "id", "gone", "position"):
        assert written.column(name).to_pylist() == expected.column(name).to_pylist()
    assert mapper._whole(batch).column("fingerprint") == expected.column("fingerprint")


@pytest.mark.parametrize("kind", [pa.string(), pa.int32()])
@settings(max_examples=30, deadline=None)
@given(keys=st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(0, 9)), min_size=1, max_size=9))
def test_keys_of_text_and_of_several_columns_are_written_as_by_sql(kind: pa.DataType, keys: list[tuple[str, int]]) -> None:
    first = pa.array([text for text, _ in keys]) if kind == pa.string() else pa.array([number for _, number in keys], kind)
    batch = pa.RecordBatch.from_arrays([first, pa.array([text for text, _ in keys])], names=["a", "b"])
    with Mapper(Fields((("a", "a"), ("b", "b")), "a"), ["a", "b"]) as mapper:
        mapper.bind(batch.schema)
        written = plain.rows(Columns((("a", "a"), ("b", "b")), "a", ("a", "b")), batch)
        expected = by_sql(mapper, batch)

    assert written is not None
    for name in ("document", "mark", "key", "id"):
        assert written.column(name).to_pylist() == expected.column(name).to_pylist()


LAST = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - the column has no zone


@pytest.mark.parametrize(("name", "value"), [("day", date(1, 1, 1)), ("second", LAST), ("text", ""), ("controls", '\\"\\')])
def test_the_edges_are_written_here(mapper: Mapper, name: str, value: Any) -> None:
    batch = batch_of([dict.fromkeys(TYPES) | {name: value}])

    written = plain.rows(COLUMNS, batch)

    assert written is not None
    assert written.column("document").to_pylist() == by_sql(mapper, batch).column("document").to_pylist()


@pytest.mark.parametrize(("name", "number"), [("second", 2**63 - 1), ("micro", -(2**63) + 1), ("second", -62_135_596_801)])
def test_moments_out_of_the_ordinary_are_left_to_sql(name: str, number: int) -> None:
    place = SCHEMA.get_field_index(name)
    batch = batch_of([dict.fromkeys(TYPES)])
    batch = batch.set_column(place, SCHEMA.field(name), pa.array([number], pa.int64()).cast(SCHEMA.field(name).type))

    assert plain.rows(COLUMNS, batch) is None


def test_rows_without_a_key_are_left_to_sql() -> None:
    batch = pa.RecordBatch.from_pylist([{"id": None, **dict.fromkeys(TYPES)}], schema=SCHEMA)

    assert plain.rows(COLUMNS, batch) is None


@pytest.mark.parametrize("kind", [pa.float64(), pa.decimal128(16, 2), pa.decimal128(12, 7), pa.binary(), pa.timestamp("us", "Asia/Seoul")])
def test_columns_of_other_types_are_left_to_sql(kind: pa.DataType) -> None:
    schema = pa.schema([("id", pa.int64()), ("x", kind)])

    assert not plain.fit(Columns((("id", "id"), ("x", "x")), "id", ("id",)), schema)
