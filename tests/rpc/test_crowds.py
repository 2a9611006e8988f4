"""Many who come at the same moment, as all watchers do after a restart."""

import socket
from contextlib import ExitStack
from pathlib import Path

from syncapi.v1 import control_pb2
from tests.rpc.test_control_plane import wired
from tests.runtime.world import Play, sync

CROWD = 500


async def test_a_crowd_that_comes_before_one_of_it_is_let_in_is_not_turned_away(tmp_path: Path) -> None:
    async with wired(tmp_path, Play(), sync("a")) as wire:
        with ExitStack() as crowd:
            for _ in range(CROWD):
                guest = crowd.enter_context(socket.socket(socket.AF_UNIX))
                guest.setblocking(False)
                guest.connect(str(wire.socket))  # raises BlockingIOError where there is no room to wait

        found = await wire.control.GetSync(control_pb2.GetSyncRequest(sync="a"))

    assert found.sync.name == "a"
