"""The audit log."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TypedDict, Unpack

import click
from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.audit_pb2 import QueryAuditRequest, TailAuditRequest, TailAuditResponse
from syncapi.v1.common_pb2 import AuditEntry
from syncctl import render, stamps, words
from syncctl.cli import COUNT, DURATION, MOMENT, SOME, SYNC, Family
from syncctl.connection import Daemon, connect
from syncctl.session import Session
from syncctl.streams import Patience, unbroken
from syncctl.view import Block, Cell, Column, Line, Span, Table, pieces, plain, quiet

_SECONDS = 60.0


@click.group("audit", cls=Family)
def audit() -> None:
    """Entries are never changed and never removed. With `-o json` an entry is a line."""


class Filters(TypedDict):
    """What `audit query` can select by."""

    since: Timestamp | None
    until: Timestamp | None
    actor: str
    action: str
    sync: str
    run: str
    outcome: str
    text: str
    limit: int


@audit.command("query")
@click.option("--since", type=MOMENT, callback=stamps.stamped, help="At or after: 30s, 5m, 1h, 2d ago, or an ISO time.")
@click.option("--until", type=MOMENT, callback=stamps.stamped, help="Before.")
@click.option("--actor", default="", help="Who did it; `syncd` for the daemon itself.")
@click.option("--action", default="", help="What happened, or the start of it: `run` finds `run.started`.")
@click.option("--sync", type=SYNC, default="", help="To which sync.")
@click.option("--run", default="", help="In which run.")
@click.option("--outcome", default="", help="`ok`, or the code of an error.")
@click.option("--text", default="", help="Stands somewhere in the detail.")
@click.option("--limit", type=SOME, default=100, show_default=True, help="At most so many.")
@click.pass_obj
def query(session: Session, **filters: Unpack[Filters]) -> None:
    """Entries that match, newest first."""
    with connect(session) as daemon:
        entries = _matching(daemon, QueryAuditRequest(**filters))
        if session.for_people:
            found = list(entries)
            render.show([_table(found)] if found else [Line(quiet("no entries"))])
        else:
            for entry in entries:
                render.item(session, entry)


@audit.command("tail")
@click.option("-f", "--follow", is_flag=True, help="Go on with every new entry until Ctrl-C.")
@click.option("-n", "backlog", type=COUNT, default=10, show_default=True, metavar="N", help="Begin with the last N entries.")
@click.option("--after", type=COUNT, metavar="SEQ", help="Begin behind this sequence instead; nothing in between is lost.")
@click.option("--reconnect", type=DURATION, default="30s", show_default=True, help="With -f, how long to wait for a daemon that went away.")
@click.pass_obj
def tail(session: Session, *, follow: bool, backlog: int, after: int | None, reconnect: timedelta) -> None:
    """The newest entries, oldest first."""
    with connect(session) as daemon:
        request = TailAuditRequest(backlog=backlog) if after is None else TailAuditRequest(after_sequence=after)
        for entries in _new(daemon, request, reconnect) if follow else _now(daemon, request):
            if session.for_people:
                render.log(map(_line, entries))
            else:
                for entry in entries:
                    render.item(session, entry)


def _matching(daemon: Daemon, request: QueryAuditRequest) -> Iterator[AuditEntry]:
    for message in daemon.stream(daemon.audit.QueryAudit, request, _SECONDS):
        yield from message.entries


def _now(daemon: Daemon, request: TailAuditRequest) -> Iterator[Sequence[AuditEntry]]:
    """What stands in the log at this moment."""
    if not request.HasField("after_sequence"):
        yield list(_matching(daemon, QueryAuditRequest(limit=request.backlog)))[::-1] if request.backlog else []
        return
    head = max((entry.sequence for entry in _matching(daemon, QueryAuditRequest(limit=1))), default=0)
    if head <= request.after_sequence:
        return
    for message in daemon.stream(daemon.audit.TailAudit, request, _SECONDS):
        yield [entry for entry in message.entries if entry.sequence <= head]
        if message.cursor >= head:
            return


def _new(daemon: Daemon, request: TailAuditRequest, reconnect: timedelta) -> Iterator[Sequence[AuditEntry]]:
    def opened(seconds: float) -> Iterator[TailAuditResponse]:
        return daemon.stream(daemon.audit.TailAudit, request, seconds)

    for message in unbroken(opened, Patience(reconnect, lost=_tell)):
        yield message.entries
        request = TailAuditRequest(after_sequence=message.cursor)


def _tell(why: str) -> None:
    click.echo(f"connection lost ({why}); trying again" if why else "connected again", err=True)


def _table(entries: Sequence[AuditEntry]) -> Block:
    columns = [
        Column("SEQ", right=True),
        Column("AT", whole=True),
        Column("ACTION", whole=True),
        Column("SYNC", whole=True),
        Column("ACTOR", whole=True, spare=1),
        Column("OUTCOME"),
        Column("DETAIL"),
        Column("RUN", whole=True, spare=2),
    ]
    return Table(columns, [_cells(entry) for entry in entries])


def _cells(entry: AuditEntry) -> list[Cell]:
    return [
        quiet(str(entry.sequence)),
        words.clock(stamps.moment(entry.at)),
        Span(entry.action, "strong"),
        entry.sync,
        entry.actor,
        Span(entry.outcome, "good" if entry.outcome == "ok" else "bad"),
        _detail(entry.detail_json),
        quiet(entry.run),
    ]


def _line(entry: AuditEntry) -> Cell:
    sequence, at, action, sync, actor, outcome, detail, run = _cells(entry)
    return tuple(
        piece
        for cell, width in ((sequence, 6), (at, 0), (action, 15), (sync, 12), (actor, 8), (outcome, 4), (detail, 0), (run, 0))
        for piece in (*pieces(cell), " " * max(width - len(plain(cell)), 0), "  ")
    )


def _detail(text: str) -> str:
    """`mode=full stored=49940`."""
    members = json.loads(text or "{}")
    return " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}" for name, value in members.items()
    )
