"""What a client may do without asking: what a permission is about, and what follows from several of them.

The name of a permission in the unified model is its subject as text:

- `shell`, `shell exact git status`, `shell prefix git status` (these words first, whatever follows), `shell glob git push *--force*`
  (`*` is any text), `shell regex ^git .*$` (has to match the whole command);
- `read`, `edit`, with `path PATTERN` behind them if not everything is meant; `fetch` with `domain HOST`; `search`;
- `mcp server NAME` (all of its tools), `mcp tool SERVER/TOOL`;
- `default`: what nothing else is said about.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

TOOLS = ("shell", "read", "edit", "fetch", "search", "mcp", "default")
MATCHERS = {
    "shell": ("exact", "prefix", "glob", "regex"),
    "read": ("path",),
    "edit": ("path",),
    "fetch": ("domain",),
    "mcp": ("server", "tool"),
}


class Decision(Enum):
    """In order of how much is allowed, most first; see `strictest`."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


def strictest(decisions: Iterable[Decision]) -> Decision | None:
    """The decision that counts where several are made; None if there is none."""
    made = frozenset(decisions)
    return next((decision for decision in reversed(Decision) if decision in made), None)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a permission is about. `matcher` and `text` are empty if the whole tool is meant."""

    tool: str
    matcher: str = ""
    text: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.tool, self.matcher, self.text) if part)

    @classmethod
    def parse(cls, name: str) -> "Subject":
        """The opposite of `str`. Raises `ValueError`."""
        tool, _, rest = name.partition(" ")
        matcher, _, text = rest.partition(" ")
        if tool not in TOOLS or (rest and (matcher not in MATCHERS.get(tool, ()) or not text)):
            raise ValueError(f"'{name}' is no subject of a permission")
        return cls(tool, matcher, text)
