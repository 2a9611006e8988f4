"""Following a run to its end: a bar on a terminal, lines in a log, nothing for programs."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import click

from syncapi.v1.common_pb2 import Run, RunState
from syncapi.v1.control_pb2 import GetRunResponse, RetryDeadLettersResponse, StartRunResponse, WatchRunRequest
from syncctl import render, run_view, words
from syncctl.cli import DURATION
from syncctl.connection import Daemon
from syncctl.problems import Broken, Exit, Left, Problem
from syncctl.session import Session
from syncctl.streams import Patience, unbroken
from syncctl.terminal import ending_in_order
from syncctl.view import Line

_QUIET_SECONDS = 5.0


def ended(run: Run) -> Exit:
    """The exit code that a run deserves. Raises `Problem` with the reason if it failed."""
    if run.HasField("failure"):
        raise Problem(run.failure.message, hint=run.failure.hint, debug=run.failure.code)
    return Exit.DONE if run.state == RunState.RUN_STATE_DONE and not run.drifted else Exit.FAILED


@dataclass(frozen=True, slots=True)
class Following:
    """What the options say about following a run."""

    reconnect: timedelta
    detach: bool = False
    judge: Callable[[Run], Exit] = ended
    """The exit code that the run deserves, once it has ended."""


def following_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option of every command that follows a run."""
    reconnect = click.option(
        "--reconnect",
        type=DURATION,
        default="30s",
        show_default=True,
        help="How long to wait for a daemon that went away.",
    )
    return reconnect(function)


class Display(Protocol):
    """Where progress is shown."""

    def show(self, run: Run) -> None: ...

    def lost(self, why: str) -> None:
        """The daemon is gone for this reason; empty when it is back."""


def follow(session: Session, daemon: Daemon, run: Run, following: Following) -> Run:
    """Show a run until it has ended, then sum it up. The answer is the run as it ended."""
    try:
        with _display(session) as display:
            last = _watch(daemon, run, Patience(following.reconnect, met=True, lost=display.lost), display)
    except KeyboardInterrupt as interrupt:
        message = f"following run {run.id}, which goes on"
        raise Left(message, hint=_how_to_go_on(run), code=Exit.INTERRUPTED) from interrupt
    except Broken as broken:
        raise Broken(f"{broken} while run {run.id} was under way", hint=_how_to_go_on(run), debug=broken.debug) from broken
    except Problem as problem:
        if problem.code is not Exit.TIMED_OUT:
            raise
        raise Problem(f"run {run.id} is {problem}; it goes on", hint=_how_to_go_on(run), code=Exit.TIMED_OUT) from problem
    render.answer(session, GetRunResponse(run=last), lambda: run_view.summary(last, datetime.now(UTC)))
    return last


def started(session: Session, daemon: Daemon, reply: StartRunResponse | RetryDeadLettersResponse, following: Following) -> Exit:
    """What a command does with the run that it started: print its id, or follow it to its end."""
    if following.detach:
        render.answer(session, reply, lambda: [Line(reply.run.id)])
        return Exit.DONE
    return following.judge(follow(session, daemon, reply.run, following))


def _how_to_go_on(run: Run) -> str:
    return f"follow it: `syncctl follow {run.id}`; end it: `syncctl cancel {run.id}`"


def _watch(daemon: Daemon, run: Run, patience: Patience, display: Display) -> Run:
    request = WatchRunRequest(run=run.id)
    display.show(run)
    for message in unbroken(lambda seconds: daemon.stream(daemon.control.WatchRun, request, seconds), patience):
        if message.HasField("run"):
            display.show(message.run)
            if message.run.state in run_view.ENDED:
                return message.run
    raise AssertionError("a stream that is opened anew has no end")


@contextmanager
def _display(session: Session) -> Iterator[Display]:
    if sys.stderr.isatty():
        from syncctl.bar import Bar  # noqa: PLC0415 - rich comes with it

        with ending_in_order(), Bar() as bar:
            yield bar
    elif session.for_people:
        yield Lines()
    else:
        yield Silence()


class Silence:
    def show(self, run: Run) -> None: ...

    def lost(self, why: str) -> None: ...


class Lines:
    """A line when the run turns to something else, and every few seconds."""

    def __init__(self) -> None:
        self._doing: str | None = None
        self._said = 0.0

    def show(self, run: Run) -> None:
        doing = run_view.told(run)
        if run.state in run_view.ENDED or (doing == self._doing and time.monotonic() - self._said < _QUIET_SECONDS):
            return
        self._doing, self._said = doing, time.monotonic()
        self._say(f"{run.sync} {run.mode}: {', '.join([doing, *run_view.amounts(run), *run_view.how_far(run)])}")

    def lost(self, why: str) -> None:
        self._say(words.connection(why))

    def _say(self, text: str) -> None:
        click.echo(f"{datetime.now(UTC).astimezone():%H:%M:%S}  {words.printable(text)}", err=True)
