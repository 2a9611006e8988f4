"""The source that the engine's tests read keeps the promises of one that can look back."""

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pytest

from syncd.ports.connecting import Source
from tests.contracts.source import Change, Kind, LookingBackContract, Make, Sample
from tests.engines.search.versioned import Versioned

TYPES = {Kind.INTEGER: pa.int64(), Kind.TEXT: pa.string(), Kind.MOMENT: pa.timestamp("us")}


@pytest.fixture
def source() -> Versioned:
    return Versioned({})


@pytest.fixture
def change(source: Versioned) -> Change:
    async def carry_out(rows: Collection[tuple[object, ...]] = (), removed: Collection[Any] = ()) -> None:
        source.change([dict(zip(source.columns, row, strict=True)) for row in rows], removed)

    return carry_out


@pytest.fixture
def make(source: Versioned, change: Change) -> Make:
    async def create(sample: Sample) -> Source:
        source.columns = {name: TYPES[kind] for name, kind in sample.columns.items()}
        await change(rows=sample.rows)
        return source

    return create


class TestVersioned(LookingBackContract):
    pass
