# ruff: noqa: N802 - the wire names the calls
"""The other end of the wire, scripted: a real gRPC server on a UNIX socket that answers from a small world of its own."""

import asyncio
import hashlib
import inspect
import json
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from syncapi.v1 import audit_pb2, audit_pb2_grpc, control_pb2, control_pb2_grpc, logs_pb2
from syncapi.v1.common_pb2 import AuditEntry, Counters, Failure, Phase, Run, RunState, RunTrigger, Sync
from syncd.domain.errors import SyncdError
from syncd.rpc.errors import status_of

RUN = "01JEXAMPLE0000000000000001"
OTHER_RUN = "01JEXAMPLE0000000000000002"
BREAK, GOING_AWAY, SILENCE = "break", "going away", "silence"


def at(ago: timedelta = timedelta()) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) - ago)
    return stamp


def a_run(**values: Any) -> Run:
    given: dict[str, Any] = {
        "id": RUN,
        "sync": "products",
        "mode": "full",
        "trigger": RunTrigger.RUN_TRIGGER_REQUEST,
        "state": RunState.RUN_STATE_RUNNING,
        "actor": "ada",
        "attempt": 1,
        "queued_at": at(timedelta(seconds=5)),
        "started_at": at(timedelta(seconds=4)),
    }
    return Run(**(given | values))


def loading(read: int, **values: Any) -> Run:
    counters = Counters(read=read, sent=read, stored=read, bytes=read * 246)
    return a_run(**({"total": 50_000, "counters": counters, "doing": "loading", "rate": 14_705.4, "eta_seconds": 2.0} | values))


def done(**values: Any) -> Run:
    counters = Counters(read=50_000, unchanged=0, sent=50_000, stored=49_940, refused=60, bytes=12_300_000)
    given: dict[str, Any] = {"state": RunState.RUN_STATE_DONE, "summary": "done, 60 refused", "counters": counters, "ended_at": at()}
    return a_run(**(given | values))


def found(report: object, **values: Any) -> Run:
    given: dict[str, Any] = {"summary": "done", "counters": None, "report_json": json.dumps(report, ensure_ascii=False)}
    return done(**(given | values))


def failed(**values: Any) -> Run:
    failure = Failure(code="connection.credentials", message="Meilisearch rejects the key", hint="check `key` in the settings")
    return done(**({"state": RunState.RUN_STATE_FAILED, "summary": "failed", "failure": failure, "counters": None} | values))


def _products() -> Sync:
    last = done(ended_at=at(timedelta(minutes=2, seconds=10)))
    due = at(timedelta(minutes=-3, seconds=-2))
    return Sync(
        name="products",
        engine="search",
        phase=Phase.PHASE_IDLE,
        last_run=last,
        next_run_at=due,
        complete_to="2025-06-30 18:00:00",
        dead_letters=60,
        revision=7,
    )


def _orders() -> Sync:
    run = loading(31_000, id=OTHER_RUN, sync="주문", mode="incremental", trigger=RunTrigger.RUN_TRIGGER_SCHEDULE, actor="")
    return Sync(name="주문", engine="search", phase=Phase.PHASE_RUNNING, doing="loading", run=run, revision=8)


def _customers() -> Sync:
    last = failed(sync="customers", mode="incremental", ended_at=at(timedelta(hours=3)))
    return Sync(
        name="customers",
        engine="search",
        phase=Phase.PHASE_HALTED,
        last_run=last,
        problem=last.failure,
        complete_to="2025-06-29 07:11:42.123456",
        warnings=["3 rows have no watermark"],
        revision=5,
    )


def _letters() -> list[control_pb2.DeadLetter]:
    return [
        control_pb2.DeadLetter(
            id=number,
            sync="products",
            run=RUN,
            key_json=json.dumps([f"bad id {number}"]),
            code="invalid_document_id",
            reason="found a space in the id, expected letters, digits, '-' and '_'",
            first_seen_at=at(timedelta(days=2)),
            last_seen_at=at(timedelta(minutes=2)),
            attempts=3,
            document=json.dumps({"id": f"bad id {number}", "title": "회색 의자", "price": 12.5}, ensure_ascii=False),
        )
        for number in (1, 2, 3)
    ]


def an_entry(sequence: int, **values: Any) -> AuditEntry:
    given: dict[str, Any] = {
        "sequence": sequence,
        "at": at(timedelta(seconds=100 - sequence)),
        "action": "run.started",
        "sync": "products",
        "run": RUN,
        "actor": "ada",
        "outcome": "ok",
        "detail_json": '{"mode":"full","stored":49940}',
    }
    return AuditEntry(**(given | values))


def a_record(sequence: int, **values: Any) -> logs_pb2.LogRecord:
    given: dict[str, Any] = {
        "sequence": sequence,
        "at": Timestamp(seconds=1751306400 + sequence, nanos=123_456_000),
        "level": logs_pb2.LOG_LEVEL_INFO,
        "event": "batch applied",
        "sync": "products",
        "run": RUN,
        "fields_json": '{"applied":3,"place":"left door"}',
    }
    return logs_pb2.LogRecord(**(given | values))


@dataclass(frozen=True)
class Refusal:
    """An error as the daemon sends it; without a reason, as gRPC itself does."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    after: float = 0

    def send(self, context: grpc.ServicerContext) -> NoReturn:
        if not self.reason:
            context.abort(self.code, self.message)
        status = Status(code=self.code.value[0], message=self.message)
        status.details.add().Pack(ErrorInfo(reason=self.reason, domain="syncd", metadata=self.facts))
        if self.fields:
            wrong = [BadRequest.FieldViolation(field=name, description=text) for name, text in self.fields.items()]
            status.details.add().Pack(BadRequest(field_violations=wrong))
        if self.after:
            wait = RetryInfo()
            wait.retry_delay.FromTimedelta(timedelta(seconds=self.after))
            status.details.add().Pack(wait)
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("an abort raises")


Script = list[Run | str]


@dataclass
class World:
    """What the daemon knows, what it shall do next, and what it was asked."""

    syncs: dict[str, Sync] = field(default_factory=lambda: {sync.name: sync for sync in (_customers(), _products(), _orders())})
    runs: dict[str, Run] = field(default_factory=lambda: {RUN: done(), OTHER_RUN: _orders().run})
    letters: list[control_pb2.DeadLetter] = field(default_factory=_letters)
    entries: list[AuditEntry] = field(default_factory=lambda: [an_entry(number) for number in range(1, 41)])
    connections: list[control_pb2.ConnectionCheck] = field(default_factory=list)
    version: str = "0.1.0"
    watches: deque[Script] = field(default_factory=deque)
    """What each next `WatchRun` does; when none is left, the run as it is."""
    boards: deque[list[control_pb2.WatchSyncsResponse | str]] = field(default_factory=deque)
    findings: list[audit_pb2.AuditFinding] = field(default_factory=list)
    exported: list[bytes] = field(default_factory=lambda: [b"one\n", b"two\n"])
    found: deque[list[audit_pb2.QueryAuditResponse | str]] = field(default_factory=deque)
    tails: deque[list[audit_pb2.TailAuditResponse | str]] = field(default_factory=deque)
    records: list[logs_pb2.LogRecord] = field(default_factory=lambda: [a_record(number) for number in range(1, 31)])
    log_tails: deque[list[logs_pb2.TailLogsResponse | str]] = field(default_factory=deque)
    refuse: dict[str, Refusal] = field(default_factory=dict)
    """By the name of the call."""
    asked: list[Any] = field(default_factory=list)

    def requests(self, kind: type[Any]) -> list[Any]:
        return [request for request in self.asked if isinstance(request, kind)]


class _Scripted:
    def __init__(self, world: World) -> None:
        self.world = world

    def _begin(self, call: str, request: Any, context: grpc.ServicerContext) -> None:
        self.world.asked.append(request)
        if call in self.world.refuse:
            self.world.refuse[call].send(context)

    def _sync(self, name: str, context: grpc.ServicerContext) -> Sync:
        if name not in self.world.syncs:
            facts = {"hint": "`syncctl status` lists them"}
            Refusal(grpc.StatusCode.NOT_FOUND, f"no sync '{name}'; did you mean 'products'?", "sync.unknown", facts).send(context)
        return self.world.syncs[name]

    def _run(self, name: str, context: grpc.ServicerContext) -> Run:
        if name not in self.world.runs:
            Refusal(grpc.StatusCode.NOT_FOUND, f"no run '{name}'", "run.unknown").send(context)
        return self.world.runs[name]

    @staticmethod
    def _play(script: Iterable[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        for act in script:
            if act == BREAK:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            elif act == SILENCE:
                over = threading.Event()
                if context.add_callback(over.set):
                    over.wait(20)
                return
            else:
                yield act


class ScriptedControl(_Scripted, control_pb2_grpc.ControlServicer):
    def GetDaemon(self, request: Any, context: Any) -> control_pb2.GetDaemonResponse:
        self._begin("GetDaemon", request, context)
        return control_pb2.GetDaemonResponse(
            version=self.world.version,
            started_at=at(timedelta(days=3)),
            epoch="01JEPOCH",
            settings_file="/etc/syncd/syncd.toml",
            process_id=4711,
            syncs=3,
            running=1,
        )

    def ReloadSettings(self, request: Any, context: Any) -> control_pb2.ReloadSettingsResponse:
        self._begin("ReloadSettings", request, context)
        return control_pb2.ReloadSettingsResponse(added=["reviews"], changed=["products"], needs_restart=["daemon.state_dir"])

    def ListSyncs(self, request: Any, context: Any) -> control_pb2.ListSyncsResponse:
        self._begin("ListSyncs", request, context)
        syncs = list(self.world.syncs.values())
        start = int(request.page_token or 0)
        return control_pb2.ListSyncsResponse(
            syncs=syncs[start : start + 2], next_page_token=str(start + 2) if start + 2 < len(syncs) else ""
        )

    def GetSync(self, request: Any, context: Any) -> control_pb2.GetSyncResponse:
        self._begin("GetSync", request, context)
        return control_pb2.GetSyncResponse(
            sync=self._sync(request.sync, context),
            settings_json=json.dumps({"every": "5m", "source": {"connection": "shop", "key": ["id"]}, "mapping": {"title": "trim(name)"}}),
            checkpoint_json='{"watermark":"2025-06-30 18:00:00","key":["4711"]}',
            modes=[
                control_pb2.Mode(
                    name="full", summary="brings over everything", writes=True, parameters={"replace": "fill a new index, then swap"}
                ),
                control_pb2.Mode(name="verify", summary="compares source and target", parameters={"repair": "mend what differs"}),
            ],
        )

    def PauseSync(self, request: Any, context: Any) -> control_pb2.PauseSyncResponse:
        self._begin("PauseSync", request, context)
        self._sync(request.sync, context).phase = Phase.PHASE_PAUSED
        return control_pb2.PauseSyncResponse(sync=self._sync(request.sync, context))

    def ResumeSync(self, request: Any, context: Any) -> control_pb2.ResumeSyncResponse:
        self._begin("ResumeSync", request, context)
        self._sync(request.sync, context).phase = Phase.PHASE_IDLE
        return control_pb2.ResumeSyncResponse(sync=self._sync(request.sync, context))

    def ResetSync(self, request: Any, context: Any) -> control_pb2.ResetSyncResponse:
        self._begin("ResetSync", request, context)
        return control_pb2.ResetSyncResponse(sync=self._sync(request.sync, context))

    def StartRun(self, request: Any, context: Any) -> control_pb2.StartRunResponse:
        self._begin("StartRun", request, context)
        self._sync(request.sync, context)
        return control_pb2.StartRunResponse(
            run=a_run(sync=request.sync, mode=request.mode or "incremental", state=RunState.RUN_STATE_QUEUED)
        )

    def CancelRun(self, request: Any, context: Any) -> control_pb2.CancelRunResponse:
        self._begin("CancelRun", request, context)
        return control_pb2.CancelRunResponse(run=self._run(request.run, context))

    def GetRun(self, request: Any, context: Any) -> control_pb2.GetRunResponse:
        self._begin("GetRun", request, context)
        return control_pb2.GetRunResponse(run=self._run(request.run, context))

    def ListRuns(self, request: Any, context: Any) -> control_pb2.ListRunsResponse:
        self._begin("ListRuns", request, context)
        runs = [
            run
            for run in self.world.runs.values()
            if request.sync in ("", run.sync) and (not request.states or run.state in request.states)
        ]
        start = int(request.page_token or 0)
        end = start + min(request.page_size, 1)
        return control_pb2.ListRunsResponse(runs=runs[start:end], next_page_token=str(end) if end < len(runs) else "")

    def WatchRun(self, request: Any, context: Any) -> Iterator[control_pb2.WatchRunResponse]:
        self._begin("WatchRun", request, context)
        script: Script = self.world.watches.popleft() if self.world.watches else [self._run(request.run, context)]
        for act in self._play(script, context):
            yield (control_pb2.WatchRunResponse(going_away=True) if act == GOING_AWAY else control_pb2.WatchRunResponse(run=act))

    def WatchSyncs(self, request: Any, context: Any) -> Iterator[control_pb2.WatchSyncsResponse]:
        self._begin("WatchSyncs", request, context)
        chosen = [sync for name, sync in self.world.syncs.items() if not request.syncs or name in request.syncs]
        snapshot = control_pb2.WatchSyncsResponse(epoch="01JEPOCH", revision=8, snapshot=True, syncs=chosen)
        yield from self._play(self.world.boards.popleft() if self.world.boards else [snapshot, SILENCE], context)

    def CheckConnections(self, request: Any, context: Any) -> control_pb2.CheckConnectionsResponse:
        self._begin("CheckConnections", request, context)
        return control_pb2.CheckConnectionsResponse(checks=self.world.connections)

    def ListDeadLetters(self, request: Any, context: Any) -> control_pb2.ListDeadLettersResponse:
        self._begin("ListDeadLetters", request, context)
        letters = [letter for letter in self.world.letters if not request.ids or letter.id in request.ids]
        return control_pb2.ListDeadLettersResponse(dead_letters=letters)

    def RetryDeadLetters(self, request: Any, context: Any) -> control_pb2.RetryDeadLettersResponse:
        self._begin("RetryDeadLetters", request, context)
        return control_pb2.RetryDeadLettersResponse(run=a_run(mode="retry", state=RunState.RUN_STATE_QUEUED))

    def DiscardDeadLetters(self, request: Any, context: Any) -> control_pb2.DiscardDeadLettersResponse:
        self._begin("DiscardDeadLetters", request, context)
        return control_pb2.DiscardDeadLettersResponse(discarded=len(request.ids) or len(self.world.letters))


class ScriptedAudit(_Scripted, audit_pb2_grpc.AuditServicer):
    def QueryAudit(self, request: Any, context: Any) -> Iterator[audit_pb2.QueryAuditResponse]:
        self._begin("QueryAudit", request, context)
        if self.world.found:
            yield from self._play(self.world.found.popleft(), context)
            return
        entries = self.world.entries[::-1][: request.limit or 100]
        for start in range(0, len(entries), 7):
            yield audit_pb2.QueryAuditResponse(entries=entries[start : start + 7])

    def TailAudit(self, request: Any, context: Any) -> Iterator[audit_pb2.TailAuditResponse]:
        self._begin("TailAudit", request, context)
        head = len(self.world.entries)
        first = request.after_sequence if request.HasField("after_sequence") else head - request.backlog
        now = audit_pb2.TailAuditResponse(entries=self.world.entries[max(first, 0) :], cursor=head)
        yield from self._play(self.world.tails.popleft() if self.world.tails else [now, SILENCE], context)

    def SearchLogs(self, request: Any, context: Any) -> Iterator[logs_pb2.SearchLogsResponse]:
        self._begin("SearchLogs", request, context)
        records = self.world.records[::-1][: request.limit or 100]
        for start in range(0, len(records), 7):
            yield logs_pb2.SearchLogsResponse(records=records[start : start + 7])

    def TailLogs(self, request: Any, context: Any) -> Iterator[logs_pb2.TailLogsResponse]:
        self._begin("TailLogs", request, context)
        yield from self._play(self.world.log_tails.popleft() if self.world.log_tails else [SILENCE], context)

    def VerifyAudit(self, request: Any, context: Any) -> Iterator[audit_pb2.VerifyAuditResponse]:
        self._begin("VerifyAudit", request, context)
        yield audit_pb2.VerifyAuditResponse(checked=40, total=80)
        yield audit_pb2.VerifyAuditResponse(
            checked=80, total=80, done=True, first=1, head=40, head_hash="ab" * 32, findings=self.world.findings
        )

    def ExportAudit(self, request: Any, context: Any) -> Iterator[audit_pb2.ExportAuditResponse]:
        self._begin("ExportAudit", request, context)
        for chunk in self.world.exported:
            yield audit_pb2.ExportAuditResponse(chunk=chunk)
        sha256 = hashlib.sha256(b"one\ntwo\n").hexdigest()
        manifest = audit_pb2.AuditManifest(format="csv", rows=2, first=39, last=40, last_hash="ab" * 32, sha256=sha256)
        yield audit_pb2.ExportAuditResponse(manifest=manifest)


def answering(service: Any, base: type[Any]) -> Any:
    """A service of the daemon, as a server with threads can hold it."""
    calls = {name: _blocking(getattr(service, name)) for name in dir(base) if name[0].isupper()}
    return type("Answering", (base,), calls)()


def _blocking(ask: Callable[..., Any]) -> Callable[..., Any]:
    async def whole(request: Any, context: Any) -> Iterator[Any]:
        return iter([message async for message in ask(request, context)])

    def asked(_: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return asyncio.run((whole if inspect.isasyncgenfunction(ask) else ask)(request, context))
        except SyncdError as error:
            context.abort_with_status(rpc_status.to_status(status_of(error)))

    return asked


@contextmanager
def serving(world: World, place: Path | None = None) -> Iterator[Path]:
    """A daemon at a UNIX socket; its path is short, as such paths must be."""
    with tempfile.TemporaryDirectory(prefix="ctl") as folder:
        path = place or Path(folder, "syncd.sock")
        server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        control_pb2_grpc.add_ControlServicer_to_server(ScriptedControl(world), server)
        audit_pb2_grpc.add_AuditServicer_to_server(ScriptedAudit(world), server)
        server.add_insecure_port(f"unix:{path}")
        server.start()
        try:
            yield path
        finally:
            server.stop(0).wait()
