"""Qwen Code.

Servers and permissions stand in one settings file, JSON with comments. `httpUrl` is streamable HTTP, `url` is SSE, `type` means nothing. A
server is off if its name is in the list `mcp.excluded`; that list may hold patterns too, and `mcp.allowed` may leave servers out: what they
switch off is told, not changed.

What surprises: a mere `qwen mcp list` rewrites the file that it reads, and starts the user's servers; a project's wait for approval.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from syncd.domain.unified import Entries, Entry, Kind, Loss, Name
from syncd.engines.clients.grammars import claude_permissions, rules, servers
from syncd.engines.clients.grammars.claude_permissions import Grammar
from syncd.engines.clients.grammars.references import DOLLAR
from syncd.engines.clients.grammars.rules import Rulebook
from syncd.engines.clients.grammars.servers import Shape, Spelling
from syncd.kit.documents.document import Document, Uneditable, Unparsable
from syncd.kit.documents.jsonc import Jsonc
from syncd.ports.clients import Command, Expressed, Files, FileSpec, Output, ScopeKind, Snapshot, Staged, Unreadable, Unwritable

_SPELLING = Spelling(
    "mcpServers",
    (Shape("http", "httpUrl"), Shape("sse", "url"), Shape("stdio", "command")),
    DOLLAR,
    plain={"cwd": "cwd", "description": "description"},
    seconds={"startup_timeout": ("discoveryTimeoutMs", 1000), "tool_timeout": ("timeout", 1000)},
    tools={"tools.allow": "includeTools", "tools.deny": "excludeTools"},
    elsewhere=frozenset({"enabled"}),
)
_GRAMMAR = Grammar("%s")
_SETTINGS = ".qwen/settings.json"
_RULES = {ScopeKind.USER: Rulebook(".qwen/QWEN.md", ".qwen/rules"), ScopeKind.PROJECT: Rulebook("QWEN.md", ".qwen/rules")}
_EXCLUDED = ("mcp", "excluded")
_ALLOWED = ("mcp", "allowed")
_STUBS = {"command": "false", "httpUrl": "http://127.0.0.1:9/", "url": "http://127.0.0.1:9/"}
_STAGED = {"$version", "mcp", "mcpServers", "permissions"}


@dataclass(frozen=True, slots=True)
class QwenCheck:
    """Shows the settings as those of a project, where a server waits for approval; what older versions start is a stub."""

    program: str = "qwen"
    tested: tuple[str, str] = ("0.24.4", "0.24.5")

    def stage(self, scope: ScopeKind, files: Files) -> Staged:  # noqa: ARG002 - both scopes are shown alike
        """The settings file without what could start or reach anything."""
        return Staged({f"project/{_SETTINGS}": _disarmed(files.get(_SETTINGS, b"{}"))}, (Command(("qwen", "mcp", "list"), "project"),))

    def judge(self, scope: ScopeKind, outputs: Sequence[Output], entries: Entries) -> Sequence[str]:  # noqa: ARG002
        """Servers that the client does not list: it says nothing of a file that it cannot read."""
        listing = "".join(output.stdout + output.stderr for output in outputs)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", listing)
        meant = {name: str(entry.get("transport", "")) for name, entry in entries.items() if name.kind is Kind.MCP}
        return [
            f"{name}: the client does not list it as {transport}"
            for name, transport in meant.items()
            if not re.search(rf"^\W*{re.escape(name.name)}(?: \([^)]*\))?: .*\({transport}\)", lines, re.MULTILINE)
        ]


@dataclass(frozen=True, slots=True)
class Qwen:
    """The adapter."""

    client: str = "qwen"
    check: QwenCheck = QwenCheck()

    def files(self, scope: ScopeKind) -> Sequence[FileSpec]:
        """Settings and rules of a scope."""
        return (FileSpec(_SETTINGS, frozenset({Kind.MCP, Kind.PERMISSIONS})), *_RULES[scope].files())

    def read(self, scope: ScopeKind, files: Files) -> Snapshot:
        """What the files say."""
        found = rules.read(_RULES[scope], files)
        try:
            value = Jsonc(files.get(_SETTINGS, b""), trailing_commas=False).value
        except Unparsable as error:
            found.unreadable[_SETTINGS] = Unreadable(error.line, error.column, error.reason)
            return Snapshot(found.entries, found.unreadable, tuple(found.notes))
        held, odd = servers.read_all(_SPELLING, value)
        permissions, contradictions = claude_permissions.read(_GRAMMAR, value)
        off = _list(value, _EXCLUDED)
        found.entries |= {name: {**entry, "enabled": False} if name.name in off else entry for name, entry in held.items()}
        found.entries |= permissions
        notes = (*found.notes, *odd, *_hidden(value, held), *contradictions)
        return Snapshot(found.entries, found.unreadable, notes)

    def together(self, user: Files, project: Files) -> Sequence[str]:  # noqa: ARG002 - nothing to find
        """A project's file stands for itself."""
        return ()

    def express(self, scope: ScopeKind, entries: Entries) -> Expressed:
        """Everything but references with defaults and web sockets."""
        held: dict[Name, Entry] = {}
        losses: list[Loss] = []
        for name, entry in entries.items():
            if name.kind is Kind.MCP:
                server, lost = servers.express(_SPELLING, name, entry)
                held |= {} if server is None else {name: server}
                losses += lost
        for part in (rules.express(_RULES[scope], entries), claude_permissions.express(_GRAMMAR, entries)):
            held |= part.entries
            losses += part.losses
        return Expressed(held, tuple(losses))

    def write(self, scope: ScopeKind, files: Files, wanted: Mapping[Name, Entry | None]) -> Mapping[str, bytes | None]:
        """The files that change."""
        changed = rules.write(_RULES[scope], files, wanted)
        own = {name: entry for name, entry in wanted.items() if name.kind is not Kind.RULES}
        if own:
            content = _edited(files.get(_SETTINGS, b""), own)
            if content != files.get(_SETTINGS, b""):
                changed[_SETTINGS] = content
        return changed


def _edited(content: bytes, wanted: Mapping[Name, Entry | None]) -> bytes:
    try:
        document = Jsonc(content, trailing_commas=False)
        for name, entry in wanted.items():
            if name.kind is Kind.MCP:
                servers.edit(_SPELLING, document, name.name, entry)
                _switch(document, name.name, entry)
        claude_permissions.edit(_GRAMMAR, document, wanted)
    except (Unparsable, Uneditable) as error:
        raise Unwritable(_SETTINGS, str(error)) from error
    return document.content()


def _switch(document: Document, name: str, entry: Entry | None) -> None:
    """Put a server on the list of those that are off, or take it away."""
    off = _list(document.value, _EXCLUDED)
    if entry is not None and entry.get("enabled") is False:
        if name not in off:
            document.append(_EXCLUDED, name)
        return
    for number in reversed(range(len(off))):
        if off[number] == name:
            document.remove((*_EXCLUDED, number))


def _hidden(value: Mapping[str, Any], held: Mapping[Name, Entry]) -> list[str]:
    """Servers that the client leaves out for another reason than their own name."""
    off = _list(value, _EXCLUDED)
    allowed = _list(value, _ALLOWED)
    notes = []
    for name in held:
        if name.name not in off and any(fnmatchcase(name.name, str(pattern)) for pattern in off):
            notes.append(f"{name} is off: a pattern of mcp.excluded fits it")
        if allowed and not any(fnmatchcase(name.name, str(pattern)) for pattern in allowed):
            notes.append(f"{name} is off: mcp.allowed does not name it")
    return notes


def _list(value: Mapping[str, Any], place: tuple[str, str]) -> list[Any]:
    outer = value.get(place[0])
    held = outer.get(place[1]) if isinstance(outer, Mapping) else None
    return held if isinstance(held, list) else []


def _disarmed(content: bytes) -> bytes:
    """Settings that start nothing and ask nobody, with the servers' names as they were."""
    try:
        document = Jsonc(content, trailing_commas=False)
        for member in [each for each in document.value if each not in _STAGED]:
            document.remove((member,))
        held = document.value.get(_SPELLING.container, {})
        for name, server in held.items() if isinstance(held, Mapping) else ():
            for member in set(_STUBS) & set(server) if isinstance(server, Mapping) else ():
                document.set((_SPELLING.container, name, member), _STUBS[member])
    except (Unparsable, Uneditable):
        return content
    return document.content()


ADAPTER = Qwen()
