"""Syncs, as people see them."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from syncapi.v1.common_pb2 import Failure, Phase, Run, Sync
from syncapi.v1.control_pb2 import GetSyncResponse
from syncctl import report_view, run_view, stamps, words
from syncctl.view import Block, Cell, Column, Facts, Heading, Line, Span, Table, pieces, plain, quiet

_PHASES = {
    Phase.PHASE_IDLE: Span("idle", "good"),
    Phase.PHASE_QUEUED: Span("queued", "busy"),
    Phase.PHASE_RUNNING: Span("running", "busy"),
    Phase.PHASE_WAITING: Span("waiting", "warn"),
    Phase.PHASE_PAUSED: Span("paused", "warn"),
    Phase.PHASE_HALTED: Span("halted", "bad"),
}
_FRACTION = re.compile(r"(?<=:\d\d)\.\d+")
_COLUMNS = [
    Column("SYNC", whole=True),
    Column("STATE", least=16),
    Column("LAST RUN", least=16),
    Column("ENDED", whole=True, spare=1),
    Column("ROWS", right=True),
    Column("COMPLETE TO", least=10, spare=3),
    Column("DEAD", right=True),
    Column("NEXT RUN", whole=True, spare=2),
]


def overview(syncs: Sequence[Sync], now: datetime) -> Iterator[Block]:
    """All syncs, one a row; below them what is wrong with some."""
    if not syncs:
        yield Line(quiet("no syncs: the settings name none"))
        return
    yield Table(_COLUMNS, [_row(sync, now) for sync in syncs])
    yield from troubles(syncs)


def troubles(syncs: Iterable[Sync]) -> Iterator[Block]:
    rows = [row for sync in syncs for row in _trouble(sync)]
    if rows:
        yield Line("")
        yield Facts(rows)


def phase(sync: Sync) -> Span:
    return _PHASES.get(sync.phase, quiet("unknown"))


def state(sync: Sync) -> Cell:
    """The phase and what happens now: `running loading, 62%, 8 s left`."""
    doing = sync.doing or (sync.run.doing if sync.HasField("run") else "")
    parts = [doing, *run_view.how_far(sync.run)] if sync.HasField("run") else [doing]
    now = phase(sync)
    told = ", ".join(part for part in parts if part).removeprefix(f"{plain(now)} ")
    return (now, " ", told) if told else now


def line(sync: Sync, now: datetime) -> Cell:
    """One sync in a log that grows."""
    run = sync.run if sync.HasField("run") else sync.last_run if sync.HasField("last_run") else None
    last = ("  ", run.mode, " ", run_view.outcome(run), "  ", *pieces(rows_moved(sync))) if run else ()
    trouble = ("  ", Span(sync.problem.message, "warn")) if sync.HasField("problem") else ()
    return (quiet(words.clock(now)), "  ", Span(sync.name, "strong"), "  ", *pieces(state(sync)), *last, *trouble)


def _row(sync: Sync, now: datetime) -> list[Cell]:
    ended = sync.HasField("last_run")
    return [
        Span(sync.name, "strong"),
        state(sync),
        (f"{sync.last_run.mode} ", run_view.outcome(sync.last_run)) if ended else quiet("never"),
        stamps.ago(sync.last_run.ended_at, now) if ended else "",
        rows_moved(sync),
        _FRACTION.sub("", sync.complete_to) or quiet("–"),
        Span(words.number(sync.dead_letters), "warn") if sync.dead_letters else quiet("0"),
        stamps.ago(sync.next_run_at, now) if sync.HasField("next_run_at") else quiet("–"),
    ]


def rows_moved(sync: Sync) -> Cell:
    """Of a run under way how far it is, of the last run what it changed: `31,000/50,000`, `+12 -3`."""
    if sync.HasField("run"):
        read = words.number(sync.run.counters.read)
        return f"{read}/{words.number(sync.run.total)}" if sync.run.HasField("total") else read
    if not sync.HasField("last_run"):
        return ""
    counters = sync.last_run.counters
    moved = [f"+{words.number(counters.stored)}"] * bool(counters.stored) + [f"-{words.number(counters.deleted)}"] * bool(counters.deleted)
    return " ".join(moved) or quiet("0")


def _trouble(sync: Sync) -> Iterator[tuple[str, Cell]]:
    if sync.HasField("problem"):
        yield sync.name, problem(sync.problem, "bad" if sync.phase == Phase.PHASE_HALTED else "warn")
        halted = sync.phase == Phase.PHASE_HALTED
        if todo := "; then ".join(filter(None, [sync.problem.hint, f"`syncctl resume {sync.name}`" if halted else ""])):
            yield "", (quiet("→ "), todo)
    for warning in sync.warnings:
        yield sync.name, (Span("note: ", "warn"), warning)


def problem(failure: Failure, style: str) -> Cell:
    return (Span(failure.message, style), quiet(f"  {failure.code}"))


def in_full(reply: GetSyncResponse, runs: Sequence[Run], now: datetime) -> Iterator[Block]:
    """Everything about one sync."""
    sync = reply.sync
    yield Line((Span(sync.name, "strong"), "  ", *pieces(state(sync))))
    yield Facts(_facts(sync, now), indent=2)
    if reply.modes:
        yield Heading("Modes")
        yield Table(
            [Column("MODE", whole=True), Column("WHAT IT DOES"), Column("PARAMETERS")],
            [
                [mode.name, (mode.summary, quiet("" if mode.writes else "  reads only")), report_view.pairs(mode.parameters, ": ")]
                for mode in reply.modes
            ],
            indent=2,
        )
    if reply.settings_json:
        yield Heading("Settings in force")
        yield Facts(report_view.flattened(json.loads(reply.settings_json)), indent=2)
    if reply.checkpoint_json:
        yield Heading("Checkpoint")
        yield Facts(report_view.flattened(json.loads(reply.checkpoint_json)), indent=2)
    if runs:
        yield Heading("Last runs")
        yield run_view.table(runs, now, indent=2)


def _facts(sync: Sync, now: datetime) -> list[tuple[str, Cell]]:
    facts: list[tuple[str, Cell]] = [("engine", sync.engine)]
    if sync.HasField("last_run"):
        last = sync.last_run
        facts.append(("last run", (f"{last.mode} ", run_view.outcome(last), "  ", *pieces(stamps.both(last.ended_at, now)))))
    facts += [
        ("next run", stamps.both(sync.next_run_at, now) if sync.HasField("next_run_at") else quiet("none planned")),
        ("complete to", sync.complete_to or quiet("–")),
        ("dead letters", Span(words.number(sync.dead_letters), "warn") if sync.dead_letters else "0"),
    ]
    return facts + [("problem" if name else "", cell) for name, cell in _trouble(sync)]
