"""A long audit log: how soon questions are answered, how fast it is checked and copied, and what `grep` over a copy takes.

`SYNCD_ENTRIES` says how many entries there are.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc

from syncapi.v1.audit_pb2 import AUDIT_FORMAT_JSONL, AUDIT_FORMAT_PARQUET, ExportAuditRequest, QueryAuditRequest, VerifyAuditRequest
from syncapi.v1.audit_pb2_grpc import AuditStub
from tests.bench.audit_made import MONTHS, make
from tests.bench.daemon import Daemon
from tests.bench.report import Report

_ENTRIES = int(os.environ.get("SYNCD_ENTRIES", "10_000_000"))
_BAR_SECONDS = 1.0
_TURNS = 5
_PATIENCE = 4 * 3600.0


def bench(folder: Path) -> Report:
    now = datetime.now(UTC)
    report = Report(f"audit: {_ENTRIES:,} entries over {MONTHS} months")
    began = time.monotonic()
    run = make(folder / "state", _ENTRIES, now)
    report.line("made by the bench", _rate(began))
    with Daemon(folder, "") as daemon, grpc.insecure_channel(f"unix:{folder / 'syncd.sock'}") as channel:
        audit: Any = AuditStub(channel)
        _files(report, audit, folder)
        _questions(report, audit, run, now)
        _checked(report, audit)
        copy = _copied(report, audit, folder)
        report.line("memory of the daemon at most", f"{daemon.peak_rss / (1 << 20):.0f} MB")
    _instead(report, copy, run, now)
    return report


def _files(report: Report, audit: Any, folder: Path) -> None:
    """The first question after a start waits until every month's file was compared with the outbox."""
    began = time.monotonic()
    list(audit.QueryAudit(QueryAuditRequest(limit=1), timeout=_PATIENCE))
    report.line("first question after the start", f"{time.monotonic() - began:.1f} s")
    sizes = {name: sum(file.stat().st_size for file in folder.glob(f"state/{name}")) >> 20 for name in ("state.db", "audit/*")}
    report.line("on disk", *(f"{name} {size:,} MB" for name, size in sizes.items()))


def _questions(report: Report, audit: Any, run: str, now: datetime) -> None:
    week = now - timedelta(days=7)
    for what, members in (
        ("the newest 100", {}),
        ("one run", {"run": run}),
        ("a person, 7 days", {"actor": "user-5", "since": week}),
        ("an action", {"action": "sync.resumed"}),
        ("a sync and an outcome", {"sync": "sync-150", "outcome": "target.unavailable"}),
        ("a rare word", {"text": "wartungsfenster"}),
        ("a word that is nowhere", {"text": "nowhere at all"}),
    ):
        found = [_asked(audit, QueryAuditRequest(limit=100, **members)) for _ in range(_TURNS)]
        first, again = found[0][0], _middle([first for first, _, _ in found[1:]])
        whole, count = _middle([whole for _, whole, _ in found]), found[0][2]
        times = f"first hit {first * 1e3:.0f} ms, then {again * 1e3:.0f} ms; all {count} in {whole * 1e3:.0f} ms"
        report.bar(what, times, f"{_BAR_SECONDS:g} s to the first hit, or to the end without one", kept=max(first, again) <= _BAR_SECONDS)


def _asked(audit: Any, request: QueryAuditRequest) -> tuple[float, float, int]:
    """Seconds until the first hit and until the end, and how many entries came in all."""
    began, first, count = time.monotonic(), 0.0, 0
    for message in audit.QueryAudit(request, timeout=_PATIENCE):
        first = first or time.monotonic() - began
        count += len(message.entries)
    whole = time.monotonic() - began
    return first or whole, whole, count


def _middle(seconds: Sequence[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


def _checked(report: Report, audit: Any) -> None:
    began = time.monotonic()
    *_, last = audit.VerifyAudit(VerifyAuditRequest(), timeout=_PATIENCE)
    report.bar("verify", f"{_rate(began)}, {len(last.findings)} findings", "none", kept=last.done and not last.findings)


def _copied(report: Report, audit: Any, folder: Path) -> Path:
    """Copies of the log; answers the one that `grep` reads."""
    for name, form in (("parquet", AUDIT_FORMAT_PARQUET), ("jsonl", AUDIT_FORMAT_JSONL)):
        began = time.monotonic()
        copy = folder / f"copy.{name}"
        with copy.open("wb") as file:
            for message in audit.ExportAudit(ExportAuditRequest(format=form), timeout=_PATIENCE):
                file.write(message.chunk)
        report.line(f"export as {name}", _rate(began), f"{copy.stat().st_size >> 20:,} MB")
    return copy


def _instead(report: Report, copy: Path, run: str, now: datetime) -> None:
    """What one would do without the daemon: search the exported lines."""
    tac, grep = shutil.which("tac"), shutil.which("grep")
    if not tac or not grep:
        raise RuntimeError("tac and grep are needed")
    for what, command in (
        ("grep, the same run", [grep, "-m", "100", "-F", f'"run": "{run}"', str(copy)]),
        ("grep, the same person", [grep, "-c", "-F", '"actor": "user-5"', str(copy)]),
        ("grep, the rare word", [grep, "-i", "-c", "-F", "wartungsfenster", str(copy)]),
    ):
        began = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        report.line(what, f"{(time.monotonic() - began) * 1e3:.0f} ms")


def _rate(began: float) -> str:
    seconds = time.monotonic() - began
    return f"{seconds:.0f} s, {_ENTRIES / seconds:,.0f} entries/s"
