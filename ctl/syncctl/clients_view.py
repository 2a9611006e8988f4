"""Clients syncs, as people see them: sides, the unified model, plans and versions."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from syncapi.v1.clients_pb2 import (
    ClientLoss,
    ClientSide,
    EditDecision,
    FieldChange,
    FieldDifference,
    FileState,
    GetUnifiedResponse,
    ModelVersion,
    PlanClientsResponse,
    SidePhase,
)
from syncctl import conflict_view, diff_view, entry_keys, stamps, words
from syncctl.view import Block, Cell, Column, Facts, Heading, Line, Span, Table, pieces, quiet

_PHASES = {
    SidePhase.SIDE_PHASE_OK: Span("ok", "good"),
    SidePhase.SIDE_PHASE_OBSERVING: Span("observing", "busy"),
    SidePhase.SIDE_PHASE_WAITING: Span("waiting", "warn"),
    SidePhase.SIDE_PHASE_STOPPED: Span("stopped", "bad"),
}
_FILES = {
    FileState.FILE_STATE_PRESENT: Span("present", "good"),
    FileState.FILE_STATE_MISSING: quiet("missing"),
    FileState.FILE_STATE_UNREADABLE: Span("unreadable", "bad"),
}
_SIDES = [
    Column("SIDE", whole=True),
    Column("CLIENT", whole=True),
    Column("STATE", whole=True),
    Column("FILES", right=True),
    Column("LOSSES", right=True),
    Column("PRIORITY", right=True, spare=2),
    Column("WRITTEN", whole=True),
    Column("HOME", spare=1),
]
_LOSSES = [Column("SIDE", whole=True), Column("ENTRY"), Column("FIELD", whole=True), Column("CODE", whole=True), Column("REASON", least=20)]
_DECISIONS = [
    Column("ENTRY"),
    Column("FIELD", whole=True),
    Column("HOW", whole=True),
    Column("STAYS", whole=True),
    Column("YIELDS"),
    Column("POLICY", whole=True, spare=1),
]
_DIFFERENCES = [Column("ENTRY"), Column("FIELD", whole=True), Column("BEFORE"), Column("AFTER")]
_CHANGES = [Column("ENTRY"), Column("FIELD", whole=True), Column("FROM", whole=True)]
_VERSIONS = [
    Column("VERSION", right=True),
    Column("CAME", whole=True),
    Column("CHANGED", least=20),
    Column("ASKED BY", whole=True, spare=1),
    Column("RUN", whole=True, spare=2),
]
_FEW = 3
"""Entries that a line about a version names."""


def sides(found: Sequence[ClientSide], now: datetime) -> Iterator[Block]:
    """All sides, one a row; below them what is wrong with some."""
    if not found:
        yield Line(quiet("no sides: the settings name none"))
        return
    yield Table(_SIDES, [_side_row(side, now) for side in found])
    troubles: list[tuple[str, Cell]] = [(side.name, cell) for side in found for cell in _troubles(side)]
    if troubles:
        yield Line("")
        yield Facts(troubles)


def _side_row(side: ClientSide, now: datetime) -> list[Cell]:
    present = sum(file.state != FileState.FILE_STATE_MISSING for file in side.files)
    return [
        Span(side.name, "strong"),
        side.client,
        _PHASES.get(side.phase, quiet("unknown")),
        str(present),
        Span(str(len(side.losses)), "warn") if side.losses else quiet("0"),
        str(side.priority),
        stamps.ago(side.last_write_at, now) if side.HasField("last_write_at") else quiet("never"),
        side.home,
    ]


def _troubles(side: ClientSide) -> Iterator[Cell]:
    if side.problem:
        yield Span(side.problem, "bad" if side.phase == SidePhase.SIDE_PHASE_STOPPED else "warn")
    for file in side.files:
        if file.state == FileState.FILE_STATE_UNREADABLE:
            yield (f"{file.path}: ", Span(file.problem, "warn"))
    if side.watch.blind:
        yield (Span(f"{words.plural(side.watch.blind, 'folder')} cannot be watched", "warn"), "; changes there wait for a rescan")


def side_in_full(side: ClientSide, now: datetime) -> Iterator[Block]:
    """Everything about one side."""
    yield Line((Span(side.name, "strong"), "  ", _PHASES.get(side.phase, quiet("unknown"))))
    watch = side.watch
    facts: list[tuple[str, Cell]] = [
        ("client", (side.client, quiet(f"  {side.cli_version or 'its program was not found'}"))),
        ("home", side.home),
        ("projects", "\n".join(side.projects) or quiet("none")),
        ("writes", ", ".join(map(_kind, side.writes)) or quiet("nothing: it is only observed")),
        ("priority", str(side.priority)),
        ("last write", stamps.both(side.last_write_at, now) if side.HasField("last_write_at") else quiet("never")),
        ("watching", f"{words.plural(watch.armed, 'folder')}, {watch.blind} blind, {words.plural(watch.corrections, 'correction')}"),
    ]
    yield Facts(facts + [("problem", cell) for cell in _troubles(side)] + [("note", note) for note in side.notes], indent=2)
    if side.files:
        yield Heading("Files")
        columns = [Column("FILE"), Column("STATE", whole=True), Column("HOLDS")]
        rows: list[list[Cell]] = [
            [file.path, _FILES.get(file.state, quiet("unknown")), ", ".join(map(_kind, file.kinds))] for file in side.files
        ]
        yield Table(columns, rows, indent=2)
    yield from _losses(side.losses)


def _kind(kind: int) -> str:
    return next((word for number, word in entry_keys.KINDS.items() if number == kind), "?")


def _losses(losses: Sequence[ClientLoss]) -> Iterator[Block]:
    if losses:
        yield Heading("Cannot be held")
        yield Table(
            _LOSSES,
            [[loss.side, entry_keys.written(loss.key), loss.field or quiet("all of it"), loss.code, loss.reason] for loss in losses],
            indent=2,
        )


def unified(reply: GetUnifiedResponse, entries: Sequence[dict[str, Any]], now: datetime) -> Iterator[Block]:
    """The model: an entry a paragraph; long texts in full only if there is but one entry."""
    yield Line((Span(f"version {reply.version}", "strong"), "  ", *pieces(stamps.both(reply.at, now))))
    if not entries:
        yield Line(quiet("no entries"))
    for (scope, kind), group in groupby(entries, key=lambda entry: (entry["scope"], entry["kind"])):
        yield Heading(f"{scope}:{kind}" if scope else kind)
        for entry in group:
            yield Line(Span(entry["name"], "strong"), indent=2)
            yield from _fields(entry["fields"], whole=len(entries) == 1)
    if reply.tombstones and len(entries) != 1:
        yield Heading("Deleted")
        yield from (Line(quiet(entry_keys.written(key)), indent=2) for key in reply.tombstones)


def _fields(fields: dict[str, Any], *, whole: bool) -> Iterator[Block]:
    texts = {name: diff_view.written(value) for name, value in fields.items()}
    yield Facts([(name, text if whole else diff_view.short(text)) for name, text in texts.items()], indent=4)


def plan(reply: PlanClientsResponse) -> Iterator[Block]:
    """What a run would do: a diff for each file, then what it would decide, leave to a person and leave out."""
    if not reply.files:
        yield Line("no file would change")
    for file in reply.files:
        yield Heading(f"{file.side}  {file.path}")
        yield from diff_view.unified(file.diff)
    if reply.decisions:
        yield Heading("Decided")
        yield Table(_DECISIONS, list(map(_decision, reply.decisions)), indent=2)
    if reply.conflicts:
        yield Heading("Waits for a person")
        yield conflict_view.brief(reply.conflicts, indent=2)
    yield from _losses(reply.losses)


def _decision(decision: EditDecision) -> list[Cell]:
    whole: Cell = quiet("all of it")
    winner, losers = Span(decision.winner, "good"), ", ".join(decision.losers)
    return [entry_keys.written(decision.key), decision.field or whole, decision.how, winner, losers, decision.policy or quiet("–")]


def versions(found: Sequence[ModelVersion], now: datetime) -> Block:
    rows: list[list[Cell]] = [
        [
            Span(str(version.number), "strong"),
            stamps.ago(version.at, now),
            _changed(version.changes),
            version.actor or quiet("–"),
            version.run,
        ]
        for version in found
    ]
    return Table(_VERSIONS, rows) if rows else Line(quiet("no versions yet"))


def _changed(changes: Iterable[FieldChange]) -> str:
    """`mcp/github (codex), mcp/docs (claude, codex) and 5 more`."""
    authors: dict[str, dict[str, None]] = {}
    for change in changes:
        authors.setdefault(entry_keys.written(change.key), {})[change.side] = None
    named = [f"{key} ({', '.join(sides)})" for key, sides in authors.items()]
    more = f" and {len(named) - _FEW} more" if len(named) > _FEW else ""
    return f"{', '.join(named[:_FEW])}{more}"


def version_in_full(version: ModelVersion, now: datetime) -> Iterator[Block]:
    yield Line((Span(f"version {version.number}", "strong"), "  ", *pieces(stamps.both(version.at, now))))
    yield Facts([("run", version.run), ("asked by", version.actor or quiet("nobody")), ("digest", version.digest)], indent=2)
    if version.changes:
        yield Heading("Changed")
        rows = [[entry_keys.written(each.key), each.field or quiet("all of it"), each.side] for each in version.changes]
        yield Table(_CHANGES, rows, indent=2)


def differences(found: Sequence[FieldDifference]) -> Iterator[Block]:
    """Values side by side, and a diff below for those that fill more than a line."""
    if not found:
        yield Line("nothing differs")
        return
    yield Table(_DIFFERENCES, list(map(_difference, found)))
    for each in found:
        if diff_view.is_long(each.before_json) or diff_view.is_long(each.after_json):
            yield Heading(f"{entry_keys.written(each.key)} {each.field}")
            yield from diff_view.between(each.before_json, each.after_json, indent=2)


def _difference(each: FieldDifference) -> list[Cell]:
    return [
        Span(entry_keys.written(each.key), "strong"),
        each.field,
        diff_view.value(each.before_json, "bad"),
        diff_view.value(each.after_json, "good"),
    ]
