"""Gemini CLI.

Its settings may hold comments, but no trailing commas; a byte order mark or an empty file stops it. A bare `url` is streamable HTTP. What
`.gemini/policies` says counts for the user alone: the client does not load policies of a project. `mcp.allowed` and trusted folders are the
person's business and stay as they are. Commands that the client knows to be harmless (`ls`, `git status`) run even where a rule asks about
them; only a denial stops them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from syncd.domain.unified import Entries, Entry, Kind, Loss, Name
from syncd.engines.clients.adapters.gemini import policy_rules
from syncd.engines.clients.adapters.gemini.policy_rules import Policies
from syncd.engines.clients.grammars import rules, servers
from syncd.engines.clients.grammars.references import DOLLAR_WITH_DEFAULT
from syncd.engines.clients.grammars.rules import Rulebook
from syncd.engines.clients.grammars.servers import Shape, Spelling
from syncd.engines.clients.permissions import narrowing as permissions
from syncd.kit.documents.document import Uneditable, Unparsable
from syncd.kit.documents.jsonc import Jsonc
from syncd.ports.clients import (
    Adapter,
    Check,
    Command,
    Expressed,
    Files,
    FileSpec,
    Output,
    ScopeKind,
    Snapshot,
    Staged,
    Unreadable,
    Unwritable,
)

_SETTINGS = ".gemini/settings.json"
_ENABLEMENT = ".gemini/mcp-server-enablement.json"
_POLICIES = ".gemini/policies"
_OWN_POLICY = f"{_POLICIES}/syncd.toml"
_RULES = ("GEMINI.md", "AGENTS.md", "CLAUDE.md")
"""Names that `context.fileName` may give the rules' file; of another one we would not know whether it is there."""
_BOM = b"\xef\xbb\xbf"
_MISSPELLED = re.compile(r"^Error in: (?P<place>mcpServers\S*.*)\n[ \t]*(?![ \t]|Unrecognized key)", re.MULTILINE)
"""Members that the client does not know are only told; it goes on without them."""
_POLICY_ERROR = re.compile(r"Policy file error in (?P<file>\S+):")
_SERVERS = Spelling(
    container="mcpServers",
    shapes=(
        Shape("http", "url", ("http", None)),
        Shape("sse", "url", ("sse",)),
        Shape("http", "httpUrl"),
        Shape("stdio", "command", (None, "stdio")),
    ),
    references=DOLLAR_WITH_DEFAULT,
    plain={"cwd": "cwd", "description": "description"},
    seconds={"tool_timeout": ("timeout", 1000)},
    tools={"tools.allow": "includeTools", "tools.deny": "excludeTools"},
    elsewhere=frozenset({"enabled"}),
)


class Gemini:
    """The adapter."""

    client = "gemini"

    def __init__(self) -> None:
        self.check: Check | None = GeminiCheck()

    def files(self, scope: ScopeKind) -> Sequence[FileSpec]:
        texts = [FileSpec(_rules_file(scope, name), frozenset({Kind.RULES})) for name in _RULES]
        settings = FileSpec(_SETTINGS, frozenset({Kind.MCP}))
        if scope is ScopeKind.PROJECT:
            return (settings, *texts)
        policies = FileSpec(f"{_POLICIES}/*.toml", frozenset({Kind.PERMISSIONS}))
        return (settings, FileSpec(_ENABLEMENT, frozenset({Kind.MCP})), policies, *texts)

    def read(self, scope: ScopeKind, files: Files) -> Snapshot:
        documents, unreadable = _documents(scope, files)
        entries: dict[Name, Entry] = {}
        notes: list[str] = []
        if _SETTINGS in documents:
            entries, told = servers.read_all(_SERVERS, documents[_SETTINGS].value)
            off = _off(documents)
            entries = {name: {**entry, "enabled": False} if _normal(name.name) in off else entry for name, entry in entries.items()}
            notes += [*told, *_settings_notes(files, documents[_SETTINGS].value)]
            book = _book(scope, documents[_SETTINGS].value)
            if book:
                found = rules.read(book, files)
                entries |= found.entries
                unreadable |= found.unreadable
                notes += found.notes
            else:
                notes.append(f"context.fileName names none of {', '.join(_RULES)}: rules are left alone")
        policies = Policies(_policy_files(scope, files), _OWN_POLICY)
        return Snapshot({**entries, **policies.entries()}, {**unreadable, **policies.unreadable}, (*notes, *policies.notes()))

    def together(self, user: Files, project: Files) -> Sequence[str]:  # noqa: ARG002 - nothing to find
        """A project's file stands for itself."""
        return ()

    def express(self, scope: ScopeKind, entries: Entries) -> Expressed:
        held: dict[Name, Entry] = {}
        losses: list[Loss] = []
        for name, entry in entries.items():
            if name.kind is Kind.MCP:
                server, lost = servers.express(_SERVERS, name, entry)
                held |= {name: server} if server is not None else {}
                losses += lost
        texts = rules.express(_DEFAULT_BOOK[scope], entries)
        allowed = {name: entry for name, entry in entries.items() if name.kind is Kind.PERMISSIONS}
        if scope is ScopeKind.PROJECT:
            return Expressed({**held, **texts.entries}, (*losses, *texts.losses, *map(_project_loss, allowed.items())))
        permitted, narrowed = permissions.narrowed(allowed, policy_rules.can)
        return Expressed({**held, **texts.entries, **permitted}, (*losses, *texts.losses, *narrowed))

    def write(self, scope: ScopeKind, files: Files, wanted: Mapping[Name, Entry | None]) -> Mapping[str, bytes | None]:
        by_kind = {kind: {name: entry for name, entry in wanted.items() if name.kind is kind} for kind in Kind}
        changed: dict[str, bytes | None] = {}
        if by_kind[Kind.MCP]:
            changed |= _write_servers(_writable(scope, files), files, by_kind[Kind.MCP])
        if by_kind[Kind.RULES]:
            book = _book(scope, _writable(scope, files)[_SETTINGS].value)
            if book is None:
                raise Unwritable(_SETTINGS, f"context.fileName names none of {', '.join(_RULES)}")
            changed |= rules.write(book, files, by_kind[Kind.RULES])
        if scope is ScopeKind.PROJECT and any(by_kind[Kind.PERMISSIONS].values()):
            raise Unwritable(_POLICIES, "the client does not load policies of a project")
        if scope is ScopeKind.USER and by_kind[Kind.PERMISSIONS]:
            changed |= Policies(_policy_files(scope, files), _OWN_POLICY).write(by_kind[Kind.PERMISSIONS])
        return changed


class GeminiCheck:
    """`gemini mcp list` in a folder that is not trusted: it lists all servers and starts none."""

    program = "gemini"
    tested = ("0.61.0", "0.62.0")

    def stage(self, scope: ScopeKind, files: Files) -> Staged:
        """Settings of a project stand in for the user's, because those of an untrusted folder are not read."""
        staged = {f"home/{path}": content for path, content in _policy_files(scope, files).items()}
        settings = Jsonc(files.get(_SETTINGS) or b"{}")
        settings.set(("security", "folderTrust", "enabled"), value=True)
        staged[f"home/{_SETTINGS}"] = settings.content()
        return Staged(staged, (Command((self.program, "mcp", "list"), "work"),))

    def judge(self, scope: ScopeKind, outputs: Sequence[Output], entries: Entries) -> Sequence[str]:  # noqa: ARG002 - the same for both
        """Exit codes tell syntax errors and crashes alone, and the words around them may hold values: they are not repeated."""
        problems: list[str] = []
        for output in outputs:
            text = f"{output.stdout}\n{output.stderr}"
            if output.code:
                problems.append(f"gemini mcp list ended with {output.code}: it does not understand {_SETTINGS}")
                continue
            problems += [f"{_SETTINGS}: the client finds fault with {match['place']}" for match in _MISSPELLED.finditer(text)]
            problems += [f"{_POLICIES}/{match['file']}: the client ignores this file of rules" for match in _POLICY_ERROR.finditer(text)]
            problems += [
                f"{name} is not listed as {entry['transport']}"
                for name, entry in entries.items()
                if name.kind is Kind.MCP and not _listed(text, name.name, str(entry["transport"]))
            ]
        return problems


def _listed(text: str, name: str, transport: str) -> bool:
    return re.search(rf"^\S+ {re.escape(name)}: .*?\({transport}\) - ", text, re.MULTILINE | re.DOTALL) is not None


def _rules_file(scope: ScopeKind, name: str) -> str:
    return f".gemini/{name}" if scope is ScopeKind.USER else name


_DEFAULT_BOOK = {scope: Rulebook(_rules_file(scope, _RULES[0])) for scope in ScopeKind}


def _book(scope: ScopeKind, settings: Mapping[str, Any]) -> Rulebook | None:
    """Where the client looks for rules first; None if that is none of the files that we know of."""
    context = settings.get("context")
    named = context.get("fileName") if isinstance(context, Mapping) else None
    if named is None:
        return _DEFAULT_BOOK[scope]
    known = [name for name in (named if isinstance(named, list) else [named]) if name in _RULES]
    return Rulebook(_rules_file(scope, known[0])) if known else None


def _documents(scope: ScopeKind, files: Files) -> tuple[dict[str, Jsonc], dict[str, Unreadable]]:
    """The settings, empty if they are not there, and what else says which servers are off."""
    documents: dict[str, Jsonc] = {}
    unreadable: dict[str, Unreadable] = {}
    for path in (_SETTINGS, _ENABLEMENT) if scope is ScopeKind.USER else (_SETTINGS,):
        try:
            documents[path] = _json(files.get(path, b""))
        except Unparsable as error:
            unreadable[path] = Unreadable(error.line, error.column, error.reason)
    return documents, unreadable


def _json(content: bytes) -> Jsonc:
    if content.startswith(_BOM):
        raise Unparsable("the client cannot read a file with a byte order mark", 1, 1)
    return Jsonc(content, trailing_commas=False)


def _writable(scope: ScopeKind, files: Files) -> dict[str, Jsonc]:
    documents, unreadable = _documents(scope, files)
    for path, fault in unreadable.items():
        raise Unwritable(path, fault.reason)
    return documents


def _policy_files(scope: ScopeKind, files: Files) -> dict[str, bytes]:
    user = scope is ScopeKind.USER
    return {
        path: content for path, content in files.items() if user and str(PurePosixPath(path).parent) == _POLICIES and path.endswith(".toml")
    }


def _normal(name: str) -> str:
    """A server's name as the client compares it in lists."""
    return name.strip().lower()


def _off(documents: Mapping[str, Jsonc]) -> set[str]:
    """Servers that are switched off, by their normal names."""
    state = documents[_ENABLEMENT].value if _ENABLEMENT in documents else {}
    off = {_normal(name) for name, held in state.items() if isinstance(held, Mapping) and held.get("enabled") is False}
    return off | {_normal(name) for name in _named(documents[_SETTINGS].value, "excluded")}


def _named(settings: Mapping[str, Any], member: str) -> list[str]:
    """A list of servers' names below `mcp`."""
    mcp = settings.get("mcp")
    held = mcp.get(member) if isinstance(mcp, Mapping) else None
    return [name for name in held if isinstance(name, str)] if isinstance(held, list) else []


def _settings_notes(files: Files, settings: Mapping[str, Any]) -> Iterator[str]:
    if _SETTINGS in files and not files[_SETTINGS].strip():
        yield f"{_SETTINGS} is empty, which the client takes for an error"
    allowed = {_normal(name) for name in _named(settings, "allowed")}
    for name in settings.get("mcpServers", {}) if allowed else ():
        if _normal(name) not in allowed:
            yield f"mcp/{name} is not in mcp.allowed: the client does not load it"
    tools = settings.get("tools")
    for member in ("allowed", "exclude", "core"):
        if isinstance(tools, Mapping) and member in tools:
            yield f"tools.{member} is outdated and left alone"


def _project_loss(permission: tuple[Name, Entry]) -> Loss:
    name, entry = permission
    return Loss(
        name,
        "",
        "project_permissions",
        f"the client loads no policies of a project: '{entry.get('decision')}' does not hold there; it is left out",
    )


def _write_servers(documents: Mapping[str, Jsonc], files: Files, wanted: Mapping[Name, Entry | None]) -> dict[str, bytes | None]:
    for name, entry in wanted.items():
        try:
            servers.edit(_SERVERS, documents[_SETTINGS], name.name, entry)
            _switch(documents, name.name, off=entry is not None and entry.get("enabled") is False)
        except Uneditable as error:
            raise Unwritable(_SETTINGS, str(error)) from error
    contents = {path: document.content() for path, document in documents.items()}
    return {path: content for path, content in contents.items() if content.strip() and content != files.get(path)}


def _switch(documents: Mapping[str, Jsonc], name: str, *, off: bool) -> None:
    """Keep the lists of what is off in step; a server that is gone is in none of them."""
    settings = documents[_SETTINGS]
    if (_normal(name) in _off(documents)) is off:
        return
    if off:
        settings.append(("mcp", "excluded"), name)
        return
    excluded = settings.value.get("mcp", {}).get("excluded", [])
    for number in reversed(range(len(excluded))):
        if _normal(str(excluded[number])) == _normal(name):
            settings.remove(("mcp", "excluded", number))
    for member in list(documents[_ENABLEMENT].value) if _ENABLEMENT in documents else ():
        if _normal(member) == _normal(name):
            documents[_ENABLEMENT].remove((member,))


ADAPTER: Adapter = Gemini()
