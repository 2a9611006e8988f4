"""How fast a first load is, beside the fastest that the server takes and beside what people write by hand.

Each contestant gets a fresh server with the same index settings. The machine is noisy, so contestants take turns and medians count.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import meilisearch

from tests.bench import rows
from tests.bench.daemon import Daemon, seconds_of
from tests.bench.report import Report
from tests.servers.meilisearch import MeilisearchServer

ROWS = 200_000
ROUNDS = 3
SETTINGS = {"filterableAttributes": ["category", "price"]}
"""Of the index, for every contestant: otherwise what the server has by itself."""
_PAYLOAD_ROWS = 10_000
_HAND_MADE_ROWS = 1_000
_LOOK_SECONDS = 0.05
_DAEMON = """
[connections.shop]
kind = "duckdb"
path = "{shop}"
[connections.search]
kind = "meilisearch"
url = "{url}"
key = {{ env = "MEILI_MASTER_KEY" }}
[syncs.products]
engine = "search"
manual = true
source = {{ connection = "shop", table = "products", key = ["id"], watermark = "modified" }}
target = {{ connection = "search", index = "products", settings = {settings} }}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One full load of all rows."""

    seconds: float
    bytes: int
    cpu_seconds: float = 0.0


def bench(folder: Path) -> Report:
    shop = folder / "shop.duckdb"
    rows.create(shop, ROWS)
    raw: list[Load] = []
    ours: list[Load] = []
    for number in range(ROUNDS):
        turns = [(raw, _raw), (ours, _syncd)]
        for loads, load in turns if number % 2 == 0 else reversed(turns):
            loads.append(_loaded(folder / f"{load.__name__}-{number}", shop, load))
    return _judged(raw, ours, _loaded(folder / "by-hand", shop, _by_hand))


def _judged(raw: list[Load], ours: list[Load], by_hand: Load) -> Report:
    report = Report(f"throughput: {ROWS:,} rows of {ours[0].bytes / ROWS:.0f} bytes, {json.dumps(SETTINGS)}")
    ratio = median(our.seconds / limit.seconds for our, limit in zip(ours, raw, strict=True))
    share = median(our.cpu_seconds / our.seconds for our in ours)
    faster = by_hand.seconds / median(our.seconds for our in ours)
    for name, loads in (("raw NDJSON, all at once", raw), ("syncd, full", ours), ("by hand, 1,000 dicts and wait", [by_hand])):
        each = " ".join(f"{load.seconds:.1f}" for load in loads)
        seconds = median(load.seconds for load in loads)
        report.line(name, f"{seconds:.2f} s", f"{ROWS / seconds:,.0f} rows/s", f"{loads[0].bytes:,} bytes", f"each: {each} s")
    report.bar("syncd / raw, wall, median of pairs", f"{ratio:.3f}", "≤ 1.10", kept=ratio <= 1.10)
    report.bar("CPU of syncd / wall", f"{share:.1%}", "≤ 10 %", kept=share <= 0.10)
    report.bar("by hand / syncd, wall", f"{faster:.2f}", "≥ 2", kept=faster >= 2)
    return report


def _loaded(folder: Path, shop: Path, load: Callable[[MeilisearchServer, Path], Load]) -> Load:
    folder.mkdir()
    with MeilisearchServer(folder) as server:
        index = _client(server).index("products")
        done = load(server, shop)
        found = index.get_stats().number_of_documents
        if found != ROWS:
            raise RuntimeError(f"{load.__name__} stored {found} documents, expected {ROWS}")
        return done


def _raw(server: MeilisearchServer, shop: Path) -> Load:
    """Payloads made before the clock starts, fired one after the other, then waited for."""
    payloads = list(rows.payloads(shop, _PAYLOAD_ROWS))
    _make_index(server)
    began = time.monotonic()
    with _connection(server) as connection:
        tasks = [_ask(connection, server, "POST", "/indexes/products/documents?primaryKey=id", payload)["taskUid"] for payload in payloads]
        while pending := _ask(connection, server, "GET", "/tasks?limit=1&statuses=enqueued,processing")["total"]:
            time.sleep(_LOOK_SECONDS if pending else 0)
        seconds = time.monotonic() - began
        done = _ask(connection, server, "GET", f"/tasks?limit=1&statuses=succeeded&uids={','.join(map(str, tasks))}")["total"]
    if done != len(payloads):
        raise RuntimeError(f"{len(payloads) - done} tasks failed")
    return Load(seconds, sum(len(payload) for payload in payloads))


def _syncd(server: MeilisearchServer, shop: Path) -> Load:
    """The real daemon, from the wish for the run to its end; the index and its settings are there already, as for the others."""
    _make_index(server)
    settings = ", ".join(f"{name} = {json.dumps(value)}" for name, value in SETTINGS.items())
    text = _DAEMON.format(shop=shop, url=server.url, settings=f"{{ {settings} }}")
    with Daemon(server.folder / "daemon", text, {"MEILI_MASTER_KEY": server.key}) as daemon:
        before = daemon.cpu_seconds
        run = daemon.run("products", "full")
        return Load(seconds_of(run), run.counters.bytes, daemon.cpu_seconds - before)


def _by_hand(server: MeilisearchServer, shop: Path) -> Load:
    """What people write: the official client, a thousand objects at a time, and waiting for each."""
    _make_index(server)
    index = _client(server).index("products")
    began = time.monotonic()
    size = 0
    for some in rows.dicts(shop, _HAND_MADE_ROWS):
        task = index.wait_for_task(index.add_documents(some, "id").task_uid, 60_000, 20)
        if task.status != "succeeded":
            raise RuntimeError(f"a task failed: {task.error}")
        size += len(some)
    return Load(time.monotonic() - began, size)


def _make_index(server: MeilisearchServer) -> None:
    client = _client(server)
    client.wait_for_task(client.create_index("products", {"primaryKey": "id"}).task_uid)
    client.wait_for_task(client.index("products").update_settings(SETTINGS).task_uid)


def _client(server: MeilisearchServer) -> meilisearch.Client:
    return meilisearch.Client(server.url, server.key)


@contextmanager
def _connection(server: MeilisearchServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def _ask(connection: http.client.HTTPConnection, server: MeilisearchServer, method: str, path: str, body: bytes | None = None) -> Any:
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/x-ndjson"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")
    return json.loads(text)
