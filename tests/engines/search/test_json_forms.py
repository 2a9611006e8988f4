"""Every type has one documented JSON form."""

import json
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from syncd.engines.search.fields import Fields
from syncd.engines.search.mapping import Mapper


@pytest.fixture
def source() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as db:
        db.execute("SET arrow_lossless_conversion = true")
        db.execute("SET TimeZone = 'UTC'")
        yield db


def document(source: duckdb.DuckDBPyConnection, value: str) -> str:
    table = source.sql(f"SELECT 1 AS id, {value} AS v").to_arrow_table()
    return mapped(table)[0]


def mapped(table: pa.Table) -> list[str]:
    fields = Fields((("id", "id"), ("v", "v")), "id")
    with Mapper(fields, ["id"]) as mapper:
        mapper.bind(table.schema)
        return list(mapper.documents(table.to_batches()[0]).rows.column("document").to_pylist())


FORMS = [
    pytest.param("true", "true", id="a boolean"),
    pytest.param("9007199254740993", "9007199254740993", id="an integer beyond 2^53 stays exact"),
    pytest.param("(-9223372036854775808)::BIGINT", "-9223372036854775808", id="the least 64-bit integer"),
    pytest.param("18446744073709551615::UBIGINT", "18446744073709551615", id="the greatest unsigned 64-bit integer"),
    pytest.param("18446744073709551615::HUGEINT", "18446744073709551615", id="a wide integer that 64 bits hold"),
    pytest.param("18446744073709551616::HUGEINT", '"18446744073709551616"', id="a wide integer that 64 bits do not hold"),
    pytest.param(
        "170141183460469231731687303715884105727::HUGEINT", '"170141183460469231731687303715884105727"', id="the greatest HUGEINT"
    ),
    pytest.param("5::BIGNUM", "5", id="a small BIGNUM"),
    pytest.param("12345678901234567890123::BIGNUM", '"12345678901234567890123"', id="a large BIGNUM"),
    pytest.param("1.10::DECIMAL(9,2)", "1.10", id="a short decimal keeps its digits"),
    pytest.param("999999999999.999::DECIMAL(18,3)", "999999999999.999", id="a decimal of 15 digits"),
    pytest.param("1000000000000.001::DECIMAL(18,3)", '"1000000000000.001"', id="a decimal of 16 digits becomes text"),
    pytest.param("-123456789012345678.12::DECIMAL(38,2)", '"-123456789012345678.12"', id="a long negative decimal"),
    pytest.param("0.1::DOUBLE", "0.1", id="a double"),
    pytest.param("1.1::FLOAT", "1.1", id="a float is not widened"),
    pytest.param("'NaN'::DOUBLE", "null", id="not a number"),
    pytest.param("'-Infinity'::FLOAT", "null", id="an infinity"),
    pytest.param("'한국어 \"quoted\" 🙂\n'", '"한국어 \\"quoted\\" 🙂\\n"', id="text"),
    pytest.param("'a'::ENUM('a', 'b')", '"a"', id="an enum"),
    pytest.param("'11111111-1111-1111-1111-111111111111'::UUID", '"11111111-1111-1111-1111-111111111111"', id="a UUID"),
    pytest.param("DATE '1066-10-14'", '"1066-10-14"', id="a date before 1970"),
    pytest.param("TIME '10:00:00.5'", '"10:00:00.5"', id="a time"),
    pytest.param("TIMESTAMP '1969-12-31 23:59:59.999999'", '"1969-12-31T23:59:59.999999"', id="a timestamp before 1970"),
    pytest.param("TIMESTAMP_NS '2026-01-01 00:00:00.123456789'", '"2026-01-01T00:00:00.123456789"', id="nanoseconds"),
    pytest.param("'infinity'::TIMESTAMP", '"infinity"', id="an endless timestamp"),
    pytest.param("TIMESTAMPTZ '2026-01-01 00:00:00.5+09'", '"2025-12-31T15:00:00.5Z"', id="an instant is told in UTC"),
    pytest.param("TIMESTAMPTZ_NS '2026-01-01 00:00:00.123456789+09'", '"2025-12-31T15:00:00.123456789Z"', id="an instant in nanoseconds"),
    pytest.param("'10:00:00+09'::TIMETZ", '"10:00:00+09"', id="a time with its zone"),
    pytest.param("INTERVAL '14 months 3 days 90.5 seconds'", '"P14M3DT90.5S"', id="an interval"),
    pytest.param("'ab'::BLOB", '"YWI="', id="bytes are base64"),
    pytest.param("'0101'::BIT", '"0101"', id="bits"),
    pytest.param("""'{"a": [1, null]}'::JSON""", '{"a":[1,null]}', id="JSON is embedded as it is"),
    pytest.param("[1.5::DECIMAL(20,2), NULL, 1234567890123456789.5::DECIMAL(22,2)]", '[1.5,null,"1234567890123456789.50"]', id="a list"),
    pytest.param("[1, 2]::INTEGER[2]", "[1,2]", id="an array"),
    pytest.param("{'x': 'NaN'::DOUBLE, 'y': [TIMESTAMP '2026-01-01']}", '{"x":null,"y":["2026-01-01T00:00:00"]}', id="a struct"),
    pytest.param("MAP {1: 'inf'::DOUBLE}", '{"1":null}', id="a map has text keys"),
    pytest.param("union_value(num := 2::HUGEINT)", "2", id="a union is the value that is set"),
    pytest.param("NULL::STRUCT(a DOUBLE)", "null", id="a missing struct"),
    pytest.param("NULL::INTEGER", "null", id="NULL is null, and the field is there"),
    pytest.param("[NULL::HUGEINT]", "[null]", id="NULL in a list"),
]


@pytest.mark.parametrize(("value", "expected"), FORMS)
def test_every_type_has_its_json_form(source: duckdb.DuckDBPyConnection, value: str, expected: str) -> None:
    assert compact(document(source, value)) == compact(f'{{"id":1,"v":{expected}}}')


def compact(text: str) -> object:
    """Compare numbers by their value and texts by their letters: JSON does not tell 1.10 from 1.1."""
    return json.loads(text, parse_int=str)


def test_a_decimal_number_loses_no_digit(source: duckdb.DuckDBPyConnection) -> None:
    values = [f"{whole}.{cents:02d}" for whole in (0, 7, 99_999_999, 9_999_999_999_999) for cents in (0, 1, 10, 99)]

    table = source.sql(
        f"SELECT row_number() OVER () AS id, v FROM (VALUES {', '.join(f'({v}::DECIMAL(18,2))' for v in values)}) t(v)"
    ).to_arrow_table()
    texts = [json.loads(text, parse_float=str, parse_int=str)["v"] for text in mapped(table)]

    assert [float(text) for text in texts] == [float(value) for value in values]
    assert all(text.rstrip("0").rstrip(".") == value.rstrip("0").rstrip(".") for text, value in zip(texts, values, strict=True))
