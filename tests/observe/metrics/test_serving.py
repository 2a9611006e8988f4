"""What is read at the listener while a daemon works."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from syncd.domain.batch import Checkpoint
from syncd.domain.errors import PermanentError, TransientError
from syncd.observe.metrics.serving import Seen, measuring
from syncd.observe.parts import Parts
from syncd.ports.running import Advance, Progress, Report, RunContext
from syncd.settings.metrics import MetricsSection
from tests.observe.metrics.reading import fetch, samples
from tests.runtime.test_supervising import Gate
from tests.runtime.world import Play, World, opened, receipt, sync, written
from tests.servers.ports import free_port


@asynccontextmanager
async def measured(folder: Path, play: Play, syncs: str) -> AsyncIterator[tuple[World, int]]:
    port = free_port()
    async with opened(folder, play, syncs) as world:
        seen = Seen("1.2.3", world.daemon.statuses, world.daemon.board.runs)
        async with measuring(MetricsSection(address=f"127.0.0.1:{port}"), world.ledger, seen, Parts()):
            yield world, port


async def until(port: int, series: str, value: float) -> dict[str, float]:
    """The metrics once one series has a value."""
    for _ in range(100):
        found = await samples(port)
        if found.get(series) == value:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{series} is {found.get(series)}, not {value}")


async def test_a_run_is_counted_with_its_rows_its_duration_and_its_end(tmp_path: Path) -> None:
    async def work(context: RunContext) -> Report:
        await context.commit(receipt("1", "2", "3", refused=1))
        context.tell(Progress(unchanged=4, complete_to="2026-01-01 00:00:00", warnings=("mind the gap",)))
        await context.advance(Advance(Checkpoint("{}")))
        return Report()

    async with measured(tmp_path, Play({"a": work}), sync("a")) as (world, port):
        await world.ended(await world.begin("a"))

        found = await until(port, 'syncd_runs_total{mode="incremental",outcome="done",sync="a"}', 1)

    kinds = ("read", "unchanged", "stored", "refused", "deleted")
    assert [found[f'syncd_rows_total{{kind="{kind}",sync="a"}}'] for kind in kinds] == [7, 4, 2, 1, 0]
    assert found['syncd_run_duration_seconds_count{mode="incremental"}'] == 1
    assert 0 < found['syncd_last_run_duration_seconds{mode="incremental",sync="a"}'] < 10
    assert [series for series in found if "_created" in series] == []
    assert found['syncd_last_done_timestamp_seconds{mode="incremental",sync="a"}'] > 1.7e9
    assert found['syncd_dead_letters{sync="a"}'] == 1
    assert found['syncd_warnings{sync="a"}'] == 1
    assert found['syncd_lag_seconds{sync="a"}'] > 1e6
    assert found['syncd_build_info{version="1.2.3"}'] == 1
    assert found["process_open_fds"] > 0


async def test_rows_are_counted_while_the_run_is_under_way_and_not_twice(tmp_path: Path) -> None:
    gate = Gate()

    async def work(context: RunContext) -> Report:
        await context.commit(receipt("1", "2"))
        return await gate(context)

    async with measured(tmp_path, Play({"a": work}), sync("a")) as (world, port):
        run = await world.begin("a")
        await gate.reached.wait()
        before = await until(port, 'syncd_rows_total{kind="stored",sync="a"}', 2)
        gate.open.set()
        await world.ended(run)
        after = await until(port, 'syncd_runs_total{mode="incremental",outcome="done",sync="a"}', 1)

    assert before['syncd_sync_phase{phase="running",sync="a"}'] == 1
    assert before['syncd_runs_under_way{state="running"}'] == 1
    assert after['syncd_rows_total{kind="stored",sync="a"}'] == 3
    assert after['syncd_sync_phase{phase="idle",sync="a"}'] == 1


async def test_a_bug_halts_and_a_passing_failure_fails_and_is_retried(tmp_path: Path) -> None:
    async def broken(context: RunContext) -> Report:
        raise PermanentError("no such table", code="source.mismatch")

    async def away(context: RunContext) -> Report:
        raise TransientError("nobody there", code="target.unavailable")

    async with measured(tmp_path, Play({"a": broken, "b": away}), sync("a") + sync("b")) as (world, port):
        await world.ended(await world.begin("a"))
        await world.ended(await world.begin("b"))

        found = await until(port, 'syncd_runs_total{mode="incremental",outcome="failed",sync="b"}', 1)

    assert found['syncd_runs_total{mode="incremental",outcome="halted",sync="a"}'] == 1
    assert found['syncd_sync_phase{phase="halted",sync="a"}'] == 1
    assert found['syncd_retries_total{sync="b"}'] == 2


async def test_the_series_of_a_sync_that_left_the_settings_end(tmp_path: Path) -> None:
    async with measured(tmp_path, Play(), sync("a") + sync("b")) as (world, port):
        await world.ended(await world.begin("a"))
        await until(port, 'syncd_runs_total{mode="incremental",outcome="done",sync="a"}', 1)
        written(tmp_path, sync("b"))

        await world.daemon.reload("me")
        found = await samples(port)

    assert [series for series in found if 'sync="a"' in series] == []
    assert found['syncd_sync_phase{phase="idle",sync="b"}'] == 1


async def test_audit_entries_that_are_not_in_the_monthly_files_are_counted(tmp_path: Path) -> None:
    async with measured(tmp_path, Play(), sync("a")) as (world, port):
        await world.ended(await world.begin("a"))

        await until(port, "syncd_audit_outbox_entries", 3)
        await until(port, "syncd_audit_outbox_entries", 0)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        pytest.param("/metrics?x=1", "GET", 200, id="a query is let be"),
        pytest.param("/metrics", "HEAD", 200, id="only the head"),
        pytest.param("/", "GET", 404, id="another path"),
        pytest.param("/metrics", "POST", 405, id="another method"),
    ],
)
async def test_the_listener_answers_reading_of_one_path_only(tmp_path: Path, path: str, method: str, status: int) -> None:
    async with measured(tmp_path, Play(), "") as (_, port):
        found, body = await fetch(port, path, method)

    assert found == status
    assert bool(body) == (method != "HEAD")


async def test_readers_that_say_nothing_do_not_keep_others_out_and_end_with_the_daemon(tmp_path: Path) -> None:
    async with measured(tmp_path, Play(), "") as (_, port):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]

        found = await samples(port)

    assert "syncd_event_loop_lag_seconds" in found
    for reader, writer in silent:
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_too_many_readers_are_turned_away(tmp_path: Path) -> None:
    async with measured(tmp_path, Play(), "") as (_, port):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]

        status, _ = await fetch(port)

        for _, writer in silent:
            writer.close()
    assert status == 503


async def test_an_address_that_is_taken_is_told_with_the_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        section = MetricsSection(address=f"127.0.0.1:{taken.getsockname()[1]}")
        async with opened(tmp_path, Play(), "") as world:
            with pytest.raises(PermanentError, match="metrics cannot be served") as caught:
                async with measuring(section, world.ledger, Seen("1", world.daemon.statuses, world.daemon.board.runs), Parts()):
                    raise AssertionError("it started")

    assert "[daemon.metrics]" in caught.value.hint


async def test_without_an_address_nothing_listens_and_nothing_counts(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, Play(), "") as world,
        measuring(MetricsSection(), world.ledger, Seen("1", world.daemon.statuses, world.daemon.board.runs), Parts()) as meter,
    ):
        assert meter is None
