"""A thread of one's own tells how long it has been at its present call."""

import asyncio
import threading
from datetime import timedelta

import pytest

from syncd.kit.threads import OneThread

NOTHING = timedelta(0)


async def test_it_is_busy_from_the_beginning_of_a_call_to_its_end() -> None:
    thread, go_on, begun = OneThread("test"), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(5)

    before = thread.busy_for()
    call = asyncio.create_task(thread.call(work))
    await begun.wait()
    await asyncio.sleep(0.05)
    meanwhile = thread.busy_for()
    go_on.set()
    await call

    assert before == NOTHING
    assert meanwhile >= timedelta(milliseconds=40)
    assert thread.busy_for() == NOTHING
    await thread.close()


async def test_a_call_that_fails_is_over() -> None:
    thread = OneThread("test")

    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0)

    assert thread.busy_for() == NOTHING
    await thread.close()
