"""Where the clients of a sync disagree and no policy settles it."""

from datetime import UTC, datetime
from typing import BinaryIO, Unpack

import click

from syncapi.v1.clients_pb2 import ConflictState, GetConflictRequest, ListConflictsRequest, ResolveConflictRequest
from syncapi.v1.control_pb2 import StartRunResponse
from syncctl import conflict_view, follow, render
from syncctl.asking import Followed, followed_options
from syncctl.cli import SOME, SYNC, Family
from syncctl.clients_asking import text_of
from syncctl.connection import connect, gathered
from syncctl.problems import Exit
from syncctl.session import Session

_STATES = {
    "open": [ConflictState.CONFLICT_STATE_OPEN],
    "resolved": [ConflictState.CONFLICT_STATE_RESOLVED],
    "all": [ConflictState.CONFLICT_STATE_OPEN, ConflictState.CONFLICT_STATE_RESOLVED],
}


@click.group("conflicts", cls=Family)
def conflicts() -> None:
    """A conflict waits here until a person decides, or the clients agree by themselves. Everything else goes on meanwhile."""


@conflicts.command("list")
@click.argument("sync", type=SYNC, required=False, default="")
@click.option("--state", type=click.Choice(list(_STATES)), default="open", show_default=True, help="Only those in this state.")
@click.option("--limit", type=SOME, default=100, show_default=True, help="At most so many.")
@click.pass_obj
def list_conflicts(session: Session, *, sync: str, state: str, limit: int) -> None:
    """Conflicts of one sync or of all, oldest first."""
    with connect(session) as daemon:
        reply = gathered(
            lambda token: daemon.ask(
                daemon.clients.ListConflicts,
                ListConflictsRequest(sync=sync, states=_STATES[state], page_size=min(limit, 1000), page_token=token),
            ),
            lambda page: len(page.conflicts) >= limit,
        )
    del reply.conflicts[limit:]
    render.answer(session, reply, lambda: [conflict_view.listed(reply.conflicts, datetime.now(UTC))])


@conflicts.command("show")
@click.argument("conflict", metavar="ID")
@click.pass_obj
def show(session: Session, *, conflict: str) -> None:
    """One conflict, three ways: what each side held at the last commit, what it says now, what the unified model says."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.clients.GetConflict, GetConflictRequest(conflict=conflict))
    render.answer(session, reply, lambda: conflict_view.in_full(reply.conflict, datetime.now(UTC)))


@conflicts.command("resolve")
@click.argument("conflict", metavar="ID")
@click.option("--take", default="", metavar="SIDE", help="What this side says; `central` for the unified model.")
@click.option("--file", "file", type=click.File("rb"), metavar="F", help="The fields in question as one JSON object; - for standard input.")
@followed_options
@click.pass_obj
def resolve(session: Session, *, conflict: str, take: str, file: BinaryIO | None, **options: Unpack[Followed]) -> Exit:
    """Decide, and start the run that carries it out.

    In the file of --file, null in place of a value removes the field, and null alone removes the entry.
    """
    if bool(take) == bool(file):
        raise click.UsageError("Give --take SIDE or --file F, and only one of them.", click.get_current_context())
    request = ResolveConflictRequest(conflict=conflict)
    if file:
        request.content_json = text_of(file)
    else:
        request.take = take
    with connect(session) as daemon:
        run = daemon.ask(daemon.clients.ResolveConflict, request).run
        return follow.started(session, daemon, StartRunResponse(run=run), follow.Following(**options))
