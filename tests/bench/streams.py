"""Watchers: what a thousand of them cost other callers, and what frozen ones cost the daemon. `SYNCD_FROZEN` says for how many seconds."""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from syncapi.v1.control_pb2 import GetSyncRequest, PauseSyncRequest, ResumeSyncRequest
from tests.bench.daemon import Daemon
from tests.bench.readers import Readers, reading
from tests.bench.report import Report

_WATCHERS = (1, 100, 1000)
_FROZEN = 100
_PROCESSES = 4
_CHANGES_A_SECOND = 10
_MEASURED_SECONDS = 15.0
_FROZEN_SECONDS = float(os.environ.get("SYNCD_FROZEN", "60"))
_WARM_SECONDS = 2.0
_PAUSE = 0.01
_MOST_GROWN = 30 << 20
_SETTINGS = """
[connections.shop]
kind = "duckdb"
path = "shop.duckdb"
[connections.index]
kind = "fts5"
path = "index.db"
[connections.away]
kind = "meilisearch"
url = "http://127.0.0.1:9"
[syncs.products]
engine = "search"
manual = true
source = {connection = "shop", table = "products", key = ["id"]}
target = {connection = "index", index = "products"}
mapping = {id = "id"}
[syncs.trying]
engine = "search"
manual = true
source = {connection = "shop", table = "products", key = ["id"]}
target = {connection = "away", index = "products"}
mapping = {id = "id"}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Unary calls one after another, and what the daemon used meanwhile."""

    latencies: list[float]
    """In order of size."""
    seconds: float
    cpu: float

    def quantile(self, percent: int) -> float:
        return self.latencies[min(len(self.latencies) * percent // 100, len(self.latencies) - 1)]


def bench(folder: Path) -> Report:
    report = Report(f"streams: watchers at {_CHANGES_A_SECOND} changes a second; {_FROZEN} frozen readers for {_FROZEN_SECONDS:g} s")
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(folder / "shop.duckdb")) as db:
        db.execute("CREATE TABLE products AS SELECT range AS id FROM range(10)")
    with Daemon(folder, _SETTINGS) as daemon:
        _calling(daemon, _WARM_SECONDS)
        idle = _calling(daemon, _MEASURED_SECONDS)
        _line(report, "GetSync, nobody watches", idle)
        loaded = [_watched(daemon, report, count, idle) for count in _WATCHERS][-1]
    found, most = loaded.quantile(99), max(3 * idle.quantile(99), 0.1)
    report.bar("p99 under the most", f"{found * 1e3:.0f} ms", f"3 × idle or 100 ms: {most * 1e3:.0f} ms", kept=found <= most)
    with Daemon(folder, _SETTINGS) as daemon:  # whose memory no thousand watchers have grown before
        _frozen(daemon, report)
    return report


def _watched(daemon: Daemon, report: Report, count: int, idle: Load) -> Load:
    with reading(daemon, count, processes=min(count, _PROCESSES)) as readers:
        with _changing(daemon, readers):
            loaded = _calling(daemon, _MEASURED_SECONDS)
        rss = daemon.process.memory_info().rss
    _line(report, f"GetSync, {count} watch", loaded)
    messages = readers.messages - readers.opened  # the first message of each came before
    each = (loaded.cpu - idle.cpu * loaded.seconds / idle.seconds) / messages
    changes = len(readers.told) / loaded.seconds
    report.line(
        "",
        f"{changes:.1f} changes/s",
        f"{messages / loaded.seconds:,.0f} messages/s",
        f"lag p50 {readers.lag(50)} p99 {readers.lag(99)} ms",
    )
    report.line("", f"{rss >> 20} MB", f"{loaded.cpu / loaded.seconds:.0%} of a core", f"{each * 1e6:.0f} µs CPU a message")
    kept = readers.opened == count == readers.ends["open"]
    report.bar(f"{readers.opened} watched", readers.how_they_ended, f"{count} open", kept=kept)
    return loaded


def _frozen(daemon: Daemon, report: Report) -> None:
    """Some are frozen as processes, and as many do not read what their transport takes."""
    run = daemon.start("trying", "full")
    with _changing(daemon, Readers()):
        time.sleep(_WARM_SECONDS)
    alone = daemon.process.memory_info().rss
    with reading(daemon, _FROZEN, "idle", run=run) as frozen, reading(daemon, _FROZEN, "idle", run=run) as idle:
        before = daemon.process.memory_info().rss
        frozen.freeze()
        with _changing(daemon, idle):
            time.sleep(_FROZEN_SECONDS)
            grown = daemon.process.memory_info().rss - before
        frozen.thaw()
    for readers, what in ((frozen, "frozen"), (idle, "not reading")):
        report.line(f"{readers.opened} {what}", f"{readers.messages} messages at the end", readers.how_they_ended)
    report.line("memory: their connections", f"{(before - alone) / (1 << 20):+.1f} MB", f"of {alone >> 20} MB")
    report.bar("memory: while they read nothing", f"{grown / (1 << 20):+.1f} MB", f"{_MOST_GROWN >> 20} MB", kept=grown <= _MOST_GROWN)


@contextmanager
def _changing(daemon: Daemon, readers: Readers) -> Iterator[None]:
    """Pause and resume a sync, again and again."""
    done = threading.Event()
    pausing, control = itertools.cycle((True, False)), daemon.control

    def change() -> None:
        due = time.monotonic()
        while not done.wait(max(due - time.monotonic(), 0)):
            if next(pausing):
                sync = control.PauseSync(PauseSyncRequest(sync="products"), timeout=30).sync
            else:
                sync = control.ResumeSync(ResumeSyncRequest(sync="products"), timeout=30).sync
            readers.told[sync.revision] = time.monotonic()
            due += 1 / _CHANGES_A_SECOND

    thread = threading.Thread(target=change, name="changes")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _calling(daemon: Daemon, seconds: float) -> Load:
    found, cpu, start = [], daemon.cpu_seconds, time.monotonic()
    while (began := time.monotonic()) < start + seconds:
        daemon.control.GetSync(GetSyncRequest(sync="products"), timeout=30)
        found.append(time.monotonic() - began)
        time.sleep(_PAUSE)
    return Load(sorted(found), time.monotonic() - start, daemon.cpu_seconds - cpu)


def _line(report: Report, what: str, found: Load) -> None:
    p50, p99 = (f"p{percent} {found.quantile(percent) * 1e3:.1f} ms" for percent in (50, 99))
    report.line(what, p50, p99, f"{len(found.latencies)} calls")
