"""Programs that watch for ever, our own client and those of others, and what they hear."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.servers.node_packages import installed
from tests.system.conformance import SYNCS
from tests.system.foreign.curl import Curl
from tests.system.foreign.ours import watching
from tests.system.foreign.programs import API, PROTO, values
from tests.system.harness import SyncdProcess
from tests.system.waiting import until

Message = dict[str, Any]
_SECONDS = 50.0


class Reader:
    """What a program prints while it watches: of each message whether it is complete, a farewell, or neither."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.heard: list[str] = []
        self._process = process
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for message in values(self._process.stdout):
            self.heard += _kinds(message)


def _kinds(message: Message) -> Iterator[str]:
    if message.get("snapshot"):
        names = sorted(sync if isinstance(sync, str) else sync["name"] for sync in message["syncs"])
        yield "all" if names == SYNCS else f"only {names}"
    if message.get("goingAway") or message.get("going_away"):
        yield "farewell"


@contextmanager
def reading(command: Sequence[str], folder: Path) -> Iterator[Reader]:
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        reader = Reader(process)
        try:
            yield reader
        finally:
            reader.close()


def commands(syncd: SyncdProcess) -> dict[str, tuple[Sequence[str], Path]]:
    """Everybody who watches. `buf curl` calls once, so a shell calls it again."""
    address, here, node = f"unix:{syncd.socket}", syncd.folder, installed(API / "node")
    curl = Curl(syncd.socket).command("Control/WatchSyncs", {})
    return {
        "syncctl": (watching(syncd), here),
        "Python": ([sys.executable, str(API / "python_watch.py"), address], here),
        "Node, from the .proto files": (["node", "watch.js", address, str(PROTO)], node),
        "Node, by reflection": (["node", "watch.js", address], node),
        "buf curl": (["sh", "-c", 'while :; do "$@"; sleep 0.2; done', "again", *curl], here),
    }


def all_hear(readers: Mapping[str, Reader], *heard: str) -> None:
    """Wait until this, and no more, is what everybody has heard."""
    with suppress(AssertionError):
        until(lambda: all(reader.heard == list(heard) for reader in readers.values()), "", _SECONDS)
    assert {name: reader.heard for name, reader in readers.items()} == {name: list(heard) for name in readers}
