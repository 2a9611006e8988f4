"""The daemon is killed under load, again and again: what clients were told stays true, and a follower gets each entry once."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import grpc
import pytest

from syncapi.v1.audit_pb2 import TailAuditRequest, VerifyAuditRequest
from syncapi.v1.common_pb2 import PHASE_PAUSED, AuditEntry, Run
from tests.system.auditing import assert_chained
from tests.system.client import Client
from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.waiting import until

KILLS = int(os.environ.get("SYNCD_KILLS", "1"))
READERS = 4
SYNCS = [f"s{number}" for number in range(4)]
"""Each has a client of its own, so that what it was told last is what holds."""


@dataclass
class Told:
    """What one client knows of its sync."""

    sync: str
    paused: bool = False
    unsure: bool = False
    """The last change of the hold was not answered: it may hold or not."""
    pauses: int = 0
    resumes: int = 0
    runs: dict[str, str] = field(default_factory=dict)
    """Runs by the request ids that were answered."""


@dataclass
class Reader:
    """Follows the audit log by its cursor, over every end of a stream."""

    entries: list[AuditEntry] = field(default_factory=list)
    cursor: int = 0
    streams: int = 0

    def follow(self, client: Client, done: threading.Event) -> None:
        while not done.is_set():
            self.streams += 1
            stream = client.audit.TailAudit(TailAuditRequest(after_sequence=self.cursor), timeout=2)
            with quietly():
                for message in stream:
                    self.entries += message.entries
                    self.cursor = message.cursor
                    if done.is_set():
                        stream.cancel()
            done.wait(0.05)


@contextmanager
def quietly() -> Iterator[None]:
    """The daemon may be gone at any moment."""
    try:
        yield
    except grpc.RpcError:
        time.sleep(0.02)


def work(told: Told, client: Client, done: threading.Event) -> None:
    """Start runs, pause, resume and cancel, and keep what was answered."""
    draw = random.Random(told.sync)
    for number in count():
        if done.is_set():
            return
        with quietly():
            match draw.randrange(4):
                case 0:
                    hold(told, client, paused=True)
                case 1:
                    hold(told, client, paused=False)
                case 2:
                    request = f"{told.sync}-{number}"
                    told.runs[request] = client.start(told.sync, "full", request_id=request, queue=True).id
                case _:
                    client.cancel(draw.choice(list(told.runs.values()))) if told.runs else None
        done.wait(0.005)


def hold(told: Told, client: Client, *, paused: bool) -> None:
    told.unsure = True
    (client.pause if paused else client.resume)(told.sync)
    told.paused, told.unsure = paused, False
    told.pauses += paused
    told.resumes += not paused


@contextmanager
def at_work(socket: Path, works: list[Callable[[Client, threading.Event], None]]) -> Iterator[None]:
    """Each in a thread, over a connection of its own that survives the daemon."""
    done = threading.Event()
    clients = [Client(socket) for _ in works]
    threads = [threading.Thread(target=work, args=(client, done)) for work, client in zip(works, clients, strict=True)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
        for client in clients:
            client.close()


def settings(folder: Path) -> dict[str, Any]:
    shop = folder / "shop.duckdb"
    with duckdb.connect(str(shop)) as db:
        db.execute("CREATE TABLE products AS SELECT range AS id FROM range(500)")
    sync = {
        "engine": "search",
        "manual": True,
        "source": {"connection": "shop", "table": "products", "key": ["id"]},
        "mapping": {"id": "id"},
    }
    return {
        "connections": {"shop": {"kind": "duckdb", "path": shop}, "index": {"kind": "fts5", "path": folder / "index.db"}},
        "syncs": {name: {**sync, "target": {"connection": "index", "index": name}} for name in SYNCS},
    }


@pytest.mark.timeout(120 + 15 * KILLS)
def test_killing_syncd_under_load_takes_back_nothing_that_was_said(running: Running, tmp_path: Path) -> None:
    syncd = running(settings(tmp_path))
    told = [Told(sync) for sync in SYNCS]
    readers = [Reader() for _ in range(READERS)]
    draw = random.Random(20261121)

    with at_work(syncd.socket, [reader.follow for reader in readers]):
        for _ in range(KILLS):
            with at_work(syncd.socket, [worker(each) for each in told]):
                time.sleep(draw.uniform(0.2, 1))
                syncd.kill()
            syncd.start()
            for each in told:
                assert_kept(each, syncd.client)
        head = settled(syncd)
        until(lambda: all(reader.cursor >= head for reader in readers), "the readers reach the head")

    log = assert_chained(syncd.client)
    for reader in readers:
        assert reader.streams > KILLS
        assert reader.entries[:head] == log[:head]
        assert len(reader.entries) == reader.cursor
    for each in told:
        assert sum(entry.action == "sync.paused" and entry.sync == each.sync for entry in log) >= each.pauses
        assert sum(entry.action == "sync.resumed" and entry.sync == each.sync for entry in log) >= each.resumes
    assert not [*syncd.client.audit.VerifyAudit(VerifyAuditRequest(), timeout=60)][-1].findings


def worker(told: Told) -> Callable[[Client, threading.Event], None]:
    return lambda client, done: work(told, client, done)


def assert_kept(told: Told, client: Client) -> None:
    """A pause that was answered is a pause, and a request that was answered gives the same run."""
    is_paused = client.quiet(told.sync).phase == PHASE_PAUSED
    assert told.unsure or is_paused == told.paused
    told.paused, told.unsure = is_paused, False
    known: dict[str, Run] = {run.id: run for run in client.runs(told.sync)}
    for request, run in list(told.runs.items())[-5:]:
        assert client.start(told.sync, "full", request_id=request, queue=True).id == run
    assert set(told.runs.values()) <= set(known)


def settled(syncd: SyncdProcess) -> int:
    """The head of the log, once nothing is under way any more."""
    for sync in SYNCS:
        syncd.client.resume(sync)
        syncd.client.quiet(sync)
    return len(syncd.client.audit_log())
