"""OpenCode: `opencode.json` or `.jsonc`, and `AGENTS.md`.

What surprises: references are replaced in the raw text of the file, before it is parsed: `{env:V}` by the variable, `{file:p}` by a
file's text. A server with the latter is left alone. A program and its arguments are one list. Rules about tools depend on their order,
see the permissions' module. The client rewrites its files in place, adding `$schema`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entries, Entry, Kind, Loss, Name, Template, Value, is_secret
from syncd.engines.clients.adapters.opencode import permissions
from syncd.engines.clients.grammars import rules, servers
from syncd.engines.clients.grammars.references import ENV_IN_BRACES
from syncd.engines.clients.grammars.servers import Shape, Spelling
from syncd.engines.clients.permissions.narrowing import narrowed
from syncd.kit.documents.document import Uneditable, Unparsable
from syncd.kit.documents.jsonc import Jsonc
from syncd.ports.clients import Adapter, Command, Expressed, Files, FileSpec, Output, ScopeKind, Snapshot, Staged, Unreadable, Unwritable

_FOLDERS = {ScopeKind.USER: ".config/opencode/", ScopeKind.PROJECT: ""}
_BOOKS = {scope: rules.Rulebook(f"{folder}AGENTS.md", imports=False) for scope, folder in _FOLDERS.items()}
_SPELLING = Spelling(
    container="mcp",
    shapes=(Shape("stdio", "command", ("local",)), Shape("http", "url", ("remote",))),
    references=ENV_IN_BRACES,
    args="",
    env="environment",
    plain={"cwd": "cwd", "enabled": "enabled"},
    seconds={"tool_timeout": ("timeout", 1000)},
)
_HIDDEN = '"***"'
"""What `debug config` shows in place of any text whose name sounds like a secret, a pattern of paths too."""
_REPLACED = re.compile(r"\{(?:file|env):[^}]+\}")


class _OpenCode:
    client = "opencode"

    def __init__(self) -> None:
        self.check = _Check()

    def files(self, scope: ScopeKind) -> Sequence[FileSpec]:
        """The files of one scope."""
        kinds = frozenset({Kind.MCP, Kind.PERMISSIONS})
        return (*(FileSpec(f"{_FOLDERS[scope]}opencode.{ending}", kinds) for ending in ("json", "jsonc")), *_BOOKS[scope].files())

    def read(self, scope: ScopeKind, files: Files) -> Snapshot:
        """Everything that the files say."""
        found = rules.read(_BOOKS[scope], files)
        path = _config(scope, files)
        if path.endswith("c") and path.removesuffix("c") in files:
            found.notes.append(f"{path.removesuffix('c')} is left alone: OpenCode reads {path} after it")
        if path in files:
            try:
                value = Jsonc(files[path]).value
            except Unparsable as error:
                found.unreadable[path] = Unreadable(error.line, error.column, error.reason)
            else:
                _read(value, found)
        return Snapshot(found.entries, found.unreadable, tuple(found.notes))

    def together(self, user: Files, project: Files) -> Sequence[str]:  # noqa: ARG002 - nothing to find
        """A project's file stands for itself."""
        return ()

    def express(self, scope: ScopeKind, entries: Entries) -> Expressed:
        """What OpenCode can hold."""
        text = rules.express(_BOOKS[scope], entries)
        held = dict(text.entries)
        losses = [*text.losses]
        for name, entry in entries.items():
            if name.kind is Kind.MCP:
                server, lost = _expressed(name, entry)
                losses += lost
                held |= {} if server is None else {name: server}
        allowed, lost = narrowed({name: entry for name, entry in entries.items() if name.kind is Kind.PERMISSIONS}, permissions.can)
        return Expressed({**held, **allowed}, (*losses, *lost))

    def write(self, scope: ScopeKind, files: Files, wanted: Mapping[Name, Entry | None]) -> Mapping[str, bytes | None]:
        """The files that change. Raises `Unwritable`."""
        changed = dict(rules.write(_BOOKS[scope], files, wanted))
        others = {name: entry for name, entry in wanted.items() if name.kind is not Kind.RULES}
        path = _config(scope, files)
        if not others:
            return changed
        with _naming(path):
            document = Jsonc(files.get(path, b""))
            for name, entry in sorted(others.items(), key=_order):
                document = _edited(document, name, entry)
        return changed if document.content() == files.get(path, b"") else {**changed, path: document.content()}


def _config(scope: ScopeKind, files: Files) -> str:
    path = f"{_FOLDERS[scope]}opencode.json"
    return f"{path}c" if f"{path}c" in files else path


def _read(value: Mapping[str, Any], found: rules.Found) -> None:
    held = value.get(_SPELLING.container, {})
    plain = {name: server for name, server in held.items() if not _replaced_otherwise(server)} if isinstance(held, Mapping) else held
    entries, notes = servers.read_all(_SPELLING, {_SPELLING.container: plain})
    said, alone = permissions.decisions(value.get(permissions.MEMBER))
    found.entries |= entries | {Name(Kind.PERMISSIONS, str(subject)): {"decision": decision.value} for subject, decision in said.items()}
    found.notes += [*notes, *(f"mcp/{name} is left alone: it takes text from a file" for name in held if name not in plain), *alone]


def _expressed(name: Name, entry: Entry) -> tuple[Entry | None, Sequence[Loss]]:
    literal = [field for field, value in entry.items() if field != "description" and any(map(_is_file, _texts(value)))]
    if literal:
        return None, [
            Loss(name, "", "looks_like_reference", f"OpenCode would replace text in {literal[0]} by a file; the server is left out")
        ]
    return servers.express(_SPELLING, name, entry)


def _edited(document: Jsonc, name: Name, entry: Entry | None) -> Jsonc:
    if name.kind is Kind.PERMISSIONS:
        return permissions.say(document, Subject.parse(name.name), Decision(entry["decision"]) if entry else None)
    held = document.value.get(_SPELLING.container, {})
    if isinstance(held, Mapping) and _replaced_otherwise(held.get(name.name)):
        raise Uneditable(f"{name} is there and takes text from a file")
    servers.edit(_SPELLING, document, name.name, entry)
    return document


def _order(wanted: tuple[Name, Entry | None]) -> int:
    """The strictest permission comes last, because OpenCode lets the last one decide."""
    name, entry = wanted
    return 0 if entry is None or name.kind is Kind.MCP else 1 + list(Decision).index(Decision(entry["decision"]))


def _replaced_otherwise(server: Any) -> bool:
    """Whether a server holds a replacement that is no reference to a variable."""
    return any(not ENV_IN_BRACES.pattern.fullmatch(match) for match in _REPLACED.findall(json.dumps(server, ensure_ascii=False)))


def _is_file(text: str) -> bool:
    return any(not ENV_IN_BRACES.pattern.fullmatch(match) for match in _REPLACED.findall(text))


def _texts(value: Value) -> Iterator[str]:
    for each in value if isinstance(value, tuple) else (value,):
        yield from (part for part in each.parts if isinstance(part, str)) if isinstance(each, Template) else (str(each),)


@contextmanager
def _naming(path: str) -> Iterator[None]:
    try:
        yield
    except (Unparsable, Uneditable) as error:
        raise Unwritable(path, str(error)) from error


class _Check:
    """`opencode debug config` starts nothing. It shows variables replaced and headers hidden, so these are not compared."""

    program = "opencode"
    tested = ("1.18.33", "1.19.0")

    def stage(self, scope: ScopeKind, files: Files) -> Staged:
        """Files that the configuration takes text from are not there in the copy, so it does not ask for them."""
        folder = "home" if scope is ScopeKind.USER else "work"
        path = _config(scope, files)
        staged = {f"{folder}/{path}": files[path].replace(b"{file:", b"{file ")} if path in files else {}
        folders = {"CONFIG": ".config", "DATA": ".local/share", "STATE": ".local/state", "CACHE": ".cache"}
        environment = {f"XDG_{name}_HOME": f"@/home/{place}" for name, place in folders.items()}
        return Staged(staged, (Command(("opencode", "debug", "config", "--pure"), "work", environment),))

    def judge(self, scope: ScopeKind, outputs: Sequence[Output], entries: Entries) -> Sequence[str]:
        """What OpenCode refuses, and what it reads as something else."""
        del scope
        output = outputs[0]
        if output.code:
            return [_complaint(output)]
        try:
            value = json.loads(output.stdout)
        except ValueError:
            value = None
        if not isinstance(value, Mapping):
            return ["OpenCode: the configuration that it shows is not what it used to be"]
        found = rules.Found()
        _read(value, found)
        hidden = _HIDDEN in json.dumps(value.get(permissions.MEMBER))
        return list(
            _differences(found.entries, {name: entry for name, entry in entries.items() if not (hidden and name.kind is Kind.PERMISSIONS)})
        )


def _complaint(output: Output) -> str:
    """OpenCode's own words: the places that it names, without what it found there."""
    places = re.findall(r"↳ (?:Expected|Missing|Unexpected)[^\n]* (\S+)$", output.stdout + output.stderr, re.MULTILINE)
    return f"OpenCode refuses the configuration: {', '.join(dict.fromkeys(places)) or f'exit code {output.code}'}"


def _differences(seen: Entries, expected: Entries) -> Iterator[str]:
    for name, entry in expected.items():
        if name.kind is Kind.RULES:
            continue
        if name not in seen:
            yield f"OpenCode does not see {name}"
            continue
        fields = [field for field, value in entry.items() if _is_shown(field, value) and seen[name].get(field) != value]
        if fields:
            yield f"OpenCode reads {name} differently: {', '.join(sorted(fields))}"


def _is_shown(field: str, value: Value) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return not is_secret(field) and not any(isinstance(each, Template) for each in texts)


ADAPTER: Adapter = _OpenCode()
