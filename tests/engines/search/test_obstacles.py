"""Columns that the source cannot hand over."""

import pytest

from syncd.domain.errors import SourceMismatch
from tests.engines.search.versioned import Versioned
from tests.engines.search.world import World


@pytest.fixture
def obstructed(world: World, source: Versioned) -> World:
    source.obstacles = {"name": "leave it out by a `mapping`"}
    return world


async def test_a_column_that_cannot_be_read_is_refused_with_its_name_its_type_and_a_way_out(obstructed: World) -> None:
    with pytest.raises(SourceMismatch, match="column 'name' of products has the type string, which cannot be read") as caught:
        await obstructed.run("full")

    assert caught.value.hint == "leave it out by a `mapping`"


async def test_a_column_that_cannot_be_read_and_is_not_mapped_does_no_harm(obstructed: World) -> None:
    obstructed.mapping = {"id": "id", "at": '"at" + 1'}

    await obstructed.run("full")

    assert obstructed.documents["1"] == {"id": 1, "at": 51}
