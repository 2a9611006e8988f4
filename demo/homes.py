"""Two homes with an AI coding client each, edited as their users would."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

_CLAUDE = """\
{
  "theme": "dark",
  "mcpServers": {}
}
"""
_CODEX = """\
# Codex asks before it does anything.
approval_policy = "on-request"
"""


def create(folder: Path) -> None:
    """Make both homes, with what the clients had before."""
    for path, text in ((Claude(folder).file, _CLAUDE), (Codex(folder).file, _CODEX)):
        path.parent.mkdir(parents=True)
        path.write_text(text)


@dataclass(frozen=True, slots=True)
class Claude:
    homes: Path

    @property
    def file(self) -> Path:
        return self.homes / "claude/.claude.json"

    def put(self, name: str, level: str) -> None:
        """Add a server, or give it another level."""
        settings = json.loads(self.file.read_text())
        settings["mcpServers"][name] = {"command": "npx", "args": ["-y", "docs-server"], "env": {"LEVEL": level}}
        self.file.write_text(json.dumps(settings, indent=2) + "\n")

    def level(self, name: str) -> str:
        """What the file says; empty if it does not have the server."""
        servers = json.loads(self.file.read_text())["mcpServers"]
        return str(servers[name]["env"]["LEVEL"]) if name in servers else ""


@dataclass(frozen=True, slots=True)
class Codex:
    homes: Path

    @property
    def file(self) -> Path:
        return self.homes / "codex/.codex/config.toml"

    def put(self, name: str, level: str) -> None:
        """Give a server another level."""
        before, after = self.file.read_text().split(f"[mcp_servers.{name}]")
        self.file.write_text(f"{before}[mcp_servers.{name}]" + re.sub(r'(LEVEL"? *= *)"\w+"', rf'\1"{level}"', after))

    def level(self, name: str) -> str:
        """What the file says; empty if it does not have the server."""
        servers = tomllib.loads(self.file.read_text()).get("mcp_servers", {})
        return str(servers[name]["env"]["LEVEL"]) if name in servers else ""
