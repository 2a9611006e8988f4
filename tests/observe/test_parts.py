"""A bug in what only watches the daemon is told, and ends neither the daemon nor, for long, the watching."""

import asyncio
import logging
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from syncapi.v1.control_pb2 import GetDaemonRequest
from syncd.observe.bugs import reporting
from syncd.observe.metrics.counting import Counts
from syncd.observe.metrics.serving import Seen, measuring
from syncd.observe.notify import judging
from syncd.observe.notify.notifying import notifying
from syncd.observe.parts import Parts
from syncd.settings.errors import ErrorsSection
from syncd.settings.metrics import MetricsSection
from syncd.settings.notify import NotifySection
from tests.rpc.test_control_plane import wired
from tests.runtime.world import Play, World, opened, sync
from tests.servers.ports import free_port

SECONDS = 5.0


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110 - nobody sets an event for what is looked at here
            await asyncio.sleep(0.005)


class Flaky:
    """Work that dies some times before it goes on for ever."""

    def __init__(self, *deaths: Exception | None) -> None:
        self.deaths = list(deaths)
        self.begun = 0
        self.at_work = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        await asyncio.sleep(0)
        if self.deaths:
            death = self.deaths.pop(0)
            if death is not None:
                raise death
            return
        self.at_work.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    "deaths",
    [
        pytest.param([KeyError("a row")], id="a bug"),
        pytest.param([ValueError(), None, OSError()], id="again and again, once without a word"),
    ],
)
async def test_a_part_that_dies_is_begun_anew_until_it_holds(deaths: list[Exception | None]) -> None:
    parts, work = Parts(first=0.001, holds=0.05), Flaky(*deaths)

    async with parts.kept_up("notices", work):
        await work.at_work.wait()
        ailing = parts.warnings()
        await until(lambda: not parts.warnings())

    assert work.begun == len(deaths) + 1
    assert len(ailing) == 1
    assert ailing[0].startswith("notices: failed with ")
    assert "a row" not in ailing[0]


async def test_a_part_that_works_warns_of_nothing_and_ends_with_the_block() -> None:
    parts, work = Parts(first=0.001, holds=0.001), Flaky()

    async with parts.kept_up("notices", work):
        await work.at_work.wait()
        await asyncio.sleep(0.01)

    assert (work.begun, parts.warnings()) == (1, ())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Play(), sync("a")) as world:
        yield world


async def run_twice(world: World) -> None:
    for _ in range(2):
        await world.ended(await world.begin("a"))


async def test_metrics_go_on_behind_an_entry_that_meets_a_bug(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    first = [True]

    def take(_: Counts, recorded: object) -> None:
        if first.pop() if first else False:
            raise KeyError("no such kind")
        counted.append(str(recorded))

    monkeypatch.setattr(Counts, "take", take)
    parts = Parts(first=0.001)

    async with measuring(MetricsSection(address="127.0.0.1:0"), world.ledger, Seen("1", list, list), parts):
        await run_twice(world)
        await until(lambda: any("run.ended" in entry for entry in counted))
        told = parts.warnings()

    assert told == ("metrics: follow the audit log: failed with KeyError; the log has more",)


async def test_notices_go_on_behind_an_entry_that_meets_a_bug(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[object] = []
    right = judging.of_run

    def of_run(*told: object) -> judging.Standings:
        judged.append(told)
        if len(judged) == 1:
            raise KeyError("no such kind")
        return right(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(judging, "of_run", of_run)
    parts = Parts(first=0.001)

    async with notifying([NotifySection(command=("true",))], world.ledger, world.daemon.warnings, parts):
        await run_twice(world)
        await until(lambda: len(judged) == 2)

    assert parts.warnings() == ("notices: follow the audit log: failed with KeyError; the log has more",)


async def test_who_reads_metrics_that_meet_a_bug_is_told_so_and_others_are_served(world: World) -> None:
    port, broken = free_port(), [True]

    def statuses() -> list[object]:
        if broken.pop() if broken else False:
            raise KeyError("a row")
        return []

    def read() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    seen = Seen("1", statuses, list)  # type: ignore[arg-type]
    async with measuring(MetricsSection(address=f"127.0.0.1:{port}"), world.ledger, seen, Parts()):
        codes = [await asyncio.to_thread(read), await asyncio.to_thread(read)]

    assert codes == [500, 200]


async def test_a_bug_in_reporting_bugs_reaches_nobody_who_writes_a_line_of_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def capture(_: object, *event: object) -> None:
        asked.append(event)
        raise KeyError("inside")

    monkeypatch.setattr("sentry_sdk.Client.capture_event", capture)
    (tmp_path / "dsn").write_text("http://key@127.0.0.1:1/7")
    section, parts = ErrorsSection.model_validate({"dsn": {"file": str(tmp_path / "dsn")}}), Parts()

    async with reporting(section, "1", parts):
        for _ in range(2):
            logging.getLogger("any").error("run met a bug", exc_info=ValueError("a bug"))

    assert len(asked) == 1
    assert parts.warnings() == ("bug reports: failed with KeyError; the log has more",)


async def test_what_ails_is_told_to_whoever_asks_for_the_daemon(tmp_path: Path) -> None:
    parts = Parts()
    parts.ails("traces", "the collector takes none")

    async with wired(tmp_path, Play(), sync("a")) as wire:
        wire.world.daemon.ailing = parts.warnings
        told = await wire.control.GetDaemon(GetDaemonRequest())
        parts.holds("traces")
        later = await wire.control.GetDaemon(GetDaemonRequest())

    assert list(told.warnings) == ["traces: the collector takes none"]
    assert list(later.warnings) == []
