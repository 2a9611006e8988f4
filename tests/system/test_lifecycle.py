"""Starting, stopping and ending, as systemd and callers see it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from syncapi.v1 import control_pb2
from syncapi.v1.common_pb2 import PHASE_RUNNING
from syncapi.v1.control_pb2_grpc import ControlStub
from tests.system.duckdb_shop import DuckDBShop
from tests.system.shop import synced
from tests.system.unit import unit
from tests.system.waiting import until

SOAK = bool(os.environ.get("SYNCD_SOAK"))
_CALL_SECONDS = 30.0
_SYNCCTL_SECONDS = 8.0
"""`syncctl` waits for an answer a little longer than that; a start on a busy machine can take more."""


@dataclass
class Calls:
    """What came of calls made one after the other."""

    answered: int = 0
    longest: float = 0.0
    failed: list[str] = field(default_factory=list)


@contextmanager
def calling(path: Path, callers: int = 4) -> Iterator[Calls]:
    """Call all the time while the block runs, from several connections, ready to wait for a daemon that is not there."""
    calls, over = Calls(), threading.Event()

    def call() -> None:
        with grpc.insecure_channel(f"unix:{path}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
            ask = ControlStub(channel).GetDaemon
            while not over.is_set():
                began = time.monotonic()
                try:
                    ask(control_pb2.GetDaemonRequest(), timeout=_CALL_SECONDS, wait_for_ready=True)
                    calls.answered += 1
                except grpc.RpcError as error:
                    calls.failed.append(str(error))
                calls.longest = max(calls.longest, time.monotonic() - began)
                time.sleep(0.001)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        over.set()
        for thread in threads:
            thread.join()


def syncctl(path: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The command line client, begun and not waited for."""
    return subprocess.Popen([sys.executable, "-m", "syncctl", "--address", f"unix:{path}", *arguments], stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("restarts", [1, *([3, 20] if SOAK else [])])
@pytest.mark.timeout(240)
def test_no_call_fails_while_the_daemon_restarts_behind_its_socket(tmp_path: Path, restarts: int) -> None:
    statuses = []
    with unit(tmp_path, {}) as syncd:
        syncd.start()

        with calling(syncd.socket) as calls:
            for _ in range(restarts):
                syncd.stop()
                assert syncd.ended() == 0, syncd.log()
                syncd.launch()
                with syncctl(syncd.socket, "status") as status:
                    began = time.monotonic()
                    syncd.hears("READY=1")
                    patient = time.monotonic() - began < _SYNCCTL_SECONDS
                    statuses.append(status.wait(30) == 0 or not patient)
                time.sleep(0.2)

        print(f"{restarts} restarts: {calls.answered} calls answered, the longest wait {calls.longest:.2f} s")  # noqa: T201
        assert calls.failed == []
        assert all(statuses)
        assert calls.answered > restarts


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.timeout(120)
def test_starting_and_stopping_go_in_order(tmp_path: Path, silent: str) -> None:
    shop = DuckDBShop(tmp_path / "shop.duckdb")
    shop.create(3)
    with (
        unit(tmp_path, synced(shop, {"kind": "meilisearch", "url": silent, "timeout": "10m"})) as syncd,
        grpc.insecure_channel(f"unix:{syncd.socket}") as channel,
    ):
        control: Any = ControlStub(channel)
        early = control.GetDaemon.future(control_pb2.GetDaemonRequest(), timeout=_CALL_SECONDS, wait_for_ready=True)
        syncd.start()
        early.result()
        control.StartRun(control_pb2.StartRunRequest(sync="products", mode="full"))
        watch = control.WatchSyncs(control_pb2.WatchSyncsRequest())
        until(lambda: any(sync.phase == PHASE_RUNNING for sync in next(watch).syncs), "the run hangs")
        stub: Any = HealthStub(channel)
        health = stub.Watch(HealthCheckRequest())
        first = next(health).status

        syncd.stop()
        syncd.hears("STOPPING=1")
        goodbyes = [message.going_away for message in watch]
        after = next(health).status
        queued = control.GetDaemon.future(control_pb2.GetDaemonRequest(), timeout=_CALL_SECONDS, wait_for_ready=True)
        with pytest.raises(grpc.FutureTimeoutError):
            queued.result(0.3)
        lived = syncd.process and syncd.process.poll() is None
        syncd.stop(signal.SIGINT)

        assert syncd.ended(2) == -signal.SIGINT  # the second signal does not wait for the run
        assert lived
        assert (first, after) == (HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING)
        assert goodbyes[-1]
        assert watch.code() is grpc.StatusCode.OK
