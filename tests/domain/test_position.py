"""Positions are text that its source casts back."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

from syncd.domain.errors import SourceMismatch
from syncd.domain.position import position, positions


@pytest.mark.parametrize(
    ("array", "text"),
    [
        pytest.param(pa.array([7]), "7", id="integer"),
        pytest.param(pa.array(["it's"]), "it's", id="text"),
        pytest.param(pa.array([True]), "true", id="boolean"),
        pytest.param(pa.array([0.1]), "0.1", id="double"),
        pytest.param(pa.array([Decimal("0.0000000001")]), "0.0000000001", id="small decimal"),
        pytest.param(pa.array([datetime(2026, 11, 20, 10, 0, 0, 123456, UTC)]), "2026-11-20 10:00:00.123456Z", id="moment with a zone"),
        pytest.param(pa.array([1], pa.timestamp("ns")), "1970-01-01 00:00:00.000000001", id="nanoseconds"),
        pytest.param(pa.array([2**63 - 1], pa.timestamp("us", "UTC")), "infinity", id="the end of time"),
        pytest.param(pa.array([1 - 2**31], pa.int32()).cast(pa.date32()), "-infinity", id="the first of days"),
        pytest.param(pa.array([date(1969, 12, 31)]), "1969-12-31", id="date"),
        pytest.param(pa.array([b"\x00'a"]), "\\x00\\x27\\x61", id="bytes"),
        pytest.param(pa.array(["b"]).dictionary_encode(), "b", id="dictionary"),
        pytest.param(pa.array([UUID(int=255).bytes], pa.uuid()), "00000000-0000-0000-0000-0000000000ff", id="uuid"),
        pytest.param(pa.array(["{}"], pa.json_()), "{}", id="json"),
        pytest.param(pa.array([1], pa.bool8()), "true", id="bool8"),
    ],
)
def test_a_value_has_a_text(array: pa.Array, text: str) -> None:
    batch = pa.record_batch([array], names=["id"])

    assert position(batch, 0, ["id"]) == (text,)


def test_a_position_has_the_values_of_its_columns_in_order_and_none_for_null() -> None:
    batch = pa.record_batch({"id": [1, None], "name": ["a", "b"], "at": pa.array([None, 2**63 - 1], pa.timestamp("us"))})

    assert positions(batch, ["at", "id"]) == [(None, "1"), ("infinity", None)]
    assert position(batch, 1, ["name"]) == ("b",)


def test_an_empty_batch_has_no_positions() -> None:
    batch = pa.record_batch({"id": pa.array([], pa.int64()), "at": pa.array([], pa.timestamp("us"))})

    assert positions(batch, ["id", "at"]) == []


@pytest.mark.parametrize("array", [pa.array([[1]]), pa.array([{"a": 1}]), pa.array([2**62], pa.timestamp("us"))])
def test_what_has_no_text_is_a_mismatch_that_names_the_column(array: pa.Array) -> None:
    batch = pa.record_batch([array], names=["odd"])

    with pytest.raises(SourceMismatch, match="column 'odd'"):
        position(batch, 0, ["odd"])
