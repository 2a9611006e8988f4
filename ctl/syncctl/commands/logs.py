"""The daemon's log."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TypedDict, Unpack

import click
from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.logs_pb2 import LogFilter, LogRecord, SearchLogsRequest, TailLogsRequest
from syncctl import log_view, render
from syncctl.cli import COUNT, RUN, SYNC, command
from syncctl.connection import Daemon, connect
from syncctl.options import RECONNECT, SINCE, UNTIL
from syncctl.session import Session
from syncctl.streams import Patience, tailed

_SECONDS = 120.0


class Filters(TypedDict):
    """What the records can be selected by."""

    since: Timestamp | None
    until: Timestamp | None
    level: str | None
    sync: str
    run: str
    event: str
    grep: str


@command("logs")
@click.option("-f", "--follow", is_flag=True, help="Go on with every new record until Ctrl-C.")
@click.option("-n", "count", type=COUNT, metavar="N", help="The newest N at most.  [default: 100; with -f: 10]")
@SINCE
@UNTIL
@click.option("--level", type=click.Choice(log_view.LEVELS), metavar="LEVEL", help="At least debug, info, warning or error.")
@click.option("--sync", type=SYNC, default="", help="Only about this sync.")
@click.option("--run", type=RUN, default="", help="Only about this run.")
@click.option("--event", default="", metavar="TEXT", help="Stands in the phrase that says what happened.")
@click.option("--grep", default="", metavar="TEXT", help="Stands anywhere in the record, upper and lower case alike.")
@RECONNECT
@click.pass_obj
def logs(session: Session, *, follow: bool, count: int | None, reconnect: timedelta, **filters: Unpack[Filters]) -> None:
    """The newest records, oldest first, as far as they are kept (`daemon.logs.keep_mib`).

    With -f nothing is lost or doubled while the daemon restarts. With `-o json` a record is a line.
    """
    wanted = _filter(filters)
    if follow and wanted.HasField("until"):
        raise click.UsageError("--until does not go with -f", click.get_current_context())
    with connect(session) as daemon:
        if follow:
            request = TailLogsRequest(filter=wanted, backlog=10 if count is None else count)
            for records in _new(daemon, request, reconnect):
                _show(session, records)
        elif count != 0:
            _show(session, _now(daemon, SearchLogsRequest(filter=wanted, limit=100 if count is None else count)))


def _filter(filters: Filters) -> LogFilter:
    return LogFilter(
        since=filters["since"],
        until=filters["until"],
        least_level=log_view.level(filters["level"]),
        sync=filters["sync"],
        run=filters["run"],
        event=filters["event"],
        text=filters["grep"],
    )


def _now(daemon: Daemon, request: SearchLogsRequest) -> Sequence[LogRecord]:
    found = [record for message in daemon.stream(daemon.audit.SearchLogs, request, _SECONDS) for record in message.records]
    return found[::-1]


def _new(daemon: Daemon, request: TailLogsRequest, reconnect: timedelta) -> Iterator[Sequence[LogRecord]]:
    patience = Patience(reconnect, lost=render.lost)
    for message in tailed(lambda seconds: daemon.stream(daemon.audit.TailLogs, request, seconds), request, patience):
        if message.HasField("gap"):
            click.echo(log_view.gap(message.gap), err=True)
        yield message.records


def _show(session: Session, records: Sequence[LogRecord]) -> None:
    if session.for_people:
        render.log(map(log_view.line, records))
    else:
        for record in records:
            render.item(session, record)
