"""What the syncs do."""

from datetime import UTC, datetime, timedelta

import click

from syncapi.v1.control_pb2 import GetSyncRequest, ListRunsRequest, ListSyncsRequest, ListSyncsResponse
from syncctl import render, sync_view, watch
from syncctl.cli import DURATION, SYNC, command
from syncctl.connection import connect, gathered
from syncctl.session import Session


@command("status")
@click.argument("syncs", metavar="[SYNC]...", nargs=-1, type=SYNC)
@click.option("-w", "--watch", "live", is_flag=True, help="Keep the view live until Ctrl-C; one line a change if this is no terminal.")
@click.option("--reconnect", type=DURATION, default="30s", show_default=True, help="With -w, how long to wait for a daemon that went away.")
@click.pass_obj
def status(session: Session, *, syncs: tuple[str, ...], live: bool, reconnect: timedelta) -> None:
    """ROWS is how far a run under way is, or what the last run changed: +stored -deleted.

    COMPLETE TO is the watermark up to which the target holds everything. DEAD counts the rows that the target refused.
    """
    with connect(session) as daemon:
        if live:
            watch.watch(session, daemon, syncs, reconnect)
            return
        reply = gathered(lambda token: daemon.ask(daemon.control.ListSyncs, ListSyncsRequest(page_size=1000, page_token=token)))
    chosen = watch.selected(reply.syncs, syncs)
    render.answer(session, ListSyncsResponse(syncs=chosen), lambda: sync_view.overview(chosen, datetime.now(UTC)))


@command("show")
@click.argument("sync", type=SYNC)
@click.pass_obj
def show(session: Session, *, sync: str) -> None:
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.GetSync, GetSyncRequest(sync=sync))
        runs = daemon.ask(daemon.control.ListRuns, ListRunsRequest(sync=sync, page_size=5)).runs if session.for_people else []
    render.answer(session, reply, lambda: sync_view.in_full(reply, runs, datetime.now(UTC)))
