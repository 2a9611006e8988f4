"""Stopping syncs and letting them go on."""

import click

from syncapi.v1.common_pb2 import Sync
from syncapi.v1.control_pb2 import PauseSyncRequest, ResetSyncRequest, ResumeSyncRequest
from syncctl import render, sync_view
from syncctl.cli import SYNC, command, confirmed
from syncctl.connection import connect
from syncctl.problems import Exit
from syncctl.session import Session
from syncctl.view import Block, Line, Span


@command("pause")
@click.argument("sync", type=SYNC)
@click.pass_obj
def pause(session: Session, *, sync: str) -> None:
    """A run under way goes on to its end."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.PauseSync, PauseSyncRequest(sync=sync))
    render.answer(session, reply, lambda: [_now(reply.sync, f"`syncctl resume {sync}` lets it go on")])


@command("resume")
@click.argument("sync", type=SYNC)
@click.pass_obj
def resume(session: Session, *, sync: str) -> None:
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.ResumeSync, ResumeSyncRequest(sync=sync))
    render.answer(session, reply, lambda: [_now(reply.sync)])


@command("reset")
@click.argument("sync", type=SYNC)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reset(session: Session, *, sync: str, yes: bool) -> Exit:
    """The target keeps its content; it is not emptied. Refused while a run is under way."""
    if not confirmed(f"Forget where {sync} stands, its dead letters and all that is remembered of its rows?", yes=yes):
        return Exit.FAILED
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.ResetSync, ResetSyncRequest(sync=sync))
    render.answer(session, reply, lambda: [_now(reply.sync, "the next run starts from the beginning")])
    return Exit.DONE


def _now(sync: Sync, more: str = "") -> Block:
    return Line((Span(sync.name, "strong"), " is ", sync_view.phase(sync), f"; {more}" if more else ""))
