"""A thread of its own for a blocking library."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextvars import ContextVar

import pytest

from syncd.kit.threads import OneThread

NAME: ContextVar[str] = ContextVar("NAME", default="nobody")


@pytest.fixture
async def thread() -> AsyncIterator[OneThread]:
    made = OneThread("a name")
    yield made
    await made.close()


async def test_all_calls_run_in_one_thread_with_the_name(thread: OneThread) -> None:
    threads = await asyncio.gather(*(thread.call(threading.current_thread) for _ in range(20)))

    assert len(set(threads)) == 1
    assert threads[0].name.startswith("a name")
    assert threads[0] is not threading.current_thread()


async def test_calls_run_in_the_order_of_asking(thread: OneThread) -> None:
    done: list[int] = []

    await asyncio.gather(*(thread.call(done.append, number) for number in range(100)))

    assert done == list(range(100))


async def test_a_call_sees_the_context_of_its_caller_and_cannot_change_it(thread: OneThread) -> None:
    def rename() -> str:
        before = NAME.get()
        NAME.set("changed")
        return before

    NAME.set("ada")

    assert await thread.call(rename) == "ada"
    assert await thread.call(rename) == "ada"
    assert NAME.get() == "ada"


async def test_an_error_of_a_call_reaches_its_caller_alone(thread: OneThread) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await thread.call(int, "x")

    assert await thread.call(int, "7") == 7


async def test_a_call_that_has_begun_completes_though_its_caller_was_cancelled(thread: OneThread) -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        begun.set()
        go_on.wait()
        done.append("first")

    waiting = asyncio.create_task(thread.call(work))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    await asyncio.wait([waiting])
    following = asyncio.create_task(thread.call(done.append, "second"))
    go_on.set()
    await following

    assert waiting.cancelled()
    assert done == ["first", "second"]


async def test_closing_finishes_what_was_asked_for_and_refuses_the_rest() -> None:
    thread = OneThread("short")
    done: list[int] = []
    asked = [asyncio.create_task(thread.call(done.append, number)) for number in range(50)]
    await asyncio.sleep(0)

    await thread.close()

    await asyncio.gather(*asked)
    assert done == list(range(50))
    with pytest.raises(RuntimeError):
        await thread.call(int)
