import asyncio

import pytest

from syncd.kit.tasks import TaskDied, alongside, happens


async def forever() -> None:
    await asyncio.Event().wait()


async def dies() -> None:
    await asyncio.sleep(0)
    raise KeyError("lost")


async def ends() -> None:
    await asyncio.sleep(0)


async def test_the_work_ends_with_the_block() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            ended.set()

    async with alongside(work(), "work"):
        await asyncio.sleep(0)

    assert ended.is_set()


async def test_work_that_dies_ends_the_block_and_is_named() -> None:
    with pytest.raises(TaskDied, match="the pulse") as died:
        async with alongside(dies(), "the pulse"):
            await forever()

    assert isinstance(died.value.__cause__, KeyError)


async def test_work_that_ends_by_itself_is_missed_too() -> None:
    with pytest.raises(TaskDied, match="the pulse"):
        async with alongside(ends(), "the pulse"):
            await forever()


async def test_the_death_of_one_ends_a_group_in_the_block() -> None:
    async def block() -> None:
        async with alongside(dies(), "the pulse"), alongside(forever(), "another"), asyncio.TaskGroup() as tasks:
            tasks.create_task(forever())

    with pytest.raises(TaskDied, match="the pulse"):
        await block()


async def test_an_error_of_the_block_passes_as_it_is() -> None:
    with pytest.raises(ValueError, match="mine"):
        async with alongside(forever(), "work"):
            raise ValueError("mine")


async def test_a_block_that_is_cancelled_from_outside_stays_cancelled() -> None:
    async def block() -> None:
        async with alongside(forever(), "work"):
            await forever()

    task = asyncio.create_task(block())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_after_a_death_the_task_can_wait_again() -> None:
    with pytest.raises(TaskDied):
        async with alongside(dies(), "work"):
            await forever()

    async with asyncio.timeout(1):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("is_set", "seconds"), [pytest.param(True, 0, id="it was there before"), pytest.param(False, 0.01, id="it does not come")]
)
async def test_an_event_is_waited_for_no_longer_than_was_said(is_set: bool, seconds: float) -> None:
    event = asyncio.Event()
    if is_set:
        event.set()

    assert await happens(event, seconds) is is_set
