"""Asynchronous iterators, one item ahead of who uses them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def coming(items: AsyncIterator[Item]) -> asyncio.Task[Item | None]:
    """The next item, which is being made from now on; None behind the last."""

    async def make() -> Item | None:
        return await anext(items, None)

    return asyncio.create_task(make(), name="coming")


async def abandon(task: asyncio.Task[Item | None]) -> None:
    """Cancel what is being made, and wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def ahead(items: AsyncIterator[Item]) -> AsyncGenerator[Item, None]:
    """Yield what an iterator yields, and let the next item be made meanwhile. Close it before the iterator."""
    following = coming(items)
    try:
        while (item := await following) is not None:
            following = coming(items)
            yield item
    finally:
        await abandon(following)


async def merged(streams: Sequence[AsyncIterator[Item]], width: int) -> AsyncGenerator[tuple[int, Item], None]:
    """Yield what several iterators yield, each item with the number of its iterator, as soon as one has it.

    At most `width` are at work at once, each one item ahead; the next begins where one has ended. Close it before the iterators.
    """
    waiting = iter(enumerate(streams))
    making = {coming(items): number for number, items in islice(waiting, width)}
    try:
        while making:
            done, _ = await asyncio.wait(making, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                item, number = task.result(), making.pop(task)
                if item is not None:
                    making[coming(streams[number])] = number
                    yield number, item
                elif (following := next(waiting, None)) is not None:
                    making[coming(following[1])] = following[0]
    finally:
        for task in making:
            await abandon(task)
