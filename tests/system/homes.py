"""Homes of AI coding clients, as a user of the clients keeps them: edited with plain tools, read with the standard library."""

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
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
        self._write({**self._all(), name: dict(server)}, in_place=in_place)

    def drop(self, name: str) -> None:
        self._write({key: server for key, server in self._all().items() if key != name}, in_place=False)

    def reformat(self, indent: int) -> None:
        """Write the same anew in another shape, as clients do."""
        self._write(self._all(), in_place=False, indent=indent)

    def _all(self) -> dict[str, Any]:
        if not self.file.exists() or not self.file.read_bytes().strip():
            return {}
        text = self.file.read_text()
        found = tomllib.loads(text).get("mcp_servers", {}) if self.client == "codex" else json.loads(text).get("mcpServers", {})
        return dict(found)

    def _write(self, servers: Mapping[str, Any], *, in_place: bool, indent: int = 2) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self.client == "codex":
            text = "".join(_table(name, server, " " * indent) for name, server in servers.items())
        else:
            old = json.loads(self.file.read_text() or "{}") if self.file.exists() else {"theme": "dark"}
            text = json.dumps({**old, "mcpServers": servers}, indent=indent) + "\n"
        if in_place:
            self.file.write_text(text)
            return
        new = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        new.write_text(text)
        new.replace(self.file)


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
