import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest

from syncd.kit.streams import ahead, merged


async def numbers(made: list[int]) -> AsyncIterator[int]:
    for number in range(3):
        made.append(number)
        yield number


async def test_everything_comes_in_order() -> None:
    assert [number async for number in ahead(numbers([]))] == [0, 1, 2]


async def test_the_next_item_is_made_while_one_is_used() -> None:
    made: list[int] = []

    async with aclosing(ahead(numbers(made))) as found:
        await anext(found)
        await asyncio.sleep(0)

        assert made == [0, 1]


async def test_an_error_comes_behind_what_was_made_before_it() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no more")

    async with aclosing(ahead(failing())) as found:
        assert await anext(found) == 1
        with pytest.raises(ValueError, match="no more"):
            await anext(found)


async def test_what_is_being_made_has_ended_when_it_is_closed() -> None:
    ended = False

    async def slow() -> AsyncIterator[int]:
        nonlocal ended
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended = True

    async with aclosing(ahead(slow())) as found:
        await anext(found)
        await asyncio.sleep(0)

    assert ended


async def counting(*items: int, turns: int = 0) -> AsyncIterator[int]:
    for item in items:
        for _ in range(turns):
            await asyncio.sleep(0)
        yield item


async def test_several_streams_come_whole_each_in_its_order() -> None:
    streams = [counting(1, 2, 3, turns=2), counting(), counting(10, 11), counting(20, 21, 22, 23, turns=5)]

    found = [each async for each in merged(streams, 4)]

    assert {number: [item for which, item in found if which == number] for number in range(4)} == {
        0: [1, 2, 3],
        1: [],
        2: [10, 11],
        3: [20, 21, 22, 23],
    }


async def test_who_is_slow_keeps_nobody_waiting() -> None:
    never = asyncio.Event()

    async def stuck() -> AsyncIterator[int]:
        await never.wait()
        yield 0

    async with aclosing(merged([stuck(), counting(1, 2, 3)], 2)) as found:
        assert [await anext(found) for _ in range(3)] == [(1, 1), (1, 2), (1, 3)]


async def test_no_more_than_some_are_at_work_at_once_and_each_only_one_item_ahead() -> None:
    made: dict[int, int] = {}

    async def noting(number: int) -> AsyncIterator[int]:
        for item in range(3):
            made[number] = item
            yield item

    async with aclosing(merged([noting(number) for number in range(4)], 2)) as found:
        await anext(found)
        for _ in range(20):
            await asyncio.sleep(0)

        assert max(made.values()) <= 1
        assert set(made) == {0, 1}
        assert len([each async for each in found]) == 11


async def test_an_error_of_one_stream_ends_all() -> None:
    ended = False

    async def endless() -> AsyncGenerator[int, None]:
        nonlocal ended
        try:
            while True:
                await asyncio.sleep(0)
                yield 1
        finally:
            ended = True

    async def failing() -> AsyncIterator[int]:
        yield 2
        raise ValueError("no more")

    async with aclosing(endless()) as other:
        with pytest.raises(ValueError, match="no more"):
            async for _ in merged([other, failing()], 2):
                pass

    assert ended
