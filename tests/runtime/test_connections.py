"""Connections are opened on first use, shared while in use, and closed after the last or a while later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from syncd.runtime.connections import Opener, SharedConnections
from syncd.settings.sync import Offer


class Place:
    """Counts how often it is opened and closed."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0
        self.look = "as it was"
        self.was_closed = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        self.opened += 1
        number = self.opened
        yield number
        self.closed += 1
        self.was_closed.set()

    def connections(self, *, kept: bool, keep_seconds: float = 60.0) -> SharedConnections:
        return SharedConnections({(Offer.INDEXES, "local"): Opener(self.open, (lambda: self.look) if kept else None)}, keep_seconds)


@pytest.fixture
def place() -> Place:
    return Place()


async def test_users_at_one_time_share_a_connection_that_the_last_closes(place: Place) -> None:
    connections = place.connections(kept=False)

    async with connections.indexes("local"):
        async with connections.indexes("local"):
            pass
        assert (place.opened, place.closed) == (1, 0)

    assert (place.opened, place.closed) == (1, 1)


async def test_users_one_after_the_other_share_a_connection_that_is_worth_keeping(place: Place) -> None:
    connections = place.connections(kept=True)

    for _ in range(3):
        async with connections.indexes("local"):
            pass

    assert (place.opened, place.closed) == (1, 0)


async def test_a_kept_connection_is_closed_when_nobody_needs_it_for_a_while(place: Place) -> None:
    connections = place.connections(kept=True, keep_seconds=0.02)
    async with connections.indexes("local"):
        pass

    await asyncio.wait_for(place.was_closed.wait(), 10)

    async with connections.indexes("local"):
        assert place.opened == 2


async def test_a_kept_connection_is_not_closed_while_it_is_in_use(place: Place) -> None:
    connections = place.connections(kept=True, keep_seconds=0.01)
    async with connections.indexes("local"):
        pass

    async with connections.indexes("local"):
        await asyncio.sleep(0.1)
        assert (place.opened, place.closed) == (1, 0)


async def test_a_kept_connection_is_opened_anew_if_its_place_is_not_what_it_was(place: Place) -> None:
    connections = place.connections(kept=True)
    async with connections.indexes("local"):
        pass

    place.look = "somebody put another file there"

    async with connections.indexes("local"):
        assert (place.opened, place.closed) == (2, 1)


async def test_a_kept_connection_is_opened_anew_after_an_error(place: Place) -> None:
    connections = place.connections(kept=True)
    with pytest.raises(ValueError, match="disk"):
        async with connections.indexes("local"):
            raise ValueError("disk on fire")

    async with connections.indexes("local"):
        assert (place.opened, place.closed) == (2, 1)


def test_a_kept_connection_is_closed_when_the_loop_ends(place: Place) -> None:
    async def use() -> None:
        async with place.connections(kept=True).indexes("local"):
            pass

    asyncio.run(use())

    assert (place.opened, place.closed) == (1, 1)
