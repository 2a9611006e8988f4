"""Where a clients sync stands: the unified model, what each side held at the last commit, and the documents that keep both."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.domain.unified import Entry, Key, Kind, Model, read_entry, read_model, write_entry, write_model
from syncd.engines.clients.reconcile import Central

CENTRAL_NAME = "state/central"
SIDE_PREFIX = "state/side/"


@dataclass(frozen=True, slots=True)
class SideBase:
    """What a side held at the last commit. `joined`: the scopes that it had. `files`: path -> digest. `pins`: see `planning.Pins`."""

    base: Model = field(default_factory=dict)
    joined: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    pins: Mapping[Key, Entry | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """As of one commit. `authors`: key -> field -> the side that it came from."""

    version: int = 0
    central: Central = field(default_factory=Central)
    authors: Mapping[Key, Mapping[str, str]] = field(default_factory=dict)
    sides: Mapping[str, SideBase] = field(default_factory=dict)

    def side(self, name: str) -> SideBase:
        return self.sides.get(name, SideBase())


@dataclass(frozen=True, slots=True)
class Mark:
    """The checkpoint: which version is in force, and the last deployment that counts. It holds nothing of what clients say."""

    version: int = 0
    deployment: str = ""

    def written(self) -> str:
        return json.dumps({"version": self.version, "deployment": self.deployment})

    @classmethod
    def read(cls, text: str | None) -> "Mark":
        return cls(**json.loads(text)) if text else cls()


def central_of(text: str | None) -> tuple[Central, dict[Key, dict[str, str]]]:
    """The unified model from its document, with its authors."""
    if not text:
        return Central(), {}
    members = json.loads(text)
    central = Central(
        read_model(members["model"]),
        {_key(each["key"]): each["digest"] for each in members["tombstones"]},
        {_key(each["key"]): each["at"] for each in members["changed"]},
    )
    return central, {_key(each["key"]): each["fields"] for each in members["authors"]}


def base_of(text: str) -> SideBase:
    """One side from its document."""
    members = json.loads(text)
    pins = {_key(each["key"]): each["entry"] and read_entry(each["entry"]) for each in members["pins"]}
    return SideBase(read_model(members["base"]), frozenset(members["joined"]), members["files"], pins)


def documents(standing: Standing) -> dict[str, str]:
    """Name -> text of all that a standing consists of."""
    central = standing.central
    members = {
        "model": write_model(central.model),
        "tombstones": [{"key": _written(key), "digest": each} for key, each in sorted(central.tombstones.items(), key=_by_key)],
        "changed": [{"key": _written(key), "at": at} for key, at in sorted(central.changed.items(), key=_by_key)],
        "authors": [{"key": _written(key), "fields": dict(fields)} for key, fields in sorted(standing.authors.items(), key=_by_key)],
    }
    sides = {f"{SIDE_PREFIX}{name}": _side(side) for name, side in standing.sides.items()}
    return {CENTRAL_NAME: _text(members), **sides}


def _side(side: SideBase) -> str:
    pins = [{"key": _written(key), "entry": entry and write_entry(entry)} for key, entry in sorted(side.pins.items(), key=_by_key)]
    return _text({"base": write_model(side.base), "joined": sorted(side.joined), "files": dict(side.files), "pins": pins})


def _text(members: Mapping[str, Any]) -> str:
    return json.dumps(members, ensure_ascii=False, sort_keys=True)


def _written(key: Key) -> list[str]:
    return [key.scope, key.kind.value, key.name]


def _key(members: list[str]) -> Key:
    scope, kind, name = members
    return Key(scope, Kind(kind), name)


def _by_key(item: tuple[Key, object]) -> tuple[str, str, str]:
    key = item[0]
    return key.scope, key.kind.value, key.name
