import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from syncd.domain.run import SyncName
from syncd.domain.schedule import Cron, Every, Manual
from syncd.runtime.scheduler import Scheduler

ORDERS = SyncName("orders")
PRODUCTS = SyncName("products")
HOURLY = Every(timedelta(hours=1))


class Wall(datetime):
    """The clock on the wall, which a test may set; the library reads it too."""

    set_by = timedelta(0)

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        assert tz is UTC
        return datetime.now(UTC) + cls.set_by


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> type[Wall]:
    for module in ("schedulers", "executors"):
        monkeypatch.setattr(f"apscheduler.{module}.base.datetime", Wall)
    monkeypatch.setattr(Wall, "set_by", timedelta(0))
    return Wall


class Fired:
    """What was fired, in order, and on which thread."""

    def __init__(self) -> None:
        self.syncs: list[SyncName] = []
        self.threads: set[int] = set()

    def __call__(self, sync: SyncName) -> None:
        self.syncs.append(sync)
        self.threads.add(threading.get_ident())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - any condition of a test, not an event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(fired: Callable[[SyncName], None], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(fired, now=now, tick=0.05)
    scheduler.start()
    try:
        yield scheduler
    finally:
        await scheduler.stop()


async def test_a_sync_that_never_ran_fires_at_once_and_then_by_its_interval() -> None:
    fired = Fired()
    async with running(fired) as scheduler:
        began = time.monotonic()

        scheduler.set(ORDERS, Every(timedelta(seconds=0.1)), None)

        await until(lambda: len(fired.syncs) == 4)
        assert time.monotonic() - began >= 0.29


async def test_a_schedule_that_is_set_before_the_start_counts() -> None:
    fired = Fired()
    scheduler = Scheduler(fired)
    scheduler.set(ORDERS, HOURLY, None)

    scheduler.start()

    await until(lambda: fired.syncs == [ORDERS])
    await scheduler.stop()


async def test_fire_is_called_on_the_thread_of_the_event_loop() -> None:
    fired = Fired()
    async with running(fired) as scheduler:
        scheduler.set(ORDERS, HOURLY, None)

        await until(lambda: bool(fired.syncs))

        assert fired.threads == {threading.get_ident()}


async def test_the_next_run_is_told() -> None:
    fired = Fired()
    async with running(fired) as scheduler:
        last_start = datetime.now(UTC) - timedelta(minutes=20)

        scheduler.set(ORDERS, HOURLY, last_start)
        scheduler.set(PRODUCTS, Manual(), None)

        assert scheduler.next_run(ORDERS) == last_start + timedelta(hours=1)
        assert scheduler.next_run(PRODUCTS) is None


async def test_a_sync_that_is_removed_fires_no_more() -> None:
    fired = Fired()
    async with running(fired) as scheduler:
        scheduler.set(ORDERS, Every(timedelta(milliseconds=20)), None)
        scheduler.set(PRODUCTS, Every(timedelta(milliseconds=20)), None)
        await until(lambda: ORDERS in fired.syncs)

        scheduler.remove(ORDERS)

        before = fired.syncs.count(ORDERS)
        await until(lambda: fired.syncs.count(PRODUCTS) > 5)
        assert fired.syncs.count(ORDERS) == before
        assert scheduler.next_run(ORDERS) is None


async def test_removing_a_sync_without_a_schedule_is_fine() -> None:
    async with running(Fired()) as scheduler:
        scheduler.remove(ORDERS)

        assert scheduler.next_run(ORDERS) is None


async def test_a_new_schedule_takes_the_place_of_the_old_one() -> None:
    async with running(Fired()) as scheduler:
        now = datetime.now(UTC)
        scheduler.set(ORDERS, HOURLY, now)

        scheduler.set(ORDERS, Every(timedelta(hours=3)), now)

        assert scheduler.next_run(ORDERS) == now + timedelta(hours=3)


async def test_a_schedule_that_becomes_manual_is_gone() -> None:
    async with running(Fired()) as scheduler:
        scheduler.set(ORDERS, HOURLY, datetime.now(UTC))

        scheduler.set(ORDERS, Manual(), None)

        assert scheduler.next_run(ORDERS) is None


async def test_fires_that_a_blocked_loop_missed_count_once() -> None:
    fired = Fired()
    async with running(fired) as scheduler:
        scheduler.set(ORDERS, Every(timedelta(milliseconds=100)), datetime.now(UTC))

        time.sleep(0.55)  # noqa: ASYNC251 - the loop is blocked on purpose

        await until(lambda: bool(fired.syncs))
        assert len(fired.syncs) == 1


async def test_a_fire_that_fails_does_not_end_the_schedule() -> None:
    fired = Fired()

    def fails_once(sync: SyncName) -> None:
        fired(sync)
        if len(fired.syncs) == 1:
            raise ValueError("the first one")

    async with running(fails_once) as scheduler:
        scheduler.set(ORDERS, Every(timedelta(milliseconds=20)), None)

        await until(lambda: len(fired.syncs) > 2)


async def test_a_clock_that_is_set_forward_fires_what_became_due_within_a_tick(wall: type[Wall]) -> None:
    fired = Fired()
    async with running(fired, now=lambda: wall.now(UTC)) as scheduler:
        scheduler.set(ORDERS, HOURLY, wall.now(UTC))
        scheduler.set(PRODUCTS, Every(timedelta(hours=9)), wall.now(UTC))
        await asyncio.sleep(0.02)  # the timer for the first of them is set now

        wall.set_by = timedelta(hours=2)

        await until(lambda: bool(fired.syncs))
        assert fired.syncs == [ORDERS]


async def test_a_clock_that_is_set_back_makes_nobody_wait_longer_than_the_interval(wall: type[Wall]) -> None:
    async with running(Fired(), now=lambda: wall.now(UTC)) as scheduler:
        scheduler.set(ORDERS, HOURLY, wall.now(UTC))
        scheduler.set(PRODUCTS, Cron("0 0 1 1 *"), wall.now(UTC))
        longest = timedelta(days=366)

        wall.set_by = -timedelta(days=3650)

        with capture_logs() as logs:
            await until(lambda: bool(logs))
        assert logs[0]["event"] == "wall clock was set"
        orders, products = scheduler.next_run(ORDERS), scheduler.next_run(PRODUCTS)
        assert orders is not None
        assert orders <= wall.now(UTC) + timedelta(hours=1)
        assert products is not None
        assert products <= wall.now(UTC) + longest


@pytest.mark.parametrize("hours", [pytest.param(1, id="forward"), pytest.param(-1, id="back")])
async def test_a_clock_that_is_set_by_an_hour_fires_each_time_of_day_once(wall: type[Wall], hours: int) -> None:
    fired = Fired()
    soon = wall.now(UTC) + timedelta(seconds=-60 if hours < 0 else 30 * 60)
    async with running(fired, now=lambda: wall.now(UTC)) as scheduler:
        daily = Cron(f"{soon.minute} {soon.hour} * * *")
        scheduler.set(ORDERS, daily, wall.now(UTC) - timedelta(hours=2))
        if hours < 0:
            await until(lambda: fired.syncs == [ORDERS])  # it was due a minute ago
        tomorrow = scheduler.next_run(ORDERS)

        wall.set_by = timedelta(hours=hours)

        with capture_logs() as logs:
            await until(lambda: bool(logs))
            await until(lambda: fired.syncs == [ORDERS])
            await asyncio.sleep(0.2)  # several ticks
        assert fired.syncs == [ORDERS]
        following = scheduler.next_run(ORDERS)
        assert following is not None
        assert following == tomorrow or hours > 0
        assert following > wall.now(UTC) + timedelta(hours=20)


async def test_a_clock_that_runs_evenly_is_left_alone() -> None:
    with capture_logs() as logs:
        async with running(Fired()) as scheduler:
            last_start = datetime.now(UTC)
            scheduler.set(ORDERS, HOURLY, last_start)

            await asyncio.sleep(0.3)  # several ticks

            assert scheduler.next_run(ORDERS) == last_start + timedelta(hours=1)
    assert logs == []


async def test_a_scheduler_that_is_stopped_fires_no_more() -> None:
    fired = Fired()
    async with running(fired) as scheduler:
        scheduler.set(ORDERS, Every(timedelta(milliseconds=20)), None)
        await until(lambda: bool(fired.syncs))

    before = len(fired.syncs)
    await asyncio.sleep(0.1)
    assert len(fired.syncs) == before


async def test_stopping_twice_or_before_the_start_is_fine() -> None:
    scheduler = Scheduler(Fired())

    await scheduler.stop()
    scheduler.start()
    await scheduler.stop()
    await scheduler.stop()


async def test_a_thousand_schedules_cost_nothing_while_none_is_due() -> None:
    async with running(Fired()) as scheduler:
        for number in range(1000):
            scheduler.set(SyncName(f"sync-{number}"), HOURLY, datetime.now(UTC))
        await asyncio.sleep(0.1)
        before = time.process_time()

        await asyncio.sleep(1)

        assert time.process_time() - before < 0.05
