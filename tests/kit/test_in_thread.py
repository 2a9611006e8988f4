"""Blocking work in a thread: whoever is cancelled while waiting for it comes back only behind it, and takes nothing along."""

import asyncio
import threading
import weakref

import pytest

from syncd.kit.threads import in_thread


class Answer:
    """Something that can be seen to go away."""


async def begun(event: threading.Event) -> None:
    await asyncio.to_thread(event.wait, 10)


async def test_the_answer_of_the_work_is_answered() -> None:
    assert await in_thread(lambda: threading.current_thread() is not threading.main_thread())


async def test_an_error_of_the_work_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_who_is_cancelled_interrupts_the_work_and_comes_back_behind_it() -> None:
    working, interrupted, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        working.set()
        interrupted.wait(10)
        ended.set()

    waiting = asyncio.create_task(in_thread(work, interrupted.set))
    await begun(working)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert ended.is_set()


async def test_who_keeps_the_cancellation_does_not_keep_the_answer() -> None:
    working, interrupted = threading.Event(), threading.Event()
    answers: list[weakref.ref[Answer]] = []

    def work() -> Answer:
        working.set()
        interrupted.wait(10)
        answer = Answer()
        answers.append(weakref.ref(answer))
        return answer

    waiting = asyncio.create_task(in_thread(work, interrupted.set))
    await begun(working)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await waiting

    assert [answer() for answer in answers] == [None]
    assert cancelled.type is asyncio.CancelledError


async def test_what_comes_too_late_is_closed_by_whom_it_is_given_to() -> None:
    working, interrupted = threading.Event(), threading.Event()
    late: list[str] = []

    def work() -> str:
        working.set()
        interrupted.wait(10)
        return "opened"

    waiting = asyncio.create_task(in_thread(work, interrupted.set, late.append))
    await begun(working)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert late == ["opened"]
