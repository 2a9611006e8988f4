"""Names that the shell completes: asked of the daemon; none if it does not answer at once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from syncapi.v1.common_pb2 import Run, RunState
from syncapi.v1.control_pb2 import GetSyncRequest, ListRunsRequest, ListSyncsRequest
from syncctl import deadline, run_view, stamps
from syncctl.connection import Daemon, connect, gathered
from syncctl.problems import Problem
from syncctl.session import Session

Named = list[tuple[str, str]]
"""Each with what it is."""

_PATIENCE = timedelta(milliseconds=300)
"""Who presses TAB does not want to wait."""
_UNDER_WAY = (RunState.RUN_STATE_QUEUED, RunState.RUN_STATE_RUNNING)
_NEWEST = 20


def syncs(session: Session) -> Named:
    return _asked(session, _syncs)


def runs(session: Session) -> Named:
    """The newest ones."""
    return _asked(session, lambda daemon: _runs(daemon, ()))


def runs_under_way(session: Session) -> Named:
    return _asked(session, lambda daemon: _runs(daemon, _UNDER_WAY))


def modes(session: Session, sync: str) -> Named:
    """The ways to run a sync."""
    return _asked(session, lambda daemon: _modes(daemon, sync))


def _asked(session: Session, question: Callable[[Daemon], Named]) -> Named:
    try:
        with deadline.ended():
            deadline.start(_PATIENCE)
            with connect(session) as daemon:
                return question(daemon)
    except Problem:
        return []


def _syncs(daemon: Daemon) -> Named:
    reply = gathered(lambda token: daemon.ask(daemon.control.ListSyncs, ListSyncsRequest(page_size=1000, page_token=token)))
    return [(sync.name, sync.engine) for sync in reply.syncs]


def _runs(daemon: Daemon, states: Sequence[RunState.ValueType]) -> Named:
    now = datetime.now(UTC)
    reply = gathered(
        lambda token: daemon.ask(daemon.control.ListRuns, ListRunsRequest(states=states, page_size=_NEWEST, page_token=token)),
        lambda found: len(found.runs) >= _NEWEST,
    )
    return [(run.id, _what(run, now)) for run in reply.runs]


def _what(run: Run, now: datetime) -> str:
    return f"{run.sync} {run.mode}, {run_view.outcome(run).text}, {stamps.ago(run.queued_at, now)}"


def _modes(daemon: Daemon, sync: str) -> Named:
    reply = daemon.ask(daemon.control.GetSync, GetSyncRequest(sync=sync))
    return [(mode.name, mode.summary) for mode in reply.modes]
