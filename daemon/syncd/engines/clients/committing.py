"""What a run leaves behind: where the sync stands, a version if the model changed, the inbox, the status, and the audit entries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from syncd.domain.batch import Checkpoint
from syncd.domain.run import Trigger
from syncd.domain.unified import Key
from syncd.engines.clients import history, inbox
from syncd.engines.clients.planning import SidePlan
from syncd.engines.clients.reconcile import Central
from syncd.engines.clients.standing import Mark, SideBase, Standing, documents
from syncd.engines.clients.telling import STATUS, audited, conflicts_told, decisions_told, named, side_status, warnings
from syncd.engines.clients.work import Picture, Work
from syncd.kit.swap import digest
from syncd.ports.running import Advance, Progress, Report


@dataclass(frozen=True, slots=True)
class Found:
    """The status as it was, and what is new in it. `deployment`: that of the files, empty if none was replaced."""

    before: Mapping[str, Any]
    programs: Mapping[str, Any]
    notes: Mapping[str, str]
    deployment: str


async def commit(work: Work, picture: Picture, found: Found) -> Report:
    """Write down what every side holds now, in one transaction with everything that tells of it."""
    now, run = datetime.now(UTC), work.context.run
    standing = _standing(work, picture, now.timestamp())
    sides = side_status(picture, found.notes, found.before.get("sides", {}), now.isoformat())
    missed = bool(picture.outcome.authors) and run.trigger is Trigger.SCHEDULE and work.standing.version > 0
    status = {"sides": sides, "programs": found.programs, "corrections": found.before.get("corrections", 0) + missed}
    inboxed, conflict_entries = inbox.changes(conflicts_told(picture), await _open(work))
    written: dict[str, str | None] = {**_differing(documents(standing), documents(work.standing)), **inboxed}
    if standing.version != work.standing.version:
        made = history.made(now, run.id, run.actor or run.trigger.value)
        written |= history.documents(standing.version, standing.central.model, picture.outcome.authors, made)
    if status != found.before:
        written[STATUS] = json.dumps(status, ensure_ascii=False)
    entries = (*audited(picture, standing.version, found.before.get("sides", {}), sides), *conflict_entries)
    work.context.tell(Progress(unchanged=len(standing.central.model), warnings=warnings(sides, len(picture.outcome.conflicts))))
    if written or entries or found.deployment:
        mark = Mark(standing.version, found.deployment or work.mark.deployment)
        await work.context.advance(Advance(Checkpoint(mark.written()), documents=written, entries=entries))
    return _report(picture, standing)


async def _open(work: Work) -> dict[str, dict[str, Any]]:
    """Every conflict in the inbox, by id."""
    found = [json.loads(text) for _, text in await work.context.documents.list(inbox.CONFLICTS)]
    return {each["id"]: each for each in found}


def _differing(new: Mapping[str, str], old: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in new.items() if old.get(name) != text}


def _standing(work: Work, picture: Picture, now: float) -> Standing:
    """Where the sync stands once the files are as planned."""
    before, outcome = work.standing, picture.outcome
    model = dict(outcome.model)
    moments = {(side.name, key): side.moment(key) for side in picture.sides for key in outcome.authors}
    changed = {key: at for key, at in before.central.changed.items() if key in model}
    for key, fields in outcome.authors.items():
        if key in model:
            changed[key] = max((moments.get((side, key), now) for side in fields.values()), default=now)
    authors = {key: dict(fields) for key, fields in before.authors.items() if key in model}
    for key, fields in outcome.authors.items():
        if key in model:
            authors[key] = {field: side for field, side in (authors.get(key, {}) | fields).items() if field in model[key]}
    plans = {each.look.name: each for each in picture.plans}
    sides = {
        name: _side(work, plans[name], outcome.held[name], picture.pins.get(name, {})) if name in plans else before.side(name)
        for name in work.settings.sides
        if name in plans or name in before.sides
    }
    moved = model != dict(before.central.model)
    return Standing(before.version + moved, Central(model, outcome.tombstones, changed), authors, sides)


def _side(work: Work, plan: SidePlan, held: set[Key], pins: Mapping[Key, Any]) -> SideBase:
    """What a side holds now. For what is held it stays what it was, so that it is still said the next time."""
    look, before = plan.look, work.standing.side(plan.look.name)
    holds = look.now if plan.problem else plan.holds
    scopes = {each.scope for each in look.scopes}
    base = {key: entry for key, entry in holds.items() if key not in held}
    base |= {key: entry for key, entry in before.base.items() if key in held or key.scope not in scopes}
    files = dict(look.digests)
    for each in plan.scopes if not plan.problem else ():
        for path, content in each.changes.items():
            files.pop(str(each.look.folder / path), None)
            if content is not None:
                files[str(each.look.folder / path)] = digest(content)
    return SideBase(base, frozenset(scopes | before.joined), files, dict(pins))


def _report(picture: Picture, standing: Standing) -> Report:
    findings: dict[str, object] = {"version": standing.version, "entries": len(standing.central.model)}
    changed = {str(key): sorted(set(fields.values())) for key, fields in picture.outcome.authors.items()}
    written = {each.look.name: sum(len(scope.changes) for scope in each.scopes) for each in picture.plans if each.changes}
    waiting = {look.name: list(look.problems) for look in picture.looks if look.problems}
    stopped = {each.look.name: each.problem for each in picture.plans if each.problem}
    findings |= {"changed": changed} if changed else {}
    findings |= {"files_written": written} if written else {}
    findings |= {"decisions": [named(each) for each in decisions_told(picture.outcome.decisions)]} if picture.outcome.decisions else {}
    findings |= {"conflicts": len(picture.outcome.conflicts)} if picture.outcome.conflicts else {}
    findings |= {"waiting": waiting} if waiting else {}
    findings |= {"stopped": stopped} if stopped else {}
    return Report(findings)
