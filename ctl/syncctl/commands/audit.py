"""The audit log."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypedDict, Unpack

import click
from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.audit_pb2 import (
    AuditFormat,
    ExportAuditRequest,
    QueryAuditRequest,
    TailAuditRequest,
    VerifyAuditRequest,
    VerifyAuditResponse,
)
from syncapi.v1.common_pb2 import AuditEntry
from syncctl import audit_files, audit_view, render, stamps, words
from syncctl.cli import COUNT, RUN, SOME, SYNC, Family
from syncctl.connection import Daemon, connect
from syncctl.options import RECONNECT, SINCE, UNTIL
from syncctl.problems import Exit, Problem
from syncctl.session import Session
from syncctl.streams import Patience, tailed
from syncctl.view import Block, Cell, Column, Line, Span, Table, pieces, plain, quiet

_SECONDS = 60.0
_WHOLE_SECONDS = 6 * 3600.0


@click.group("audit", cls=Family)
def audit() -> None:
    """Entries are never changed, and removed only as whole months where the settings say so. With `-o json` an entry is a line."""


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
@SINCE
@UNTIL
@click.option("--actor", default="", help="Who did it; `syncd` for the daemon itself.")
@click.option("--action", default="", help="What happened, or the start of it: `run` finds `run.started`.")
@click.option("--sync", type=SYNC, default="", help="To which sync.")
@click.option("--run", type=RUN, default="", help="In which run.")
@click.option("--outcome", default="", help="`ok`, or the code of an error.")
@click.option("--text", default="", help="Stands somewhere in the detail.")
@click.option("--limit", type=SOME, default=100, show_default=True, help="At most so many.")
@click.pass_obj
def query(session: Session, **filters: Unpack[Filters]) -> None:
    """Entries that match, newest first. With --text, each is told as soon as it is found: a rare one can take a while."""
    with connect(session) as daemon:
        entries = _matching(daemon, QueryAuditRequest(**filters))
        if not session.for_people:
            for entry in entries:
                render.item(session, entry)
        elif not (found := list(_told(entries) if filters["text"] else entries)):
            render.show([Line(quiet("no entries"))])
        elif not filters["text"]:
            render.show([_table(found)])


@audit.command("tail")
@click.option("-f", "--follow", is_flag=True, help="Go on with every new entry until Ctrl-C.")
@click.option("-n", "backlog", type=COUNT, default=10, show_default=True, metavar="N", help="Begin with the last N entries.")
@click.option("--after", type=COUNT, metavar="SEQ", help="Begin behind this sequence instead; nothing in between is lost.")
@RECONNECT
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


@audit.command("verify")
@click.option("--noted", metavar="SEQ:HASH", callback=audit_files.noted, help="An entry as you noted it down: it has to be there still.")
@click.pass_obj
def verify(session: Session, *, noted: tuple[int, str]) -> Exit:
    """Check every hash, every link and every file; exit code 1 and where it breaks, if the log is not what was written.

    Whoever can write all files of the daemon can forge a log that is consistent in itself. So note SEQ:HASH of the last line
    elsewhere from time to time, and ask for it with --noted.
    """
    last = VerifyAuditResponse()
    with connect(session) as daemon:
        request = VerifyAuditRequest(noted_sequence=noted[0], noted_hash=noted[1])
        for last in daemon.stream(daemon.audit.VerifyAudit, request, _WHOLE_SECONDS):
            if session.for_people and sys.stderr.isatty():
                click.echo(f"\r{audit_view.progress(last)}", nl=last.done, err=True)
    if not last.done:
        raise Problem("the check did not come to its end", hint="the daemon is shutting down; ask again later")
    render.answer(session, last, lambda: audit_view.verdict(last))
    return Exit.FAILED if last.findings else Exit.DONE


@audit.command("export")
@click.option("--format", "form", type=click.Choice(["parquet", "csv", "jsonl"]), required=True, help="How to write it.")
@click.option(
    "-O", "--output-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it there, and FILE.manifest.json."
)
@SINCE
@UNTIL
@click.pass_obj
def export(session: Session, *, form: str, output_file: Path | None, since: Timestamp | None, until: Timestamp | None) -> None:
    """The log as a file that can be checked without syncd: all entries from the first of the time to its last.

    Without -O it goes to standard output, and nothing else does.
    """
    request = ExportAuditRequest(format=AuditFormat.Value(f"AUDIT_FORMAT_{form.upper()}"), since=since, until=until)
    with connect(session) as daemon:
        manifest = audit_files.received(daemon.stream(daemon.audit.ExportAudit, request, _WHOLE_SECONDS), output_file)
    if output_file:
        render.answer(session, manifest, lambda: [audit_view.manifest(manifest)])


def _matching(daemon: Daemon, request: QueryAuditRequest) -> Iterator[AuditEntry]:
    for message in daemon.stream(daemon.audit.QueryAudit, request, _SECONDS):
        yield from message.entries


def _told(entries: Iterable[AuditEntry]) -> Iterator[AuditEntry]:
    for entry in entries:
        render.log([_line(entry)])
        yield entry


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
    patience = Patience(reconnect, lost=render.lost)
    for message in tailed(lambda seconds: daemon.stream(daemon.audit.TailAudit, request, seconds), request, patience):
        yield message.entries


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
        audit_view.detail(entry),
        quiet(entry.run),
    ]


def _line(entry: AuditEntry) -> Cell:
    sequence, at, action, sync, actor, outcome, detail, run = _cells(entry)
    return tuple(
        piece
        for cell, width in ((sequence, 6), (at, 0), (action, 15), (sync, 12), (actor, 8), (outcome, 4), (detail, 0), (run, 0))
        for piece in (*pieces(cell), " " * max(width - len(plain(cell)), 0), "  ")
    )
