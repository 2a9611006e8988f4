"""The durable life of runs."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial

from syncd.domain.audit import Entry
from syncd.domain.run import Failure, Run, RunState
from syncd.ledger import standing
from syncd.ledger.moments import micros
from syncd.ledger.records import RUN_COLUMNS, intern, load, put_hold, put_run, run_from
from syncd.ledger.state import State, Transaction
from syncd.ports.ledger import Hold, HoldKind, RunQuery, SyncRecord

_SELECT = f"SELECT {RUN_COLUMNS}, syncs.name FROM runs JOIN syncs ON syncs.id = runs.sync"
_NEWEST_FIRST = "ORDER BY queued_at DESC, id DESC"
_PRUNED_AT_ONCE = 20
_PRUNE = f"""
DELETE FROM runs WHERE number IN (
    SELECT number FROM runs JOIN syncs ON syncs.id = runs.sync
    WHERE runs.sync = ? AND state NOT IN ('queued', 'running') AND number IS NOT syncs.last
    ORDER BY queued_at DESC, runs.id DESC LIMIT {_PRUNED_AT_ONCE} OFFSET ?
)
"""


class StoredRuns:
    """`ports.RunBook`. The newest `keep` ended runs of each sync stay."""

    def __init__(self, state: State, keep: int) -> None:
        self._state = state
        self._keep = keep

    async def add(self, run: Run) -> Run:
        return await self._state.write(partial(_add, run=run))

    async def begin(self, run: Run, settings: Mapping[str, object] | None = None) -> SyncRecord:
        return await self._state.write(partial(_begin, run=run, settings=settings))

    async def end(self, run: Run, hold: Hold | None = None, entries: Sequence[Entry] = ()) -> None:
        await self._state.write(partial(_end, run=run, hold=hold, entries=entries, keep=self._keep))

    async def retried(self, run: Run, failure: Failure, wait: float) -> None:
        await self._state.write(partial(_retried, run=run, failure=failure, wait=wait))

    async def find(self, query: RunQuery) -> Sequence[Run]:
        return await self._state.read(partial(_find, query=query))


def _add(transaction: Transaction, run: Run) -> Run:
    row = transaction.db.execute(f"{_SELECT} WHERE request_id = ? OR runs.id = ?", (run.request_id or None, run.id)).fetchone()
    if row is not None:
        return run_from(row)
    put_run(transaction.db, run)
    return run


def _begin(transaction: Transaction, run: Run, settings: Mapping[str, object] | None) -> SyncRecord:
    db = transaction.db
    before = load(db, [run.sync])[run.sync]
    if _stored_state(db, run) is not RunState.RUNNING:
        detail: dict[str, object] = {"mode": run.mode, "trigger": run.trigger.value, "from": standing.place(before)}
        if settings is not None:
            detail["settings"] = standing.applied(transaction, run.sync, settings)
        transaction.record(_entry(run, "run.started", "ok", detail))
    put_run(db, run)
    if run.writes:
        db.execute("UPDATE syncs SET clean = 0 WHERE id = ?", (intern(db, run.sync),))
    return before


def _end(transaction: Transaction, run: Run, hold: Hold | None, entries: Sequence[Entry], keep: int) -> None:
    db = transaction.db
    before = _stored_state(db, run)
    if before is not None and before.ended:
        return
    put_run(db, run)
    sync = intern(db, run.sync)
    if run.writes:
        db.execute("UPDATE syncs SET last = (SELECT number FROM runs WHERE id = ?) WHERE id = ?", (run.id, sync))
    if run.writes and run.state is RunState.DONE and before is RunState.RUNNING:
        db.execute("UPDATE syncs SET clean = 1 WHERE id = ?", (sync,))
        _end_halt(db, run, sync)
    if hold is not None:
        put_hold(db, sync, hold)
    reached = standing.place(load(db, [run.sync])[run.sync])
    transaction.record(*entries, _ended(run, hold, reached))
    db.execute(_PRUNE, (sync, keep))


def _retried(transaction: Transaction, run: Run, failure: Failure, wait: float) -> None:
    detail: dict[str, object] = {"attempt": run.attempt, "problem": failure.message, "wait": round(wait, 3)}
    transaction.record(_entry(run, "run.retried", failure.code, detail))


def _end_halt(db: sqlite3.Connection, run: Run, sync: int) -> None:
    held = load(db, [run.sync])[run.sync].hold
    if held is not None and held.kind is HoldKind.HALTED:
        put_hold(db, sync, None)


def _stored_state(db: sqlite3.Connection, run: Run) -> RunState | None:
    row = db.execute("SELECT state FROM runs WHERE id = ?", (run.id,)).fetchone()
    return RunState(row["state"]) if row else None


def _ended(run: Run, hold: Hold | None, reached: Mapping[str, str]) -> Entry:
    counters = run.counters
    detail: dict[str, object] = {
        "mode": run.mode,
        "trigger": run.trigger.value,
        "summary": run.summary,
        "attempt": run.attempt,
        "counters": {name: getattr(counters, name) for name in counters.__slots__},
        "reached": reached,
    }
    if run.started_at and run.ended_at:
        detail["seconds"] = round((run.ended_at - run.started_at).total_seconds(), 3)
    if run.failure:
        detail["failure"] = run.failure.code
    if hold:
        detail["hold"] = hold.kind.value
    return _entry(run, "run.ended", _outcome(run), detail)


def _outcome(run: Run) -> str:
    if run.state is RunState.DONE:
        return "ok"
    return run.failure.code if run.failure and run.state is RunState.FAILED else str(run.state.value)


def _entry(run: Run, action: str, outcome: str, detail: dict[str, object]) -> Entry:
    return Entry(action, sync=run.sync, run=run.id, actor=run.actor or "syncd", outcome=outcome, detail=detail)


def _find(db: sqlite3.Connection, query: RunQuery) -> list[Run]:
    conditions, values = _conditions(db, query)
    # With one branch a state, each walks its index newest first and stops at the limit, however rare the state is.
    states = [None] if query.sync or not query.states else sorted(state.value for state in query.states)
    branches, bound = [], []
    for state in states:
        where = " AND ".join([*conditions, *(["state = ?"] if state else [])]) or "true"
        branches.append(f"SELECT * FROM (SELECT number, queued_at, id FROM runs WHERE {where} {_NEWEST_FIRST} LIMIT ?)")
        bound += [*values, *([state] if state else []), query.limit]
    numbers = f"SELECT number FROM ({' UNION ALL '.join(branches)}) {_NEWEST_FIRST} LIMIT ?"
    rows = db.execute(f"{_SELECT} WHERE number IN ({numbers}) ORDER BY queued_at DESC, runs.id DESC", (*bound, query.limit))
    return [run_from(row) for row in rows.fetchall()]


def _conditions(db: sqlite3.Connection, query: RunQuery) -> tuple[list[str], list[object]]:
    found: list[tuple[str, list[object]]] = []
    if query.sync:
        found.append(("sync = (SELECT id FROM syncs WHERE name = ?)", [query.sync]))
        if query.states:
            found.append((f"+state IN ({', '.join('?' * len(query.states))})", [state.value for state in query.states]))
    if query.ids:
        found.append((f"id IN ({', '.join('?' * len(query.ids))})", list(query.ids)))
    if query.request_id:
        found.append(("request_id = ?", [query.request_id]))
    if query.since:
        found.append(("queued_at >= ?", [micros(query.since)]))
    if query.until:
        found.append(("queued_at < ?", [micros(query.until)]))
    if query.before:
        row = db.execute("SELECT queued_at FROM runs WHERE id = ?", (query.before,)).fetchone()
        found.append(("(queued_at, id) < (?, ?)", [row["queued_at"], query.before]) if row else ("id < ?", [query.before]))
    return [condition for condition, _ in found], [value for _, values in found for value in values]
