"""MCP servers as Codex writes them: tables of a TOML file, without any interpolation.

A variable of Codex's own environment reaches a server by its name alone: in `env_vars` for a program, in `bearer_token_env_var` and
`env_http_headers` for an address. Whatever else refers to a variable cannot be said, and a server without its secret would be another
server: it is left out as a whole. One invalid server makes every command of Codex fail, so nothing doubtful is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from syncd.domain.unified import Entry, Loss, Name, Reference, Template, Value
from syncd.engines.clients.grammars.servers import Odd, seconds
from syncd.kit.documents.document import Document, Place, Uneditable

Kept = TypeVar("Kept")

CONTAINER = "mcp_servers"
_BEARER = "headers.Authorization"
_STDIO = ("command", "args", "cwd", "env", "env_vars")
_HTTP = ("url", "bearer_token_env_var", "http_headers", "env_http_headers")
_SECONDS = {"startup_timeout": "startup_timeout_sec", "tool_timeout": "tool_timeout_sec"}
_TOOLS = {"tools.allow": "enabled_tools", "tools.deny": "disabled_tools"}
_MEMBERS = (*_STDIO, *_HTTP, "enabled", *_SECONDS.values(), "startup_timeout_ms", *_TOOLS.values())
_HELD = frozenset(("transport", "command", "args", "cwd", "url", "enabled", *_SECONDS, *_TOOLS))


def read(server: Any) -> dict[str, Value]:
    """One server. Raises `Odd`."""
    if not isinstance(server, Mapping):
        raise Odd("it is no table")
    if not is_server(server):
        raise Odd("no transport")
    if mixed := [member for member in (_HTTP if "command" in server else _STDIO) if member in server]:
        raise Odd(f"{mixed[0]} does not go with {'command' if 'command' in server else 'url'}")
    entry = _program(server) if "command" in server else _address(server)
    if "enabled" in server and not _is(bool, "enabled", server["enabled"]):
        entry["enabled"] = False
    if "startup_timeout_ms" in server:
        entry["startup_timeout"] = seconds(_duration("startup_timeout_ms", server["startup_timeout_ms"]) / 1000)
    entry |= {field: seconds(_duration(member, server[member])) for field, member in _SECONDS.items() if member in server}
    return entry | {field: tuple(sorted(set(_texts(member, server[member])))) for field, member in _TOOLS.items() if member in server}


def is_server(server: Any) -> bool:
    """Whether it says what to start or to ask; an overlay of another file's server does not."""
    return isinstance(server, Mapping) and ("command" in server or "url" in server)


def express(name: Name, entry: Entry) -> tuple[Entry | None, tuple[Loss, ...]]:
    """What Codex can hold of a server, and what it cannot; None if it can be none at all."""
    transport = str(entry.get("transport", "none"))
    address = {"stdio": "command", "http": "url"}.get(transport)
    if address is None:
        return None, (Loss(name, "", transport, f"Codex has no {transport} transport; the server is left out"),)
    if address not in entry:
        return None, (Loss(name, "", "incomplete", "nothing says what to start or to ask; the server is left out"),)
    held: dict[str, Value] = {}
    losses: list[Loss] = []
    for field, value in entry.items():
        if not _fits(field, transport):
            losses.append(_unknown(name, field, transport))
        elif (code := _unsayable(field, value)) is not None:
            return None, (Loss(name, "", code, f"Codex replaces no references in {field}; the server is left out"),)
        elif value != ():
            held[field] = _bare(value)
            if held[field] != value:
                losses.append(Loss(name, field, "default", "the reference loses its default value"))
    return held, tuple(losses)


def edit(document: Document, name: str, new: Entry | None) -> None:
    """Make one server say `new` (as expressed), changing only the members that differ. None removes it. Raises `Uneditable`."""
    servers = document.value.get(CONTAINER, {})
    there = servers.get(name) if isinstance(servers, Mapping) else None
    place: Place = (CONTAINER, name)
    if there is None:
        if new is not None:
            document.set(place, _written(new))
        return
    try:
        old = read(there)
    except Odd as odd:
        raise Uneditable(f"mcp/{name} is there and cannot be read: {odd}") from odd
    if new is None:
        document.remove(place)
    elif old != new:
        _change(document, name, old, new)


def _change(document: Document, name: str, old: Entry, new: Entry) -> None:
    place: Place = (CONTAINER, name)
    there = document.value[CONTAINER][name]
    before, after = _written(old), _written(new)
    if "env_vars" in there:
        before["env_vars"], after["env_vars"] = there["env_vars"], _passed(there["env_vars"], after.get("env_vars", []))
    gone = {member for member in before if after.get(member) in (None, [])}
    if old.get("startup_timeout") != new.get("startup_timeout"):
        gone.add("startup_timeout_ms")
    for member in (member for member in _MEMBERS if member in gone and member in there):
        document.remove((*place, member))
    for member, value in after.items():
        if member not in gone and before.get(member) != value:
            _set(document, (*place, member), before.get(member), value)
    if _readable(document.value[CONTAINER][name]) != new:
        raise Uneditable(f"mcp/{name}: members that stay would make it another server")


def _passed(there: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Names of variables, beside whatever else the list holds."""
    return [each for each in there if not isinstance(each, str) or each in names] + [name for name in names if name not in there]


def _set(document: Document, place: Place, old: Any, new: Any) -> None:
    """Change a member; of a table only what differs."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        document.set(place, new)
        return
    for gone in [each for each in old if each not in new]:
        document.remove((*place, gone))
    for each, value in new.items():
        if old.get(each) != value:
            document.set((*place, each), value)


def _readable(server: Any) -> dict[str, Value] | None:
    try:
        return read(server)
    except Odd:
        return None


def _program(server: Mapping[str, Any]) -> dict[str, Value]:
    entry: dict[str, Value] = {"transport": "stdio", "command": _is(str, "command", server["command"])}
    if args := _texts("args", server.get("args", [])):
        entry["args"] = args
    if "cwd" in server:
        entry["cwd"] = _is(str, "cwd", server["cwd"])
    passed = _is(list, "env_vars", server.get("env_vars", []))
    entry |= {f"env.{name}": Template((Reference(name),)) for name in passed if isinstance(name, str)}
    return entry | {f"env.{name}": text for name, text in _table("env", server).items()}


def _address(server: Mapping[str, Any]) -> dict[str, Value]:
    entry: dict[str, Value] = {"transport": "http", "url": _is(str, "url", server["url"])}
    headers: list[tuple[str, Value]] = [(name, text) for name, text in _table("http_headers", server).items()]
    headers += [(name, Template((Reference(variable),))) for name, variable in _table("env_http_headers", server).items()]
    if "bearer_token_env_var" in server:
        token = _is(str, "bearer_token_env_var", server["bearer_token_env_var"])
        headers.append(("Authorization", Template(("Bearer ", Reference(token)))))
    if len({name.lower() for name, _ in headers}) < len(headers):
        raise Odd("a header is given twice")
    return entry | {f"headers.{name}": value for name, value in headers}


def _written(entry: Entry) -> dict[str, Any]:
    """A server as Codex writes a new one."""
    server: dict[str, Any] = {field: _plain(entry[field]) for field in ("command", "args", "url", "cwd") if field in entry}
    for member, name, text in sorted(_named(entry)):
        if member == "env_vars":
            server.setdefault(member, []).append(text)
        elif member == "bearer_token_env_var":
            server[member] = text
        else:
            server.setdefault(member, {})[name] = text
    members = {"enabled": "enabled", **_SECONDS, **_TOOLS}
    return server | {member: _plain(entry[field]) for field, member in members.items() if field in entry}


def _named(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Where the variables and headers stand: member, name, text."""
    for field, value in entry.items():
        kind, _, name = field.partition(".")
        reference = value.variables[0] if isinstance(value, Template) else None
        if kind == "env":
            yield ("env", name, str(value)) if reference is None else ("env_vars", name, reference)
        elif kind == "headers" and isinstance(value, Template):
            yield ("env_http_headers" if value.whole else "bearer_token_env_var", name, value.variables[0])
        elif kind == "headers":
            yield "http_headers", name, str(value)


def _fits(field: str, transport: str) -> bool:
    if field.startswith("env.") or field in ("command", "args", "cwd"):
        return transport == "stdio"
    if field.startswith("headers.") or field == "url":
        return transport == "http"
    return field in _HELD


def _unknown(name: Name, field: str, transport: str) -> Loss:
    if field in _HELD or field.startswith(("env.", "headers.")):
        return Loss(name, field, "transport", f"Codex refuses {field} for a server of transport {transport}; it is left out")
    return Loss(name, field, field, f"Codex knows no {field}; it is left out")


def _unsayable(field: str, value: Value) -> str | None:
    """Why a value cannot be written; None if it can."""
    if isinstance(value, tuple):
        return "secret_in_args" if any(isinstance(each, Template) for each in value) else None
    if not isinstance(value, Template):
        return None
    if field.startswith("env."):
        if value.whole is None:
            return "reference"
        return None if field == f"env.{value.whole.variable}" else "renamed_reference"
    if field.startswith("headers.") and (value.whole or (field == _BEARER and value.parts[0] == "Bearer " and len(value.parts) == 2)):  # noqa: PLR2004 - the word and the token
        return None
    return "reference"


def _bare(value: Value) -> Value:
    """A value whose references have no defaults."""
    if not isinstance(value, Template):
        return value
    return Template(tuple(part if isinstance(part, str) else Reference(part.variable) for part in value.parts))


def _table(member: str, server: Mapping[str, Any]) -> Mapping[str, str]:
    table = _is(dict, member, server.get(member, {}))
    return {name: _is(str, f"{member}.{name}", text) for name, text in table.items()}


def _texts(member: str, value: Any) -> tuple[str, ...]:
    return tuple(_is(str, member, each) for each in _is(list, member, value))


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _duration(member: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise Odd(f"{member} is no duration")
    return value


def _is(expected: type[Kept], member: str, value: Any) -> Kept:
    if not isinstance(value, expected):
        raise Odd(f"{member} has the wrong type")
    return value
