"""Whatever is sent to whatever call, in whatever way: an answer or a refusal that says why, never a bug, and nothing is left over."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf.descriptor import MethodDescriptor

from syncapi.v1 import access_pb2, access_pb2_grpc
from tests.rpc.pestering import SECONDS, Heard, Metadata, Pest, methods_of
from tests.rpc.wild import Wild
from tests.system.harness import SyncdProcess
from tests.system.one_of_each import one_of_each

SIZES = [150, 20_000] if os.environ.get("SYNCD_SOAK") == "1" else [150]
ROLES = ("viewer", "admin")
AT_ONCE = 8
GROWTH = 40 << 20
"""What a daemon may take more after all requests than after the first half of them."""
SLACK = 8
"""Threads and files may come and go by so many."""
SCARS = ("call met a bug", "Traceback", "never retrieved", "unexpectedly suppressed", "[Errno")

KNOWN = {
    "sync": ("products", "products", "ai", "warehouse", ""),
    "syncs": ("products", "ai", "warehouse"),
    "mode": ("", "incremental", "full", "verify", "plan", "sync"),
    "key": ("repair", "allow_shrink", "limit"),
    "": ("true", "one", "claude", "main.products", "products", "01JEXAMPLE0000000000000001", "run", "MQ==", "cHJvZHVjdHM="),
}
ODD_METADATA = [
    pytest.param([("authorization", "")], id="an empty token"),
    pytest.param([("authorization", "Bearer")], id="no token behind the scheme"),
    pytest.param([("authorization", "Bearer syncd_x_y")], id="a token of nobody"),
    pytest.param([("authorization", f"Bearer syncd_{'a' * 4000}")], id="a very long token"),
    pytest.param([("authorization", "Basic cm9vdDpyb290")], id="another scheme"),
    pytest.param([("authorization", "Bearer a"), ("authorization", "Bearer b")], id="two tokens"),
    pytest.param([("authorization-bin", b"\x00\xff")], id="a token of bytes"),
    pytest.param([("traceparent", "00-zz-zz-zz"), ("tracestate", "=,=,")], id="a trace that is none"),
    pytest.param([(f"x-{number}", "y") for number in range(100)], id="a hundred keys"),
    pytest.param([("x-bin", os.urandom(2000))], id="bytes"),
    pytest.param([("x", "y" * 200_000)], id="more than headers may hold"),
    pytest.param([("grpc-accept-encoding", "nonsense"), ("user-agent", "\x20" * 300)], id="headers of gRPC itself"),
]


@pytest.fixture(scope="module")
def syncd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncdProcess]:
    folder = tmp_path_factory.mktemp("fuzz")
    with SyncdProcess(folder / "syncd", one_of_each(folder)) as process:
        yield process


def scars(log: Path) -> list[str]:
    """Lines of the log that no caller may be able to bring about."""
    with log.open(errors="replace") as lines:
        return [line[:500] for line in lines if any(scar in line for scar in SCARS)]


async def metadata_of(channel: grpc.aio.Channel, role: str) -> Metadata:
    """What makes this process, which may do everything, a caller with a role."""
    if role == "admin":
        return ()
    asked = access_pb2.CreateTokenRequest(name=f"fuzz-{os.urandom(4).hex()}", role=access_pb2.Role.Value(f"ROLE_{role.upper()}"))
    stub: Any = access_pb2_grpc.AccessStub(channel)
    return (("authorization", f"Bearer {(await stub.CreateToken(asked)).secret}"),)


async def send(pest: Pest, wild: Wild, methods: Sequence[MethodDescriptor], numbers: range) -> Heard:
    """So many requests, to each of the methods in turn."""
    heard, left = Heard(), iter(numbers)

    async def sender() -> None:
        for number in left:
            method = methods[number % len(methods)]
            await pest.call(method, wild.request(method.input_type), heard, wild.choice(pest.ways(method)))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(sender())
    return heard


async def settled(process: psutil.Process) -> dict[str, int]:
    """What the process holds, once nobody calls."""
    await asyncio.sleep(0.5)
    with process.oneshot():
        return {"bytes": process.memory_info().rss, "threads": process.num_threads(), "files": process.num_fds()}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("many", SIZES)
@pytest.mark.parametrize("role", ROLES)
async def test_no_request_meets_a_bug_or_leaves_anything_behind(syncd: SyncdProcess, role: str, many: int) -> None:
    process, wild = psutil.Process(syncd.pid), Wild(many, KNOWN)
    async with grpc.aio.insecure_channel(f"unix:{syncd.socket}") as channel:
        methods = await methods_of(channel)
        pest = Pest(channel, await metadata_of(channel, role))
        heard = await send(pest, wild, methods, range(many // 2))
        before = await settled(process)

        heard += await send(pest, wild, methods, range(many // 2, many))

        grown = {name: now - before[name] for name, now in (await settled(process)).items()}
    print(f"\n{role}: {len(methods)} calls, {dict(heard.codes)}, {before} and {grown}")  # noqa: T201 - for -s
    assert heard.wrong == []
    assert syncd.client.answers()
    assert grown["bytes"] < GROWTH
    assert max(grown["threads"], grown["files"]) <= SLACK
    assert scars(syncd.log) == []
    assert min(heard.codes["OK"], heard.codes["INVALID_ARGUMENT"] + heard.codes["PERMISSION_DENIED"]) > many // 50


@pytest.mark.parametrize("metadata", ODD_METADATA)
async def test_no_metadata_meets_a_bug(syncd: SyncdProcess, metadata: Metadata) -> None:
    async with grpc.aio.insecure_channel(f"unix:{syncd.socket}") as channel:
        ask: Any = channel.unary_unary("/syncapi.v1.Access/WhoAmI")

        code = await ask(b"", metadata=metadata, timeout=SECONDS).code()

    assert code.name in {"OK", "UNAUTHENTICATED", "UNAVAILABLE", "RESOURCE_EXHAUSTED"}
    assert scars(syncd.log) == []
    assert syncd.client.answers()


@pytest.mark.parametrize("path", ["/syncapi.v1.Control/None", "/syncapi.v1.None/GetSync", "/none/none", "/", "/../../etc/passwd"])
async def test_a_call_that_is_not_there_is_not_implemented(syncd: SyncdProcess, path: str) -> None:
    async with grpc.aio.insecure_channel(f"unix:{syncd.socket}") as channel:
        ask: Any = channel.unary_unary(path)

        code = await ask(b"", timeout=SECONDS).code()

    assert code is grpc.StatusCode.UNIMPLEMENTED
