"""The connections to the outside systems."""

import click

from syncapi.v1.control_pb2 import CheckConnectionsRequest, ConnectionCheck
from syncctl import render, words
from syncctl.cli import Family
from syncctl.connection import connect
from syncctl.problems import Exit
from syncctl.session import Session
from syncctl.view import Cell, Column, Line, Span, Table, quiet

_SECONDS = 60.0


@click.group("connections", cls=Family)
def connections() -> None:
    """They are named in the settings, under `[connections.NAME]`."""


@connections.command("check")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.pass_obj
def check(session: Session, *, names: tuple[str, ...]) -> Exit:
    """Connect and tell what was found; exits 1 if one fails."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.CheckConnections, CheckConnectionsRequest(connections=names), _SECONDS)
    columns = [
        Column("CONNECTION", whole=True),
        Column("KIND", whole=True),
        Column("STATE", whole=True),
        Column("TOOK", right=True),
        Column("FOUND"),
    ]
    rows = [_row(check) for check in reply.checks]
    render.answer(session, reply, lambda: [Table(columns, rows) if rows else Line(quiet("no connections: the settings name none"))])
    return Exit.DONE if all(check.ok for check in reply.checks) else Exit.FAILED


def _row(check: ConnectionCheck) -> list[Cell]:
    return [
        Span(check.name, "strong"),
        check.kind,
        Span("ok", "good") if check.ok else Span("failed", "bad"),
        words.duration(check.latency.ToTimedelta().total_seconds()) if check.HasField("latency") else "",
        check.message if check.ok else _failure(check),
    ]


def _failure(check: ConnectionCheck) -> Cell:
    hint = f"\n→ {check.failure.hint}" if check.failure.hint else ""
    return (check.failure.message or check.message, quiet(f"  {check.failure.code}"), hint)
