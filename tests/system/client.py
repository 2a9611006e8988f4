"""The daemon as a program sees it that speaks its API: nothing here knows the daemon's own code."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc

from syncapi.v1 import common_pb2, control_pb2
from syncapi.v1.audit_pb2 import QueryAuditRequest, TailAuditRequest
from syncapi.v1.audit_pb2_grpc import AuditStub
from syncapi.v1.common_pb2 import AuditEntry, Run, RunState, Sync
from syncapi.v1.control_pb2_grpc import ControlStub
from tests.system.waiting import PATIENCE, until

UNDER_WAY = (common_pb2.RUN_STATE_QUEUED, common_pb2.RUN_STATE_RUNNING)
_CALL_SECONDS = 20.0
_RECONNECT = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.min_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)]


class Client:
    """Calls over a UNIX socket."""

    def __init__(self, socket: Path) -> None:
        self._channel = grpc.insecure_channel(f"unix:{socket}", _RECONNECT)
        self.control: Any = ControlStub(self._channel)
        self.audit: Any = AuditStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def answers(self) -> bool:
        """Whether the daemon is there and takes calls."""
        try:
            self.control.GetDaemon(control_pb2.GetDaemonRequest(), timeout=0.5)
        except grpc.RpcError:
            return False
        return True

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, sync: str, mode: str = "", /, *, request_id: str = "", queue: bool = False, **parameters: Any) -> Run:
        """Start a run; answers at once."""
        request = control_pb2.StartRunRequest(sync=sync, mode=mode, parameters=parameters, request_id=request_id, queue=queue)
        run: Run = self.control.StartRun(request, timeout=_CALL_SECONDS).run
        return run

    def run(self, sync: str, mode: str = "", /, **parameters: Any) -> Run:
        """Start a run and wait for its end, however it is."""
        return self.ended(self.start(sync, mode, **parameters).id)

    def done(self, sync: str, mode: str = "", /, **parameters: Any) -> Run:
        """Start a run, wait for its end, and insist that it is a good one."""
        run = self.run(sync, mode, **parameters)
        assert run.state == common_pb2.RUN_STATE_DONE, told(run)
        return run

    def ended(self, run: str, seconds: float = PATIENCE) -> Run:
        """The run, once it has ended."""
        return until(lambda: _over(self.of(run)), f"the end of run {run}", seconds)

    def of(self, run: str) -> Run:
        found: Run = self.control.GetRun(control_pb2.GetRunRequest(run=run), timeout=_CALL_SECONDS).run
        return found

    def runs(self, sync: str = "", *states: RunState.ValueType) -> list[Run]:
        """All runs, newest first."""
        request = control_pb2.ListRunsRequest(sync=sync, states=states, page_size=1000)
        return list(self.control.ListRuns(request, timeout=_CALL_SECONDS).runs)

    def cancel(self, run: str) -> None:
        self.control.CancelRun(control_pb2.CancelRunRequest(run=run), timeout=_CALL_SECONDS)

    # ── syncs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def shown(self, sync: str) -> control_pb2.GetSyncResponse:
        found: control_pb2.GetSyncResponse = self.control.GetSync(control_pb2.GetSyncRequest(sync=sync), timeout=_CALL_SECONDS)
        return found

    def status(self, sync: str) -> Sync:
        return self.shown(sync).sync

    def busy(self, sync: str) -> Run | None:
        """The run under way, if there is one that has begun."""
        status = self.status(sync)
        return status.run if status.HasField("run") and status.run.state == common_pb2.RUN_STATE_RUNNING else None

    def quiet(self, sync: str, seconds: float = PATIENCE) -> Sync:
        """The sync, once no run of it is queued or under way."""
        until(lambda: not self.runs(sync, *UNDER_WAY), f"{sync} without a run", seconds)
        return self.status(sync)

    def pause(self, sync: str) -> None:
        self.control.PauseSync(control_pb2.PauseSyncRequest(sync=sync), timeout=_CALL_SECONDS)

    def resume(self, sync: str) -> None:
        self.control.ResumeSync(control_pb2.ResumeSyncRequest(sync=sync), timeout=_CALL_SECONDS)

    # ── dead letters ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def letters(self, sync: str) -> Sequence[control_pb2.DeadLetter]:
        request = control_pb2.ListDeadLettersRequest(sync=sync, page_size=1000, with_documents=True)
        letters: Sequence[control_pb2.DeadLetter] = self.control.ListDeadLetters(request, timeout=_CALL_SECONDS).dead_letters
        return letters

    def retry(self, sync: str) -> Run:
        """Look at the dead letters again, and wait for the end of that."""
        return self.ended(self.control.RetryDeadLetters(control_pb2.RetryDeadLettersRequest(sync=sync), timeout=_CALL_SECONDS).run.id)

    # ── audit log ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def audit_log(self, action: str = "", sync: str = "") -> list[AuditEntry]:
        """Entries that the search through the log finds, oldest first."""
        replies = self.audit.QueryAudit(QueryAuditRequest(action=action, sync=sync, limit=100_000), timeout=_CALL_SECONDS)
        return [entry for reply in replies for entry in reply.entries][::-1]

    def audit_tail(self, upto: int) -> list[AuditEntry]:
        """Entries from the very first to one sequence, as a follower gets them."""
        return list(self._tailed(upto))

    def _tailed(self, upto: int) -> Iterator[AuditEntry]:
        stream = self.audit.TailAudit(TailAuditRequest(after_sequence=0), timeout=_CALL_SECONDS)
        for reply in stream:
            yield from reply.entries
            if reply.cursor >= upto:
                stream.cancel()
                return


def told(run: Run) -> str:
    """What there is to say about a run whose end is not the expected one."""
    return f"{run.mode} run {run.id} is {run.summary}: {run.failure.code} {run.failure.message} {run.report_json}"


def _over(run: Run) -> Run | None:
    return None if run.state in UNDER_WAY else run
