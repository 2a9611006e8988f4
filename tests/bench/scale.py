"""A thousand small tables in one daemon: how fast it starts, and what it costs while nothing happens."""

import time
from pathlib import Path

import duckdb

from tests.bench.daemon import Daemon
from tests.bench.report import Report

SYNCS = 1_000
_FIRST_RUNS_SECONDS = 900.0
_IDLE_SECONDS = 60
_CYCLE_SECONDS = 300
"""The default interval of a sync: in this time each is due once."""
_CONNECTIONS = """
[connections.shop]
kind = "duckdb"
path = "{shop}"
[connections.local]
kind = "fts5"
path = "search.db"
"""
_SYNC = """
[syncs.t{number:04}]
engine = "search"
source = {{ connection = "shop", table = "t{number:04}", key = ["id"], watermark = "modified" }}
target = {{ connection = "local", index = "t{number:04}" }}
"""
_TABLE = """
CREATE TABLE t{number:04} AS
SELECT id, 'thing ' || id AS name, id * 1.5 AS price, TIMESTAMP '2026-01-01' + to_seconds(id) AS modified FROM range(10) AS ids(id)
"""


def bench(folder: Path) -> Report:
    shop = folder / "shop.duckdb"
    with duckdb.connect(str(shop)) as db:
        db.execute("BEGIN")
        for number in range(SYNCS):
            db.execute(_TABLE.format(number=number))
        db.execute("COMMIT")
    settings = _CONNECTIONS.format(shop=shop) + "".join(_SYNC.format(number=number) for number in range(SYNCS))
    report = Report(f"scale: {SYNCS:,} tables of 10 rows in one DuckDB file, {SYNCS:,} syncs to FTS5, every 5 minutes")
    with Daemon(folder / "daemon", settings) as daemon:
        report.bar("start until READY", f"{daemon.ready_seconds:.2f} s", "< 10 s", kept=daemon.ready_seconds < 10)
        _first_runs(daemon, report)
        _idle(daemon, report)
        report.line("peak RSS", f"{daemon.peak_rss / 1e6:.0f} MB")
    with Daemon(folder / "daemon", settings) as daemon:
        seconds = daemon.ready_seconds
        report.bar("start again, state of all syncs there", f"{seconds:.2f} s", "< 10 s", kept=seconds < 10)
    return report


def _first_runs(daemon: Daemon, report: Report) -> None:
    began, before = time.monotonic(), daemon.cpu_seconds
    daemon.wait_for_first_runs(_FIRST_RUNS_SECONDS)
    seconds, cpu = time.monotonic() - began, daemon.cpu_seconds - before
    report.line("until all first runs are done", f"{seconds:.1f} s", f"{1000 * cpu / SYNCS:.1f} ms CPU a run")


def _idle(daemon: Daemon, report: Report) -> None:
    """Look at the CPU every second for a whole cycle. The quietest minute shows what waiting alone costs."""
    seconds = [daemon.cpu_seconds]
    times = [time.monotonic()]
    while times[-1] - times[0] < _CYCLE_SECONDS + _IDLE_SECONDS:
        time.sleep(1)
        seconds.append(daemon.cpu_seconds)
        times.append(time.monotonic())
    share = (seconds[-1] - seconds[0]) / (times[-1] - times[0])
    minutes = [
        (seconds[end] - seconds[start]) / (times[end] - times[start])
        for start in range(len(times))
        for end in range(start + 1, len(times))
        if _IDLE_SECONDS <= times[end] - times[start] < _IDLE_SECONDS + 2
    ]
    report.bar(
        f"CPU of one core over {times[-1] - times[0]:.0f} s, each sync due at least once", f"{share:.2%}", "< 5 %", kept=share < 0.05
    )
    report.line("the quietest minute of these", f"{min(minutes):.2%}")
    report.line("the busiest minute of these", f"{max(minutes):.2%}")
