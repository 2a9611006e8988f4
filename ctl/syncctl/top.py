"""The loop behind the full screen: one thread hears the daemon, one asks it, and the main one draws and reads keys."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue

from syncapi.v1.control_pb2 import (
    CancelRunRequest,
    GetDaemonRequest,
    PauseSyncRequest,
    ResumeSyncRequest,
    StartRunRequest,
    WatchSyncsRequest,
    WatchSyncsResponse,
)
from syncctl import frames, run_view, sync_view, top_view
from syncctl.connection import Daemon
from syncctl.problems import Problem
from syncctl.streams import Patience, unbroken
from syncctl.terminal import Terminal
from syncctl.top_state import Action, Top, Verb, heard, pressed, told
from syncctl.view import Cell, Span
from syncctl.watch import selected

_TICK = 1.0
"""Seconds after which ages move on although nothing happened."""
_PAUSE = 0.1
"""Seconds between two frames: what changes within is drawn at once."""
_FOR_EVER = timedelta.max

Change = Callable[[Top], Top]


class Loop:
    """Shows the syncs until somebody leaves; changes come from any thread, and only the main one applies them."""

    def __init__(self, daemon: Daemon, names: Sequence[str]) -> None:
        self._daemon = daemon
        self._request = WatchSyncsRequest(syncs=names)
        self._changes: SimpleQueue[Change | Problem] = SimpleQueue()
        self._actions: SimpleQueue[Action] = SimpleQueue()
        self._wake: Callable[[], None] = lambda: None
        self._top = Top(daemon=daemon.ask(daemon.control.GetDaemon, GetDaemonRequest()))

    def run(self) -> None:
        """Raises `Problem` when the daemon lets us watch no more; a daemon that is away is waited for."""
        with Terminal() as terminal:
            self._wake = terminal.wake
            for work in (self._listen, self._act):
                threading.Thread(target=work, name=work.__name__, daemon=True).start()
            while self._turn(terminal):
                pass

    def _turn(self, terminal: Terminal) -> bool:
        """Draw, wait, and take in what came; false when somebody wants to leave."""
        size = os.get_terminal_size(sys.stdout.fileno())
        frame = top_view.frame(self._top, datetime.now(UTC), self._daemon.target, size.lines)
        terminal.draw(frames.lines(frame, size.columns, size.lines))
        keys = terminal.pressed(_TICK)
        if keys == []:
            keys = terminal.pressed(_PAUSE)
        self._take_in()
        return keys is not None and all(map(self._press, keys))

    def _press(self, key: str) -> bool:
        self._top, action = pressed(self._top, key)
        if action and action.verb is not Verb.LEAVE:
            self._top = told(self._top, "…")
            self._actions.put(action)
        return not action or action.verb is not Verb.LEAVE

    def _take_in(self) -> None:
        with suppress(Empty):
            while True:
                change = self._changes.get_nowait()
                if isinstance(change, Problem):
                    raise change
                self._top = change(self._top)

    def _post(self, change: Change | Problem) -> None:
        self._changes.put(change)
        with suppress(OSError):  # the screen is gone, and nobody looks
            self._wake()

    def _listen(self) -> None:
        patience = Patience(_FOR_EVER, met=True, lost=self._lost)
        try:
            for position, message in enumerate(unbroken(self._opened, patience)):
                if position == 0:
                    selected(message.syncs, self._request.syncs)
                self._post(partial(_heard, message))
        except Problem as problem:
            self._post(problem)
        except ValueError:
            return  # the channel was closed: we are leaving

    def _opened(self, seconds: float) -> Iterator[WatchSyncsResponse]:
        return self._daemon.stream(self._daemon.control.WatchSyncs, self._request, seconds)

    def _lost(self, why: str) -> None:
        self._post(lambda top: replace(top, lost=why))
        if not why:
            with suppress(Problem):
                daemon = self._daemon.ask(self._daemon.control.GetDaemon, GetDaemonRequest())
                self._post(lambda top: replace(top, daemon=daemon))

    def _act(self) -> None:
        while True:
            action = self._actions.get()
            try:
                answer = _done(self._daemon, action)
            except Problem as problem:
                answer = (Span(" ".join(str(problem).split()), "bad"), f"   → {problem.hint}" if problem.hint else "")
            except ValueError:
                return  # the channel was closed: we are leaving
            self._post(partial(_told, answer))


def _heard(message: WatchSyncsResponse, top: Top) -> Top:
    return heard(top, message)


def _told(answer: Cell, top: Top) -> Top:
    return told(top, answer)


def _done(daemon: Daemon, action: Action) -> Cell:
    """Ask the daemon; what it answered, on one line."""
    control = daemon.control
    match action.verb:
        case Verb.PAUSE:
            sync = daemon.ask(control.PauseSync, PauseSyncRequest(sync=action.name)).sync
            return (f"{sync.name} is ", sync_view.phase(sync))
        case Verb.RESUME:
            sync = daemon.ask(control.ResumeSync, ResumeSyncRequest(sync=action.name)).sync
            return (f"{sync.name} is ", sync_view.phase(sync))
        case Verb.CANCEL:
            run = daemon.ask(control.CancelRun, CancelRunRequest(run=action.name)).run
            over = "has ended" if run.state in run_view.ENDED else "ends after its current batch"
            return f"run {run.id} of {run.sync} {over}"
        case _:
            run = daemon.ask(control.StartRun, StartRunRequest(sync=action.name, mode=action.mode)).run
            return f"{run.sync} {run.mode}: run {run.id}"
