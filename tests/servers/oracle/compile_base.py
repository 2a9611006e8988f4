"""What all parts of the compiler share: typed SQL text, names in scope, parameters, and the dispatch over the tree.

Other modules teach it their nodes by `@value(Node)` and `@condition(Node)`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.catalogue import Catalogue
from tests.servers.oracle.conversions import CONVERSIONS, ENVIRONMENTAL
from tests.servers.oracle.environment import Environment
from tests.servers.oracle.sql_type import BOOLEAN, DATE, LARGE, NUMBER, ZONED, Group, Type, of_group, text


@dataclass(frozen=True, slots=True)
class Typed:
    """SQL of the storage that yields a value in the format of its type."""

    sql: str
    type: Type
    nullable: bool = True
    native: str = ""
    """The same number as an integer of the storage, where there is one."""
    literal: str | None = None
    """Of a text literal."""


class Run(Protocol):
    """What parameters are computed from when a statement runs."""

    binds: Sequence[Any]
    scn: int
    mark: int
    now: int
    environment: Environment

    def scalar(self, sql: str, parameters: "Sequence[Parameter]") -> Any: ...

    def snapshot(self, unit: str, value: Any, moment: tree.Moment, readable_from: int) -> int: ...

    def known(self, name: str) -> Any: ...


Parameter = Callable[[Run], Any]


@dataclass(slots=True)
class Build:
    """One statement while it is compiled."""

    catalogue: Catalogue
    schema: str
    binds: Sequence[Kind]
    refused: frozenset[str] = frozenset()
    """What the user has no right to."""
    parameters: list[Parameter] = field(default_factory=list)
    """What `:p1`, `:p2`, … stand for; `:b1`, `:b2`, … are the binds."""
    views: set[str] = field(default_factory=set)
    """Dictionary views that must be filled before."""
    _named: dict[str, str] = field(default_factory=dict)
    _aliases: int = 0

    def parameter(self, compute: Parameter, name: str = "") -> str:
        """A place for a value that is computed when the statement runs; one for all uses of a name."""
        if name and name in self._named:
            return self._named[name]
        self.parameters.append(compute)
        place = f":p{len(self.parameters)}"
        if name:
            self._named[name] = place
        return place

    def environment(self) -> str:
        return self.parameter(lambda run: run.environment.text, "environment")

    def alias(self) -> str:
        self._aliases += 1
        return f"a{self._aliases}"

    def apart(self) -> "Build":
        """For an expression that runs by itself, before the statement."""
        return Build(self.catalogue, self.schema, self.binds, self.refused)


@dataclass(frozen=True, slots=True)
class Field:
    """One column of something in FROM."""

    name: str
    value: Typed


@dataclass(slots=True)
class Source:
    alias: str
    fields: list[Field]
    owner: str = ""
    pseudo: dict[str, Typed] = field(default_factory=dict)
    """ROWID, ORA_ROWSCN and their like."""

    def find(self, name: str) -> list[Typed]:
        found = [field.value for field in self.fields if field.name == name]
        return found or ([self.pseudo[name]] if name in self.pseudo else [])


@dataclass(slots=True)
class Scope:
    """Names that a SELECT can use; those of the SELECT around it too."""

    parent: "Scope | None" = None
    sources: list[Source] = field(default_factory=list)
    shared: "dict[str, tuple[tree.Shared, Scope | None]]" = field(default_factory=dict)
    rownum: Typed | None = None
    merged: set[str] = field(default_factory=set)
    """Columns of USING, which are not ambiguous."""

    def own(self, parts: tuple[str, ...], at: int = 0) -> Typed | None:
        """A column of this SELECT itself."""
        *qualifier, name = parts
        sources = [source for source in self.sources if _matches(source, qualifier)]
        found = [value for source in sources for value in source.find(name)]
        if len(found) > 1 and name not in self.merged:
            raise OracleError(918, f"{name}: column ambiguously specified", at)
        return found[0] if found else None

    def column(self, parts: tuple[str, ...], at: int) -> Typed | None:
        scope: Scope | None = self
        while scope is not None:
            if found := scope.own(parts, at):
                return found
            scope = scope.parent
        return None

    def source(self, name: str) -> Source | None:
        return next((source for source in self.sources if source.alias == name), None)

    def common(self, name: str) -> "tuple[tree.Shared, Scope | None] | None":
        """A query of a WITH clause."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.shared:
                return scope.shared[name]
            scope = scope.parent
        return None


def _matches(source: Source, qualifier: list[str]) -> bool:
    return not qualifier or (source.alias == qualifier[-1] and (len(qualifier) == 1 or source.owner == qualifier[0]))


class Compiler:
    """Turns expressions and conditions of one scope into SQL of the storage."""

    def __init__(self, build: Build, scope: Scope) -> None:
        self.build = build
        self.scope = scope

    def value(self, node: tree.Node) -> Typed:
        handler = VALUES.get(type(node))
        if handler is None:
            if type(node) in CONDITIONS:
                return Typed(f"(CASE WHEN {self.condition(node)} THEN X'01' WHEN NOT {self.condition(node)} THEN X'00' END)", BOOLEAN)
            raise OracleError(936, "missing expression", node.at)
        return handler(self, node)

    def condition(self, node: tree.Node) -> str:
        handler = CONDITIONS.get(type(node))
        if handler is not None:
            return handler(self, node)
        value = self.value(node)
        if value.type.group is not Group.BOOLEAN:
            raise OracleError(920, "invalid relational operator", node.at)
        return f"({value.sql} = X'01')"

    def as_group(self, node: tree.Node, group: Group) -> Typed:
        """A value, converted to a group of types."""
        value = self.value(node)
        return value if value.type.group is group else self.convert(value, of_group(group), node.at)

    def convert(self, value: Typed, to: Type, at: int = 0) -> Typed:
        """As an implicit conversion does. Raises `OracleError` where there is none."""
        source = value.type.group
        if source is to.group:
            return value
        if source is Group.NULL:
            return Typed("NULL", to)
        name = conversion_name(value.type, to)
        if name not in CONVERSIONS:
            raise OracleError(932, f"inconsistent datatypes: expected {to.kind.value} got {value.type.kind.value}", at)
        env = f", {self.build.environment()}" if name in ENVIRONMENTAL else ""
        return Typed(f"{name}({value.sql}{env})", to, value.nullable)


def conversion_name(source: Type, to: Type) -> str:
    start = "date" if source.kind is Kind.DATE and to.group in (Group.TEXT, Group.LOB) else source.group.value
    return f"{start}_to_{to.group.value}"


def sort_key(value: Typed, at: int = 0) -> str:
    """What a value is compared, grouped and ordered by."""
    if value.type.group in LARGE:
        raise OracleError(932, f"inconsistent datatypes: expected - got {value.type.kind.value}", at)
    if value.type.group is Group.ZONED:
        return f"substr({value.sql}, 1, 11)"
    return value.native or value.sql


def of_kind(kind: Kind) -> Type:
    """The type of a bind."""
    match kind:
        case Kind.VARCHAR2 | Kind.NVARCHAR2 | Kind.CHAR | Kind.NCHAR:
            return Type(kind if kind not in (Kind.CHAR, Kind.NCHAR) else Kind.VARCHAR2, 4000)
        case Kind.TIMESTAMP | Kind.TIMESTAMP_TZ | Kind.TIMESTAMP_LTZ:
            return Type(kind, scale=9)
        case Kind.INTERVAL_DS | Kind.INTERVAL_YM:
            return Type(kind, precision=9, scale=9 if kind is Kind.INTERVAL_DS else None)
        case Kind.RAW:
            return Type(kind, 2000)
        case Kind.ROWID:
            return text(18)
        case _:
            return Type(kind)


Value = Callable[[Compiler, Any], Typed]
Condition = Callable[[Compiler, Any], str]
VALUES: dict[type[tree.Node], Value] = {}
CONDITIONS: dict[type[tree.Node], Condition] = {}


def value(node: type[tree.Node]) -> Callable[[Value], Value]:
    def teach(handler: Value) -> Value:
        VALUES[node] = handler
        return handler

    return teach


def condition(node: type[tree.Node]) -> Callable[[Condition], Condition]:
    def teach(handler: Condition) -> Condition:
        CONDITIONS[node] = handler
        return handler

    return teach


PSEUDO_TYPES = {
    "SYSDATE": DATE,
    "SYSTIMESTAMP": ZONED,
    "CURRENT_TIMESTAMP": ZONED,
    "CURRENT_DATE": DATE,
    "LOCALTIMESTAMP": Type(Kind.TIMESTAMP, scale=6),
    "USER": text(128),
    "SESSIONTIMEZONE": text(75),
    "DBTIMEZONE": text(6),
    "UID": NUMBER,
}
"""Names that stand for a value which the session knows."""


Handler = Callable[[Compiler, tree.Call], Typed]
CALLS: dict[str, Handler] = {}


def call(*names: str) -> Callable[[Handler], Handler]:
    """Teaches functions by name."""

    def teach(handler: Handler) -> Handler:
        CALLS.update(dict.fromkeys(names, handler))
        return handler

    return teach


def arity(node: tree.Call, least: int, most: int) -> None:
    if len(node.args) < least:
        raise OracleError(
            909 if most > least else 938, "not enough arguments for function" if most == least else "invalid number of arguments", node.at
        )
    if len(node.args) > most:
        raise OracleError(939, "too many arguments for function", node.at)
