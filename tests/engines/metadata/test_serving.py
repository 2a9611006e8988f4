"""Readers get the published bytes: from memory while they are fresh, and from memory too while the store is in trouble."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.domain.errors import TargetUnavailable
from syncd.engines.metadata.serving import Copy, Shelf
from syncd.kit.ids import ulid
from syncd.ports.objects import ObjectStore
from tests.engines.metadata.world import store_in as opened

OBJECT = "cache.json"
BEGINNING = datetime(2026, 11, 18, tzinfo=UTC)


@dataclass
class Place:
    """A store that can be down, or slow, and a clock."""

    path: Path
    now: datetime = BEGINNING
    down: bool = False
    opened: int = 0
    slow: asyncio.Event | None = None
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = self.another()

    def another(self) -> Shelf:
        """What a daemon has after its start."""
        return Shelf(OBJECT, timedelta(hours=1), self.open, self.path / "syncs/w/published", lambda: self.now)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ObjectStore]:
        self.opened += 1
        if self.slow is not None:
            await self.slow.wait()
        if self.down:
            raise TargetUnavailable("the store is down")
        async with opened(self.path / "store") as store:
            yield store

    async def publish(self, content: bytes) -> int:
        async with opened(self.path / "store") as store:
            found = await store.stat(OBJECT)
            return (await store.put(OBJECT, content, found.generation if found else 0, ulid(), {})).generation

    async def read(self, newest: int = 0) -> Copy:
        copy = await self.shelf.read(newest)
        assert copy is not None
        return copy


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    (tmp_path / "syncs").mkdir()
    place = Place(tmp_path)
    yield place
    await place.shelf.close()


async def settled(shelf: Shelf) -> None:
    if shelf.comparing is not None:
        await asyncio.wait({shelf.comparing})


async def test_bytes_are_handed_out_as_they_are(place: Place) -> None:
    content = b'\xef\xbb\xbf{ "generated_at" : 1,\r\n\t"x":1.0 }  '
    await place.publish(content)

    assert (await place.read()).content == content


async def test_nothing_published_is_nothing(place: Place) -> None:
    assert await place.shelf.read(0) is None


async def test_a_fresh_copy_asks_nobody(place: Place) -> None:
    await place.publish(b"1")
    for _ in range(3):
        await place.read()

    assert place.opened == 1
    assert (place.shelf.counts.hits, place.shelf.counts.misses) == (2, 1)


async def test_a_stale_copy_is_answered_at_once_and_compared_once_meanwhile(place: Place) -> None:
    await place.publish(b"1")
    await place.read()
    await place.publish(b"2")
    place.now += timedelta(hours=2)
    place.slow = asyncio.Event()

    stale = [await place.read() for _ in range(5)]
    place.slow.set()
    await settled(place.shelf)
    fresh = await place.read()

    assert {copy.content for copy in stale} == {b"1"}
    assert place.opened == 2
    assert fresh.content == b"2"
    assert place.shelf.counts.stale == 5


async def test_what_our_own_run_has_published_is_waited_for(place: Place) -> None:
    await place.publish(b"1")
    await place.read()

    copy = await place.read(newest=await place.publish(b"2"))

    assert copy.content == b"2"


async def test_no_trouble_of_the_store_is_an_error_while_there_is_a_copy_and_its_age_is_told(place: Place) -> None:
    await place.publish(b"1")
    await place.read()
    place.down = True
    place.now += timedelta(hours=2)

    first = await place.read()
    await settled(place.shelf)
    second = await place.read()
    third = await place.read(newest=second.generation + 1)

    assert {first.content, second.content, third.content} == {b"1"}
    assert second.checked_at == BEGINNING
    assert place.shelf.is_stale(second) == "the store is down"


async def test_after_the_trouble_the_copy_is_fresh_again(place: Place) -> None:
    await place.publish(b"1")
    await place.read()
    place.down = True
    place.now += timedelta(hours=2)
    await place.read()
    await settled(place.shelf)
    place.down = False

    await place.read()
    await settled(place.shelf)
    copy = await place.read()

    assert place.shelf.is_stale(copy) == ""
    assert copy.checked_at == place.now


async def test_a_daemon_that_begins_while_the_store_is_down_has_the_last_copy(place: Place) -> None:
    await place.publish(b"1")
    await place.read()
    place.down = True
    place.now += timedelta(days=1)

    later = place.another()
    copy = await later.read(0)
    await settled(later)

    assert copy is not None
    assert copy.content == b"1"
    assert later.is_stale(copy)


async def test_a_damaged_copy_is_not_handed_out(place: Place) -> None:
    await place.publish(b"1234")
    await place.read()
    file = place.path / "syncs/w/published"
    file.write_bytes(file.read_bytes()[:-1])
    place.down = True

    with pytest.raises(TargetUnavailable):
        await place.another().read(0)
