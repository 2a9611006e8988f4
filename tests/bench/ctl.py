"""How long a person waits for `syncctl`, and how often as long as for Python itself to do nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import NamedTuple

import duckdb

from tests.bench.daemon import Daemon
from tests.bench.report import Report

_ROUNDS = 21
_HELP_SECONDS, _STATUS_SECONDS = 0.150, 0.250
_SYNCS = 5
_SETTINGS = """
[connections.shop]
kind = "duckdb"
path = "shop.duckdb"
[connections.index]
kind = "fts5"
path = "search.db"
"""
_SYNC = """
[syncs.t{number}]
engine = "search"
source = {{ connection = "shop", table = "t", key = ["id"], watermark = "modified" }}
target = {{ connection = "index", index = "t{number}" }}
"""
_TABLE = (
    "CREATE TABLE t AS SELECT id, 'thing ' || id AS name, TIMESTAMP '2026-01-01' + to_seconds(id) AS modified FROM range(10) AS ids(id)"
)


class Taken(NamedTuple):
    """Seconds of one call: on the clock, and of the processor."""

    wall: float
    cpu: float


def bench(folder: Path) -> Report:
    """Each command in turn, so that whatever else the machine does meets all of them."""
    report = Report("ctl: what a person waits for")
    with duckdb.connect(folder / "shop.duckdb") as shop:
        shop.execute(_TABLE)
    with Daemon(folder, _SETTINGS + "".join(_SYNC.format(number=number) for number in range(_SYNCS))) as daemon:
        daemon.wait_for_first_runs(60)
        environment = os.environ | {"SYNCD_ADDRESS": f"unix:{folder / 'syncd.sock'}"}
        ctl = [str(Path(sys.executable).with_name("syncctl"))]
        completing = environment | {"_SYNCCTL_COMPLETE": "bash_complete", "COMP_WORDS": "syncctl show ", "COMP_CWORD": "2"}
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], environment),
            "syncctl --help": ([*ctl, "--help"], environment),
            "syncctl status": ([*ctl, "status"], environment),
            "syncctl status -o json": ([*ctl, "status", "-o", "json"], environment),
            "TAB behind `syncctl show`": (ctl, completing),
        }
        taken = _taken(commands)
    bare = taken["python -c pass"]
    for name, each in taken.items():
        ratio = f"{each.wall / bare.wall:.1f} × bare, CPU {each.cpu / bare.cpu:.1f} ×"
        report.line(name, f"{_told(each.wall)}, CPU {_told(each.cpu)}", ratio)
    for name, bar in {"syncctl --help": _HELP_SECONDS, "syncctl status": _STATUS_SECONDS}.items():
        report.bar(name, _told(taken[name].wall), f"≤ {_told(bar)}", kept=taken[name].wall <= bar)
    return report


def _taken(commands: Mapping[str, tuple[Sequence[str], dict[str, str]]]) -> dict[str, Taken]:
    """The medians of what each command takes; the first round only warms up."""
    taken: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(1 + _ROUNDS):
        for name, (command, environment) in commands.items():
            taken[name].append(_one(command, environment))
    return {name: Taken(median(each.wall for each in all_[1:]), median(each.cpu for each in all_[1:])) for name, all_ in taken.items()}


def _one(command: Sequence[str], environment: dict[str, str]) -> Taken:
    before, began = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - began, getrusage(RUSAGE_CHILDREN)
    return Taken(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _told(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
