"""Claude Code.

Its files are JSON without comments. The user's servers stand in `.claude.json` among the client's own state, rewritten under a lock. It
cannot limit a server to some of its tools: tools that are denied become denied permissions, and a server is not allowed as a whole where
only some of its tools are.

What surprises: a server with an address and no `type` is skipped, `disabled` means nothing, and exit codes say nothing: what counts is the
text of `claude mcp list` and `claude doctor`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entries, Entry, Kind, Loss, Name, is_secret
from syncd.engines.clients.grammars import claude_permissions, rules, servers
from syncd.engines.clients.grammars.claude_permissions import Grammar
from syncd.engines.clients.grammars.references import BRACED_WITH_DEFAULT
from syncd.engines.clients.grammars.rules import Rulebook
from syncd.engines.clients.grammars.servers import Shape, Spelling
from syncd.kit.documents.document import Uneditable, Unparsable
from syncd.kit.documents.jsonc import Jsonc
from syncd.ports.clients import Command, Expressed, Files, FileSpec, Output, ScopeKind, Snapshot, Staged, Unreadable, Unwritable

_SPELLING = Spelling(
    "mcpServers",
    (
        Shape("http", "url", ("http", "streamable-http")),
        Shape("sse", "url", ("sse",)),
        Shape("ws", "url", ("ws",)),
        Shape("stdio", "command", (None, "stdio")),
    ),
    BRACED_WITH_DEFAULT,
)
_GRAMMAR = Grammar("domain:%s")
_SERVERS = {ScopeKind.USER: ".claude.json", ScopeKind.PROJECT: ".mcp.json"}
_SETTINGS = ".claude/settings.json"
_RULES = Rulebook("CLAUDE.md", ".claude/rules")
_HIDDEN_RULES = Rulebook(".claude/CLAUDE.md", ".claude/rules")
_ERROR = re.compile(r"\[Error\]\s*(?P<what>.+)")
_INVALID = re.compile(r"Invalid permission rule \"(?P<rule>.*?)\" was skipped")


@dataclass(frozen=True, slots=True)
class ClaudeCheck:
    """Shows servers as those of a project that nobody trusts, where the client lists and starts nothing."""

    program: str = "claude"
    tested: tuple[str, str] = ("2.1.329", "2.1.330")

    def stage(self, scope: ScopeKind, files: Files) -> Staged:
        """Nothing but servers and permissions: other settings could start something."""
        held = files.get(_SERVERS[scope], b"")
        own = _members(held, "mcpServers")
        staged = {
            "project/.mcp.json": held if own and scope is ScopeKind.PROJECT else json.dumps({"mcpServers": {}, **own}).encode(),
            "home/.claude/settings.json": json.dumps(_members(files.get(_SETTINGS, b""), "permissions")).encode(),
        }
        return Staged(staged, (Command(("claude", "mcp", "list"), "project"), Command(("claude", "doctor"), "project")))

    def judge(self, scope: ScopeKind, outputs: Sequence[Output], entries: Entries) -> Sequence[str]:  # noqa: ARG002 - both are shown alike
        """Errors of the client's own words, servers that it does not list, and rules of ours that it skips."""
        listing, doctor = (output.stdout + output.stderr for output in outputs)
        problems = [f"claude mcp list: {_masked(match['what'], entries)}" for match in _ERROR.finditer(listing)]
        meant = {name: str(entry.get("transport", "")) for name, entry in entries.items() if name.kind is Kind.MCP}
        problems += [
            f"{name}: the client does not list it as {transport}"
            for name, transport in meant.items()
            if not _listed(name.name, transport, listing)
        ]
        own = {claude_permissions.spell(_GRAMMAR, Subject.parse(name.name)): name for name in entries if name.kind is Kind.PERMISSIONS}
        skipped = {match["rule"] for match in _INVALID.finditer(doctor)}
        return [*problems, *(f"{name}: the client skips the rule" for rule, name in own.items() if rule in skipped)]


@dataclass(frozen=True, slots=True)
class Claude:
    """The adapter."""

    client: str = "claude"
    check: ClaudeCheck = ClaudeCheck()

    def files(self, scope: ScopeKind) -> Sequence[FileSpec]:
        """Servers, permissions and rules of a scope."""
        path = _SERVERS[scope]
        own = (
            FileSpec(path, frozenset({Kind.MCP}), f"{path}.lock" if scope is ScopeKind.USER else ""),
            FileSpec(_SETTINGS, frozenset({Kind.PERMISSIONS})),
            *_HIDDEN_RULES.files(),
        )
        return own if scope is ScopeKind.USER else (*own, FileSpec(_RULES.main, frozenset({Kind.RULES})))

    def read(self, scope: ScopeKind, files: Files) -> Snapshot:
        """What the files say."""
        found = rules.read(_rulebook(scope, files), files)
        notes = list(found.notes)
        if scope is ScopeKind.PROJECT and {_RULES.main, _HIDDEN_RULES.main} <= set(files):
            notes.append(f"{_HIDDEN_RULES.main} is read by the client too, and left alone because there is a {_RULES.main}")
        for path, read in ((_SERVERS[scope], _read_servers), (_SETTINGS, _read_permissions)):
            try:
                entries, more = read(_parsed(files.get(path, b"")).value)
            except Unparsable as error:
                found.unreadable[path] = Unreadable(error.line, error.column, error.reason)
            else:
                found.entries |= entries
                notes += more
        return Snapshot(found.entries, found.unreadable, tuple(notes))

    def together(self, user: Files, project: Files) -> Sequence[str]:  # noqa: ARG002 - nothing to find
        """A project's file stands for itself."""
        return ()

    def express(self, scope: ScopeKind, entries: Entries) -> Expressed:
        """Servers, rules, and permissions with what the servers' tool filters turn into."""
        held: dict[Name, Entry] = {}
        losses: list[Loss] = []
        permissions = {name: entry for name, entry in entries.items() if name.kind is Kind.PERMISSIONS}
        for name, entry in entries.items():
            if name.kind is Kind.MCP:
                server, lost = servers.express(_SPELLING, name, entry)
                held |= {} if server is None else {name: server}
                losses += [*lost, *(_filtered(name.name, entry, permissions) if server else ())]
        for part in (rules.express(_rulebook(scope, {}), entries), claude_permissions.express(_GRAMMAR, permissions)):
            held |= part.entries
            losses += part.losses
        return Expressed(held, tuple(losses))

    def write(self, scope: ScopeKind, files: Files, wanted: Mapping[Name, Entry | None]) -> Mapping[str, bytes | None]:
        """The files that change."""
        changed = rules.write(_rulebook(scope, files), files, wanted)
        for path, kind in ((_SERVERS[scope], Kind.MCP), (_SETTINGS, Kind.PERMISSIONS)):
            own = {name: entry for name, entry in wanted.items() if name.kind is kind}
            content = _edited(path, files.get(path, b""), own) if own else None
            if content is not None and content != files.get(path, b""):
                changed[path] = content
        return changed


def _edited(path: str, content: bytes, wanted: Mapping[Name, Entry | None]) -> bytes:
    try:
        document = _parsed(content)
        for name, entry in wanted.items():
            if name.kind is Kind.MCP:
                servers.edit(_SPELLING, document, name.name, entry)
        claude_permissions.edit(_GRAMMAR, document, wanted)
    except (Unparsable, Uneditable) as error:
        raise Unwritable(path, str(error)) from error
    return document.content()


def _filtered(server: str, entry: Entry, permissions: dict[Name, Entry]) -> list[Loss]:
    """Say in permissions what the server's tool filters say, and what becomes of a server that was allowed as a whole."""
    name = claude_permissions.tool_name(server)
    denied, allowed = entry.get("tools.deny", ()), entry.get("tools.allow")
    for tool in denied if isinstance(denied, tuple) else ():
        permissions[_about("tool", f"{name}/{tool}")] = {"decision": Decision.DENY.value}
    whole = _about("server", server)
    if not isinstance(allowed, tuple) or permissions.get(whole) != {"decision": Decision.ALLOW.value}:
        return []
    del permissions[whole]
    for tool in allowed:
        permissions.setdefault(_about("tool", f"{name}/{tool}"), {"decision": Decision.ALLOW.value})
    return [Loss(whole, "", "tools.allow", "only some tools of the server are meant to be there: those alone are allowed")]


def _about(matcher: str, text: str) -> Name:
    return Name(Kind.PERMISSIONS, str(Subject("mcp", matcher, text)))


def _rulebook(scope: ScopeKind, files: Files) -> Rulebook:
    hidden = scope is ScopeKind.USER or (_HIDDEN_RULES.main in files and _RULES.main not in files)
    return _HIDDEN_RULES if hidden else _RULES


def _read_servers(value: Mapping[str, Any]) -> tuple[dict[Name, Entry], tuple[str, ...]]:
    return servers.read_all(_SPELLING, value)


def _read_permissions(value: Mapping[str, Any]) -> tuple[dict[Name, Entry], tuple[str, ...]]:
    return claude_permissions.read(_GRAMMAR, value)


def _parsed(content: bytes) -> Jsonc:
    return Jsonc(content, comments=False, trailing_commas=False)


def _members(content: bytes, member: str) -> dict[str, Any]:
    """One member of a file alone; nothing if it is not there."""
    try:
        value = _parsed(content).value
    except Unparsable:
        return {}
    return {member: value[member]} if member in value else {}


def _listed(name: str, transport: str, listing: str) -> bool:
    tag = "" if transport == "stdio" else rf".* \({transport.upper()}\) - "
    return re.search(rf"^\W*{re.escape(name)}: {tag}", listing, re.MULTILINE) is not None


def _masked(text: str, entries: Entries) -> str:
    """What the client prints, without the secrets that stand in its files."""
    for entry in entries.values():
        for field, value in entry.items():
            if is_secret(field) and isinstance(value, str) and value:
                text = text.replace(value, "…")
    return text


ADAPTER = Claude()
