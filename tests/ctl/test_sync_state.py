"""The state of a sync in one cell."""

import pytest

from syncapi.v1.common_pb2 import Phase, Run, Sync
from syncctl import sync_view
from syncctl.view import plain


@pytest.mark.parametrize(
    ("sync", "shown"),
    [
        pytest.param(Sync(phase=Phase.PHASE_IDLE), "idle", id="nothing happens"),
        pytest.param(Sync(phase=Phase.PHASE_RUNNING, doing="loading"), "running loading", id="a step"),
        pytest.param(
            Sync(phase=Phase.PHASE_WAITING, run=Run(doing="waiting until the ledger can be written")),
            "waiting until the ledger can be written",
            id="a step that begins with the phase",
        ),
    ],
)
def test_the_phase_is_said_once(sync: Sync, shown: str) -> None:
    assert plain(sync_view.state(sync)) == shown
