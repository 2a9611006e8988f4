"""Names that the shell completes."""

from syncapi.v1.control_pb2 import ListSyncsRequest
from syncctl.connection import connect
from syncctl.problems import Problem
from syncctl.session import Session

_PATIENCE = 0.3
"""Seconds; who presses TAB does not want to wait."""


def sync_names(session: Session) -> list[str]:
    """The names of all syncs; none if the daemon does not answer at once."""
    try:
        with connect(session) as daemon:
            reply = daemon.ask(daemon.control.ListSyncs, ListSyncsRequest(page_size=1000), _PATIENCE)
    except Problem:
        return []
    return [sync.name for sync in reply.syncs]
