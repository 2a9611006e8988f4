"""Calls and streams are counted as they end, whatever ends them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from syncapi.v1 import control_pb2 as pb
from syncapi.v1 import control_pb2_grpc
from syncd.observe.metrics.counting import Counts
from syncd.rpc.behind import Behind
from syncd.rpc.server import serving
from syncd.settings.daemon import ListenSection
from tests.runtime.world import Play, opened, sync


@asynccontextmanager
async def metered(folder: Path) -> AsyncIterator[tuple[Any, Counts]]:
    socket, counts = folder / "s", Counts()
    async with (
        opened(folder, Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1"), [ListenSection(socket=socket)], 0.2, meter=counts),
        grpc.aio.insecure_channel(f"unix:{socket}") as channel,
    ):
        yield control_pb2_grpc.ControlStub(channel), counts


def calls(counts: Counts, method: str, code: str) -> float:
    return counts.registry.get_sample_value("syncd_calls_total", {"method": method, "code": code}) or 0.0


def streams(counts: Counts, method: str) -> float:
    return counts.registry.get_sample_value("syncd_streams", {"method": method}) or 0.0


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to that")


async def test_calls_are_counted_by_method_and_status(tmp_path: Path) -> None:
    async with metered(tmp_path) as (control, counts):
        await control.ListSyncs(pb.ListSyncsRequest())
        await control.ListSyncs(pb.ListSyncsRequest())
        with pytest.raises(grpc.aio.AioRpcError):
            await control.GetSync(pb.GetSyncRequest(sync="none"))

        await until(lambda: calls(counts, "Control/GetSync", "NOT_FOUND") == 1)

        assert calls(counts, "Control/ListSyncs", "OK") == 2
        assert calls(counts, "Control/GetSync", "OK") == 0


async def test_a_stream_is_under_way_until_its_reader_leaves(tmp_path: Path) -> None:
    async with metered(tmp_path) as (control, counts):
        watching = [control.WatchSyncs(pb.WatchSyncsRequest()) for _ in range(3)]
        for each in watching:
            await each.read()
        most = streams(counts, "Control/WatchSyncs")

        for each in watching:
            each.cancel()
        await until(lambda: streams(counts, "Control/WatchSyncs") == 0)

        assert most == 3
        assert calls(counts, "Control/WatchSyncs", "CANCELLED") == 3


async def test_what_is_no_call_of_ours_is_not_counted(tmp_path: Path) -> None:
    async with metered(tmp_path) as (control, counts):
        await control.ListSyncs(pb.ListSyncsRequest())
        unknown: Any = grpc.aio.insecure_channel(f"unix:{tmp_path}/s").unary_unary("/made.up/Method" * 3)
        with pytest.raises(grpc.aio.AioRpcError):
            await unknown(b"")

        methods = {
            sample.labels["method"] for family in counts.registry.collect() for sample in family.samples if "method" in sample.labels
        }

    assert methods == {"Control/ListSyncs"}
