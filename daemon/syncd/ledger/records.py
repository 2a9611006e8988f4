"""Rows of the tables `runs` and `syncs`, to and from the values that the rest of the daemon knows."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from syncd.domain.batch import Checkpoint
from syncd.domain.run import Counters, Failure, Run, RunId, RunState, SyncName, Trigger
from syncd.ledger.moments import micros, micros_or_none, moment, moment_or_none
from syncd.ports.ledger import Hold, HoldKind, SyncRecord

_IDENTITY = ("id", "mode", "trigger", "queued_at", "parameters", "writes", "request_id", "actor")
_COURSE = ("state", "started_at", "ended_at", "attempt", "total", "counters", "failure", "drifted", "report")
_FIELDS = _IDENTITY + _COURSE

RUN_COLUMNS = ", ".join(f"runs.{field}" for field in _FIELDS)
"""What `run_from` reads, beside the name of the sync."""

_PUT_RUN = (
    f"INSERT INTO runs (sync, {', '.join(_FIELDS)}) VALUES (:sync, {', '.join(':' + field for field in _FIELDS)})"
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{field} = excluded.{field}' for field in _COURSE)}"
)

_LOAD = (
    "SELECT syncs.name, syncs.checkpoint, syncs.hold, syncs.clean, syncs.complete_to,"
    f" (SELECT count(*) FROM letters WHERE letters.sync = syncs.id) AS dead_letters, {RUN_COLUMNS}"
    " FROM syncs LEFT JOIN runs ON runs.number = syncs.last WHERE syncs.name IN (SELECT value FROM json_each(?))"
)


def intern(db: sqlite3.Connection, sync: SyncName) -> int:
    """The number of a sync, which is given one if it has none."""
    row = db.execute("SELECT id FROM syncs WHERE name = ?", (sync,)).fetchone()
    return int(row["id"]) if row else int(db.execute("INSERT INTO syncs (name) VALUES (?)", (sync,)).lastrowid or 0)


def load(db: sqlite3.Connection, syncs: Sequence[SyncName]) -> dict[SyncName, SyncRecord]:
    """The records of some syncs; one that the ledger does not know has the defaults."""
    found = {row["name"]: _record(row) for row in db.execute(_LOAD, (json.dumps(syncs),)).fetchall()}
    return {sync: found.get(sync, SyncRecord()) for sync in syncs}


def put_run(db: sqlite3.Connection, run: Run) -> None:
    """Write a run as it is now, whether it is new or not."""
    values = {
        "id": run.id,
        "sync": intern(db, run.sync),
        "mode": run.mode,
        "trigger": run.trigger.value,
        "state": run.state.value,
        "queued_at": micros(run.queued_at),
        "started_at": micros_or_none(run.started_at),
        "ended_at": micros_or_none(run.ended_at),
        "parameters": json.dumps(dict(run.parameters)),
        "writes": run.writes,
        "request_id": run.request_id or None,
        "actor": run.actor,
        "attempt": run.attempt,
        "total": run.total,
        "counters": json.dumps(asdict(run.counters)),
        "failure": json.dumps(asdict(run.failure)) if run.failure else None,
        "drifted": run.drifted,
        "report": run.report,
    }
    db.execute(_PUT_RUN, values)


def touch_run(db: sqlite3.Connection, run: Run) -> tuple[int, int]:
    """Write how far a run is; answers its number and that of its sync."""
    progress = (run.attempt, run.total, json.dumps(asdict(run.counters)), run.id)
    if db.execute("UPDATE runs SET attempt = ?, total = ?, counters = ? WHERE id = ?", progress).rowcount == 0:
        put_run(db, run)
    row = db.execute("SELECT number, sync FROM runs WHERE id = ?", (run.id,)).fetchone()
    return int(row["number"]), int(row["sync"])


def run_from(row: sqlite3.Row) -> Run:
    """A run from a row with `RUN_COLUMNS` and `name`, the sync's."""
    return Run(
        id=RunId(row["id"]),
        sync=SyncName(row["name"]),
        mode=row["mode"],
        trigger=Trigger(row["trigger"]),
        state=RunState(row["state"]),
        queued_at=moment(row["queued_at"]),
        parameters=json.loads(row["parameters"]),
        writes=bool(row["writes"]),
        request_id=row["request_id"] or "",
        actor=row["actor"],
        started_at=moment_or_none(row["started_at"]),
        ended_at=moment_or_none(row["ended_at"]),
        attempt=row["attempt"],
        total=row["total"],
        counters=Counters(**json.loads(row["counters"])),
        failure=Failure(**json.loads(row["failure"])) if row["failure"] else None,
        report=row["report"],
        drifted=bool(row["drifted"]),
    )


def put_hold(db: sqlite3.Connection, sync: int, hold: Hold | None) -> None:
    """Hold a sync, or release it."""
    text = json.dumps({"kind": hold.kind.value, **asdict(hold.why)}) if hold else None
    db.execute("UPDATE syncs SET hold = ? WHERE id = ?", (text, sync))


def _record(row: sqlite3.Row) -> SyncRecord:
    return SyncRecord(
        checkpoint=None if row["checkpoint"] is None else Checkpoint(row["checkpoint"]),
        hold=_hold(json.loads(row["hold"])) if row["hold"] else None,
        clean=bool(row["clean"]),
        complete_to=row["complete_to"],
        dead_letters=row["dead_letters"],
        last=run_from(row) if row["id"] else None,
    )


def _hold(stored: Mapping[str, str]) -> Hold:
    return Hold(HoldKind(stored["kind"]), Failure(stored["code"], stored["message"], stored["hint"]))
