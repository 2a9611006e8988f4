"""What the description of a warehouse costs: tokens of a prompt, time and memory of a refresh, reading it from the daemon."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import grpc

from syncapi.v1.metadata_pb2 import GetCacheRequest
from syncapi.v1.metadata_pb2_grpc import MetadataStub
from syncd.engines.metadata.tokens import counter
from tests.bench import ga4, metadata_tokens
from tests.bench.daemon import Daemon
from tests.bench.metadata_runs import Runs, Took
from tests.bench.report import Report

SHARDS = 400
_SECONDS = 10.0
_MEMORY = 200_000_000
_LARGE = 8_000_000
_READ_SECONDS = 2.0
_OBJECT = "metadata_cache.json"
_SETTINGS = """
[connections.warehouse]
kind = "duckdb"
path = "{folder}/warehouse.duckdb"
[connections.caches]
kind = "folder"
path = "{folder}/caches"
[syncs.refreshed]
engine = "metadata"
manual = true
source = {{ connection = "warehouse", schemas = ["main"] }}
target = {{ connection = "caches", object = "metadata_cache.json" }}
[syncs.large]
engine = "metadata"
manual = true
source = {{ connection = "warehouse", schemas = ["main"] }}
target = {{ connection = "caches", object = "large.json" }}
"""
_ALTERNATIVE = """
import json, sys, time
import duckdb
began = time.perf_counter()
tables = {}
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    asked = "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns ORDER BY ALL"
    for schema, table, column, kind in connection.execute(asked).fetchall():
        tables.setdefault(f"{schema}.{table}", {})[column] = kind
with open(sys.argv[2], "w") as file:
    json.dump(tables, file)
print(time.perf_counter() - began)
"""


def bench(folder: Path) -> Report:
    report = Report(f"metadata: tokens, a refresh of {SHARDS} shards of Google Analytics and 15 tables without a model, and reading it")
    metadata_tokens.measure(report)
    ga4.create(folder / "warehouse.duckdb", SHARDS)
    _refreshes(folder, report)
    _reading(folder, report)
    return report


def _refreshes(folder: Path, report: Report) -> None:
    report.line(f"[a refresh of {SHARDS} shards and 15 tables in DuckDB]", "wall", "memory")
    with Runs(folder) as runs:
        idle = runs.start
        report.line("  the process before any run", "", f"peak RSS {_mb(idle.peak)}, of it not from files {_mb(idle.own)}")
        first = runs.run("refresh", full="true")
        seconds, peak = first.seconds, first.peak
        report.bar("  everything, from nothing", f"{seconds:.2f} s", f"< {_SECONDS:.0f} s", kept=seconds < _SECONDS)
        report.bar("  the process then", f"peak RSS {_mb(peak)}", f"< {_mb(_MEMORY)}", kept=peak < _MEMORY)
        report.line("  of it from the run", _mb(peak - idle.peak), f"not from files: {_mb(first.own)}")
        _alternative(folder, report, seconds)
        _checks(folder, runs, report)


def _checks(folder: Path, runs: Runs, report: Report) -> None:
    """What the regular check takes when there is nothing to do, and when there is."""
    nothing, written = _watched(folder, lambda: runs.run("check"))
    report.bar("  a check, file untouched", f"{_ms(nothing)}, {written} objects written", "0 objects", kept=written == 0)
    _change(folder, "INSERT INTO orders (order_id) VALUES (99)")
    rows, written = _watched(folder, lambda: runs.run("check"))
    report.bar("  a check after an INSERT", f"{_ms(rows)}, {written} objects written", "0 objects", kept=written == 0)
    before = _published(folder)
    _change(folder, "ALTER TABLE orders ADD COLUMN gift_note VARCHAR")
    altered, written = _watched(folder, lambda: runs.run("check"))
    told = "gift_note" in (folder / "published" / _OBJECT).read_text()
    report.bar(
        "  a check after an ALTER TABLE",
        f"{_ms(altered)}, {written} objects written",
        "published",
        kept=told and _published(folder) != before,
    )
    full = runs.run("refresh", full="true")
    report.line("  everything again", _ms(full), f"peak RSS of all runs {_mb(full.peak)}, now not from files {_mb(full.own)}")


def _alternative(folder: Path, report: Report, seconds: float) -> None:
    """What somebody would write without syncd."""
    dump = folder / "dump.json"
    ran = subprocess.run(
        [sys.executable, "-c", _ALTERNATIVE, str(folder / "warehouse.duckdb"), str(dump)], capture_output=True, text=True, check=True
    )
    count = counter().count
    ours, theirs = count((folder / "published" / _OBJECT).read_text()), count(dump.read_text())
    report.line(
        "  a script that dumps information_schema", f"{float(ran.stdout):.2f} s", f"a refresh takes {seconds / float(ran.stdout):.1f}×"
    )
    report.line("  its tokens", f"{theirs:,}", f"ours, with examples and insights: {ours:,} ({1 - ours / theirs:.2%} less)")


def _change(folder: Path, statement: str) -> None:
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        connection.execute(statement)


def _watched(folder: Path, run: Callable[[], Took]) -> tuple[Took, int]:
    """What a run took, and how many objects it has written."""
    before = _objects(folder)
    took = run()
    return took, len(_objects(folder) - before)


def _objects(folder: Path) -> set[tuple[str, int]]:
    """Name and time of the last write; what the store knows of them stands in a folder of its own."""
    found = (path for path in (folder / "published").rglob("*") if path.is_file() and ".syncd" not in path.parts)
    return {(str(path), path.stat().st_mtime_ns) for path in found}


def _published(folder: Path) -> bytes:
    return (folder / "published" / _OBJECT).read_bytes()


def _reading(folder: Path, report: Report) -> None:
    """Through the socket of the daemon, and from the file, one after the other."""
    caches = folder / "caches"
    caches.mkdir()
    _write_large(folder, caches / "large.json")
    with Daemon(folder / "daemon", _SETTINGS.format(folder=folder)) as daemon:
        started = daemon.peak_rss
        daemon.run("refreshed", "refresh")
        report.line("[the daemon]", "after the start", "after a refresh")
        report.line("  peak RSS", _mb(started), _mb(daemon.peak_rss))
        report.line("[GetCache, one caller]", "calls/s", "MB/s", "the file, read raw", "ratio")
        with grpc.insecure_channel(f"unix:{daemon.folder / 'syncd.sock'}") as channel:
            stub = MetadataStub(channel)
            for sync, name in (("refreshed", _OBJECT), ("large", "large.json")):
                _read(report, sync, caches / name, stub)


def _write_large(folder: Path, file: Path) -> None:
    """As somebody else may have published one: what we publish keeps within a budget."""
    schema = json.loads(_published(folder))["schema"]
    size = len(json.dumps(schema))
    told = {f"copy_{number}.{name}": record for number in range(_LARGE // size) for name, record in schema.items()}
    file.write_text(json.dumps({"schema": told}))


def _read(report: Report, sync: str, file: Path, stub: MetadataStub) -> None:
    content = file.read_bytes()
    digest = _get(stub, sync, "")[1]
    if _get(stub, sync, "")[0] != content:
        raise RuntimeError(f"the daemon answers with other bytes than {file.name} has")
    ours = _rate(lambda: _get(stub, sync, ""))
    raw = _rate(file.read_bytes)
    unmodified = _rate(lambda: _get(stub, sync, digest))
    size = len(content)
    cells = (f"{ours:,.0f}", f"{ours * size / 1e6:,.0f}", f"{raw:,.0f}/s, {raw * size / 1e6:,.0f} MB/s", f"1/{raw / ours:.0f}")
    report.line(f"  {size:,} bytes", *cells)
    report.line("  the same, known already", f"{unmodified:,.0f}")


def _get(stub: MetadataStub, sync: str, known: str) -> tuple[bytes, str]:
    """The bytes and their digest."""
    first, *rest = stub.GetCache(GetCacheRequest(sync=sync, if_none_match=known), timeout=30)
    return b"".join(part.chunk for part in rest), first.info.sha256


def _rate(call: Callable[[], object]) -> float:
    """Calls a second."""
    began, calls = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < _READ_SECONDS:
        call()
        calls += 1
    return calls / spent


def _ms(took: Took) -> str:
    return f"{took.seconds * 1000:,.0f} ms"


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
