"""Text and values of Oracle that need no server."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from syncd.connectors.oracle.moments import earlier, moment_text, trimmed
from syncd.connectors.oracle.types import decimal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((decimal, text) for text in ("", "x", "1_000", "١٢", "NaN", "Infinity", "1e999", "1E-200", "9" * 41, "1 2")),
        *((moment_text, text) for text in ("", "2026-13-45", "2026-02-30", "12026-01-01", "2026-01-01 25:00", "9999-12-31 23:59:59-09:00")),
    ],
)
def test_text_that_is_no_value_is_told_from_one_before_the_server_is_asked(value: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="is no "):
        value(text)


@pytest.mark.parametrize(
    ("text", "number"), [("1E+125", Decimal("1e125")), ("-.5", Decimal("-0.5")), ('"12345678901234567890"', Decimal(12345678901234567890))]
)
def test_numbers_are_read_exactly(text: str, number: Decimal) -> None:
    assert decimal(text) == number


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02", "2026-01-02 00:00:00.000000000"),
        ("2026-01-02T03:04", "2026-01-02 03:04:00.000000000"),
        ("2026-01-02 03:04:05.123456789", "2026-01-02 03:04:05.123456789"),
        ("2026-01-02T03:04:05.5Z", "2026-01-02 03:04:05.500000000"),
        ("2026-01-02T03:04:05+09:00", "2026-01-01 18:04:05.000000000"),
        ("0001-01-01", "0001-01-01 00:00:00.000000000"),
    ],
)
def test_moments_are_written_in_one_form_and_in_utc(text: str, moment: str) -> None:
    assert moment_text(text) == moment
    assert moment_text(text, digits=0) == moment[:19]


def test_a_moment_before_another_keeps_its_nanoseconds_and_ends_with_the_first_of_all() -> None:
    assert earlier("2026-01-02 00:00:00.000000789", timedelta(seconds=1)) == "2026-01-01 23:59:59.000000789"
    assert earlier("0001-01-01 00:00:05", timedelta(days=1)) == "0001-01-01 00:00:00.000000000"


@pytest.mark.parametrize(
    ("text", "short"), [("10:00:00.500000000", "10:00:00.5"), ("10:00:00.000000000", "10:00:00"), ("10:00:00", "10:00:00")]
)
def test_zeros_at_the_end_of_a_fraction_are_left_out(text: str, short: str) -> None:
    assert trimmed(text) == short
