"""Runs, as people see them."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from syncapi.v1.common_pb2 import Run, RunState, RunTrigger
from syncctl import report_view, stamps, words
from syncctl.view import Block, Cell, Column, Facts, Heading, Line, Span, Table, quiet

ENDED = frozenset({RunState.RUN_STATE_DONE, RunState.RUN_STATE_FAILED, RunState.RUN_STATE_CANCELLED, RunState.RUN_STATE_INTERRUPTED})
_STYLES = {
    RunState.RUN_STATE_QUEUED: "busy",
    RunState.RUN_STATE_RUNNING: "busy",
    RunState.RUN_STATE_DONE: "good",
    RunState.RUN_STATE_FAILED: "bad",
    RunState.RUN_STATE_CANCELLED: "warn",
    RunState.RUN_STATE_INTERRUPTED: "warn",
}


def word(run: Run) -> str:
    """`done`, `running`: the state as a word."""
    return RunState.Name(run.state).removeprefix("RUN_STATE_").lower()


def outcome(run: Run) -> Span:
    """`done, 60 refused` in its colour."""
    flawed = run.state == RunState.RUN_STATE_DONE and (run.drifted or run.counters.refused)
    return Span(run.summary or word(run), "warn" if flawed else _STYLES.get(run.state, ""))


def how_far(run: Run) -> list[str]:
    """`62%`, `8 s left`, as far as somebody knows."""
    share = [f"{min(run.counters.read / run.total, 1):.0%}"] if run.HasField("total") and run.total else []
    left = [f"{words.roughly(run.eta_seconds)} left"] if run.HasField("eta_seconds") else []
    return share + left


def seconds(run: Run, now: datetime) -> float | None:
    """How long the run took, or has taken so far."""
    if not run.HasField("started_at"):
        return None
    end = stamps.moment(run.ended_at) if run.HasField("ended_at") else now
    return max((end - stamps.moment(run.started_at)).total_seconds(), 0.0)


def table(runs: Sequence[Run], now: datetime, indent: int = 0) -> Block:
    if not runs:
        return Line(quiet("no runs"), indent)
    columns = [
        Column("RUN", whole=True),
        Column("SYNC", whole=True),
        Column("MODE", whole=True),
        Column("WHY", whole=True, spare=3),
        Column("OUTCOME", least=9),
        Column("BEGAN", whole=True),
        Column("TOOK", right=True, spare=1),
        Column("READ", right=True, spare=4),
        Column("STORED", right=True, spare=2),
        Column("DELETED", right=True, spare=5),
    ]
    return Table(columns, [_row(run, now) for run in runs], indent)


def _row(run: Run, now: datetime) -> list[Cell]:
    took = seconds(run, now)
    began = run.started_at if run.HasField("started_at") else run.queued_at
    counters = run.counters
    return [
        run.id,
        Span(run.sync, "strong"),
        run.mode,
        (run.actor if run.trigger == RunTrigger.RUN_TRIGGER_REQUEST else "") or trigger(run),
        outcome(run),
        stamps.ago(began, now),
        words.duration(took) if took is not None else "",
        *(words.number(count) if count else quiet("0") for count in (counters.read, counters.stored, counters.deleted)),
    ]


def trigger(run: Run) -> str:
    return RunTrigger.Name(run.trigger).removeprefix("RUN_TRIGGER_").lower()


def summary(run: Run, now: datetime) -> Iterator[Block]:
    """How a run ended, in two or three lines, and then what it found."""
    yield from _head(run, now)
    if run.counters.refused:
        yield Line((quiet("see them: "), f"syncctl dead-letters list {run.sync}"), indent=2)
    yield from found(run)


def _head(run: Run, now: datetime) -> Iterator[Block]:
    took = seconds(run, now)
    good = run.state == RunState.RUN_STATE_DONE and not run.drifted
    mark = Span("✓", "good") if good else Span("✗", "bad") if run.state in ENDED else Span("…", "busy")
    time = (f" in {words.duration(took)}",) if took is not None else ()
    yield Line((mark, " ", Span(f"{run.sync} {run.mode}", "strong"), "  ", outcome(run), *time, quiet(f"  {run.id}")))
    if run.counters.ListFields():
        yield Line(_counts(run, took), indent=2)


def found(run: Run) -> Iterator[Block]:
    """What the run found, if its mode finds something."""
    if run.report_json:
        laid_out = list(report_view.blocks(json.loads(run.report_json)))
        yield from laid_out if isinstance(laid_out[0], Heading) else [Line(""), *laid_out]


def in_full(run: Run, now: datetime) -> Iterator[Block]:
    """A run, every value of it."""
    yield from _head(run, now)
    facts: list[tuple[str, Cell]] = [("why", f"{trigger(run)}{f' by {run.actor}' if run.actor else ''}")]
    if run.parameters:
        facts.append(("parameters", report_view.pairs(run.parameters, "=")))
    given = {descriptor.name for descriptor, _ in run.ListFields()}
    named = [("queued", "queued_at", run.queued_at), ("started", "started_at", run.started_at), ("ended", "ended_at", run.ended_at)]
    facts += [(name, stamps.both(stamp, now)) for name, field, stamp in named if field in given]
    if run.attempt > 1:
        facts.append(("attempt", str(run.attempt)))
    if run.request_id:
        facts.append(("request id", run.request_id))
    if run.doing:
        facts.append(("now", ", ".join([run.doing, *how_far(run)])))
    yield Facts(facts, indent=2)
    yield from _failure(run)
    yield from found(run)


def _failure(run: Run) -> Iterator[Block]:
    if not run.HasField("failure"):
        return
    yield Heading("Failure")
    rows: list[tuple[str, Cell]] = [("what", (Span(run.failure.message, "bad"), quiet(f"  {run.failure.code}")))]
    yield Facts([*rows, ("to do", run.failure.hint)] if run.failure.hint else rows, indent=2)


def _counts(run: Run, took: float | None) -> Cell:
    counters = run.counters
    named = [
        (counters.read, "read", ""),
        (counters.unchanged, "unchanged", ""),
        (counters.stored, "stored", ""),
        (counters.refused, "refused", "warn"),
        (counters.deleted, "deleted", ""),
    ]
    spans = [Span(f"{words.number(count)} {name}", style if count else "quiet") for count, name, style in named]
    spans.append(Span(words.size(counters.bytes)))
    if took and counters.read:
        spans.append(Span(f"{words.number(counters.read / took)} rows/s"))
    return tuple(piece for span in spans for piece in (quiet(" · "), span))[1:]


def told(run: Run) -> str:
    """What the run does now, never empty."""
    if run.state == RunState.RUN_STATE_QUEUED:
        return run.doing or "waits for its turn"
    return run.doing or word(run)


def amounts(run: Run) -> list[str]:
    """`31,000 of 50,000 rows`, `14,705 rows/s`, `3 refused`: what there is."""
    counters = run.counters
    total = f" of {words.number(run.total)}" if run.HasField("total") else ""
    rows = [f"{words.number(counters.read)}{total} rows"] if counters.read or total else []
    rate = [f"{words.number(run.rate)} rows/s"] if run.rate else []
    return rows + rate + ([f"{words.number(counters.refused)} refused"] if counters.refused else [])
