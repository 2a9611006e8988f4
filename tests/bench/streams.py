"""Watchers: what a thousand of them cost other callers, and what frozen ones cost the daemon. `SYNCD_FROZEN` says for how many seconds."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from syncapi.v1.control_pb2 import ListSyncsRequest, PauseSyncRequest, ResumeSyncRequest
from tests.bench.daemon import Daemon
from tests.bench.report import Report

_WATCHERS = 1000
_FROZEN = 100
_CHANGES_A_SECOND = 10
_MEASURED_SECONDS = 15.0
_FROZEN_SECONDS = float(os.environ.get("SYNCD_FROZEN", "60"))
_PAUSE = 0.01
_SETTINGS = """
[connections.shop]
kind = "duckdb"
path = "shop.duckdb"
[connections.index]
kind = "fts5"
path = "index.db"
[syncs.products]
engine = "search"
manual = true
source = {connection = "shop", table = "products", key = ["id"]}
target = {connection = "index", index = "products"}
mapping = {id = "id"}
"""


@dataclass
class Told:
    """What readers said at their end."""

    opened: int = 0
    messages: int = 0
    ended: int = 0


def bench(folder: Path) -> Report:
    report = Report(
        f"streams: {_WATCHERS} watchers at {_CHANGES_A_SECOND} changes a second; {_FROZEN} frozen ones for {_FROZEN_SECONDS:g} s"
    )
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(folder / "shop.duckdb")) as db:
        db.execute("CREATE TABLE products AS SELECT range AS id FROM range(10)")
    with Daemon(folder, _SETTINGS) as daemon:
        _latencies(daemon, 2.0)
        idle = _latencies(daemon, _MEASURED_SECONDS)
        _line(report, "unary calls, nobody watches", idle)
        _watched(daemon, report, _quantile(idle, 99))
        _frozen(daemon, report)
    return report


def _watched(daemon: Daemon, report: Report, idle: float) -> None:
    with _reading(daemon, _WATCHERS, "read") as told, _changing(daemon):
        cpu, began = daemon.cpu_seconds, time.monotonic()
        loaded = _latencies(daemon, _MEASURED_SECONDS)
        share = (daemon.cpu_seconds - cpu) / (time.monotonic() - began)
    _line(report, f"unary calls, {told.opened} watch", loaded)
    report.line("the daemon's share of a core", f"{share:.0%}")
    report.line("messages, streams that broke", f"{told.messages:,}", f"{told.ended}")
    found, most = _quantile(loaded, 99), max(3 * idle, 0.1)
    report.bar("p99 under load", f"{found * 1e3:.0f} ms", f"3 × idle or 100 ms: {most * 1e3:.0f} ms", kept=found <= most)
    report.bar("all could watch", f"{told.opened}", f"{_WATCHERS}", kept=told.opened == _WATCHERS and not told.ended)


def _frozen(daemon: Daemon, report: Report) -> None:
    before = daemon.process.memory_info().rss
    with _reading(daemon, _FROZEN, "freeze") as told, _changing(daemon):
        time.sleep(_FROZEN_SECONDS)
        grown = daemon.process.memory_info().rss - before
    report.bar(f"memory for {told.opened} frozen", f"{grown / (1 << 20):+.1f} MB", "30 MB", kept=grown <= 30 << 20)


@contextmanager
def _reading(daemon: Daemon, count: int, how: str) -> Iterator[Told]:
    command = [sys.executable, "-m", "tests.bench.watchers", f"unix:{daemon.folder / 'syncd.sock'}", str(count), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the readers have no pipes")
        told = Told(opened=int(process.stdout.readline()))
        try:
            yield told
        finally:
            process.stdin.close()
            told.messages, told.ended = map(int, process.stdout.readline().split())


@contextmanager
def _changing(daemon: Daemon) -> Iterator[None]:
    """Pause and resume a sync, again and again."""
    done = threading.Event()

    def change() -> None:
        due, pausing = time.monotonic(), True
        while not done.wait(max(due - time.monotonic(), 0)):
            if pausing:
                daemon.control.PauseSync(PauseSyncRequest(sync="products"), timeout=30)
            else:
                daemon.control.ResumeSync(ResumeSyncRequest(sync="products"), timeout=30)
            due, pausing = due + 1 / _CHANGES_A_SECOND, not pausing

    thread = threading.Thread(target=change, name="changes")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _latencies(daemon: Daemon, seconds: float) -> list[float]:
    found, end = [], time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        daemon.control.ListSyncs(ListSyncsRequest(), timeout=30)
        found.append(time.monotonic() - began)
        time.sleep(_PAUSE)
    return sorted(found)


def _quantile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


def _line(report: Report, what: str, found: list[float]) -> None:
    p50, p99 = (f"p{percent} {_quantile(found, percent) * 1e3:.1f} ms" for percent in (50, 99))
    report.line(what, p50, p99, f"{len(found)} calls")
