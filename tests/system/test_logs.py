"""The log of the real daemon, followed by the real client over a restart."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.waiting import until


@contextmanager
def followed(syncd: SyncdProcess) -> Iterator[list[dict[str, Any]]]:
    """What `syncctl logs -f` has printed so far."""
    heard: list[dict[str, Any]] = []
    command = [sys.executable, "-m", "syncctl", "--address", f"unix:{syncd.socket}", "logs", "-f", "-n", "1000", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        lines = process.stdout
        listener = threading.Thread(target=lambda: heard.extend(map(json.loads, lines)))
        listener.start()
        try:
            yield heard
        finally:
            process.kill()
            listener.join()


def test_a_follower_gets_every_record_once_over_a_stop_a_torn_line_and_a_start(running: Running) -> None:
    syncd = running({})

    with followed(syncd) as heard:
        until(lambda: heard, "the client hears of the start")
        assert syncd.stop() == 0
        (newest,) = (syncd.folder / "state" / "logs").iterdir()
        with newest.open("ab") as torn:
            torn.write(b'{"sequence":9,"record":{"timest')
        syncd.start()
        until(lambda: [each["event"] for each in heard].count("daemon ready") == 2, "the client hears of the second start")

    assert [int(each["sequence"]) for each in heard] == list(range(1, len(heard) + 1))
    said = [json.loads(line)["event"] for line in syncd.log.read_text().splitlines()]
    assert [each["event"] for each in heard] == said[: len(heard)]
    assert "daemon stopped" in said
