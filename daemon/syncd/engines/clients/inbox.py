"""What waits for a person, as documents of the sync. Values stand there masked: a decision needs no secret."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from syncd.domain.audit import Entry
from syncd.domain.unified import Key, Kind, read_entry
from syncd.engines.clients.contest import Concern, Conflict
from syncd.engines.clients.masking import shown
from syncd.engines.clients.reconcile import Central, Resolution, Side

CONFLICTS = "conflict/"
RESOLUTIONS = "resolution/"

_REASONS = {
    Concern.EDIT: "{sides} say different things of {fields}; the policy leaves that to a person",
    Concern.APPROVAL: "{sides} found this server in a project's files; it reaches nobody else before a person has approved what it runs",
    Concern.EMPTIED: "{sides} lost all of these at once, which may be an accident; nothing is deleted elsewhere before a person says so",
}


def document(conflict: Conflict, central: Central, sides: Sequence[Side], at: datetime) -> dict[str, Any]:
    """A conflict as it is kept."""
    key, fields = conflict.key, sorted(conflict.bids)
    known = central.model.get(key)
    there = [side for side in sides if side.name in conflict.sides]
    return {
        "id": conflict.id,
        "key": [key.scope, key.kind.value, key.name],
        "kind": conflict.concern.value,
        "fields": fields,
        "reason": _REASONS[conflict.concern].format(sides=" and ".join(side.name for side in there), fields=", ".join(fields)),
        "policy": conflict.policy,
        "since": at.isoformat(),
        "state": "open",
        "central": _fields(known, fields),
        "sides": [
            {
                "name": side.name,
                "base": _fields(side.base.get(key), fields),
                "now": _fields(side.now.get(key), fields),
                "at": side.moment(key),
            }
            for side in there
        ],
    }


def _fields(entry: Mapping[str, Any] | None, fields: Sequence[str]) -> dict[str, object] | None:
    return None if entry is None else {field: shown(field, entry[field]) for field in fields if field in entry}


def changes(found: Sequence[dict[str, Any]], kept: Mapping[str, dict[str, Any]]) -> tuple[dict[str, str | None], list[Entry]]:
    """The documents to write, and the audit entries, so that the inbox holds what was found; what is not found any more is resolved."""
    written: dict[str, str | None] = {}
    entries: list[Entry] = []
    for each in found:
        if kept.get(each["id"], {}).get("state") != "open":
            written[CONFLICTS + each["id"]] = json.dumps(each, ensure_ascii=False)
            entries.append(Entry("conflict.found", detail=_told(each)))
    now = {each["id"] for each in found}
    for number, each in kept.items():
        if each["state"] == "open" and number not in now:
            written[CONFLICTS + number] = json.dumps(each | {"state": "resolved"}, ensure_ascii=False)
            entries.append(Entry("conflict.gone", detail=_told(each)))
    return written, entries


def resolution(text: str) -> Resolution:
    """What a person decided, from its document."""
    members = json.loads(text)
    content = members.get("content")
    return Resolution(members.get("take", ""), None if content is None else read_entry(content), members.get("actor", ""))


def key_of(members: Mapping[str, Any]) -> Key:
    """The key that a conflict's document names."""
    scope, kind, name = members["key"]
    return Key(scope, Kind(kind), name)


def _told(each: Mapping[str, Any]) -> dict[str, object]:
    return {
        "conflict": each["id"],
        "key": str(key_of(each)),
        "kind": each["kind"],
        "fields": each["fields"],
        "sides": [side["name"] for side in each["sides"]],
    }
