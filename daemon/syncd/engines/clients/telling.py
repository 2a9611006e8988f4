"""What runs say about themselves: reports, audit entries, and the status of each side. No value of any entry stands in an audit entry."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from syncd.domain.audit import Entry
from syncd.domain.unified import Key, Kind
from syncd.engines.clients import inbox
from syncd.engines.clients.contest import Decision
from syncd.engines.clients.planning import SidePlan
from syncd.engines.clients.reconcile import Central
from syncd.engines.clients.work import Picture

STATUS = "status"


def decisions_told(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    return [
        {
            "key": [each.key.scope, each.key.kind.value, each.key.name],
            "field": each.field,
            "how": each.how,
            "winner": each.winner,
            "losers": sorted({bid.side for bid in each.lost}),
            "policy": each.policy,
        }
        for each in decisions
    ]


def conflicts_told(picture: Picture) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [inbox.document(each, Central(picture.outcome.model), picture.sides, now) for each in picture.outcome.conflicts]


def losses_told(plans: Sequence[SidePlan]) -> list[dict[str, Any]]:
    return [
        {
            "side": side.look.name,
            "key": [scope.look.scope, loss.name.kind.value, loss.name.name],
            "field": loss.field,
            "code": loss.code,
            "reason": loss.reason,
        }
        for side in plans
        for scope in side.scopes
        for loss in scope.losses
    ]


def side_status(picture: Picture, notes: Mapping[str, str], before: Mapping[str, Any], at: str) -> dict[str, Any]:
    """How each side stands, by name. `notes`: what the client's own check had to say; `at`: now."""
    plans = {each.look.name: each for each in picture.plans}
    found: dict[str, Any] = {}
    for look in picture.looks:
        plan = plans.get(look.name)
        problem = "; ".join(look.problems) or (plan.problem if plan else "")
        phase = "waiting" if look.problems else "stopped" if problem else "observing" if look.section.write is False else "ok"
        wrote = bool(plan and plan.changes)
        found[look.name] = {
            "phase": phase,
            "problem": problem,
            "losses": losses_told([plan]) if plan else before.get(look.name, {}).get("losses", []),
            "notes": sorted({*look.notes, *([notes[look.name]] if notes.get(look.name) else [])}),
            "written_at": at if wrote else before.get(look.name, {}).get("written_at", ""),
            "bad_files": {str(each.folder / path): bad.reason for each in look.scopes for path, bad in each.snapshot.unreadable.items()},
        }
    return found


def audited(picture: Picture, version: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Entry]:
    """What an auditor wants to know of a run: who changed what, who won where, what was written, and which side stopped."""
    entries: list[Entry] = []
    changed = {str(key): dict(fields) for key, fields in picture.outcome.authors.items()}
    if changed:
        entries.append(Entry("model.changed", detail={"version": version, "changes": changed}))
    entries += [Entry("conflict.settled", detail=named(each)) for each in decisions_told(picture.outcome.decisions)]
    for plan in picture.plans:
        if plan.changes:
            files = [str(scope.look.folder / path) for scope in plan.scopes for path in scope.changes]
            names = sorted({str(name) for scope in plan.scopes for name in scope.wanted})
            entries.append(Entry("client.written", detail={"side": plan.look.name, "files": files, "entries": names}))
    for name, status in after.items():
        if status["problem"] != before.get(name, {}).get("problem", ""):
            outcome = "failed" if status["problem"] else "ok"
            action = f"client.{status['phase']}" if status["problem"] else "client.back"
            entries.append(Entry(action, outcome=outcome, detail={"side": name, "problem": status["problem"]}))
    return entries


def named(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision with its key as people write it."""
    scope, kind, name = decision["key"]
    return {**decision, "key": str(Key(scope, Kind(kind), name))}


def warnings(status: Mapping[str, Any], conflicts: int) -> tuple[str, ...]:
    """What an operator should know although nothing failed."""
    lines = [f"{name} is {each['phase']}: {each['problem']}" for name, each in status.items() if each["problem"]]
    lossy = {name: len(each["losses"]) for name, each in status.items() if each["losses"]}
    lines += [
        f"{name} cannot hold {count} of what the others say; `syncctl clients list --side {name}` names it" for name, count in lossy.items()
    ]
    if conflicts:
        lines.append(f"{conflicts} wait for a decision; `syncctl conflicts list` names them")
    return tuple(lines)
