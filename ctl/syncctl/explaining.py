"""The story of a run: from what the daemon and its audit log say to one object, in order of cause and effect."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.common_pb2 import AuditEntry, Phase, Run, RunState, RunTrigger, Sync
from syncctl import run_view, stamps

Story = dict[str, Any]
"""As JSON can say it. What nobody knows is left out."""

_TOLD_ELSEWHERE = frozenset({"run.started", "run.ended", "run.retried", "rows.refused"})
_AFTERWARDS = ("notify", "sync")
_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that was asked for to explain one run."""

    run: Run
    entries: Sequence[AuditEntry] = ()
    """About the run, oldest first."""
    settings: Sequence[AuditEntry] = ()
    """`settings.applied` of its sync, oldest first."""
    before: Sequence[Run] = ()
    """Runs of its sync that were asked for before it, oldest first."""
    behind: Sequence[Run] = ()
    """Those that were asked for after it, oldest first."""
    after: Sequence[AuditEntry] = ()
    """What was done to the sync after it, oldest first."""
    sync: Sync | None = None
    """The sync as it is now; None if there is none any more."""
    settings_now: Mapping[str, Any] | None = None
    started: Mapping[str, Any] = field(init=False)
    ended: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        for name, action in (("started", "run.started"), ("ended", "run.ended")):
            object.__setattr__(self, name, next((detail(entry) for entry in self.entries if entry.action == action), {}))


def story(told: Sources) -> Story:
    """The whole of it."""
    run = told.run
    return {
        "run": {"id": run.id, "sync": run.sync, "mode": run.mode, "parameters": dict(run.parameters)},
        "trigger": _trigger(told),
        "settings": _settings(told),
        "waited": _waited(told),
        "checkpoint": _checkpoint(told),
        "work": _work(told),
        "attempts": list(_attempts(told.entries)),
        "events": list(_events(told.entries)),
        "outcome": _outcome(told),
        "followed": list(_followed(told)),
    }


def detail(entry: AuditEntry) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(entry.detail_json or "{}")
    return found


def differences(then: object, now: object, path: str = "") -> Iterator[Story]:
    """Each value that is not what it was, by its dotted key; what one of both does not have is left out there."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in sorted(then.keys() | now.keys()):
            yield from differences(then.get(name, _NONE), now.get(name, _NONE), f"{path}.{name}" if path else name)
    elif then != now:
        yield {"key": path, **({} if then is _NONE else {"then": then}), **({} if now is _NONE else {"now": now})}


_NONE = object()


def _checkpoint(told: Sources) -> Story:
    places = (("before", told.started.get("from")), ("after", told.ended.get("reached")))
    return {name: place for name, place in places if place is not None}


def _trigger(told: Sources) -> Story:
    run = told.run
    found: Story = {"kind": run_view.trigger(run), "at": iso(run.queued_at)}
    if run.actor:
        found["by"] = run.actor
    if run.request_id:
        found["request_id"] = run.request_id
    if run.trigger == RunTrigger.RUN_TRIGGER_RECOVERY:
        interrupted = [each.id for each in told.before if each.state == RunState.RUN_STATE_INTERRUPTED]
        found |= {"goes_on_with": interrupted[-1]} if interrupted else {}
    if run.trigger == RunTrigger.RUN_TRIGGER_SCHEDULE:
        found |= {"schedule": schedule} if (schedule := _schedule(told)) else {}
    return found


def _schedule(told: Sources) -> str:
    entry = _applied(told)
    settings = detail(entry).get("settings", {}) if entry else {}
    named = [f"{key} = {settings[key]}" for key in ("every", "cron", "timezone") if settings.get(key)]
    return ", ".join(named) if settings.get("every") or settings.get("cron") else ""


def _applied(told: Sources) -> AuditEntry | None:
    """The entry that tells the settings that the run had."""
    mark = told.started.get("settings")
    return next((entry for entry in reversed(told.settings) if mark and detail(entry).get("fingerprint") == mark), None)


def _settings(told: Sources) -> Story:
    found: Story = {"fingerprint": told.started["settings"]} if "settings" in told.started else {}
    entry = _applied(told)
    if entry is None:
        return found
    then, newest = detail(entry), detail(told.settings[-1])
    found |= {"first_used": iso(entry.at), "in_force": then["settings"]}
    if told.settings_now is None:
        return found
    changed = list(differences(then["settings"], told.settings_now))
    changed += [{"key": f"connections.{each['key']}"} for each in differences(then["connections"], newest["connections"])]
    return found | {"changed_since": changed}


def _waited(told: Sources) -> Story:
    run = told.run
    if not run.HasField("started_at"):
        return {}
    found: Story = {"seconds": round(seconds(run.queued_at, run.started_at), 3)}
    beside = [each.id for each in told.before if each.HasField("ended_at") and seconds(run.queued_at, each.ended_at) > 0]
    return found | ({"for_runs": beside} if beside else {})


def _work(told: Sources) -> Story:
    counters = told.run.counters
    counted = {field.name: getattr(counters, field.name) for field in counters.DESCRIPTOR.fields}
    refused: Counter[str] = Counter()
    for entry in told.entries:
        if entry.action == "rows.refused":
            refused.update(detail(entry).get("codes", {}))
    return counted | ({"refused_because": dict(refused.most_common())} if refused else {})


def _attempts(entries: Iterable[AuditEntry]) -> Iterator[Story]:
    for entry in entries:
        if entry.action == "run.retried":
            said = detail(entry)
            known = {name: said[key] for name, key in (("attempt", "attempt"), ("problem", "problem"), ("waited", "wait")) if key in said}
            yield {"at": iso(entry.at), "code": entry.outcome, **known}


def _events(entries: Iterable[AuditEntry]) -> Iterator[Story]:
    """What else the run has written into the audit log, the first ones."""
    others = [entry for entry in entries if entry.action not in _TOLD_ELSEWHERE and not _is_afterwards(entry)]
    yield from map(_event, others[:_EVENTS])
    if len(others) > _EVENTS:
        yield {"more": len(others) - _EVENTS}


def _event(entry: AuditEntry) -> Story:
    return {"at": iso(entry.at), "action": entry.action, "by": entry.actor, "outcome": entry.outcome, "detail": dict(detail(entry))}


def _is_afterwards(entry: AuditEntry) -> bool:
    return entry.action.partition(".")[0] in _AFTERWARDS


def _outcome(told: Sources) -> Story:
    run = told.run
    found: Story = {"state": run_view.word(run)}
    if run.state not in run_view.ENDED:
        return found | ({"doing": run.doing} if run.doing else {})
    found |= {"at": iso(run.ended_at), "summary": run.summary, "attempt": run.attempt}
    if run.HasField("started_at"):
        found["seconds"] = round(seconds(run.started_at, run.ended_at), 3)
    if run.HasField("failure"):
        found |= {"code": run.failure.code, "problem": run.failure.message, "hint": run.failure.hint}
    if "hold" in told.ended:
        found["leaves_sync"] = told.ended["hold"]
    return found


def _followed(told: Sources) -> Iterator[Story]:
    """What came of it, oldest first; then what comes next."""
    effects = sorted((entry for entry in (*told.entries, *told.after) if _is_afterwards(entry)), key=lambda entry: entry.sequence)
    yield from map(_event, effects)
    if told.behind:
        yield _next(told.run, told.behind[0])
    elif told.sync and told.sync.HasField("next_run_at"):
        yield {"next_run_at": iso(told.sync.next_run_at)}
    elif told.sync:
        yield {"sync_is": Phase.Name(told.sync.phase).removeprefix("PHASE_").lower()}


def _next(run: Run, following: Run) -> Story:
    told: Story = {"run": following.id, "at": iso(following.queued_at), "mode": following.mode, "trigger": run_view.trigger(following)}
    told |= {"by": following.actor} if following.actor else {}
    goes_on = run.state == RunState.RUN_STATE_INTERRUPTED and following.trigger == RunTrigger.RUN_TRIGGER_RECOVERY
    return told | {"summary": following.summary} | ({"goes_on": True} if goes_on else {})


def iso(stamp: Timestamp) -> str:
    """`2025-06-30T18:00:00.123456Z`."""
    return stamp.ToJsonString()


def seconds(since: Timestamp, until: Timestamp) -> float:
    """From one time to another; never less than nothing."""
    return max((stamps.moment(until) - stamps.moment(since)).total_seconds(), 0.0)
