"""Codex: `config.toml`, `AGENTS.md`, and rule files in Starlark.

What surprises: a variable reaches a server by its own name only, see the servers' module. One invalid server makes every command fail,
also one that a project's file switches off and the user's file no longer has. Patterns of rules are words, never globs. In a project
the text of all rules beyond 32 KiB is cut off without a word. `AGENTS.override.md` is read instead of `AGENTS.md`.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entries, Entry, Kind, Loss, Name
from syncd.engines.clients.adapters.codex import servers
from syncd.engines.clients.adapters.codex.starlark_rules import StarlarkRules, Words
from syncd.engines.clients.grammars import rules
from syncd.engines.clients.grammars.servers import Odd
from syncd.engines.clients.permissions.narrowing import narrowed
from syncd.kit.documents.document import Uneditable, Unparsable
from syncd.kit.documents.toml import Toml
from syncd.ports.clients import Adapter, Command, Expressed, Files, FileSpec, Output, ScopeKind, Snapshot, Staged, Unreadable, Unwritable

_CONFIG = ".codex/config.toml"
_RULES = ".codex/rules/"
_OWN_RULES = f"{_RULES}syncd.rules"
_BOOKS = {
    ScopeKind.USER: rules.Rulebook(".codex/AGENTS.md", imports=False),
    ScopeKind.PROJECT: rules.Rulebook("AGENTS.md", imports=False),
}
_MOST_BYTES = 32 * 1024
_MARKERS = 64
"""Bytes that a text may need around it."""
_OPERATORS = frozenset(";&|<>()$`\n\\*?[]{}!~#")
"""Characters with which a text is more than words to a shell."""
_STRICTNESS = {Decision.ALLOW: 0, Decision.ASK: 1, Decision.DENY: 2}


class _Codex:
    client = "codex"

    def __init__(self) -> None:
        self.check = _Check()

    def files(self, scope: ScopeKind) -> Sequence[FileSpec]:
        """The files of one scope."""
        book = _BOOKS[scope]
        override = FileSpec(_override(book), frozenset({Kind.RULES}))
        specs = (FileSpec(_CONFIG, frozenset({Kind.MCP})), *book.files(), override)
        return (*specs, FileSpec(f"{_RULES}*.rules", frozenset({Kind.PERMISSIONS}))) if scope is ScopeKind.USER else specs

    def read(self, scope: ScopeKind, files: Files) -> Snapshot:
        """Everything that the files say."""
        found = rules.read(_BOOKS[scope], files)
        if files.get(_override(_BOOKS[scope]), b"").strip():
            found.notes.append(f"{_override(_BOOKS[scope])} is there: Codex reads it instead of {_BOOKS[scope].main}")
        if _CONFIG in files:
            _read_servers(files[_CONFIG], found)
        if scope is ScopeKind.USER:
            _read_permissions(files, found)
        return Snapshot(found.entries, found.unreadable, tuple(found.notes))

    def together(self, user: Files, project: Files) -> Sequence[str]:
        """Tables of a project that change a server which the user's file does not have: Codex would not start there."""
        ours, theirs = (_servers(each.get(_CONFIG, b"")) for each in (user, project))
        return [
            f"{_CONFIG}: the project changes mcp_servers.{name}, which is no server in the user's file: Codex would not start"
            for name, server in theirs.items()
            if not servers.is_server(server) and not servers.is_server(ours.get(name))
        ]

    def express(self, scope: ScopeKind, entries: Entries) -> Expressed:
        """What Codex can hold."""
        text = rules.express(_BOOKS[scope], entries)
        held, cut = _short_enough(text.entries) if scope is ScopeKind.PROJECT else (dict(text.entries), ())
        losses = [*text.losses, *cut]
        for name, entry in entries.items():
            if name.kind is Kind.MCP:
                server, lost = servers.express(name, entry)
                losses += lost
                held |= {} if server is None else {name: server}
        permissions, lost = narrowed({name: entry for name, entry in entries.items() if name.kind is Kind.PERMISSIONS}, _CAN[scope])
        return Expressed({**held, **permissions}, (*losses, *lost))

    def write(self, scope: ScopeKind, files: Files, wanted: Mapping[Name, Entry | None]) -> Mapping[str, bytes | None]:
        """The files that change. Raises `Unwritable`."""
        changed = dict(rules.write(_BOOKS[scope], files, wanted))
        changed |= _write_servers(files, {name.name: entry for name, entry in wanted.items() if name.kind is Kind.MCP})
        permissions = {name.name: entry for name, entry in wanted.items() if name.kind is Kind.PERMISSIONS}
        return changed | _write_permissions(files, permissions) if scope is ScopeKind.USER else changed


def _override(book: rules.Rulebook) -> str:
    return book.main.removesuffix(".md") + ".override.md"


def _servers(config: bytes) -> Mapping[str, Any]:
    """The servers of a file; none if it does not parse."""
    try:
        found = Toml(config).value.get(servers.CONTAINER, {})
    except Unparsable:
        return {}
    return found if isinstance(found, Mapping) else {}


def _read_servers(config: bytes, found: rules.Found) -> None:
    try:
        held = Toml(config).value.get(servers.CONTAINER, {})
    except Unparsable as error:
        found.unreadable[_CONFIG] = Unreadable(error.line, error.column, error.reason)
        return
    for name, server in held.items() if isinstance(held, Mapping) else ():
        try:
            found.entries[Name(Kind.MCP, name)] = servers.read(server)
        except Odd as odd:
            found.notes.append(f"mcp/{name} is left alone: {odd}")


def _write_servers(files: Files, wanted: Mapping[str, Entry | None]) -> dict[str, bytes | None]:
    if not wanted:
        return {}
    with _naming(_CONFIG):
        document = Toml(files.get(_CONFIG, b""))
        for name, entry in wanted.items():
            servers.edit(document, name, entry)
    return {_CONFIG: document.content()} if document.content() != files.get(_CONFIG, b"") else {}


def _short_enough(entries: Entries) -> tuple[dict[Name, Entry], tuple[Loss, ...]]:
    """As many rules as Codex reads to their end."""
    held: dict[Name, Entry] = {}
    losses = []
    size = 0
    for name, entry in sorted(entries.items()):
        needed = len(str(entry.get("text", "")).encode()) + len(name.name) + _MARKERS
        if size + needed > _MOST_BYTES:
            losses.append(Loss(name, "", "rules_too_long", f"Codex reads {_MOST_BYTES:,} bytes of a project's rules; this one is left out"))
        else:
            held[name] = entry
            size += needed
    return held, tuple(losses)


def _rule_files(files: Files) -> dict[str, bytes]:
    return {path: content for path, content in sorted(files.items()) if path.startswith(_RULES) and path.endswith(".rules")}


def _read_permissions(files: Files, found: rules.Found) -> None:
    documents: dict[str, StarlarkRules] = {}
    for path, content in _rule_files(files).items():
        try:
            documents[path] = StarlarkRules(content)
        except Unparsable as error:
            found.unreadable[path] = Unreadable(error.line, error.column, error.reason)
        else:
            found.notes += [f"{path}:{line} is left alone: no rule of literal words" for line in documents[path].odd_lines]
    said, alone = _said(documents.values())
    found.entries |= {Name(Kind.PERMISSIONS, f"shell prefix {shlex.join(words)}"): {"decision": each.value} for words, each in said.items()}
    found.notes += [
        f"a rule about '{words[0]}' ({len(words)} words) stays in Codex alone: others would take it for more" for words in alone
    ]


def _said(documents: Iterable[StarlarkRules]) -> tuple[Mapping[Words, Decision], Sequence[Words]]:
    """What others can be told, and what not: words with a meaning to a shell, and what is allowed but for such words."""
    decisions: dict[Words, Decision] = {}
    for document in documents:
        for words, decision in document.decisions.items():
            decisions[words] = max(decision, decisions.get(words, decision), key=_STRICTNESS.__getitem__)
    odd = [words for words in decisions if not _words(shlex.join(words))]
    limits = [words for words in odd if decisions[words] is not Decision.ALLOW]
    but = [words for words, each in decisions.items() if each is Decision.ALLOW and any(_meet(words, limit) for limit in limits)]
    alone = [words for words in decisions if words in odd or words in but]
    return {words: decision for words, decision in decisions.items() if words not in alone}, alone


def _meet(one: Words, other: Words) -> bool:
    return all(word == another for word, another in zip(one, other, strict=False))


def _write_permissions(files: Files, wanted: Mapping[str, Entry | None]) -> dict[str, bytes | None]:
    held = _rule_files(files) if wanted else {}
    documents: dict[str, StarlarkRules] = {}
    for path, content in held.items():
        with _naming(path):
            documents[path] = StarlarkRules(content)
    for name, entry in wanted.items():
        subject = Subject.parse(name)
        words = _words(subject.text) if (subject.tool, subject.matcher) == ("shell", "prefix") else None
        if words:
            _say(documents, words, Decision(entry["decision"]) if entry else None)
        elif entry:
            raise Unwritable(_OWN_RULES, f"Codex has no rule about '{name}'")
        if entry and words not in _said(documents.values())[0]:
            raise Unwritable(_OWN_RULES, f"'{name}' is limited by a rule that only Codex understands")
    return {path: document.content() or None for path, document in documents.items() if document.content() != held.get(path, b"")}


def _say(documents: dict[str, StarlarkRules], words: Words, decision: Decision | None) -> None:
    """Make all files together say one thing about a command, in the rule that is there if there is one."""
    about = {path: document for path, document in documents.items() if words in document.decisions}
    if {document.decisions[words] for document in about.values()} == {decision}:
        return
    for path, document in about.items():
        with _naming(path):
            if decision is not None and document.change(words, decision):
                decision = None
            else:
                document.remove(words)
    if decision is not None:
        with _naming(_OWN_RULES):
            documents.setdefault(_OWN_RULES, StarlarkRules(b"")).add(words, decision)


@contextmanager
def _naming(path: str) -> Iterator[None]:
    try:
        yield
    except (Unparsable, Uneditable) as error:
        raise Unwritable(path, str(error)) from error


def _words(text: str) -> Words | None:
    """A text as the words of a rule; None if a shell would not read exactly these words, or the text can be said more simply."""
    words = _split(text)
    return words if words and shlex.join(words) == text else None


def _split(text: str) -> Words | None:
    try:
        return None if _OPERATORS & set(text) else tuple(shlex.split(text))
    except ValueError:
        return None


def _can(subject: Subject, decision: Decision) -> Sequence[tuple[Subject, Decision]] | None:
    """A rule is about some words and whatever follows: an exact command can be limited by it, never allowed."""
    words = _split(subject.text) if subject.tool == "shell" and subject.matcher in ("prefix", "exact") else None
    if not words:
        return None
    said = Subject("shell", "prefix", shlex.join(words))
    return [(said, decision)] if said == subject or decision is not Decision.ALLOW else None


def _cannot(subject: Subject, decision: Decision) -> None:
    """A project has no rules."""
    del subject, decision


_CAN = {ScopeKind.USER: _can, ScopeKind.PROJECT: _cannot}


class _Check:
    """`codex mcp list` starts nothing; it asks servers at an address whether they want a login, which fails without a network."""

    program = "codex"
    tested = ("0.169.0", "0.170.0")

    def stage(self, scope: ScopeKind, files: Files) -> Staged:
        """A project's file takes the place of the user's: no trust is needed, and tables that need the user's file are left out."""
        staged = {f"home/{path}": content for path, content in files.items() if path == _CONFIG or path in _rule_files(files)}
        if scope is ScopeKind.PROJECT and _CONFIG in files:
            staged = {f"home/{_CONFIG}": _alone(files[_CONFIG])}
        environment = {"CODEX_HOME": "@/home/.codex"}
        policies = [path.removeprefix("home/") for path in sorted(staged) if path.endswith(".rules")]
        return Staged(
            {"home/.codex/.keep": b"", **staged},
            (
                Command(("codex", "mcp", "list", "--json"), "work", environment),
                *(Command(("codex", "execpolicy", "check", "--rules", path, "--", "true"), "home", environment) for path in policies),
            ),
        )

    def judge(self, scope: ScopeKind, outputs: Sequence[Output], entries: Entries) -> Sequence[str]:
        """What Codex refuses, and servers that it reads as something else."""
        del scope
        problems = [_complaint(output) for output in outputs if output.code]
        return problems or list(
            _differences(outputs[0].stdout, {name.name: each for name, each in entries.items() if name.kind is Kind.MCP})
        )


def _alone(config: bytes) -> bytes:
    with suppress(Unparsable, Uneditable):
        document = Toml(config)
        for name, server in _servers(config).items():
            if not servers.is_server(server):
                document.remove((servers.CONTAINER, name))
        return document.content()
    return config


def _complaint(output: Output) -> str:
    """Codex's own words without the values that it quotes and the lines of the file that it shows."""
    lines = (line.strip() for line in output.stderr.partition("Stack backtrace")[0].splitlines())
    told = [line for line in lines if line and "|" not in line and not line.startswith(("WARNING", "-->", "Caused by"))]
    return "Codex: " + re.sub(r'"[^"]*"|(?<=unknown variant )`[^`]*`', "…", " ".join(told[:3]) or f"exit code {output.code}")


def _differences(listing: str, expected: Mapping[str, Entry]) -> Iterator[str]:
    try:
        listed = {each["name"]: _listed(each) for each in json.loads(listing)}
    except (ValueError, KeyError, TypeError, AttributeError):
        yield "Codex: the list of servers is not what it used to be"
        return
    for name, entry in expected.items():
        shown = {field: value for field, value in entry.items() if field not in ("tools.allow", "tools.deny")}
        if name not in listed:
            yield f"Codex does not list mcp/{name}"
        elif fields := sorted(field for field in {*shown, *listed[name]} if shown.get(field) != listed[name].get(field)):
            yield f"Codex reads mcp/{name} differently: {', '.join(fields)}"


def _listed(server: Mapping[str, Any]) -> Entry:
    """A server of the listing, which has the members of the file under `transport`."""
    members = {**server["transport"], **{member: server[member] for member in ("enabled", "startup_timeout_sec", "tool_timeout_sec")}}
    try:
        return servers.read({member: value for member, value in members.items() if value is not None and member != "type"})
    except Odd:
        return {}


ADAPTER: Adapter = _Codex()
