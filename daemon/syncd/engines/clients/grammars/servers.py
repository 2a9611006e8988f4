"""MCP servers as clients write them into a mapping of names: one table a client, which says how its members are spelled.

A server with a member of the wrong type is not read at all, because half of it may be another server; it stays as it is. Members that the
table does not name stay too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.domain.unified import Entry, Kind, Loss, Name, Reference, Template, Text, Value
from syncd.engines.clients.grammars.references import NONE, Syntax, parse, spell
from syncd.kit.documents.document import Document, Place, Uneditable


class Odd(ValueError):
    """A server that cannot be understood. The message holds names of members, never their values."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How one transport looks: which member holds the address, and which value of the tag goes with it."""

    transport: str
    address: str
    """`command`, `url`, `httpUrl`, …"""
    tags: tuple[str | None, ...] = ()
    """Values of the tag that mean this shape, the one to write first; None is no tag at all. Empty: the tag says nothing."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one client writes a server."""

    container: str
    shapes: tuple[Shape, ...]
    """The first that fits is the server's; the first of its transport is how a new one is written."""
    references: Syntax = NONE
    tag: str = "type"
    args: str = "args"
    """Empty: the program and its arguments are one list."""
    env: str = "env"
    headers: str = "headers"
    plain: Mapping[str, str] = field(default_factory=dict)
    """Field -> member for `cwd`, `description` and `enabled`, as far as the client has them."""
    seconds: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Field -> member and how many of its units make a second, for `startup_timeout` and `tool_timeout`."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Field -> member for `tools.allow` and `tools.deny`."""
    elsewhere: frozenset[str] = frozenset()
    """Fields that the adapter keeps outside the server's own mapping: expressed, but neither read nor edited here."""

    def members(self, shape: Shape) -> dict[str, str]:
        """Field -> member, in the order in which a new server is written; without `env.NAME` and `headers.NAME`."""
        first = {"command": shape.address, "args": self.args} if shape.transport == "stdio" else {"url": shape.address}
        return {**first, **self.plain, **{name: member for name, (member, _) in self.seconds.items()}, **self.tools}

    def maps(self) -> tuple[tuple[str, str], ...]:
        """Prefix of fields -> member that holds one variable or header each."""
        return tuple((prefix, member) for prefix, member in (("env.", self.env), ("headers.", self.headers)) if member)

    def shape(self, server: Mapping[str, Any]) -> Shape | None:
        """The shape of a server as it stands in a file."""
        tag = server.get(self.tag)
        return next((each for each in self.shapes if each.address in server and (not each.tags or tag in each.tags)), None)

    def shape_of(self, transport: Value | None) -> Shape | None:
        """The shape of a new server."""
        return next((each for each in self.shapes if each.transport == transport), None)


def read_all(spelling: Spelling, value: Mapping[str, Any]) -> tuple[dict[Name, Entry], tuple[str, ...]]:
    """The servers of a whole document, and notes on those that cannot be read."""
    entries: dict[Name, Entry] = {}
    notes = []
    held = value.get(spelling.container, {})
    if not isinstance(held, Mapping):
        return {}, (f"{spelling.container} is no mapping of servers",)
    for name, server in held.items():
        try:
            entries[Name(Kind.MCP, str(name))] = read(spelling, server)
        except Odd as odd:
            notes.append(f"mcp/{name} is left alone: {odd}")
    return entries, tuple(notes)


def read(spelling: Spelling, server: Any) -> dict[str, Value]:
    """One server. Raises `Odd`."""
    shape = spelling.shape(server) if isinstance(server, Mapping) else None
    if shape is None:
        raise Odd("it has no transport that this client knows")
    server = _parted(spelling, shape, server)
    entry: dict[str, Value] = {"transport": shape.transport}
    for name, member in spelling.members(shape).items():
        if member in server:
            entry[name] = _read(spelling, name, member, server[member])
    for prefix, member in spelling.maps():
        held = server.get(member, {})
        if not isinstance(held, Mapping):
            raise Odd(f"{member} is no mapping")
        entry |= {f"{prefix}{name}": parse(_text(f"{member}.{name}", text), spelling.references) for name, text in held.items()}
    return {name: value for name, value in entry.items() if value is not True and (name, value) != ("args", ())}


def express(spelling: Spelling, name: Name, entry: Entry) -> tuple[Entry | None, tuple[Loss, ...]]:
    """What the client can hold of a server, and what it cannot; None if what is left would be no server or another one."""
    problem = _problem(spelling, entry)
    if problem:
        code, reason = problem
        return None, (Loss(name, "", code, f"{reason}; the server is left out"),)
    held: dict[str, Value] = {}
    losses: list[Loss] = []
    for each, value in entry.items():
        if not _holds(spelling, entry["transport"], each):
            losses.append(Loss(name, each, each, f"the client knows no {each} for this kind of server; it is left out"))
        elif (each, value) != ("args", ()):
            held[each], code = _spellable(spelling, each, value)
            if code:
                losses.append(Loss(name, each, code, _WHY[code]))
    return held, tuple(losses)


def edit(spelling: Spelling, document: Document, name: str, new: Entry | None) -> None:
    """Make one server of a document say `new` (as expressed), changing only the members that differ. None removes it.

    Raises `Uneditable`, also for a server that is there and cannot be read.
    """
    held = document.value.get(spelling.container, {})
    place = (spelling.container, name)
    if not isinstance(held, Mapping) or name not in held:
        if new is not None:
            document.set(place, spelled(spelling, new))
        return
    old = _understood(spelling, name, held[name])
    if new is None:
        document.remove(place)
        return
    new = {each: value for each, value in new.items() if each not in spelling.elsewhere}
    if old != new:
        _change(spelling, document, place, (old, new))
        if _understood(spelling, name, document.value[spelling.container][name]) != new:
            raise Uneditable(f"mcp/{name} has other members that would make it a different server")


def spelled(spelling: Spelling, entry: Entry, shape: Shape | None = None) -> dict[str, Any]:
    """A server as plain values of the client's own; of the shape for new servers, unless told otherwise."""
    shape = shape or spelling.shape_of(entry["transport"])
    if shape is None:
        raise Uneditable(f"the client has no {entry['transport']} transport")
    tag = shape.tags[0] if shape.tags else None
    server: dict[str, Any] = {} if tag is None else {spelling.tag: tag}
    for each, member in spelling.members(shape).items():
        if each in entry and each not in spelling.elsewhere:
            server[member] = _written(spelling, each, entry[each])
    for prefix, member in spelling.maps():
        texts = {each.removeprefix(prefix): _written(spelling, each, entry[each]) for each in sorted(entry) if each.startswith(prefix)}
        server |= {member: texts} if texts else {}
    if shape.transport == "stdio" and not spelling.args:
        server[shape.address] = [server[shape.address], *server.pop(spelling.args, [])]
    return server


def seconds(value: float) -> int | float:
    """A duration as entries hold it: whole seconds are whole numbers."""
    return int(value) if float(value).is_integer() else value


def _change(spelling: Spelling, document: Document, place: tuple[str, str], versions: tuple[Entry, Entry]) -> None:
    """Edit the members of one server by which its two versions differ."""
    old, new = versions
    shape = spelling.shape(document.value[place[0]][place[1]])
    if shape is None or shape.transport != new["transport"]:
        shape = spelling.shape_of(new["transport"])
        _reshape(spelling, document, place, shape)
    if shape is None:
        raise Uneditable(f"the client has no {new['transport']} transport")
    whole = spelled(spelling, new, shape)
    places = {_place(spelling, shape, each) for each in {*old, *new} - {"transport"} if old.get(each) != new.get(each)}
    for inner in sorted(places, key=str):
        wanted = _at(whole, inner)
        if wanted is not None:
            document.set((*place, *inner), wanted)
        elif _at(document.value, (*place, *inner)) is not None:
            document.remove((*place, *inner))


def _reshape(spelling: Spelling, document: Document, place: tuple[str, str], shape: Shape | None) -> None:
    """Make way for another transport: the addresses of all others go, its tag comes."""
    if shape is None:
        return
    server = document.value[place[0]][place[1]]
    tag = shape.tags[0] if shape.tags else None
    stale = {each.address for each in spelling.shapes} - {shape.address}
    stale |= {spelling.args} if shape.transport != "stdio" else set()
    stale |= {spelling.tag} if tag is None and any(each.tags for each in spelling.shapes) else set()
    for member in sorted(stale & set(server)):
        document.remove((*place, member))
    if tag is not None:
        document.set((*place, spelling.tag), tag)


def _place(spelling: Spelling, shape: Shape, each: str) -> Place:
    """Where a field stands inside its server."""
    for prefix, member in spelling.maps():
        if each.startswith(prefix):
            return (member, each.removeprefix(prefix))
    return (spelling.members(shape).get(each, each) or shape.address,)


def _parted(spelling: Spelling, shape: Shape, server: Mapping[str, Any]) -> Mapping[str, Any]:
    """A server whose one list of program and arguments is two members."""
    if shape.transport != "stdio" or spelling.args:
        return server
    words = _texts(shape.address, server[shape.address])
    if not words:
        raise Odd(f"{shape.address} is empty")
    return {**server, shape.address: words[0], spelling.args: words[1:]}


def _read(spelling: Spelling, each: str, member: str, value: Any) -> Value:
    """The value of one field. Raises `Odd`."""
    if each in spelling.seconds:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Odd(f"{member} is no number")
        return seconds(value / spelling.seconds[each][1])
    if each in spelling.tools:
        return tuple(sorted(set(_texts(member, value))))
    if each == "args":
        return tuple(parse(text, spelling.references) for text in _texts(member, value))
    if each == "enabled":
        if not isinstance(value, bool):
            raise Odd(f"{member} is neither true nor false")
        return value
    return _text(member, value) if each == "description" else parse(_text(member, value), spelling.references)


def _written(spelling: Spelling, each: str, value: Value) -> Any:
    """The opposite of `_read`."""
    if each in spelling.seconds and not isinstance(value, str | tuple | Template):
        return seconds(value * spelling.seconds[each][1])
    if isinstance(value, tuple):
        return [text if each in spelling.tools else _spelled(spelling, text) for text in value]
    return _spelled(spelling, value) if isinstance(value, str | Template) and each != "description" else value


_WHY = {
    "default": "the client knows no default values; the reference is written without it",
    "looks_like_reference": "the client would take plain text for a reference",
    "reference": "the client replaces no references",
    "secret_in_args": "the client replaces no references",
}


def _problem(spelling: Spelling, entry: Entry) -> tuple[str, str] | None:
    """Code and reason why a server cannot be held at all."""
    shape = spelling.shape_of(entry.get("transport"))
    if shape is None:
        transport = str(entry.get("transport", "unknown"))
        return transport, f"the client has no {transport} transport"
    if ("command" if shape.transport == "stdio" else "url") not in entry:
        return "incomplete", "nothing says what to start or to ask"
    if entry.get("enabled") is False and not _holds(spelling, shape.transport, "enabled"):
        return "enabled", "the client cannot switch off one server"
    for each, value in entry.items():
        code = _spellable(spelling, each, value)[1]
        if code not in ("", "default"):
            return code, f"{each}: {_WHY[code]}"
    return None


def _holds(spelling: Spelling, transport: Value, each: str) -> bool:
    """Whether the client has a place for a field of such a server."""
    shape = spelling.shape_of(transport)
    known = {"transport", *(spelling.members(shape) if shape else ()), *spelling.elsewhere}
    return each in known or any(each.startswith(prefix) for prefix, _ in spelling.maps())


def _spellable(spelling: Spelling, each: str, value: Value) -> tuple[Value, str]:
    """A value as the client can write it, and a code if this is not the same."""
    if each in ("transport", "description") or each in spelling.tools or not isinstance(value, str | tuple | Template):
        return value, ""
    texts = value if isinstance(value, tuple) else (value,)
    bare = tuple(map(_without_default, texts))
    if _fits(spelling, texts):
        return value, ""
    if _fits(spelling, bare):
        return bare if isinstance(value, tuple) else bare[0], "default"
    if spelling.references.spelling or not any(isinstance(text, Template) for text in texts):
        return value, "looks_like_reference"
    return value, "secret_in_args" if each == "args" else "reference"


def _fits(spelling: Spelling, texts: Sequence[Text]) -> bool:
    return all(spell(text, spelling.references) is not None for text in texts)


def _without_default(text: Text) -> Text:
    if isinstance(text, str):
        return text
    return Template(tuple(part if isinstance(part, str) else Reference(part.variable) for part in text.parts))


def _understood(spelling: Spelling, name: str, server: Any) -> dict[str, Value]:
    try:
        return read(spelling, server)
    except Odd as odd:
        raise Uneditable(f"mcp/{name} is there and cannot be read: {odd}") from odd


def _spelled(spelling: Spelling, text: Text) -> str:
    written = spell(text, spelling.references)
    if written is None:
        raise Uneditable("plain text would be taken for a reference")
    return written


def _text(member: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Odd(f"{member} is no text")
    return value


def _texts(member: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Odd(f"{member} is no list of texts")
    return value


def _at(value: Any, place: Place) -> Any:
    """What stands at a place; None if nothing does."""
    for step in place:
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value
