"""Values to messages and back: one function for each type, no decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1 import common_pb2, control_pb2
from syncd.domain.audit import Recorded
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.errors import InvalidRequest
from syncd.domain.run import Counters, Failure, RunState
from syncd.domain.status import RunView, SyncStatus
from syncd.ports.running import Mode
from syncd.rpc import identity


def caller(context: Any) -> str:
    """Who asks, as the audit log names it."""
    known = identity.current()
    return str(context.peer()).split(":", 1)[0] or "unix" if known is identity.NOBODY else known.actor


def traceparent(context: Any) -> str:
    """Where the call stands in the caller's trace; empty where it says nothing."""
    return str(dict(context.invocation_metadata() or ()).get("traceparent", ""))


def moment(at: datetime | None) -> Timestamp | None:
    if at is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def time(stamp: Timestamp) -> datetime:
    """Raises `InvalidRequest` for what no calendar has."""
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest("a time is out of range", fields={"time": "between the years 1 and 9999, nanos below a second"}) from None


def length(seconds: float) -> Duration:
    return Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def run(view: RunView) -> common_pb2.Run:
    run = view.run
    message = common_pb2.Run(
        id=run.id,
        sync=run.sync,
        mode=run.mode,
        trigger=common_pb2.RunTrigger.Value(f"RUN_TRIGGER_{run.trigger.name}"),
        state=common_pb2.RunState.Value(f"RUN_STATE_{run.state.name}"),
        queued_at=moment(run.queued_at),
        started_at=moment(run.started_at),
        ended_at=moment(run.ended_at),
        parameters=run.parameters,
        request_id=run.request_id,
        actor=run.actor,
        attempt=run.attempt,
        total=run.total,
        counters=counters(run.counters),
        failure=failure(run.failure),
        report_json=run.report,
        drifted=run.drifted,
        summary=run.summary,
    )
    if run.state is RunState.RUNNING or run.state is RunState.QUEUED:
        message.doing, message.rate = view.doing, view.rate
        if view.eta_seconds is not None:
            message.eta_seconds = view.eta_seconds
    return message


def counters(counted: Counters) -> common_pb2.Counters:
    return common_pb2.Counters(
        read=counted.read,
        unchanged=counted.unchanged,
        sent=counted.sent,
        stored=counted.stored,
        refused=counted.refused,
        deleted=counted.deleted,
        bytes=counted.bytes,
        batches=counted.batches,
    )


def failure(why: Failure | None) -> common_pb2.Failure | None:
    return common_pb2.Failure(code=why.code, message=why.message, hint=why.hint) if why else None


def sync(status: SyncStatus) -> common_pb2.Sync:
    return common_pb2.Sync(
        name=status.sync,
        engine=status.engine,
        phase=common_pb2.Phase.Value(f"PHASE_{status.phase.name}"),
        doing=status.active.doing if status.active else "",
        run=run(status.active) if status.active else None,
        last_run=run(RunView(status.last)) if status.last else None,
        next_run_at=moment(status.next_run),
        complete_to=status.complete_to,
        dead_letters=status.dead_letters,
        problem=failure(status.problem),
        revision=status.revision,
        warnings=status.warnings,
    )


def states(wanted: Sequence[common_pb2.RunState.ValueType]) -> frozenset[RunState]:
    """Raises `InvalidRequest` for a number that is none."""
    known = {common_pb2.RunState.Value(f"RUN_STATE_{state.name}"): state for state in RunState}
    if not known.keys() >= set(wanted):
        raise InvalidRequest("states holds what is no state", fields={"states": "RUN_STATE_QUEUED to RUN_STATE_INTERRUPTED"})
    return frozenset(known[state] for state in wanted)


def modes(known: Mapping[str, Mode]) -> list[control_pb2.Mode]:
    return [mode(name, each) for name, each in known.items()]


def mode(name: str, each: Mode) -> control_pb2.Mode:
    writes = each.writes or bool(each.writes_if)
    return control_pb2.Mode(name=name, summary=each.summary, writes=writes, parameters=each.parameters)


def letter(dead: DeadLetter, document: str) -> control_pb2.DeadLetter:
    return control_pb2.DeadLetter(
        id=dead.id,
        sync=dead.sync,
        run=dead.run,
        key_json=dead.key,
        document=document,
        code=dead.code,
        reason=dead.reason,
        first_seen_at=moment(dead.first_seen),
        last_seen_at=moment(dead.last_seen),
        attempts=dead.attempts,
    )


def text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def entry(recorded: Recorded) -> common_pb2.AuditEntry:
    said = recorded.entry
    return common_pb2.AuditEntry(
        sequence=recorded.sequence,
        at=moment(recorded.at),
        action=said.action,
        sync=said.sync,
        run=said.run,
        actor=said.actor,
        outcome=said.outcome,
        detail_json=text(said.detail),
        previous_hash=recorded.previous,
        hash=recorded.hash,
    )
