"""Homes of AI coding clients, as a user of the clients keeps them: edited with plain tools, read with the standard library."""

import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Servers = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Home:
    """The home of one client. All servers in it are `stdio`, as `{name: {command, args, env}}`."""

    folder: Path
    client: str

    @property
    def section(self) -> dict[str, Any]:
        """The side as settings say it."""
        return {"client": self.client, "home": self.folder}

    @property
    def file(self) -> Path:
        """Where the servers stand."""
        return self.folder / _FILES[self.client]

    def servers(self) -> Servers:
        if not self.file.exists() or not self.file.read_bytes().strip():
            return {}
        text = self.file.read_text()
        found = tomllib.loads(text).get("mcp_servers", {}) if self.client == "codex" else json.loads(text).get("mcpServers", {})
        kept = ("command", "args", "env")
        return {name: {member: server[member] for member in kept if server.get(member)} for name, server in found.items()}

    def put(self, name: str, server: Mapping[str, Any], *, in_place: bool = False) -> None:
        """Add or change one server, as an editor would: the rest of the file stays."""
        self._edit(lambda servers: {**servers, name: dict(server)}, in_place=in_place)

    def drop(self, name: str) -> None:
        self._edit(lambda servers: {key: server for key, server in servers.items() if key != name})

    def reformat(self, indent: int) -> None:
        """Write the same anew in another shape, as clients do."""
        self._edit(dict, indent=indent)

    def _edit(self, change: Callable[[Servers], Servers], *, in_place: bool = False, indent: int = 2) -> None:
        """Read, change and write. An edit of a text that is not the newest any more is made anew, as by a user who is told so."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        while True:
            before = self._text()
            text = self._changed(before, change, indent)
            if in_place:
                self.file.write_text(text)
                return
            new.write_text(text)
            if self._text() == before:
                new.replace(self.file)
                return

    def _text(self) -> str:
        return self.file.read_text() if self.file.exists() else ""

    def _changed(self, text: str, change: Callable[[Servers], Servers], indent: int) -> str:
        if self.client == "codex":
            return "".join(
                _table(name, server, " " * indent) for name, server in change(tomllib.loads(text).get("mcp_servers", {})).items()
            )
        old: dict[str, Any] = json.loads(text) if text.strip() else {"theme": "dark"}
        return json.dumps({**old, "mcpServers": change(old.get("mcpServers", {}))}, indent=indent) + "\n"


_FILES = {
    "claude": ".claude.json",
    "codex": ".codex/config.toml",
    "qwen": ".qwen/settings.json",
    "gemini": ".gemini/settings.json",
}


def _table(name: str, server: Mapping[str, Any], pad: str) -> str:
    members = {key: value for key, value in server.items() if value}
    lines = [f"{key} ={pad}{json.dumps(value) if not isinstance(value, dict) else _inline(value)}" for key, value in members.items()]
    return f"[mcp_servers.{json.dumps(name)}]\n" + "\n".join(lines) + "\n\n"


def _inline(value: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{json.dumps(key)} = {json.dumps(each)}" for key, each in value.items()) + " }"


def ai(homes: Sequence[Home], **changes: Any) -> dict[str, Any]:
    """Settings with one clients sync over some homes; each side has the name of its client."""
    sides = {home.client: {**home.section, **changes.pop(home.client, {})} for home in homes}
    return {"syncs": {"ai": {"engine": "clients", "validate_with": "model", **changes, "sides": sides}}}
