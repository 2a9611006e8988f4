import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from syncd.kit.streams import ahead


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
