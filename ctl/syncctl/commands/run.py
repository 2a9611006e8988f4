"""Starting runs and following them to their end."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypedDict, Unpack

import click

from syncapi.v1.common_pb2 import Run
from syncapi.v1.control_pb2 import StartRunRequest
from syncctl import follow, report_view
from syncctl.cli import MODE, PAIR, SYNC, command
from syncctl.connection import connect
from syncctl.follow import Following
from syncctl.problems import Exit
from syncctl.session import Session


class Options(TypedDict):
    """What every command that starts a run takes."""

    parameters: tuple[tuple[str, str], ...]
    queue: bool
    request_id: str
    detach: bool
    reconnect: timedelta


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `Options`."""
    parameter = click.option("-p", "parameters", type=PAIR, multiple=True, help="A parameter of the mode; `syncctl show SYNC` tells which.")
    queue = click.option("--queue", is_flag=True, help="If the sync is running, wait for the end of that run instead of being refused.")
    request_id = click.option("--request-id", default="", metavar="ID", help="The same id starts one run only, however often it is sent.")
    detach = click.option("--detach", is_flag=True, help="Do not follow the run; print its id.")
    return parameter(queue(request_id(detach(follow.following_options(function)))))


def _start(session: Session, request: StartRunRequest, options: Options, judge: Callable[[Run], Exit] = follow.ended) -> Exit:
    request.parameters.update(dict(options["parameters"]))
    request.queue, request.request_id = options["queue"], options["request_id"]
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.StartRun, request)
        return follow.started(session, daemon, reply, Following(options["reconnect"], options["detach"], judge))


@command("run")
@click.argument("sync", type=SYNC)
@click.option(
    "--mode",
    type=MODE,
    default="",
    metavar="MODE",
    help="`full`, `incremental`, `verify`, …: `syncctl show SYNC` tells.  [default: as scheduled]",
)
@run_options
@click.pass_obj
def run(session: Session, *, sync: str, mode: str, **options: Unpack[Options]) -> Exit:
    """Ctrl-C stops following, not the run."""
    return _start(session, StartRunRequest(sync=sync, mode=mode), options)


def _shorthand(mode: str, notes: str) -> click.Command:
    @command(mode)
    @click.argument("sync", type=SYNC)
    @run_options
    @click.pass_obj
    def start(session: Session, *, sync: str, **options: Unpack[Options]) -> Exit:
        return _start(session, StartRunRequest(sync=sync, mode=mode), options)

    start.help = notes
    return start


_CTRL_C = "Ctrl-C stops following, not the run."
full = _shorthand("full", f"{_CTRL_C} With `-p replace=true` a new index is filled and then put in the place of the old one.")
incremental = _shorthand("incremental", _CTRL_C)
verify = _shorthand("verify", f"{_CTRL_C} With `-p repair=true` exactly what differs is mended.")
plan = _shorthand("plan", _CTRL_C)


@command("explain-row")
@click.argument("sync", type=SYNC)
@click.argument("key", nargs=-1, required=True)
@run_options
@click.pass_obj
def explain_row(session: Session, *, sync: str, key: tuple[str, ...], **options: Unpack[Options]) -> Exit:
    """KEY is the row's key in the source; several words make a composite key. Write `--` before a key that begins with a dash."""
    request = StartRunRequest(sync=sync, mode="explain", parameters={"key": json.dumps(key, ensure_ascii=False)})
    return _start(session, request, options)


@command("doctor")
@click.argument("sync", type=SYNC)
@run_options
@click.pass_obj
def doctor(session: Session, *, sync: str, **options: Unpack[Options]) -> Exit:
    """Changes nothing."""
    return _start(session, StartRunRequest(sync=sync, mode="doctor"), options, judge=_healthy)


def _healthy(run: Run) -> Exit:
    found = report_view.severities(json.loads(run.report_json or "{}"))
    return Exit.FAILED if "problem" in found else follow.ended(run)
