"""What `top` knows, and what keys and messages make of it: pure functions of values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from syncapi.v1.common_pb2 import Phase, Run, Sync
from syncapi.v1.control_pb2 import GetDaemonResponse, WatchSyncsResponse
from syncctl.view import Cell, Span

_PAGE = 10


class Page(Enum):
    SYNCS = "syncs"
    PROBLEM = "problem"
    HELP = "help"


class Verb(Enum):
    PAUSE = "pause"
    RESUME = "resume"
    START = "start"
    CANCEL = "cancel"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Action:
    """What a key asks for: of which sync or run, and in which mode; no mode is the one of the schedule."""

    verb: Verb
    name: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Top:
    """The newest state of every sync, and where the person looks."""

    syncs: Mapping[str, Sync] = field(default_factory=dict)
    daemon: GetDaemonResponse = field(default_factory=GetDaemonResponse)
    known: bool = False
    """The daemon has told which syncs there are."""
    chosen: str = ""
    page: Page = Page.SYNCS
    scroll: int = 0
    asking: Action | None = None
    """Waits for yes or no."""
    said: Cell = ""
    """The answer to the last key."""
    lost: str = ""
    """Why there is no connection; empty if there is one."""

    @property
    def names(self) -> list[str]:
        return sorted(self.syncs)

    @property
    def sync(self) -> Sync:
        """The one that keys act upon; an empty one if there is none."""
        return self.syncs.get(self.chosen) or Sync()


def heard(top: Top, message: WatchSyncsResponse) -> Top:
    """Take in a message of the daemon."""
    kept = {} if message.snapshot else {name: sync for name, sync in top.syncs.items() if name not in message.removed}
    syncs = kept | {sync.name: sync for sync in message.syncs}
    after = sorted(name for name in syncs if name >= top.chosen) or sorted(syncs)[-1:]
    return replace(top, known=True, syncs=syncs, chosen=top.chosen if top.chosen in syncs else "".join(after[:1]))


def told(top: Top, text: Cell) -> Top:
    return replace(top, said=text)


def pressed(top: Top, key: str) -> tuple[Top, Action | None]:
    """What a key does: to the view, and to the daemon."""
    if top.asking:
        return replace(top, asking=None, said=""), top.asking if key in {"y", "Y"} else None
    top = replace(top, said="")
    if key == "q" and top.page is Page.SYNCS:
        return top, Action(Verb.LEAVE)
    if top.page is not Page.SYNCS:
        return _read(top, key), None
    if key in _VIEWS:
        return replace(top, page=_VIEWS[key], scroll=0), None
    if key in _MOVES:
        return _moved(top, _MOVES[key]), None
    return _asked(top, key)


_VIEWS = {"e": Page.PROBLEM, "enter": Page.PROBLEM, "?": Page.HELP, "h": Page.HELP}
_FAR = 1_000_000
_MOVES = {"up": -1, "down": 1, "page up": -_PAGE, "page down": _PAGE, "first": -_FAR, "last": _FAR}


def _read(top: Top, key: str) -> Top:
    """On a page of text arrows scroll, everything else goes back."""
    if key in _MOVES:
        return replace(top, scroll=min(max(top.scroll + _MOVES[key], 0), _FAR))
    return replace(top, page=Page.SYNCS, scroll=0)


def _moved(top: Top, by: int) -> Top:
    names = top.names
    if not names:
        return top
    return replace(top, chosen=names[min(max(names.index(top.chosen) + by, 0), len(names) - 1)])


def _asked(top: Top, key: str) -> tuple[Top, Action | None]:
    sync = top.sync
    if key not in {"p", "r", "f", "c"}:
        return top, None
    if not sync.name:
        return told(top, Span("there is no sync", "warn")), None
    if key == "p":
        stopped = sync.phase in {Phase.PHASE_PAUSED, Phase.PHASE_HALTED}
        return top, Action(Verb.RESUME if stopped else Verb.PAUSE, sync.name)
    if key == "r":
        return top, Action(Verb.START, sync.name)
    if key == "f":
        question = f"bring over everything of {sync.name}? y/n"
        return replace(top, asking=Action(Verb.START, sync.name, "full"), said=Span(question, "warn")), None
    return _cancelled(top, sync.run)


def _cancelled(top: Top, run: Run) -> tuple[Top, Action | None]:
    if not run.id:
        return told(top, Span(f"{top.chosen} has no run under way", "warn")), None
    return top, Action(Verb.CANCEL, run.id)
