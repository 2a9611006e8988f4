"""Runs that there are."""

from datetime import UTC, datetime, timedelta

import click
from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.common_pb2 import RunState
from syncapi.v1.control_pb2 import CancelRunRequest, GetRunRequest, ListRunsRequest
from syncctl import follow, render, run_view, stamps
from syncctl.cli import MOMENT, RUN, RUN_UNDER_WAY, SOME, SYNC, command
from syncctl.connection import connect, gathered
from syncctl.problems import Exit
from syncctl.session import Session
from syncctl.view import Line, Span

_STATES = [name.removeprefix("RUN_STATE_").lower() for name, number in RunState.items() if number]


@command("runs")
@click.argument("sync", type=SYNC, required=False, default="")
@click.option("--state", "states", type=click.Choice(_STATES), multiple=True, help="Only runs in this state; may be given several times.")
@click.option("--since", type=MOMENT, callback=stamps.stamped, help="Only runs since then: 30s, 5m, 1h, 2d ago, or an ISO time.")
@click.option("--limit", type=SOME, default=20, show_default=True, help="At most so many.")
@click.pass_obj
def runs(session: Session, *, sync: str, states: tuple[str, ...], since: Timestamp | None, limit: int) -> None:
    chosen = [RunState.Value(f"RUN_STATE_{state.upper()}") for state in states]

    def page(token: str) -> ListRunsRequest:
        return ListRunsRequest(sync=sync, states=chosen, since=since, page_size=min(limit, 1000), page_token=token)

    with connect(session) as daemon:
        reply = gathered(lambda token: daemon.ask(daemon.control.ListRuns, page(token)), lambda found: len(found.runs) >= limit)
    del reply.runs[limit:]
    render.answer(session, reply, lambda: [run_view.table(reply.runs, datetime.now(UTC))])


@command("run-show")
@click.argument("run", type=RUN)
@click.pass_obj
def run_show(session: Session, *, run: str) -> None:
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.GetRun, GetRunRequest(run=run))
    render.answer(session, reply, lambda: run_view.in_full(reply.run, datetime.now(UTC)))


@command("follow")
@click.argument("run", type=RUN)
@follow.following_options
@click.pass_obj
def follow_run(session: Session, *, run: str, reconnect: timedelta) -> Exit:
    """Ctrl-C stops following, not the run. A run that has ended already is shown at once."""
    with connect(session) as daemon:
        found = daemon.ask(daemon.control.GetRun, GetRunRequest(run=run)).run
        return follow.ended(follow.follow(session, daemon, found, follow.Following(reconnect)))


@command("cancel")
@click.argument("run", type=RUN_UNDER_WAY)
@click.pass_obj
def cancel(session: Session, *, run: str) -> None:
    """What the run committed stays. A run that has ended already is left as it is."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.CancelRun, CancelRunRequest(run=run))
    over = reply.run.state in run_view.ENDED
    told = "is" if over else "ends after its current batch; now it is"
    render.answer(
        session, reply, lambda: [Line((Span(f"{reply.run.sync} {reply.run.mode}", "strong"), f" {told} ", run_view.outcome(reply.run)))]
    )
