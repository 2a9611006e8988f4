"""Daemons that describe warehouses, and what applications see of that: calls of `Metadata`, and the objects themselves."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from demo.shop import writing
from syncapi.v1 import metadata_pb2 as pb
from syncapi.v1.common_pb2 import RUN_STATE_DONE, Run
from syncapi.v1.metadata_pb2_grpc import MetadataStub
from tests.servers.bigquery.server import PROJECT, BigQuery
from tests.servers.model_api import Asked, ModelApi
from tests.servers.objectstore.server import ObjectServer
from tests.system.client import told
from tests.system.harness import SyncdProcess
from tests.system.waiting import PATIENCE, until

NAME = "warehouse_metadata"
OBJECT = "metadata_cache.json"
BUCKET = "caches"
KEYS = ["generated_at", "generation_method", "schema", "examples", "events_tables", "schema_insights"]
_SECONDS = 20.0

TABLES = ("main.customers", "main.orders")
STATEMENTS = (
    "CREATE TABLE customers (id BIGINT PRIMARY KEY, country VARCHAR)",
    "CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT, amount DOUBLE, ordered_at TIMESTAMP)",
    "INSERT INTO orders SELECT n, n, n, TIMESTAMP '2026-01-01' FROM range(9) AS r(n)",
)


def change(path: Path, *statements: str) -> None:
    """Carry out statements in a warehouse, made if it is not there, as soon as nobody reads it."""
    with writing(path) as warehouse:
        for statement in statements:
            warehouse.execute(statement)


def sync(source: str, target: str, **changes: Any) -> dict[str, Any]:
    """A sync between two connections that looks every second; nothing is due by the clock."""
    return {
        "engine": "metadata",
        "source": {"connection": source, "schemas": ["main"]},
        "target": {"connection": target, "object": OBJECT},
        "refresh": {"daily": "", "weekly_full": "", "check_every": "1s"},
        "retry": {"attempts": 1000, "first": "50ms", "most": "200ms"},
        **changes,
    }


def file(path: Path) -> dict[str, Any]:
    return {"kind": "duckdb", "path": path}


def folder(path: Path) -> dict[str, Any]:
    return {"kind": "folder", "path": path}


def bigquery(server: BigQuery) -> dict[str, Any]:
    return {"kind": "bigquery", "project": PROJECT, "endpoint": server.url, "patience": "1s"}


def bucket(server: ObjectServer) -> dict[str, Any]:
    return {"kind": "gcs", "bucket": BUCKET, "endpoint": server.url, "timeout": "2s"}


def claude(api: ModelApi, **changes: Any) -> dict[str, Any]:
    """Needs `MODEL_KEY` in the environment."""
    prices = {"input": 3.0, "output": 15.0}
    return {"kind": "anthropic", "key": {"env": "MODEL_KEY"}, "model": "claude-x", "base_url": api.url, "prices": prices, **changes}


# ── readers ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reader:
    """An application that asks one daemon about one sync."""

    syncd: SyncdProcess
    sync: str = NAME

    def parts(self, unless: str = "", seconds: float = _SECONDS) -> list[pb.GetCacheResponse]:
        """The messages of one answer."""
        request = pb.GetCacheRequest(sync=self.sync, if_none_match=unless)
        with self._stub() as stub:
            return list(stub.GetCache(request, timeout=seconds))

    def get(self, unless: str = "", seconds: float = _SECONDS) -> tuple[pb.CacheInfo, bytes]:
        """What is known of the object, and its bytes."""
        first, *rest = self.parts(unless, seconds)
        return first.info, b"".join(part.chunk for part in rest)

    def status(self, seconds: float = _SECONDS) -> pb.CacheStatus:
        with self._stub() as stub:
            found: pb.CacheStatus = stub.GetCacheStatus(pb.GetCacheStatusRequest(sync=self.sync), timeout=seconds).status
        return found

    def context(self, *tables: str, budget: int = 0) -> pb.GetPromptContextResponse:
        request = pb.GetPromptContextRequest(sync=self.sync, tables=tables, token_budget=budget)
        with self._stub() as stub:
            found: pb.GetPromptContextResponse = stub.GetPromptContext(request, timeout=_SECONDS)
        return found

    def refresh(self, *tables: str, **wish: Any) -> str:
        """The id of a run that has not ended yet."""
        with self._stub() as stub:
            run: str = stub.RefreshCache(pb.RefreshCacheRequest(sync=self.sync, tables=tables, **wish), timeout=_SECONDS).run.id
        return run

    def refreshed(self, *tables: str, **wish: Any) -> Run:
        """Refresh, wait for the end, and insist that it is a good one."""
        run = self.syncd.client.ended(self.refresh(*tables, **wish))
        assert run.state == RUN_STATE_DONE, told(run)
        return run

    def snapshots(self) -> Sequence[pb.Snapshot]:
        with self._stub() as stub:
            found: Sequence[pb.Snapshot] = stub.ListSnapshots(pb.ListSnapshotsRequest(sync=self.sync), timeout=_SECONDS).snapshots
        return found

    def published(self, fits: Callable[[Mapping[str, Any]], bool] = lambda cache: True, seconds: float = PATIENCE) -> dict[str, Any]:
        """What is published, once there is something that fits."""

        def look() -> dict[str, Any] | None:
            try:
                cache: dict[str, Any] = json.loads(self.get()[1])
            except grpc.RpcError:
                return None
            return cache if fits(cache) else None

        return until(look, "what is published is as it should be", seconds)

    @contextmanager
    def _stub(self) -> Iterator[Any]:
        with grpc.insecure_channel(f"unix:{self.syncd.socket}") as channel:
            yield MetadataStub(channel)


def refused(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """Status and reason of a call that is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    info = error_details_pb2.ErrorInfo()
    rpc_status.from_call(error).details[0].Unpack(info)
    return error.code(), info.reason


# ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

Objects = Callable[[], Mapping[str, bytes]]
"""All objects of a store, by name."""


def in_folder(path: Path) -> Objects:
    def read() -> dict[str, bytes]:
        files = [each for each in path.rglob("*") if each.is_file() and not each.relative_to(path).parts[0].startswith(".")]
        return {str(each.relative_to(path)): each.read_bytes() for each in files}

    return read


def in_bucket(server: ObjectServer) -> Objects:
    def read() -> dict[str, bytes]:
        with server.buckets.lock:
            return {name: each.content for name, each in server.buckets.objects[BUCKET].items()}

    return read


def assert_whole(objects: Mapping[str, bytes]) -> dict[str, Any]:
    """What is published is one whole content, and its bookkeeping, and that of every snapshot, stands beside it."""
    for name, content in objects.items():
        if name == OBJECT or name.startswith("snapshots/"):
            sidecar = json.loads(objects[f"sidecars/{OBJECT}/{hashlib.sha256(content).hexdigest()}.json"])
            told = [each["sql"] for each in json.loads(content)["examples"]]
            assert told == [each["sql"] for unit in sidecar["units"].values() for each in unit["examples"]]
    cache: dict[str, Any] = json.loads(objects[OBJECT])
    assert list(cache) == KEYS
    return cache


def queries(cache: Mapping[str, Any], table: str) -> list[str]:
    """The queries on one table."""
    return [each["sql"] for each in cache["examples"] if re.search(rf"\b{table}\b", each["sql"])]


# ── the model ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def table_of(asked: Asked) -> str:
    """The table that the model is asked about."""
    found = re.match(r'The table: "([^"]+)"', asked.task)
    assert found, asked.task
    return found[1]


def counting(mark: Callable[[], object]) -> Callable[[Asked], object]:
    """A model that counts rows, and marks its queries."""

    def answer(asked: Asked) -> object:
        table, sign = table_of(asked), mark()
        examples = [{"question": f"{sign}: {table} {n}?", "sql": f"SELECT count(*) + {n} AS n_{sign} FROM {table}"} for n in range(3)]
        return {"insight": f"{sign}: {table}.", "examples": examples}

    return answer


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def assert_secret(secret: str, syncd: SyncdProcess, name: str = NAME) -> None:
    """It stands nowhere but in the environment: not in what is shown, logged or kept, nor in any command line."""
    daemon = psutil.Process(syncd.pid)
    lines = [" ".join(each.cmdline()) for each in [daemon, *daemon.children(recursive=True)]]
    shown = [syncd.ctl("show", name, *form).stdout for form in ((), ("--output", "json"))]
    kept = [each.read_bytes().decode(errors="replace") for each in syncd.folder.rglob("*") if each.is_file()]
    audit = [entry.detail_json for entry in syncd.client.audit_log()]
    assert all((lines, all(shown), kept, audit))
    assert not [text for text in (*lines, *shown, *kept, *audit) if secret in text]
