"""What `top` shows: a pure function of what it knows, of the time, and of the room there is."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from syncapi.v1.common_pb2 import Phase, Sync
from syncctl import run_view, stamps, sync_view, words
from syncctl.top_state import Page, Top
from syncctl.view import Block, Cell, Column, Facts, Heading, Line, Span, Table, plain, quiet

_COLUMNS = [
    Column("  SYNC", whole=True),
    Column("STATE", whole=True),
    Column("PROGRESS", whole=True, spare=4),
    Column("ROWS/S", right=True, spare=5),
    Column("LAG", right=True, spare=3),
    Column("LAST RUN", whole=True, spare=1),
    Column("NEXT RUN", whole=True, spare=2),
    Column("DEAD", right=True),
]
_HEADS = 2
"""Lines of a table that are not rows: its head, and what there was no room for."""
_BAR = 8
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
"""Numbers are not dates, although some read like one."""
_LONGEST_NAME, _LONGEST_STATE, _LONGEST_OUTCOME = 24, 26, 18
_KEYS = "↑↓ choose   p pause/resume   r run   f full   c cancel   e error   ? help   q quit"
_HELP: list[tuple[str, Cell]] = [
    ("↑ ↓ j k", "choose a sync; PgUp, PgDn, Home, End go further"),
    ("p", "pause the sync, or let it go on after a pause or a halt; a run under way goes on to its end"),
    ("r", "start a run as its schedule would"),
    ("f", "bring over everything; asks before"),
    ("c", "end the run under way after its current batch; what it committed stays"),
    ("e, Enter", "the last error in full, what to do about it, and the run"),
    ("q, Ctrl-C", "leave; syncs and runs go on"),
]
_COLUMNS_HELP: list[tuple[str, Cell]] = [
    ("LAG", "age of the moment up to which the target holds everything; where that is no time, nothing"),
    ("DEAD", "rows that the target refused: `syncctl dead-letters list SYNC`"),
]


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen: lines that stay at the top and at the bottom, and in between what scrolls."""

    head: Sequence[Line]
    body: Sequence[Block]
    foot: Sequence[Line]
    scroll: int = 0


def frame(top: Top, now: datetime, address: str, height: int) -> Frame:
    """The whole screen."""
    head = [Line(_title(top, now, address)), Line(_counts(top)), Line("")]
    match top.page:
        case Page.HELP:
            return Frame(head, [Facts(_HELP), Heading(""), Facts(_COLUMNS_HELP)], [Line(quiet("any key goes back"))], top.scroll)
        case Page.PROBLEM:
            return Frame(head, list(_problem(top.sync, now)), [Line(quiet("↑↓ scroll   any other key goes back"))], top.scroll)
        case Page.SYNCS:
            foot = [Line(""), *_trouble(top.sync), Line(top.said), Line(quiet(_KEYS))]
            return Frame(head, [_table(top, now, height - len(head) - len(foot) - _HEADS)], foot)


def _title(top: Top, now: datetime, address: str) -> Cell:
    daemon = top.daemon
    age = f"up {words.duration((now - stamps.moment(daemon.started_at)).total_seconds())}" if daemon.HasField("started_at") else ""
    state = Span(f"connection lost, trying again: {top.lost}", "bad") if top.lost else Span("connected", "good")
    return (Span(f"syncd {daemon.version}".rstrip(), "strong"), "  ", state, quiet(f"  {age}  {words.clock(now)}  {address}"))


def _counts(top: Top) -> Cell:
    phases = Counter(plain(sync_view.phase(sync)) for sync in top.syncs.values())
    dead = sum(sync.dead_letters for sync in top.syncs.values())
    counts = "  ".join(f"{count:,} {phase}" for phase, count in phases.most_common())
    refused = Span(f"  {words.plural(dead, 'dead letter')}", "warn") if dead else ""
    return (Span(words.plural(len(top.syncs), "sync"), "strong"), f"  {counts}", refused)


def _table(top: Top, now: datetime, rows: int) -> Block:
    names = top.names
    if not names:
        return Line(quiet("no syncs: the settings name none" if top.known else "asking the daemon …"))
    shown = _window(names, names.index(top.chosen), max(rows, 1))
    return Table(_COLUMNS, [_row(top.syncs[name], now, chosen=name == top.chosen) for name in shown])


def _window(names: Sequence[str], chosen: int, rows: int) -> Sequence[str]:
    """As many as there is room for, with the chosen one among them."""
    first = min(max(chosen - rows // 2, 0), max(len(names) - rows, 0))
    return names[first : first + rows]


def _row(sync: Sync, now: datetime, *, chosen: bool) -> list[Cell]:
    ended = sync.HasField("last_run")
    running = sync.HasField("run")
    outcome = run_view.outcome(sync.last_run)
    name = _cut(sync.name, _LONGEST_NAME)
    return [
        (Span("▸ ", "busy"), Span(name, "chosen")) if chosen else ("  ", Span(name, "strong")),
        _state(sync),
        _progress(sync) if running else "",
        words.number(sync.run.rate) if running and sync.run.rate else "",
        _lag(sync, now),
        (Span(_cut(outcome.text, _LONGEST_OUTCOME), outcome.style), f" {stamps.ago(sync.last_run.ended_at, now)}")
        if ended
        else quiet("never"),
        stamps.ago(sync.next_run_at, now) if sync.HasField("next_run_at") else quiet("–"),
        Span(words.number(sync.dead_letters), "warn") if sync.dead_letters else quiet("0"),
    ]


def _state(sync: Sync) -> Cell:
    phase = sync_view.phase(sync)
    doing = sync.doing or sync.run.doing
    return (phase, f" {_cut(doing, _LONGEST_STATE - len(phase.text) - 1)}") if doing else phase


def _progress(sync: Sync) -> Cell:
    """`█████░░░ 62% 8 s left`, or how many rows there are so far."""
    run = sync.run
    if not run.HasField("total") or not run.total:
        return words.plural(run.counters.read, "row")
    full = round(min(run.counters.read / run.total, 1) * _BAR)
    return (Span("█" * full, "busy"), quiet("░" * (_BAR - full)), f" {' '.join(run_view.how_far(run))}")


def _lag(sync: Sync, now: datetime) -> Cell:
    """The age of a watermark that is a time; one without a zone counts as UTC."""
    try:
        moment = datetime.fromisoformat(sync.complete_to if _DATE.match(sync.complete_to) else "")
    except ValueError:
        return quiet("–")
    return words.duration(max((now - moment.replace(tzinfo=moment.tzinfo or UTC)).total_seconds(), 0.0))


def _trouble(sync: Sync) -> Iterator[Line]:
    """The most urgent thing about the chosen sync, on one line; the rest is a key away."""
    if sync.HasField("problem"):
        yield Line((Span(f"{sync.name}: ", "strong"), *_first_line(sync)))
    elif sync.warnings:
        yield Line((Span(f"{sync.name}: ", "strong"), Span(sync.warnings[0], "warn")))


def _first_line(sync: Sync) -> tuple[str | Span, ...]:
    text = sync.problem.message.partition("\n")[0]
    return (Span(text, "bad" if sync.phase == Phase.PHASE_HALTED else "warn"), quiet("   (e: all of it)"))


def _problem(sync: Sync, now: datetime) -> Iterator[Block]:
    """The last error of a sync, in full."""
    yield Line((Span(sync.name, "strong"), "  ", sync_view.phase(sync)))
    failure = sync.problem if sync.HasField("problem") else sync.last_run.failure
    if failure.message:
        yield Heading("")
        yield Line(Span(failure.message, "bad"))
        halted = f"`syncctl resume {sync.name}`, or the key p" if sync.phase == Phase.PHASE_HALTED else ""
        todo = "; then ".join(filter(None, [failure.hint, halted]))
        yield Facts([("code", failure.code), *([("to do", todo)] if todo else [])])
    else:
        yield Line(quiet("nothing is wrong with it"))
    for warning in sync.warnings:
        yield Line((Span("note: ", "warn"), warning))
    if sync.HasField("last_run"):
        yield Heading("")
        yield from run_view.in_full(sync.last_run, now)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
