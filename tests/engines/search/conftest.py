"""A source of products and the world around it."""

import pyarrow as pa
import pytest

from tests.engines.search.versioned import Versioned, row
from tests.engines.search.world import World


@pytest.fixture
def source() -> Versioned:
    """Forty products that were changed long ago."""
    held = Versioned({"id": pa.int64(), "name": pa.string(), "at": pa.int64()})
    held.change([row(number) for number in range(1, 41)])
    return held


@pytest.fixture
def world(source: Versioned) -> World:
    return World(source, settings={"readers": 1})
