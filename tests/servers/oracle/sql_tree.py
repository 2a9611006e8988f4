"""What the parser makes of a statement. Two expressions are equal if they say the same, wherever they stand."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from tests.servers.oracle.sql_type import Type


@dataclass(frozen=True, slots=True)
class Node:
    at: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Text(Node):
    value: str
    national: bool = False


@dataclass(frozen=True, slots=True)
class Number(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Temporal(Node):
    """DATE '…', TIMESTAMP '…' or INTERVAL '…' with its unit."""

    what: str
    value: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Null(Node):
    pass


@dataclass(frozen=True, slots=True)
class Truth(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Bind(Node):
    """Two binds are equal if they have the same name; positional ones have a name each."""

    index: int = field(compare=False)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Name(Node):
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Star(Node):
    source: str = ""


@dataclass(frozen=True, slots=True)
class Order(Node):
    value: Node
    descending: bool = False
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Window(Node):
    partition: tuple[Node, ...] = ()
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Call(Node):
    name: str
    args: tuple[Node, ...] = ()
    distinct: bool = False
    over: Window | None = None
    returning: Type | None = None
    option: str = ""
    """BOTH, LEADING or TRAILING of TRIM; the field of EXTRACT."""


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative(Node):
    value: Node


@dataclass(frozen=True, slots=True)
class Row(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Case(Node):
    operand: Node | None
    whens: tuple[tuple[Node, Node], ...]
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Cast(Node):
    value: Node
    to: Type


@dataclass(frozen=True, slots=True)
class AtZone(Node):
    value: Node
    zone: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Junction(Node):
    word: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    value: Node


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    value: Node


@dataclass(frozen=True, slots=True)
class Like(Node):
    value: Node
    pattern: Node
    escape: Node | None = None


@dataclass(frozen=True, slots=True)
class Between(Node):
    value: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    value: Node
    items: tuple[Node, ...]
    """Values, or one query."""


@dataclass(frozen=True, slots=True)
class Exists(Node):
    query: "Query"


@dataclass(frozen=True, slots=True)
class Item(Node):
    value: Node
    alias: str = ""
    text: str = field(default="", compare=False)
    """As written, for the name of the column."""


@dataclass(frozen=True, slots=True)
class Moment(Node):
    """AS OF SCN, AS OF TIMESTAMP, or VERSIONS BETWEEN the two with `high`; None is MINVALUE or MAXVALUE."""

    unit: str
    low: Node | None
    high: Node | None = None
    versions: bool = False


@dataclass(frozen=True, slots=True)
class From(Node):
    """A table by name, or a query, and how it joins what stands left of it."""

    name: tuple[str, ...] = ()
    query: "Query | None" = None
    alias: str = ""
    moment: Moment | None = None
    sample: Node | None = None
    join: str = ""
    on: Node | None = None
    using: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Select(Node):
    items: tuple[Item, ...]
    sources: tuple[From, ...]
    distinct: bool = False
    where: Node | None = None
    group: tuple[Node, ...] = ()
    having: Node | None = None


@dataclass(frozen=True, slots=True)
class Both(Node):
    """UNION, UNION ALL, INTERSECT or MINUS."""

    word: str
    left: "Query"
    right: "Query"


@dataclass(frozen=True, slots=True)
class Shared(Node):
    """One query of a WITH clause."""

    name: str
    query: "Query"
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query(Node):
    body: Select | Both
    shared: tuple[Shared, ...] = ()
    order: tuple[Order, ...] = ()
    offset: Node | None = None
    fetch: Node | None = None


def children(node: Node) -> Iterator[Node]:
    """Nodes directly below this one."""
    for part in fields(node):
        yield from _nodes(getattr(node, part.name))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: Node, into: bool = True) -> Iterator[Node]:
    """This node and all below it; not the inside of queries unless `into`."""
    yield node
    for child in children(node):
        if into or not isinstance(child, Query):
            yield from walk(child, into)


@dataclass(frozen=True, slots=True)
class ColumnSpec(Node):
    name: str
    type: Type
    nullable: bool = True
    default: str = ""
    """Text of the expression."""
    primary: bool = False
    unique: bool = False


@dataclass(frozen=True, slots=True)
class KeySpec(Node):
    name: str
    columns: tuple[str, ...]
    primary: bool


@dataclass(frozen=True, slots=True)
class CreateTable(Node):
    name: tuple[str, ...]
    columns: tuple[ColumnSpec, ...]
    keys: tuple[KeySpec, ...] = ()
    row_dependencies: bool = False
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class CreateView(Node):
    name: tuple[str, ...]
    columns: tuple[str, ...]
    text: str
    query: Query
    replace: bool = False


@dataclass(frozen=True, slots=True)
class CreateIndex(Node):
    name: tuple[str, ...]
    table: tuple[str, ...]
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Drop(Node):
    what: str
    name: tuple[str, ...]
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Truncate(Node):
    name: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comment(Node):
    name: tuple[str, ...]
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class AlterTable(Node):
    name: tuple[str, ...]
    add: tuple[ColumnSpec, ...] = ()
    add_key: KeySpec | None = None
    modify: tuple[tuple[str, Type | None, bool | None], ...] = ()
    """Name, new type or None, nullable or None."""
    drop: tuple[str, ...] = ()
    rename: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AlterSession(Node):
    settings: tuple[tuple[str, str, int], ...]
    """Names, values, and where these stand."""


@dataclass(frozen=True, slots=True)
class Insert(Node):
    table: From
    columns: tuple[Name, ...]
    values: tuple[Node, ...] = ()
    """None of them for an insert of a query. A `Default` stands for the column's default."""
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Default(Node):
    pass


@dataclass(frozen=True, slots=True)
class Update(Node):
    table: From
    changes: tuple[tuple[Name, Node], ...]
    where: Node | None = None


@dataclass(frozen=True, slots=True)
class Delete(Node):
    table: From
    where: Node | None = None


@dataclass(frozen=True, slots=True)
class Merge(Node):
    table: From
    source: From
    on: Node
    changes: tuple[tuple[Name, Node], ...] = ()
    columns: tuple[Name, ...] = ()
    values: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Transaction(Node):
    """COMMIT or ROLLBACK as a statement, or a SET TRANSACTION that changes nothing here."""

    word: str
