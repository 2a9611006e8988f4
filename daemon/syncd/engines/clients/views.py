"""From kept documents to what people get to see."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from syncd import catalogue
from syncd.domain.run import SyncName
from syncd.domain.unified import Entry, Key, Kind, Model, write_model
from syncd.engines.clients.masking import shown, shown_entry
from syncd.engines.clients.settings import SideSection
from syncd.engines.clients.standing import CENTRAL_NAME, central_of
from syncd.ports.clients import ScopeKind
from syncd.ports.clients_control import (
    Authorship,
    ConflictKind,
    ConflictSide,
    ConflictState,
    ConflictView,
    DecisionView,
    Difference,
    Fields,
    FilePlan,
    FileState,
    FileView,
    LossView,
    PlanView,
    SidePhase,
    SideView,
    VersionView,
    WatchView,
)
from syncd.ports.running import Documents


def side(name: str, section: SideSection, status: Mapping[str, Any], *, armed: int, blind: int) -> SideView:
    """One side, from the settings and what the last run left."""
    mine = status.get("sides", {}).get(name, {})
    program = status.get("programs", {}).get(section.client)
    return SideView(
        name,
        section.client,
        str(section.home),
        tuple(str(project) for project in section.projects),
        frozenset(kind for kind in Kind if section.writes(kind)),
        section.priority,
        SidePhase(mine.get("phase", "ok" if section.write is not False else "observing")),
        mine.get("problem", ""),
        tuple(_files(section, mine.get("bad_files", {}))),
        tuple(_loss(each) for each in mine.get("losses", [])),
        program["version"] if program else "",
        _time(mine.get("written_at", "")),
        WatchView(armed, blind, status.get("corrections", 0)),
        tuple(mine.get("notes", [])),
    )


def _files(section: SideSection, bad: Mapping[str, str]) -> list[FileView]:
    adapter = catalogue.client(section.client)
    found = []
    for folder, scope in [(section.home, ScopeKind.USER), *((project, ScopeKind.PROJECT) for project in section.projects)]:
        for spec in adapter.files(scope):
            paths = sorted(folder.glob(spec.pattern)) if "*" in spec.pattern else [folder / spec.pattern]
            found += [_file(path, spec.kinds, bad.get(str(path), "")) for path in paths]
    return found


def _file(path: Path, kinds: frozenset[Kind], problem: str) -> FileView:
    state = FileState.UNREADABLE if problem else FileState.PRESENT if path.exists() else FileState.MISSING
    return FileView(str(path), kinds, state, problem)


def _loss(each: Mapping[str, Any]) -> LossView:
    return LossView(each["side"], _key(each["key"]), each["field"], each["code"], each["reason"])


def entries(model: Model, scope: str | None) -> str:
    """A model as JSON text, masked."""
    wanted = {key: entry for key, entry in model.items() if scope is None or key.scope == scope}
    members = [each | {"fields": shown_entry(wanted[_key([each["scope"], each["kind"], each["name"]])])} for each in write_model(wanted)]
    return json.dumps(members, ensure_ascii=False)


async def tombstones(kept: Documents, scope: str | None) -> tuple[Key, ...]:
    """What was deleted and is not to come back."""
    central, _ = central_of(await kept.get(CENTRAL_NAME))
    return tuple(key for key in central.tombstones if scope is None or key.scope == scope)


def version(found: Mapping[str, Any]) -> VersionView:
    changes = tuple(Authorship(_key(key), field, side) for key, field, side in found["changes"])
    at = datetime.fromisoformat(found["at"])
    return VersionView(found["number"], at, found["run"], found["actor"], found["digest"], changes)


def differences(before: Model, after: Model) -> list[Difference]:
    """What differs between two models, field by field, masked."""
    return [
        Difference(key, field, _json(field, before.get(key, {})), _json(field, after.get(key, {})))
        for key in sorted({*before, *after}, key=lambda key: (key.scope, key.kind.value, key.name))
        for field in sorted({*before.get(key, {}), *after.get(key, {})})
        if before.get(key, {}).get(field) != after.get(key, {}).get(field)
    ]


def _json(field: str, entry: Entry) -> str:
    return json.dumps(shown(field, entry[field]), ensure_ascii=False) if field in entry else ""


def conflict(sync: SyncName, found: Mapping[str, Any]) -> ConflictView:
    sides = tuple(
        ConflictSide(
            each["name"], _fields(each["base"]), _fields(each["now"]), datetime.fromtimestamp(each["at"], UTC) if each["at"] else None
        )
        for each in found["sides"]
    )
    return ConflictView(
        found["id"],
        sync,
        _key(found["key"]),
        ConflictKind(found["kind"]),
        tuple(found["fields"]),
        found["reason"],
        datetime.fromisoformat(found["since"]),
        ConflictState(found["state"]),
        sides,
        _fields(found["central"]),
        found["policy"],
    )


def plan(sync: SyncName, report: Mapping[str, Any]) -> PlanView:
    """From the report of a run that planned."""
    return PlanView(
        tuple(FilePlan(each["side"], each["path"], each["diff"]) for each in report["files"]),
        tuple(
            DecisionView(_key(each["key"]), each["field"], each["how"], each["winner"], tuple(each["losers"]), each["policy"])
            for each in report["decisions"]
        ),
        tuple(conflict(sync, each) for each in report["conflicts"]),
        tuple(_loss(each) for each in report["losses"]),
    )


def _fields(members: Mapping[str, Any] | None) -> Fields | None:
    return None if members is None else {field: json.dumps(value, ensure_ascii=False) for field, value in members.items()}


def _key(members: list[str]) -> Key:
    scope, kind, name = members
    return Key(scope, Kind(kind), name)


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
