"""What waits for a person, as that person sees it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from syncapi.v1.clients_pb2 import Conflict, ConflictKind, ConflictSide, ConflictState, EntryFields
from syncctl import diff_view, entry_keys, stamps
from syncctl.view import Block, Cell, Column, Facts, Heading, Line, Span, Table, pieces, quiet

_KINDS = {
    ConflictKind.CONFLICT_KIND_EDIT: "edit",
    ConflictKind.CONFLICT_KIND_APPROVAL: "approval",
    ConflictKind.CONFLICT_KIND_EMPTIED: "emptied",
}
_STATES = {
    ConflictState.CONFLICT_STATE_OPEN: Span("open", "warn"),
    ConflictState.CONFLICT_STATE_RESOLVED: Span("resolved", "good"),
}
_MEANINGS = {
    ConflictKind.CONFLICT_KIND_APPROVAL: "a side approves what runs there; central keeps it from all others",
    ConflictKind.CONFLICT_KIND_EMPTIED: "the side deletes these everywhere; central keeps them",
}
_BRIEF = [
    Column("ID", whole=True),
    Column("ENTRY"),
    Column("WHY", whole=True),
    Column("FIELDS", spare=1),
    Column("SIDES", spare=2),
    Column("REASON", least=20),
]
_THREE_WAYS = [
    Column("FIELD", whole=True),
    Column("WHERE", whole=True),
    Column("BASE"),
    Column("NOW"),
    Column("CHANGED", whole=True, spare=1),
]


def listed(conflicts: Sequence[Conflict], now: datetime) -> Block:
    """Conflicts of several syncs, one a row."""
    if not conflicts:
        return Line(quiet("no conflicts"))
    columns = [_BRIEF[0], Column("SYNC", whole=True), Column("STATE", whole=True), Column("SINCE", whole=True), *_BRIEF[1:]]
    rows: list[list[Cell]] = []
    for each in conflicts:
        number, *rest = _row(each)
        rows.append([number, Span(each.sync, "strong"), state(each), stamps.ago(each.since, now), *rest])
    return Table(columns, rows)


def brief(conflicts: Sequence[Conflict], indent: int = 0) -> Block:
    """Conflicts of one sync, one a row."""
    return Table(_BRIEF, list(map(_row, conflicts)), indent)


def _row(each: Conflict) -> list[Cell]:
    sides = ", ".join(side.name for side in each.sides)
    return [each.id, entry_keys.written(each.key), _kind(each), ", ".join(each.fields), sides, each.reason]


def state(each: Conflict) -> Span:
    return _STATES.get(each.state, quiet("unknown"))


def _kind(each: Conflict) -> Span:
    return Span(_KINDS.get(each.kind, "unknown"), "warn")


def in_full(each: Conflict, now: datetime) -> Iterator[Block]:
    """Why it waits, what each place held at the last commit and holds now, and how to settle it."""
    yield Line((Span(f"{each.sync} {entry_keys.written(each.key)}", "strong"), "  ", _kind(each), "  ", state(each)))
    since = stamps.both(each.since, now)
    yield Facts([("id", each.id), ("reason", each.reason), ("policy", each.policy or quiet("–")), ("since", since)], indent=2)
    if each.kind == ConflictKind.CONFLICT_KIND_EMPTIED:
        yield Heading("Gone")
        yield from (Line(f"{entry_keys.written(each.key)}/{name}", indent=2) for name in each.fields)
    elif each.fields:
        yield from _three_ways(each, now)
    if each.state == ConflictState.CONFLICT_STATE_OPEN:
        yield from _way_out(each)


def _way_out(each: Conflict) -> Iterator[Block]:
    takes = "|".join([*(side.name for side in each.sides), "central"])
    yield Heading("To settle it")
    yield Line(f"syncctl conflicts resolve {each.id} --take {takes}", indent=2)
    if meaning := _MEANINGS.get(each.kind):
        yield Line(quiet(meaning), indent=2)
    else:
        yield Line((f"syncctl conflicts resolve {each.id} --file F", quiet("   your own, as JSON")), indent=2)


def _three_ways(each: Conflict, now: datetime) -> Iterator[Block]:
    yield Heading("Three ways")
    yield Table(_THREE_WAYS, [row for field in each.fields for row in _ways(each, field, now)], indent=2)
    for field in each.fields:
        for side in each.sides:
            yield from _long(side, field)


def _ways(each: Conflict, field: str, now: datetime) -> Iterator[list[Cell]]:
    """A row for each side, then the unified model; the field is named in the first."""
    name: Cell = Span(field, "strong")
    for side in each.sides:
        base = _said(side.base if side.HasField("base") else None, field)
        said = _said(side.now if side.HasField("now") else None, field)
        changed = stamps.ago(side.changed_at, now) if side.HasField("changed_at") else ""
        yield [name, side.name, base, _emphasised(said) if base != said else said, changed]
        name = ""
    yield [name, quiet("central"), "", _said(each.central if each.HasField("central") else None, field), ""]


def _said(fields: EntryFields | None, field: str) -> Cell:
    return quiet("no entry") if fields is None else diff_view.value(fields.values_json.get(field, ""))


def _emphasised(cell: Cell) -> Cell:
    return tuple(Span(piece, "warn") if isinstance(piece, str) else Span(piece.text, "warn") for piece in pieces(cell))


def _long(side: ConflictSide, field: str) -> Iterator[Block]:
    """What a side did to a text of several lines."""
    base, said = side.base.values_json.get(field, ""), side.now.values_json.get(field, "")
    if base != said and (diff_view.is_long(base) or diff_view.is_long(said)):
        yield Heading(f"{field}: what {side.name} changed")
        yield from diff_view.between(base, said, indent=2)
