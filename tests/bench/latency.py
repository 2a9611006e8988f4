"""How long after its commit a changed row can be found, alone and beside another sync that loads the same server."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import duckdb
import meilisearch

from tests.bench import rows
from tests.bench.daemon import Daemon
from tests.bench.report import Report
from tests.servers.meilisearch import MeilisearchServer

CHANGES = 200
ROWS = 20_000
BULK_ROWS = 100_000
_PAUSES = (0.5, 1.5)
"""Seconds between two changes, at random between these: changes fall on every moment between two runs."""
_LOOK_SECONDS = 0.03
_PATIENCE = 120.0
_LIMIT = 5.0
_SETTINGS = """
[connections.shop]
kind = "duckdb"
path = "{folder}/shop.duckdb"
[connections.bulk]
kind = "duckdb"
path = "{folder}/bulk.duckdb"
[connections.search]
kind = "meilisearch"
url = "{url}"
key = {{ env = "MEILI_MASTER_KEY" }}
[syncs.products]
engine = "search"
every = "1s"
source = {{ connection = "shop", table = "products", key = ["id"], watermark = "modified" }}
target = {{ connection = "search", index = "products", settings = {{ proximityPrecision = "byAttribute" }} }}
[syncs.bulk]
engine = "search"
manual = true
source = {{ connection = "bulk", table = "products", key = ["id"], watermark = "modified" }}
target = {{ connection = "search", index = "bulk", settings = {{ proximityPrecision = "byAttribute" }} }}
"""


@dataclass(slots=True)
class Watch:
    """Changes that have been committed and not been found yet, and how long the others took."""

    index: meilisearch.index.Index
    open: dict[str, float] = field(default_factory=dict)
    """Word of the change -> when it was committed."""
    seconds: list[float] = field(default_factory=list)
    over: bool = False

    def look(self) -> None:
        """Search for every change that is still missing, again and again, until all are found and no more will come."""
        while self.open or not self.over:
            for word, committed in list(self.open.items()):
                if self.index.search(f'"{word}"', {"limit": 1})["hits"]:  # in quotes, for a word that is almost the same would be found too
                    self.seconds.append(time.monotonic() - committed)
                    del self.open[word]
                elif time.monotonic() - committed > _PATIENCE:
                    return
            time.sleep(_LOOK_SECONDS)


def bench(folder: Path) -> Report:
    rows.create(folder / "shop.duckdb", ROWS)
    rows.create(folder / "bulk.duckdb", BULK_ROWS)
    report = Report(f'latency: {CHANGES} changes of one row each, every = "1s", index of {ROWS:,} rows, commit to searchable')
    with MeilisearchServer(folder) as server:
        index = meilisearch.Client(server.url, server.key).index("products")
        settings = _SETTINGS.format(folder=folder, url=server.url)
        with Daemon(folder / "daemon", settings, {"MEILI_MASTER_KEY": server.key}) as daemon:
            _wait_for_documents(index)
            _judge(report, "alone", _changes(folder / "shop.duckdb", index, "alone"))
            with _loading(daemon) as loads:
                seconds = _changes(folder / "shop.duckdb", index, "beside")
            _judge(report, f"while another sync loads {BULK_ROWS:,} rows", seconds)
            report.line("loads beside, one after the other", " ".join(f"{load:.0f} s" for load in loads))
    return report


def _judge(report: Report, name: str, seconds: list[float]) -> None:
    cuts = quantiles(seconds, n=100, method="inclusive")
    found = f"p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s, max {max(seconds):.2f} s"
    report.bar(name, found, f"p99 ≤ {_LIMIT:g} s", kept=len(seconds) == CHANGES and cuts[98] <= _LIMIT)


def _changes(shop: Path, index: meilisearch.index.Index, series: str) -> list[float]:
    watch = Watch(index)
    looking = threading.Thread(target=watch.look)
    looking.start()
    chance = random.Random(series)
    for number in range(CHANGES):
        time.sleep(chance.uniform(*_PAUSES))
        word = f"{series}{number:05}"
        watch.open[word] = _change(shop, chance.randrange(1, ROWS + 1), word)
    watch.over = True
    looking.join()
    if watch.open:
        raise RuntimeError(f"{len(watch.open)} changes were not found within {_PATIENCE:.0f} s")
    return watch.seconds


def _change(shop: Path, number: int, word: str) -> float:
    """Change one row; answers when it was committed."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with duckdb.connect(str(shop)) as db:
                db.execute("UPDATE products SET title = ?, modified = now() AT TIME ZONE 'UTC' WHERE id = ?", [word, number])
                return time.monotonic()
        except duckdb.IOException:  # somebody reads the file just now
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def _loading(daemon: Daemon) -> Iterator[list[float]]:
    """Let another sync build its index anew, again and again; answers how long each time took."""
    over = threading.Event()
    seconds: list[float] = []

    def load() -> None:
        while not over.is_set():
            began = time.monotonic()
            daemon.wait_for(daemon.start("bulk", "full", replace="true"))
            seconds.append(time.monotonic() - began)

    loading = threading.Thread(target=load)
    loading.start()
    try:
        yield seconds
    finally:
        over.set()
        loading.join()


def _wait_for_documents(index: meilisearch.index.Index) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _documents(index) < ROWS:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the first run did not store {ROWS:,} rows within {_PATIENCE:.0f} s")
        time.sleep(0.2)


def _documents(index: meilisearch.index.Index) -> int:
    try:
        return int(index.get_stats().number_of_documents)
    except meilisearch.errors.MeilisearchApiError:
        return 0
