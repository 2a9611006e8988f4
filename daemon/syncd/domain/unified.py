"""The unified model: what the configurations of all clients say, in words that belong to none of them.

An entry is a flat mapping from field to value, because fields are what is merged. The fields of each kind:

- `mcp`, named by the server: `transport` (`stdio`, `http`, `sse`, `ws`), `command`, `args` (a tuple), `url`, `cwd`, `env.NAME` and
  `headers.NAME` (one field a variable), `enabled` (only ever false: a server that is on has no such field), `startup_timeout` and
  `tool_timeout` (seconds), `tools.allow` and `tools.deny` (sorted tuples of tool names), `description`.
- `rules`, named by heading (`Style`), `(top)` for the text before any heading, or `file/NAME` for a rule file of its own: `text`, and
  `paths` (a tuple of globs: the rule holds for these files only).
- `permissions`, named by what they are about, see `syncd.domain.permission`: `decision` (`allow`, `ask`, `deny`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple


class Kind(Enum):
    """What an entry is."""

    MCP = "mcp"
    RULES = "rules"
    PERMISSIONS = "permissions"


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that the value of a variable takes. The value itself is never looked up."""

    variable: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """Text with at least one reference in it: `("Bearer ", Reference("TOKEN"))`. No part is an empty text."""

    parts: tuple[str | Reference, ...]

    def __post_init__(self) -> None:
        if not any(isinstance(part, Reference) for part in self.parts):
            raise ValueError("a template holds at least one reference; text alone is a `str`")

    @property
    def whole(self) -> Reference | None:
        """The reference, if there is nothing else."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Reference) else None

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(part.variable for part in self.parts if isinstance(part, Reference))


Text = str | Template
Value = str | int | float | bool | Template | tuple[Text, ...]
Entry = Mapping[str, Value]


class Name(NamedTuple):
    """Which entry of one scope."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}/{self.name}"


class Key(NamedTuple):
    """Which entry of a sync. `scope` is empty for the user's own configuration, else the folder of a project."""

    scope: str
    kind: Kind
    name: str

    @property
    def within(self) -> Name:
        """Its name inside its scope."""
        return Name(self.kind, self.name)

    def __str__(self) -> str:
        return f"{self.scope}:{self.within}" if self.scope else str(self.within)


@dataclass(frozen=True, slots=True)
class Loss:
    """What one client cannot hold of one entry. `field` is empty if it cannot hold the entry at all."""

    name: Name
    field: str
    code: str
    """Stable: `cwd`, `sse`, `secret_in_args`, `deny_not_expressible`, …"""
    reason: str
    """For people: what is missing, and what is done instead."""


Entries = Mapping[Name, Entry]
Model = Mapping[Key, Entry]


def is_secret(field: str) -> bool:
    """Whether a field may hold a secret as plain text; such text is never shown."""
    return field.startswith(("env.", "headers."))


def written(value: Value) -> Any:
    """A value as JSON can say it. A template is `{"template": ["Bearer ", {"ref": "TOKEN"}]}`."""
    match value:
        case Template(parts):
            return {"template": [_written_part(part) for part in parts]}
        case tuple():
            return [written(each) for each in value]
        case _:
            return value


def read(value: Any) -> Value:
    """The opposite of `written`."""
    match value:
        case {"template": parts}:
            return Template(tuple(part if isinstance(part, str) else Reference(part["ref"], part.get("default")) for part in parts))
        case list():
            return tuple(_text(each) for each in value)
        case str() | bool() | int() | float():
            return value
        case _:
            raise ValueError(f"a {type(value).__name__} is no value of an entry")


def write_entry(entry: Entry) -> dict[str, Any]:
    """An entry as JSON can say it, fields in order of name."""
    return {field: written(entry[field]) for field in sorted(entry)}


def read_entry(members: Mapping[str, Any]) -> dict[str, Value]:
    """The opposite of `write_entry`."""
    return {field: read(value) for field, value in members.items()}


def write_model(model: Model) -> list[dict[str, Any]]:
    """A model as JSON can say it, in order of key."""
    ordered = sorted(model, key=lambda key: (key.scope, key.kind.value, key.name))
    return [{"scope": key.scope, "kind": key.kind.value, "name": key.name, "fields": write_entry(model[key])} for key in ordered]


def read_model(entries: Sequence[Mapping[str, Any]]) -> dict[Key, Entry]:
    """The opposite of `write_model`."""
    return {Key(each["scope"], Kind(each["kind"]), each["name"]): read_entry(each["fields"]) for each in entries}


def digest(content: object) -> str:
    """SHA-256 of something JSON-able, the same whatever the order of members."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _written_part(part: str | Reference) -> Any:
    if isinstance(part, str):
        return part
    return {"ref": part.variable} if part.default is None else {"ref": part.variable, "default": part.default}


def _text(value: Any) -> Text:
    found = read(value)
    if not isinstance(found, str | Template):
        raise ValueError(f"a list holds texts only, not a {type(value).__name__}")  # noqa: TRY004 - it is the stored text that is wrong
    return found
