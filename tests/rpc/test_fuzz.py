"""Whatever is sent to whatever call: an answer or a refusal that says why, never a bug, and nothing is left over."""

import asyncio
import importlib
import os
import pkgutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from syncapi import v1
from tests.rpc.wild import Wild
from tests.system.harness import SyncdProcess
from tests.system.one_of_each import one_of_each

SOAKED = os.environ.get("SYNCD_SOAK") == "1"
SIZES = [300, 20_000] if SOAKED else [300]
AT_ONCE = 8
STREAM_SECONDS = 0.1
UNARY_SECONDS = 50.0
GROWTH = 40 << 20
"""What a daemon may take more after all requests than after the first half of them."""

KNOWN = {
    "sync": ("products", "products", "ai", "warehouse", ""),
    "syncs": ("products", "ai", "warehouse"),
    "mode": ("", "incremental", "full", "verify", "plan", "sync"),
    "key": ("repair", "allow_shrink", "limit"),
    "": ("true", "one", "claude", "main.products", "products", "01JEXAMPLE0000000000000001", "run", "MQ==", "cHJvZHVjdHM="),
}
REFUSED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNAVAILABLE,
}


@dataclass
class Heard:
    """What came back: how often each status, and every answer that should not have been."""

    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def refusal(self, method: MethodDescriptor, request: bytes, error: grpc.aio.AioRpcError) -> None:
        self.codes[error.code().name] += 1
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and method.server_streaming:
            return
        if error.code() not in REFUSED or not _reason(error):
            self.wrong.append(f"{method.full_name} {request[:200]!r}: {error.code().name} {error.details()}")


def _reason(error: grpc.aio.AioRpcError) -> str:
    status, info = rpc_status.from_call(error), error_details_pb2.ErrorInfo()  # type: ignore[arg-type] # the same in asyncio
    found = status is not None and any(detail.Unpack(info) for detail in status.details if detail.Is(info.DESCRIPTOR))
    return str(info.reason) if found else ""


async def _services(channel: Any) -> list[str]:
    async def asked() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    [answer] = [answer async for answer in stub.ServerReflectionInfo(asked())]
    return [each.name for each in answer.list_services_response.service if each.name.startswith("syncapi.")]


async def _methods(channel: grpc.aio.Channel) -> list[MethodDescriptor]:
    for module in pkgutil.iter_modules(v1.__path__, f"{v1.__name__}."):
        importlib.import_module(module.name)  # this is what brings its definitions into the pool
    pool = descriptor_pool.Default()
    return [method for name in await _services(channel) for method in pool.FindServiceByName(name).methods]


async def _call(channel: Any, method: MethodDescriptor, request: bytes, heard: Heard) -> None:
    service, _, name = method.full_name.rpartition(".")
    try:
        if method.server_streaming:
            async for _ in channel.unary_stream(f"/{service}/{name}")(request, timeout=STREAM_SECONDS):
                pass
        else:
            await channel.unary_unary(f"/{service}/{name}")(request, timeout=UNARY_SECONDS)
    except grpc.aio.AioRpcError as error:
        heard.refusal(method, request, error)
    else:
        heard.codes["OK"] += 1


async def _send(channel: grpc.aio.Channel, wild: Wild, methods: list[MethodDescriptor], many: int) -> Heard:
    heard, left = Heard(), iter(range(many))

    async def sender() -> None:
        for number in left:
            method = methods[number % len(methods)]
            await _call(channel, method, wild.request(method.input_type), heard)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(sender())
    return heard


@pytest.fixture
def syncd(tmp_path: Path) -> Iterator[SyncdProcess]:
    with SyncdProcess(tmp_path / "syncd", one_of_each(tmp_path)) as process:
        yield process


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("many", SIZES)
async def test_no_request_meets_a_bug_or_leaves_anything_behind(syncd: SyncdProcess, many: int) -> None:
    process = psutil.Process(syncd.pid)
    async with grpc.aio.insecure_channel(f"unix:{syncd.socket}") as channel:
        methods = await _methods(channel)
        wild = Wild(many, KNOWN)
        first = await _send(channel, wild, methods, many // 2)
        before = process.memory_info().rss

        rest = await _send(channel, wild, methods, many - many // 2)

        grown = process.memory_info().rss - before
    print(f"{len(methods)} calls, {first.codes + rest.codes}, {before >> 20} MB and {grown / (1 << 20):+.1f} MB")  # noqa: T201 - for -s
    assert first.wrong + rest.wrong == []
    assert syncd.client.answers()
    assert grown < GROWTH
    assert "call met a bug" not in syncd.log.read_text()
    assert min((first.codes + rest.codes)["OK"], (first.codes + rest.codes)["INVALID_ARGUMENT"]) > many // 50
