"""Many readers of a daemon, in processes of their own, and what they said at their end."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO

from tests.bench.daemon import Daemon


@dataclass
class Readers:
    """Readers under way; what they said is known when they have ended."""

    opened: int = 0
    messages: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """The statuses of streams; those that had not ended are `open`."""
    lags: Counter[int] = field(default_factory=Counter)
    """Milliseconds between a change and its arrival, and how often they were seen."""
    told: dict[int, float] = field(default_factory=dict)
    """Revisions whose arrival matters, and when they were told to who changed."""
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def freeze(self) -> None:
        """Stop the processes: nothing in them moves, their connections stay."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the processes go on."""
        self._signal(signal.SIGCONT)

    @property
    def how_they_ended(self) -> str:
        return ", ".join(f"{times} {status}" for status, times in sorted(self.ends.items()))

    def lag(self, percent: int) -> int:
        """A quantile of the milliseconds."""
        ordered = sorted(self.lags.elements())
        return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] if ordered else 0

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes:
            process.send_signal(number)


@contextmanager
def reading(daemon: Daemon, count: int, how: str = "read", *, processes: int = 4, run: str = "") -> Iterator[Readers]:
    """Open streams, read them while the block runs as `tests.bench.watchers` says, and hear what came."""
    readers = Readers()
    with ExitStack() as stack:
        for number in range(processes):
            share = count // processes + (number < count % processes)
            command = [sys.executable, "-m", "tests.bench.watchers", f"unix:{daemon.folder / 'syncd.sock'}", str(share), how, run]
            quiet = {**os.environ, "GRPC_VERBOSITY": "NONE"}  # a line for each connection that a frozen process lost
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet)
            readers.processes.append(stack.enter_context(process))
        stack.callback(readers.thaw)  # who leaves the block early waits for processes that could not end
        readers.opened = sum(int(_pipe(process.stdout).readline()) for process in readers.processes)
        yield readers
        for process in readers.processes:
            _pipe(process.stdin).write(json.dumps(readers.told) + "\n")
            _pipe(process.stdin).flush()
        for process in readers.processes:
            said = json.loads(_pipe(process.stdout).readline())
            readers.messages += said["messages"]
            readers.ends.update(said["ends"])
            readers.lags.update({int(lag): times for lag, times in said["lags"].items()})


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("a reader has no pipes")
    return pipe
