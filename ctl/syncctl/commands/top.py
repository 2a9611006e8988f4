"""All syncs on a full screen, with keys."""

import sys

import click

from syncctl.cli import SYNC, command
from syncctl.connection import connect
from syncctl.session import Session


@command("top")
@click.argument("syncs", metavar="[SYNC]...", nargs=-1, type=SYNC)
@click.pass_obj
def top(session: Session, *, syncs: tuple[str, ...]) -> None:
    """Arrows or j and k choose a sync; p pauses or resumes it, r runs it, f runs it in full, c cancels, e opens its last error.

    LAG is the age of the moment up to which the target holds everything. `?` explains the keys; q or Ctrl-C leaves, and the syncs go on.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("`top` needs a terminal; elsewhere: `syncctl status -w`", click.get_current_context())
    if not session.for_people:
        raise click.UsageError(f"`top` is for people; `syncctl status -w -o {session.output}`", click.get_current_context())
    from syncctl.top import Loop  # noqa: PLC0415 - rich comes with it

    with connect(session) as daemon:
        Loop(daemon, syncs).run()
