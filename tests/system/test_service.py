"""The real daemon under a stand-in for systemd: what it says, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.waiting import until

GOOD = '[daemon]\nstate_dir = "state"\n'
SYNC = """
[connections.shop]
kind = "duckdb"
path = "shop.duckdb"

[connections.local]
kind = "fts5"
path = "state/search.db"

[syncs.products]
engine = "search"
manual = true
source = { connection = "shop", table = "products", key = ["id"] }
target = { connection = "local", index = "products" }
"""
DYING = """
import asyncio, sys
from syncd.ledger.shipping import AuditLog
async def serve(self):
    await asyncio.sleep(0.2)
    raise KeyError("lost")
AuditLog.serve = serve
from syncd.__main__ import main
sys.exit(main())
"""


class Service:
    """A daemon that thinks that systemd started it."""

    def __init__(self, folder: Path, channel: socket.socket) -> None:
        self.folder = folder
        self.heard: list[str] = []
        self._channel = channel
        self.process: subprocess.Popen[bytes]

    def start(self, *command: str, watchdog: float = 0.4) -> None:
        environment = {"NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": str(int(watchdog * 1_000_000))}
        program = [sys.executable, *(command or ("-m", "syncd")), "--settings", "syncd.toml"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(program, cwd=self.folder, env=os.environ | environment, stderr=log)

    def hears(self, state: str) -> str:
        """Listen until something begins so, or one of its lines does."""

        def heard() -> str:
            self.listen()
            return next((each for each in self.heard if any(line.startswith(state) for line in each.splitlines())), "")

        return until(heard, f"systemd hears {state}: {self.heard}\n{self.log()}", 30)

    def listen(self) -> None:
        try:
            while True:
                self.heard.append(self._channel.recv(10_000).decode())
        except BlockingIOError:
            pass

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def writes(self, settings: str) -> None:
        (self.folder / "syncd.toml").write_text(settings)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.setblocking(False)
        service = Service(tmp_path, channel)
        service.writes(GOOD)
        with ended(service):
            yield service


@contextmanager
def ended(service: Service) -> Iterator[None]:
    try:
        yield
    finally:
        service.process.kill()
        service.process.wait()


def test_systemd_hears_of_the_whole_life(service: Service) -> None:
    service.start()
    service.hears("READY=1")
    service.hears("WATCHDOG=1")
    service.hears("STATUS=0 syncs")

    service.writes(GOOD + SYNC)
    service.process.send_signal(signal.SIGHUP)
    reloading = service.hears("RELOADING=1")
    service.hears("STATUS=settings reloaded")
    service.hears("STATUS=1 sync")

    service.writes(GOOD + SYNC + "nonsense = 1\n")
    service.process.send_signal(signal.SIGHUP)
    refused = service.hears("STATUS=settings not reloaded, the old ones are in force")
    service.process.send_signal(signal.SIGTERM)
    service.hears("STOPPING=1")

    assert service.process.wait(20) == 0
    micros = int(reloading.splitlines()[1].removeprefix("MONOTONIC_USEC="))
    assert 0 < time.monotonic() - micros / 1_000_000 < 60
    assert refused.startswith("READY=1\n")
    assert "nonsense" in refused
    lines = [json.loads(line) for line in service.log().splitlines()]
    assert [(line["added"], line["changed"]) for line in lines if line["event"] == "settings reloaded"] == [(["products"], [])]
    assert [line["code"] for line in lines if line["event"] == "settings not reloaded"] == ["settings.invalid"]


def test_a_part_that_dies_ends_the_daemon_with_a_reason(service: Service) -> None:
    service.start("-c", DYING)

    assert service.process.wait(30) == 1

    assert "ledger: ship audit entries: KeyError: 'lost'" in service.hears("STATUS=the daemon died")
    told = service.log().splitlines()
    assert "a part of the daemon died" in [json.loads(line)["event"] for line in told if line.startswith("{")]
    assert "syncd: the daemon died: ledger: ship audit entries: KeyError: 'lost'" in told
    assert "Traceback" in service.log()
