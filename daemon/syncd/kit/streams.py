"""Asynchronous iterators, one item ahead of who uses them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
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
