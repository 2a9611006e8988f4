"""Work that goes on beside other work, and waits for it that have an end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


class TaskDied(Exception):
    """Work that should go on for as long as a block does ended by itself; its error, if it had one, is the cause."""


async def happens(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event; False if it does not come within some seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


@asynccontextmanager
async def alongside(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Do some endless work until the block ends. If the work ends first, the block is cancelled, and `TaskDied` raised.

    A task group would wrap every error of the block into a group.
    """
    block = asyncio.current_task()
    if block is None:
        raise RuntimeError("work goes on alongside a task only")
    before, task = block.cancelling(), asyncio.create_task(work, name=name)
    leaving = died = False

    def ended(_: asyncio.Task[None]) -> None:
        nonlocal died
        if not leaving:
            died = True
            block.cancel()

    task.add_done_callback(ended)
    try:
        try:
            yield
        finally:
            leaving = not task.done()
            task.cancel()
            await asyncio.wait([task])
    except asyncio.CancelledError:
        if died and block.uncancel() <= before:
            raise TaskDied(name) from (None if task.cancelled() else task.exception())
        raise
    if not task.cancelled():
        task.result()
