"""Blocking libraries that want one thread of their own, used from asyncio."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import TypeVar, TypeVarTuple, cast

Given = TypeVarTuple("Given")
Answer = TypeVar("Answer")


async def in_thread(
    work: Callable[[], Answer], interrupt: Callable[[], object] = lambda: None, late: Callable[[Answer], object] = lambda _: None
) -> Answer:
    """Do something that blocks. When cancelled, interrupt it again and again, and return only after its thread has come back.

    What it answers then goes to `late`, which closes it if it has to be closed, and is given up at once.
    """
    running = asyncio.create_task(asyncio.to_thread(work), name="in a thread")
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            interrupt()
            # Being cancelled once more changes nothing: the thread has to come back first.
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running], timeout=0.05)
        if not running.exception():
            late(running.result())
        del running  # an error keeps its frames, and a frame its variables
        raise


async def in_own_thread(work: Callable[[], Answer], late: Callable[[Answer], object] = lambda _: None) -> Answer:
    """Do something that blocks and may never come back, in a thread that does not keep the process from ending.

    When cancelled, leave the thread to itself at once; what it answers after all goes to `late`, in a thread too.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer, error: BaseException | None) -> None:
        if not future.done():
            future.set_exception(error) if error else future.set_result(answer)
        elif error is None:
            threading.Thread(target=late, args=(answer,), daemon=True).start()

    def run() -> None:
        answer: Answer | None = None
        error: BaseException | None = None
        try:
            answer = work()
        except StopIteration as raised:
            error = RuntimeError("raised StopIteration")  # a future cannot hold one, and who waits would wait for ever
            error.__cause__ = raised
        except BaseException as raised:  # noqa: BLE001 - handed over as it is
            error = raised
        with suppress(RuntimeError):  # nobody is there any more
            loop.call_soon_threadsafe(settle, cast("Answer", answer), error)

    threading.Thread(target=copy_context().run, args=(run,), name="left to itself", daemon=True).start()
    return await future


@asynccontextmanager
async def beside(make: Callable[[], AbstractContextManager[Answer]]) -> AsyncIterator[Answer]:
    """Make, enter and leave a context manager in a thread, because that takes a while."""
    manager = await asyncio.to_thread(make)
    entered = await asyncio.to_thread(manager.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


class OneThread:
    """A single named thread that does one call after the other, in the order of asking.

    A call sees the context variables of its caller. Cancelling the wait for a call that has begun leaves the call alone: it completes in
    its thread, and what is asked for afterwards comes after it. One that has not begun never does.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._began: float | None = None

    async def call(self, work: Callable[[*Given], Answer], *given: *Given) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(copy_context().run, self._timed, partial(work, *given)))

    def busy_for(self) -> timedelta:
        """How long the call has taken that is under way now; nothing if there is none."""
        began = self._began
        return timedelta(0) if began is None else timedelta(seconds=time.monotonic() - began)

    def _timed(self, work: Callable[[], Answer]) -> Answer:
        self._began = time.monotonic()
        try:
            return work()
        finally:
            self._began = None

    async def close(self) -> None:
        """Finish what was asked for, then end the thread; closing twice is fine. Further calls raise `RuntimeError`."""
        await asyncio.to_thread(self._executor.shutdown)
