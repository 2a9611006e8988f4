"""Work in a thread of its own, which may never come back: who is cancelled leaves at once, and so does the process."""

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from syncd.kit.threads import in_own_thread

asking: ContextVar[str] = ContextVar("asking")


async def test_the_answer_of_the_work_comes_from_another_thread() -> None:
    assert await in_own_thread(threading.current_thread) is not threading.current_thread()


async def test_the_work_sees_the_context_of_who_asks() -> None:
    asking.set("ada")

    assert await in_own_thread(asking.get) == "ada"


@pytest.mark.parametrize("kind", [ZeroDivisionError, KeyboardInterrupt])
async def test_an_error_of_the_work_is_raised_as_it_is(kind: type[BaseException]) -> None:
    def work() -> None:
        raise kind("as asked")

    with pytest.raises(kind, match="as asked"):
        await in_own_thread(work)


async def test_what_no_future_can_hold_is_raised_as_the_cause_of_another_error() -> None:
    with pytest.raises(RuntimeError) as raised:
        await asyncio.wait_for(in_own_thread(lambda: next(iter(()))), 10)

    assert isinstance(raised.value.__cause__, StopIteration)


async def test_two_that_hang_do_not_keep_a_third_from_its_answer() -> None:
    never = threading.Event()
    hanging = [asyncio.create_task(in_own_thread(never.wait)) for _ in range(2)]

    assert await in_own_thread(lambda: "here") == "here"

    never.set()
    await asyncio.gather(*hanging)


async def test_who_is_cancelled_leaves_at_once_and_what_comes_late_is_given_away_in_a_thread() -> None:
    begun, over, given = threading.Event(), threading.Event(), threading.Event()
    late: list[tuple[str, threading.Thread]] = []

    def work() -> str:
        begun.set()
        over.wait(10)
        return "late"

    def take(answer: str) -> None:
        late.append((answer, threading.current_thread()))
        given.set()

    waiting = asyncio.create_task(in_own_thread(work, take))
    assert await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not late

    over.set()
    assert await asyncio.to_thread(given.wait, 10)
    assert [answer for answer, _ in late] == ["late"]
    assert late[0][1] is not threading.current_thread()


async def test_an_answer_that_is_in_time_is_not_given_away() -> None:
    late: list[str] = []

    assert await in_own_thread(lambda: "in time", late.append) == "in time"

    assert not late


async def test_an_error_that_comes_late_is_forgotten() -> None:
    begun, over = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []
    late: list[object] = []

    def work() -> None:
        threads.append(threading.current_thread())
        begun.set()
        over.wait(10)
        raise ZeroDivisionError

    waiting = asyncio.create_task(in_own_thread(work, late.append))
    assert await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    over.set()
    await asyncio.to_thread(threads[0].join)
    await asyncio.sleep(0)

    assert not late


_PROGRAM = """
import asyncio, threading
from syncd.kit.threads import in_own_thread

async def main():
    try:
        async with asyncio.timeout(0.1):
            await in_own_thread(threading.Event().wait)
    except TimeoutError:
        print("left")

asyncio.run(main())
"""


def test_work_that_never_comes_back_does_not_keep_a_process_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=20, check=True)

    assert (ended.stdout, ended.stderr) == ("left\n", "")
