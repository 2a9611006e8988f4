"""Nobody's work is lost, however many publish at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.domain.errors import NotFound
from syncd.engines.metadata import snapshots
from syncd.engines.metadata.publishing import Content, Published, Publisher
from syncd.engines.metadata.settings import SnapshotsSection
from syncd.ports.objects import ObjectStore
from tests.engines.metadata.world import store_in as opened

OBJECT = "cache.json"


@dataclass(frozen=True)
class Place:
    path: Path

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Publisher]:
        async with opened(self.path) as store:
            yield Publisher(store, OBJECT)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def number_of(before: Published) -> int:
    return int(before.stored.content) if before.stored else 0


async def one_more(before: Published) -> Content:
    number = number_of(before) + 1
    return Content(str(number).encode(), b"{}")


async def test_of_sixteen_publishers_each_wins_once_and_no_update_is_lost(place: Place) -> None:
    async def publisher() -> list[int]:
        async with place.open() as mine:
            return [int((await mine.publish(one_more)).before.stored is not None) for _ in range(5)]

    await asyncio.gather(*(publisher() for _ in range(16)))

    async with place.open() as mine:
        current, kept = await mine.current(), await snapshots.listed(mine.store, OBJECT)
        contents = {int(found.content) for info in kept if (found := await mine.store.get(info.name))}
    assert number_of(current) == 80
    assert contents == set(range(1, 80))


async def test_in_each_round_exactly_one_of_sixteen_publishers_wins(place: Place) -> None:
    for _ in range(5):
        started = asyncio.Barrier(16)
        wins: list[int] = []

        async def publisher(started: asyncio.Barrier = started, wins: list[int] = wins) -> None:
            tries = 0

            async def once(before: Published) -> Content | None:
                nonlocal tries
                tries += 1
                if tries == 1:
                    await started.wait()
                    return await one_more(before)
                return None

            async with place.open() as mine:
                done = await mine.publish(once)
                wins.append(done.info is not None)

        await asyncio.gather(*(publisher() for _ in range(16)))

        assert sum(wins) == 1


async def test_what_is_replaced_is_a_snapshot_before_it_is_gone(place: Place) -> None:
    async with place.open() as mine:
        for _ in range(3):
            await mine.publish(one_more)

        found = await snapshots.listed(mine.store, OBJECT)

        assert [(await content(mine.store, info.name)) for info in found] == [b"2", b"1"]
        assert snapshots.id_of(found[0]) > snapshots.id_of(found[1])
        newest = await snapshots.find(mine.store, OBJECT, snapshots.id_of(found[0]))
        assert newest == found[0]


async def content(store: ObjectStore, name: str) -> bytes:
    found = await store.get(name)
    assert found is not None
    return found.content


async def test_a_snapshot_that_there_is_not_is_told(place: Place) -> None:
    async with place.open() as mine:
        with pytest.raises(NotFound, match="there is no snapshot 'x'"):
            await snapshots.find(mine.store, OBJECT, "x")


async def test_the_bookkeeping_of_what_is_published_is_found(place: Place) -> None:
    async def nothing_special(_: Published) -> Content:
        return Content(b"1", b'{"format": 1, "dialect": "duckdb", "counter": "", "sections": {}, "trimmed": [], "units": {}}')

    async with place.open() as mine:
        await mine.publish(nothing_special)

        current = await mine.current()

    assert current.sidecar is not None
    assert current.sidecar.dialect == "duckdb"


async def test_old_snapshots_go_with_their_bookkeeping_and_the_youngest_stay(place: Place) -> None:
    async with place.open() as mine:
        for _ in range(6):
            await mine.publish(one_more)
        later = datetime.now(UTC) + timedelta(days=100)

        removed = await snapshots.prune(mine.store, OBJECT, SnapshotsSection(keep=2, days=90), later)

        assert removed == 3
        assert [await content(mine.store, info.name) for info in await snapshots.listed(mine.store, OBJECT)] == [b"5", b"4"]
        assert len(await mine.store.list(snapshots.SIDECARS)) == 3
        assert number_of(await mine.current()) == 6


async def test_young_snapshots_stay_however_many_there_are(place: Place) -> None:
    async with place.open() as mine:
        for _ in range(4):
            await mine.publish(one_more)

        removed = await snapshots.prune(mine.store, OBJECT, SnapshotsSection(keep=1, days=90), datetime.now(UTC))

        assert removed == 0
