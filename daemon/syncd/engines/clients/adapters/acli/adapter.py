"""Rovo Dev, the coding agent of `acli`. All of it stands on documentation: there is no command that could look at a staged copy.

Servers are in JSON without any replacing of variables, so that a server with a reference is left out. `allowedMcpServers` is what the
person trusts and stays. `toolPermissions.default` and `toolPermissions.bash.default` decide where nothing else fits, other than a
permission of the unified model that is about a whole tool: `ask` there is what the client does anyway and stays, and `bash.default: deny`
is read as a denial of all commands only if no command is excepted. Of several expressions that fit, the first is taken to win, so that
denials are kept ahead.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncd.domain.permission import Decision, Subject, strictest
from syncd.domain.unified import Entries, Entry, Kind, Loss, Name
from syncd.engines.clients.adapters.acli import bash_patterns
from syncd.engines.clients.grammars import rules, servers
from syncd.engines.clients.grammars.rules import Rulebook
from syncd.engines.clients.grammars.servers import Shape, Spelling
from syncd.engines.clients.permissions import narrowing as permissions
from syncd.engines.clients.permissions.overlap import overlap
from syncd.kit.documents.document import Place, Uneditable, Unparsable
from syncd.kit.documents.jsonc import Jsonc
from syncd.kit.documents.yaml import Yaml
from syncd.ports.clients import Adapter, Check, Expressed, Files, FileSpec, ScopeKind, Snapshot, Unreadable, Unwritable

_CONFIG = ".rovodev/config.yml"
_SERVERS_FILE = ".rovodev/mcp.json"
_BOOKS = {ScopeKind.USER: Rulebook(".rovodev/AGENTS.md", imports=False), ScopeKind.PROJECT: Rulebook("AGENTS.md", imports=False)}
_SERVERS = Spelling(
    container="mcpServers",
    shapes=(Shape("stdio", "command", ("stdio", None)), Shape("http", "url", ("http",)), Shape("sse", "url", ("sse",))),
    tag="transport",
    elsewhere=frozenset({"enabled"}),
)
_NEVER_BAKED = {"reference", "secret_in_args", "default"}
_TOOLS = {
    "read": ("open_files", "expand_code_chunks", "expand_folder", "grep"),
    "edit": ("create_file", "delete_file", "move_file", "find_and_replace_code"),
}
_TOP: Place = ("toolPermissions",)
_COMMANDS: Place = (*_TOP, "bash", "commands")
_DEFAULTS: Mapping[Subject, Place] = {Subject("default"): (*_TOP, "default"), Subject("shell"): (*_TOP, "bash", "default")}
_SHELL_DENIED = (Name(Kind.PERMISSIONS, "shell"), {"decision": Decision.DENY.value})
_STRICTNESS = (Decision.ALLOW, Decision.ASK, Decision.DENY)
_DECISIONS = {decision.value for decision in Decision}


class Acli:
    """The adapter."""

    client = "acli"

    def __init__(self) -> None:
        self.check: Check | None = None

    def files(self, scope: ScopeKind) -> Sequence[FileSpec]:
        if scope is ScopeKind.PROJECT:
            return _BOOKS[scope].files()
        config = FileSpec(_CONFIG, frozenset({Kind.MCP, Kind.PERMISSIONS}))
        return (FileSpec(_SERVERS_FILE, frozenset({Kind.MCP})), config, *_BOOKS[scope].files())

    def read(self, scope: ScopeKind, files: Files) -> Snapshot:
        found = rules.read(_BOOKS[scope], files)
        if scope is ScopeKind.PROJECT:
            return Snapshot(found.entries, found.unreadable, tuple(found.notes))
        entries, unreadable, notes = dict(found.entries), dict(found.unreadable), list(found.notes)
        config: Mapping[str, Any] = {}
        try:
            config = _yaml(files).value
        except Unparsable as error:
            unreadable[_CONFIG] = Unreadable(error.line, error.column, error.reason)
        entries |= {
            Name(Kind.PERMISSIONS, str(subject)): {"decision": decision.value} for subject, decision in _permissions(config).items()
        }
        notes += _notes(config)
        try:
            held, told = servers.read_all(_SERVERS, _json(files).value)
        except Unparsable as error:
            unreadable[_SERVERS_FILE] = Unreadable(error.line, error.column, error.reason)
        else:
            off = _at(config, ("mcp", "disabledMcpServers"), [])
            entries |= {name: {**entry, "enabled": False} if name.name in off else entry for name, entry in held.items()}
            notes += told
        return Snapshot(entries, unreadable, tuple(notes))

    def together(self, user: Files, project: Files) -> Sequence[str]:  # noqa: ARG002 - nothing to find
        """A project's file stands for itself."""
        return ()

    def express(self, scope: ScopeKind, entries: Entries) -> Expressed:
        texts = rules.express(_BOOKS[scope], entries)
        if scope is ScopeKind.PROJECT:
            return Expressed(texts.entries, (*texts.losses, *(_project_loss(name) for name in entries if name.kind is not Kind.RULES)))
        held: dict[Name, Entry] = dict(texts.entries)
        losses = list(texts.losses)
        for name, entry in entries.items():
            if name.kind is Kind.MCP:
                server, lost = _express_server(name, entry)
                held |= {name: server} if server is not None else {}
                losses += lost
        permitted, lost = _express_permissions({name: entry for name, entry in entries.items() if name.kind is Kind.PERMISSIONS})
        return Expressed({**held, **permitted}, (*losses, *lost))

    def write(self, scope: ScopeKind, files: Files, wanted: Mapping[Name, Entry | None]) -> Mapping[str, bytes | None]:
        changed = dict(rules.write(_BOOKS[scope], files, wanted))
        others = {name: entry for name, entry in wanted.items() if name.kind is not Kind.RULES}
        if not others:
            return changed
        if scope is ScopeKind.PROJECT:
            if any(others.values()):
                raise Unwritable(_BOOKS[scope].main, "the client has only rules in a project")
            return changed
        documents = {_SERVERS_FILE: _opened(_SERVERS_FILE, files), _CONFIG: _opened(_CONFIG, files)}
        for name, entry in others.items():
            path = _SERVERS_FILE if name.kind is Kind.MCP else _CONFIG
            try:
                if name.kind is Kind.MCP:
                    servers.edit(_SERVERS, documents[_SERVERS_FILE], name.name, entry)
                    _switch(documents[_CONFIG], name.name, off=entry is not None and entry.get("enabled") is False)
                else:
                    _permit(documents[_CONFIG], Subject.parse(name.name), None if entry is None else Decision(entry["decision"]))
            except ValueError as error:
                raise Unwritable(path, f"{name}: {error}") from error
        if others.get(_SHELL_DENIED[0]) == _SHELL_DENIED[1] and Subject("shell") not in _permissions(documents[_CONFIG].value):
            raise Unwritable(_CONFIG, "all commands are to be denied, and some are excepted")
        contents = {path: document.content() for path, document in documents.items()}
        return {**changed, **{path: content for path, content in contents.items() if content != files.get(path, b"")}}


def can(subject: Subject, decision: Decision) -> tuple[tuple[Subject, Decision], ...] | None:
    """How a permission is expressed, in the words in which it is read again."""
    if subject in _DEFAULTS:
        return ((subject, decision),) if decision is not Decision.ASK else None
    if subject.tool == "shell":
        text = bash_patterns.spell(subject, decision)
        found = bash_patterns.parse(text) if text is not None else None
        return ((found, decision),) if found == subject or (found and decision is not Decision.ALLOW) else None
    return ((subject, decision),) if subject.tool in _TOOLS and not subject.matcher else None


def _express_server(name: Name, entry: Entry) -> tuple[Entry | None, tuple[Loss, ...]]:
    server, losses = servers.express(_SERVERS, name, entry)
    baked = [loss for loss in losses if loss.code in _NEVER_BAKED and loss.field]
    if server is None or not baked:
        return server, losses
    fields = ", ".join(loss.field for loss in baked)
    return None, (Loss(name, "", baked[0].code, f"the client replaces no references, and {fields} has one; the server is left out"),)


def _express_permissions(entries: Entries) -> tuple[dict[Name, Entry], tuple[Loss, ...]]:
    asked = Name(Kind.PERMISSIONS, "default")
    losses: list[Loss] = []
    if asked in entries and entries[asked].get("decision") == Decision.ASK.value:
        losses.append(Loss(asked, "", "own_default", "the client asks anyway about what nothing is said of; it is left out"))
        entries = {name: entry for name, entry in entries.items() if name != asked}
    narrowed, lost = permissions.narrowed(entries, can)
    shell = narrowed.get(Name(Kind.PERMISSIONS, "shell"), {}).get("decision")
    held = dict(narrowed)
    for name, entry in narrowed.items():
        if shell == Decision.DENY.value and name.name.startswith("shell ") and entry["decision"] != shell:
            del held[name]
            losses.append(
                Loss(name, "", "shadowed", "all commands are denied, and the client would make an exception of this one; it is left out")
            )
    return held, (*lost, *losses)


def _project_loss(name: Name) -> Loss:
    what = "servers" if name.kind is Kind.MCP else "permissions"
    return Loss(name, "", f"project_{what}", f"the client reads no {what} of a project: it does not hold there and is left out")


def _json(files: Files) -> Jsonc:
    return Jsonc(files.get(_SERVERS_FILE, b""))


def _yaml(files: Files) -> Yaml:
    return Yaml(files.get(_CONFIG, b""))


def _opened(path: str, files: Files) -> Jsonc | Yaml:
    try:
        return _json(files) if path == _SERVERS_FILE else _yaml(files)
    except Unparsable as error:
        raise Unwritable(path, error.reason) from error


def _at(value: Any, place: Place, otherwise: Any) -> Any:
    """What stands at a place; `otherwise` if there is nothing, or nothing of that type."""
    for step in place:
        if not isinstance(value, Mapping) or step not in value:
            return otherwise
        value = value[step]
    return value if isinstance(value, type(otherwise)) else otherwise


def _notes(config: Mapping[str, Any]) -> Iterator[str]:
    path = _at(config, ("mcp", "mcpConfigPath"), "")
    if path and not path.endswith(f"/{_SERVERS_FILE}"):
        yield f"mcp.mcpConfigPath names another file than {_SERVERS_FILE}: the client does not read the servers there"
    if Subject("shell") not in _permissions(config) and _at(config, _DEFAULTS[Subject("shell")], "") == Decision.DENY.value:
        yield "toolPermissions.bash.default is left alone: commands are excepted from its denial, which only this client can say"
    tools = _at(config, (*_TOP, "tools"), {})
    for tool, names in _TOOLS.items():
        if len({str(tools.get(name)) for name in names}) > 1:
            yield f"toolPermissions.tools is left alone for {tool}: {', '.join(names)} do not agree"


def _permissions(config: Mapping[str, Any]) -> dict[Subject, Decision]:
    """What the configuration says, strictest first where it says several things about one command."""
    found: dict[Subject, Decision] = {}
    for _, subject, decision in _commands(config):
        found[subject] = strictest([decision, found.get(subject, decision)]) or decision
    exceptions = set(found.values()) - {Decision.DENY}
    for subject, place in _DEFAULTS.items():
        held = _decision(_at(config, place, ""))
        if held is Decision.ALLOW or (held is Decision.DENY and not (exceptions and subject.tool == "shell")):
            found[subject] = held
    tools = _at(config, (*_TOP, "tools"), {})
    for tool, names in _TOOLS.items():
        decisions = {_decision(tools.get(name)) for name in names}
        agreed = decisions.pop()
        if not decisions and agreed:
            found[Subject(tool)] = agreed
    return found


def _commands(config: Mapping[str, Any]) -> Iterator[tuple[int, Subject, Decision]]:
    """The commands with their numbers."""
    for number, each in enumerate(_at(config, _COMMANDS, [])):
        decision = _decision(_at(each, ("permission",), ""))
        text = _at(each, ("command",), "")
        if decision and text:
            yield number, bash_patterns.parse(text), decision


def _decision(value: Any) -> Decision | None:
    return Decision(value) if isinstance(value, str) and value in _DECISIONS else None


def _switch(config: Jsonc | Yaml, name: str, *, off: bool) -> None:
    place: Place = ("mcp", "disabledMcpServers")
    held = _at(config.value, place, [])
    if off and name not in held:
        config.append(place, name)
    for number in reversed(range(len(held))):
        if held[number] == name and not off:
            config.remove((*place, number))


def _permit(config: Jsonc | Yaml, subject: Subject, decision: Decision | None) -> None:
    """Make the configuration say something about a subject. Raises `Uneditable`."""
    if _permissions(config.value).get(subject) is decision:
        return
    if subject in _DEFAULTS or subject.tool in _TOOLS:
        places = [_DEFAULTS[subject]] if subject in _DEFAULTS else [(*_TOP, "tools", name) for name in _TOOLS[subject.tool]]
        for place in places:
            if decision:
                config.set(place, decision.value)
            else:
                config.remove(place)
        return
    _set_command(config, subject, decision)


def _set_command(config: Jsonc | Yaml, subject: Subject, decision: Decision | None) -> None:
    """Make the commands say something about a subject, in place if they do already."""
    held = [number for number, other, _ in _commands(config.value) if other == subject]
    for number in reversed(held[1:] if decision else held):
        config.remove((*_COMMANDS, number))
    if decision is None:
        return
    text = bash_patterns.spell(subject, decision)
    if text is None:
        raise Uneditable("no expression says this")
    element = {"command": text, "permission": decision.value}
    if held:
        config.set((*_COMMANDS, held[0]), element)
    else:
        config.append(_COMMANDS, element)
    _order(config, {subject})


def _order(config: Jsonc | Yaml, touched: set[Subject]) -> None:
    """Move what is weaker behind what is stricter, as far as commands meet that were touched."""
    for weaker in (Decision.ASK, Decision.ALLOW):
        commands = list(_commands(config.value))
        late = {
            number: subject
            for number, subject, held in commands
            if held is weaker and any(_ahead((number, subject, held), other) and {subject, other[1]} & touched for other in commands)
        }
        elements = [_at(config.value, _COMMANDS, [])[number] for number in late]
        for number in sorted(late, reverse=True):
            config.remove((*_COMMANDS, number))
        for element in elements:
            config.append(_COMMANDS, element)
        touched |= set(late.values())


def _ahead(one: tuple[int, Subject, Decision], other: tuple[int, Subject, Decision]) -> bool:
    """Whether the first would win over something stricter."""
    stricter = _STRICTNESS.index(other[2]) > _STRICTNESS.index(one[2])
    return stricter and one[0] < other[0] and overlap(one[1], other[1])


ADAPTER: Adapter = Acli()
