"""What a full sync needs of memory, at two sizes of one table."""

from pathlib import Path

from tests.bench import rows
from tests.bench.daemon import Daemon, seconds_of
from tests.bench.report import Report

SIZES = (200_000, 2_000_000)
_LIMIT = 350_000_000
_SETTINGS = """
[connections.shop]
kind = "duckdb"
path = "{shop}"
[connections.local]
kind = "fts5"
path = "search.db"
[syncs.products]
engine = "search"
manual = true
source = {{ connection = "shop", table = "products", key = ["id"], watermark = "modified" }}
target = {{ connection = "local", index = "products", settings = {{ searchableAttributes = ["brand"] }} }}
"""


def bench(folder: Path) -> Report:
    report = Report("memory: a full sync from DuckDB to FTS5, then an incremental one")
    peaks = []
    for size in SIZES:
        shop = folder / f"{size}.duckdb"
        rows.create(shop, size)
        with Daemon(folder / f"daemon-{size}", _SETTINGS.format(shop=shop)) as daemon:
            started = daemon.peak_rss
            run = daemon.run("products", "full")
            daemon.run("products", "incremental")
            peaks.append(daemon.peak_rss)
            if run.counters.stored != size:
                raise RuntimeError(f"{run.counters.stored} rows were stored, expected {size}")
            speed = f"{size / seconds_of(run):,.0f} rows/s"
            report.line(f"{size:,} rows", f"peak RSS {peaks[-1] / 1e6:.0f} MB", f"after the start {started / 1e6:.0f} MB", speed)
    growth = max(peaks) / peaks[0] - 1
    report.bar("growth", f"{growth:+.1%}", "≤ 10 %", kept=growth <= 0.10)
    report.bar("peak RSS", f"{max(peaks) / 1e6:.0f} MB", f"≤ {_LIMIT / 1e6:.0f} MB", kept=max(peaks) <= _LIMIT)
    return report
